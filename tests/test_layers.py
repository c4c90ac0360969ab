"""Who may import whom: the contracts of pyproject.toml hold, and each catches a culprit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
IDS = [contract["id"] for contract in CONTRACTS]
# What each contract must catch: {file: its source}; an import inside a function counts too.
CULPRITS = {
    "rooms": {"demetar/core/x.py": "def f():\n    import demetar.models\n"},
    "app-rooms": {"app/pages/x.py": "from app import server\n"},
    "data-without-models": {"demetar/data/x.py": "from demetar.models import nn\n"},
    "runs-without-simulation": {"demetar/training/x.py": "import demetar.simulation\n"},
    "diagnosis-without-data": {"demetar/diagnosis/x.py": "from demetar.data import readers\n"},
    "backend-draws-nothing": {"app/backend/x.py": "def f():\n    from app import figures\n"},
    "library-without-interface": {"demetar/cli/x.py": "def f():\n    import plotly\n"},
    "flax-in-models": {"demetar/runs/x.py": "from flax import linen\n"},
    "optax-in-training": {"demetar/experiments/x.py": "import optax\n"},
    "streamlit-on-the-screen": {"app/jobs/x.py": "from streamlit import write\n"},
    "pages-compute-nothing": {"app/pages/x.py": "import demetar.symmetry\n"},
    "no-circles": {
        "demetar/models/nn/irreps/x.py": "from demetar.models.nn.irreps import y\n",
        "demetar/models/nn/irreps/y.py": "def f():\n    from demetar.models.nn.irreps import x\n",
    },
}
PACKAGES = sorted(
    ".".join(init.parent.relative_to(ROOT).parts)
    for top in ("demetar", "app")
    for init in (ROOT / top).rglob("__init__.py")
)


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
    assert set(CULPRITS) == set(IDS), "write down what a new contract must catch in CULPRITS"


def test_empty_rooms_keep_the_contracts(rooms: Path) -> None:
    found = lint(rooms)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("app/backend/x.py", "from app import live\n"),
        ("app/live/x.py", "def f():\n    from app import ui\n"),
        ("app/live/y.py", "import app.pages\n"),
    ],
)
def test_the_live_channel_stands_between_backend_and_ui(
    file: str, source: str, rooms: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "rooms"
    shutil.copytree(rooms, folder)
    (folder / file).write_text(source)
    assert lint(folder, "app-rooms").returncode == 1


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("demetar/lessons/x.py", "def f():\n    import demetar.training\n"),
        ("demetar/lessons/y.py", "from demetar import experiments\n"),
        ("demetar/training/x.py", "from demetar import lessons\n"),
        ("demetar/data/x.py", "def f():\n    import demetar.lessons\n"),
    ],
)
def test_lessons_stand_beside_training(file: str, source: str, rooms: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rooms"
    shutil.copytree(rooms, folder)
    (folder / file).write_text(source)
    assert lint(folder, "rooms").returncode == 1


@pytest.mark.parametrize("contract", IDS)
def test_a_contract_catches_its_culprit(contract: str, rooms: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rooms"
    shutil.copytree(rooms, folder)
    for file, source in CULPRITS[contract].items():
        (folder / file).write_text(source)
    found = lint(folder, contract)
    assert found.returncode == 1, f"{contract} lets its culprit pass:\n{found.stdout}{found.stderr}"
    assert "BROKEN" in found.stdout


def test_a_circle_is_caught_in_every_package(rooms: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rooms"
    shutil.copytree(rooms, folder)
    for package in PACKAGES:
        here = folder.joinpath(*package.split("."))
        (here / "x.py").write_text(f"from {package} import y\n")
        (here / "y.py").write_text(f"def f():\n    from {package} import x\n")
    found = lint(folder, "no-circles")
    assert found.returncode == 1
    passed = [p for p in PACKAGES if f"allowed in {p}." not in found.stdout]
    assert not passed, f"no-circles lets a circle in {', '.join(passed)} pass:\n{found.stdout}"


def circles(graph: grimp.ImportGraph) -> list[str]:
    """Files that import their own package while its `__init__` imports them, directly or not."""
    return [
        f"{module} imports {package}"
        for package in PACKAGES
        for module in sorted(graph.find_descendants(package))
        if graph.direct_import_exists(importer=module, imported=package)
        and graph.chain_exists(importer=package, imported=module)
    ]


def test_no_file_stands_in_a_circle_with_the_init_of_its_package() -> None:
    graph = grimp.build_graph("demetar", "app", cache_dir=None)
    found = circles(graph)
    assert not found, f"take what both need to a file of its own: {', '.join(found)}"
    inner = "demetar.models.nn.irreps"
    module = min(graph.find_children(inner))
    graph.add_import(importer=module, imported=inner)
    graph.add_import(importer=inner, imported=module)
    assert circles(graph) == [f"{module} imports {inner}"]
