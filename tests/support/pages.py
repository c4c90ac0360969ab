"""Pages without a browser: how a test waits for what they compute, and runs the test that they export."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from app.backend import cached
from demetar.core.disk import PROJECT


def settled(page: Any, seconds: float = 150.0) -> Any:
    """The page, drawn again until nothing is compiling; not while something is: drawing costs, too."""
    end = time.monotonic() + seconds
    while any("compiling" in c.value for c in page.caption) and time.monotonic() < end:
        time.sleep(0.2)
        while cached.busy() and time.monotonic() < end:
            time.sleep(0.05)
        page.run()
    return page


def holds_but_for(text: str, broken: str, folder: Path, home: Path) -> None:
    """An exported test of two runs fails for the one that does not turn, and for that alone."""
    file = folder / "test_exported.py"
    file.write_text(text)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": "", "DEMETAR_HOME": str(home), "PYTHONPATH": str(PROJECT)},
    )
    assert "1 failed, 3 passed" in result.stdout, result.stdout
    assert f"test_prediction_turns_with_its_input[{broken}]" in result.stdout
