"""An experiment in a file of its own."""

from pathlib import Path

import pytest

from tests.support.experiments import Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write(text, …) -> the path of an experiment with these parts."""

    def write(*parts: str) -> Path:
        path = tmp_path / "tried.toml"
        path.write_text("\n".join(parts))
        return path

    return write
