"""Who may import whom: the contracts of pyproject.toml hold, and each catches a culprit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
IDS = [contract["id"] for contract in CONTRACTS]
# What each contract must catch: {file: its source}; an import inside a function counts too. A contract
# has one culprit or, after a colon, several.
CULPRITS = {
    "rooms": {"demetar/core/x.py": "def f():\n    import demetar.models\n"},
    "rooms: a lesson trains": {"demetar/lessons/x.py": "def f():\n    import demetar.training\n"},
    "rooms: a training teaches": {"demetar/training/x.py": "from demetar import lessons\n"},
    "app-rooms": {"app/ui/x.py": "from app import pages\n"},
    "data-without-models": {"demetar/data/x.py": "from demetar.models import nn\n"},
    "runs-without-simulation": {"demetar/training/x.py": "import demetar.simulation\n"},
    "backend-draws-nothing": {"app/backend/x.py": "def f():\n    from app import figures\n"},
    "library-without-interface": {"demetar/cli/x.py": "def f():\n    import plotly\n"},
    "flax-in-models": {"demetar/runs/x.py": "from flax import linen\n"},
    "optax-in-training": {"demetar/experiments/x.py": "import optax\n"},
    "streamlit-on-the-screen": {"app/jobs/x.py": "from streamlit import write\n"},
    "pages-compute-nothing": {"app/pages/x.py": "import demetar.symmetry\n"},
    "no-circles": {
        "demetar/data/x.py": "from demetar.data import y\n",
        "demetar/data/y.py": "def f():\n    from demetar.data import x\n",
    },
}


def lint(folder: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    """Runs the contracts on the packages in a folder, with this project's configuration."""
    command = "from importlinter.cli import lint_imports_command as run; run()"
    chosen = [word for contract in contracts for word in ("--contract", contract)]
    return subprocess.run(
        [
            sys.executable,
            "-c",
            command,
            "--no-cache",
            "--config",
            str(ROOT / "pyproject.toml"),
            *chosen,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rooms without furniture: every package with an empty `__init__`."""
    folder = tmp_path_factory.mktemp("rooms")
    for top in ("demetar", "app"):
        for init in (ROOT / top).rglob("__init__.py"):
            copy = folder / init.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.touch()
    return folder


def test_every_room_keeps_its_contracts() -> None:
    found = lint(ROOT)
    assert found.returncode == 0, f"an import goes where it may not:\n{found.stdout}{found.stderr}"


def test_every_contract_has_a_culprit() -> None:
    caught = {name.partition(":")[0] for name in CULPRITS}
    assert caught == set(IDS), "write down what a new contract must catch in CULPRITS"


def test_empty_rooms_keep_the_contracts(rooms: Path) -> None:
    found = lint(rooms)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("culprit", CULPRITS)
def test_a_contract_catches_its_culprit(culprit: str, rooms: Path, tmp_path: Path) -> None:
    contract = culprit.partition(":")[0]
    folder = tmp_path / "rooms"
    shutil.copytree(rooms, folder)
    for file, source in CULPRITS[culprit].items():
        (folder / file).write_text(source)
    found = lint(folder, contract)
    assert found.returncode == 1, f"{contract} lets its culprit pass:\n{found.stdout}{found.stderr}"
    assert "BROKEN" in found.stdout
