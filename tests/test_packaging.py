"""What is declared, locked and configured fits together."""

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from demetar.runs.config import PACKAGES

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def locked() -> dict[str, Requirement]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert len({r.name for r in found}) == len(found)
    return {r.name.lower().replace("_", "-"): r for r in found}


def test_lock_pins_everything_and_names_no_registry() -> None:
    assert "://" not in (ROOT / "requirements.txt").read_text()
    for requirement in locked().values():
        assert [s.operator for s in requirement.specifier] == ["=="], requirement
    assert not {"torch", "qm9pack"} & set(locked())


def test_lock_satisfies_the_project() -> None:
    lock = locked()
    for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]:
        wanted = Requirement(text)
        (pinned,) = lock[wanted.name.lower()].specifier
        assert wanted.specifier.contains(pinned.version), text


# Modules of the published programs that benchmarks compare with, from a checkout that is given, or
# from an environment made for them.
REFERENCE_PROGRAMS = {
    "models", "nets", "se3_transformer", "eqgat", "kymatio", "schnetpack", "torch_geometric",
    "torchmdnet",
}  # fmt: skip


def imported(*tops: str) -> dict[str, str]:
    """Top-level modules from elsewhere that these folders or files import, each with one place."""
    own = {"app", "benchmarks", "data", "demetar", "tests", "streamlit_app", "explorer"}
    own |= set(sys.stdlib_module_names)
    for folder in (
        "benchmarks",
        "tests",
        "tests/support",
    ):  # scripts import their neighbours by name
        own |= {f.stem for f in (ROOT / folder).glob("*.py")}
        own |= {f.parent.name for f in (ROOT / folder).glob("*/__init__.py")}
    found = {}
    for top in tops:
        path = ROOT / top
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module or ""]
                else:
                    continue
                found |= {n.split(".")[0]: f"{file.name}:{node.lineno}" for n in names}
    return {name: where for name, where in found.items() if name not in own}


def undeclared(modules: dict[str, str], texts: list[str]) -> list[str]:
    declared = {canonicalize_name(Requirement(text).name) for text in texts}
    homes = importlib.metadata.packages_distributions()
    return [
        f"{where} imports {module}"
        for module, where in modules.items()
        if not declared & {canonicalize_name(d) for d in homes.get(module, [module])}
    ]


def test_what_is_imported_is_declared() -> None:
    extras = PROJECT["optional-dependencies"]
    runtime = PROJECT["dependencies"] + extras["qm9"] + extras["cue"]
    assert not undeclared(imported("demetar", "app", "explorer.py", "streamlit_app.py"), runtime)
    everything = runtime + extras["dev"] + extras["bench"]
    elsewhere = imported("tests", "benchmarks")
    found = undeclared(
        {n: at for n, at in elsewhere.items() if n not in REFERENCE_PROGRAMS}, everything
    )
    assert not found
    assert undeclared({"jax": "here"}, ["numpy"]) == ["here imports jax"]


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_explorer_is_private_and_legible() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["enableStaticServing"] is True
    assert config["client"]["showErrorDetails"] == "none"
    for look in (config["theme"]["light"], config["theme"]["dark"]):
        sides = [look, look["sidebar"]]
        for ground in [
            s[k] for s in sides for k in ("backgroundColor", "secondaryBackgroundColor")
        ]:
            assert contrast(look["textColor"], ground) >= 7
            assert contrast(look["linkColor"], ground) >= 4.5
        assert contrast(look["primaryColor"], look["backgroundColor"]) >= 3


def test_versions_that_a_run_writes_down_are_of_packages_that_every_copy_has() -> None:
    declared = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    assert set(PACKAGES) <= declared


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pip install .` would install, built from a copy that holds no earlier build."""
    source, made = (tmp_path_factory.mktemp(name) for name in ("source", "wheel"))
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("app", "data/samples", "demetar", "trained"):
        skipped = shutil.ignore_patterns("__pycache__", "shipped")
        shutil.copytree(ROOT / name, source / name, ignore=skipped)
    build = "import setuptools.build_meta as b, sys; b.build_wheel(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", build, str(made)], cwd=source, check=True, capture_output=True
    )
    return next(made.glob("*.whl"))


def test_wheel_holds_the_library_with_its_runs_and_samples(wheel: Path) -> None:
    assert wheel.stat().st_size < 30e6
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"demetar"}
    assert "demetar/py.typed" in names
    modules = {str(f.relative_to(ROOT)) for f in (ROOT / "demetar").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules
    for kind, top, files in (
        ("trained", ROOT / "trained", ("*/*.json", "*/*.npz", "*/CARD.md")),
        ("samples", ROOT / "data" / "samples", ("*.npz", "*.xyz", "*.json")),
    ):
        expected = {
            f"demetar/shipped/{kind}/{f.relative_to(top)}" for p in files for f in top.glob(p)
        }
        assert expected == {name for name in names if name.startswith(f"demetar/shipped/{kind}/")}


CHECK = """
assert demetar.__file__.startswith(sys.argv[1]), demetar.__file__
assert m.delta["homo_gradient"].max() < 1e-11
assert output["homo"].shape == (1, 1)
from demetar.core import disk
from demetar.data import samples
from demetar.runs import config, folder
for name in samples.names():
    samples.load(name)
assert len(samples.names("molecules")) > 200 and "egnn-nbody" in folder.names()
os.environ["DEMETAR_HOME"] = str(Path.cwd())  # one without runs
assert "egnn-nbody" in folder.names()
Path("trained").mkdir()
assert folder.names() == [], "a home's own trained/ comes first"
_, stored = config.resolve(config.Config(model="egnn"))
assert stored["commit"] == ""
from demetar.cli import main
assert main(["data", "list"]) == main(["models"]) == main(["runs"]) == 0
assert sorted(os.listdir()) == ["trained"]
"""


def test_example_of_the_readme_runs_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    installed, empty = tmp_path / "installed", tmp_path / "empty"
    empty.mkdir()
    zipfile.ZipFile(wheel).extractall(installed)
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    program = f"import os, sys\nfrom pathlib import Path\n{example}{CHECK}"
    own = ("DEMETAR_HOME", "DEMETAR_DATA", "PYTHONPATH")
    environment = {k: v for k, v in os.environ.items() if k not in own}
    environment |= {"PYTHONPATH": str(installed), "JAX_PLATFORMS": "cpu"}
    ended = subprocess.run(
        [sys.executable, "-c", program, str(installed)],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
