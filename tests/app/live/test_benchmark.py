"""What benchmarks/live.py measures is what it was asked for: another name is refused, never replaced."""

from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks import live
from demetar.core.errors import InputError


def asked(page: str, structure: str, run: str, beside: str) -> Namespace:
    return Namespace(page=page, structure=[structure], run=run, beside=beside)


def test_what_is_there_is_measured(small_runs: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.xyz"
    file.write_text("1\n\nH 0 0 0\n")
    for structure in ("ethanol", "qm9-092051", str(file)):
        live.checked(asked("molecule", structure, "egnn-qm9-homo", "set_transformer-qm9-homo"))
    live.checked(asked("nbody", "nbody-3-clean", "egnn-nbody", "set_transformer-nbody"))


@pytest.mark.parametrize(
    ("page", "structure", "run", "beside", "told"),
    [
        ("molecule", "ethanl", "egnn-qm9-homo", "egnn-qm9-homo", "ethanl"),
        ("nbody", "ethanol", "egnn-nbody", "egnn-nbody", "ethanol"),
        ("molecule", "ethanol", "egnn-nbody", "egnn-qm9-homo", "egnn-nbody"),
        ("molecule", "ethanol", "egnn-qm9-homo", "none", "none"),
    ],
)
def test_any_other_name_is_refused(
    small_runs: Path, page: str, structure: str, run: str, beside: str, told: str
) -> None:
    with pytest.raises(InputError, match=f"Expected .*, got '{told}'; take one"):
        live.checked(asked(page, structure, run, beside))
