"""What is declared, locked and configured fits together."""

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from demetar.runs.config import PACKAGES

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


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
    for text in PROJECT["dependencies"] + EXTRAS["app"] + EXTRAS["dev"]:
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
    own = {"app", "benchmarks", "data", "demetar", "tests", "explorer", "streamlit_app"}
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
    library = PROJECT["dependencies"] + EXTRAS["qm9"] + EXTRAS["cue"] + EXTRAS["audit"]
    library += ["pytest"]  # which loads the plugin itself
    assert not undeclared(imported("demetar"), library)
    explorer = PROJECT["dependencies"] + EXTRAS["app"]
    assert not undeclared(imported("app", "explorer.py", "streamlit_app.py"), explorer)
    assert undeclared(imported("app"), library), "the explorer's packages are an extra of their own"
    everything = library + EXTRAS["app"] + EXTRAS["dev"] + EXTRAS["bench"]
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
    assert wheel.stat().st_size < 40e6, "as much as trained/ may have: weights hardly get smaller"
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


def needed(texts: list[str]) -> set[str]:
    """The installed distributions that pip would bring for these requirements, theirs included."""
    found: set[tuple[str, str]] = set()
    left = [(Requirement(text), "") for text in texts]
    while left:
        requirement, extra = left.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        for wanted in ("", *requirement.extras):
            key = (canonicalize_name(requirement.name), wanted)
            if key not in found:
                found.add(key)
                theirs = importlib.metadata.requires(requirement.name) or []
                left += [(Requirement(text), wanted) for text in theirs]
    return {name for name, _ in found}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment in which pip installed the wheel; gives its folder.

    What the wheel needs, and nothing else, is lent by the environment of the tests, as links: the
    explorer's packages, or one that nobody declared, are not there.
    """
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    lent = folder / "lent"
    lent.mkdir()
    for name in needed(PROJECT["dependencies"]):
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            if not (lent / top).exists():
                (lent / top).symlink_to(str(distribution.locate_file(top)))
    (site / "lent.pth").write_text(f"{lent}\n")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "venv"), "--no-cache-dir"]
    pip += ["--disable-pip-version-check", "--no-input"]
    for command in (["install", "--quiet", "--no-index", str(wheel)], ["check"]):
        ended = subprocess.run([*pip, *command], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return folder / "venv"


def run_installed(installed: Path, folder: Path, *command: str, **more: str) -> Any:
    """How the command ended that was started in a folder, in an environment as a user's is."""
    ours = ("DEMETAR_", "PYTHONPATH", "XLA_FLAGS", "JAX_", "OPENBLAS_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    cache = os.environ.get("DEMETAR_CACHE")
    environment |= {} if cache is None else {"DEMETAR_CACHE": cache}
    environment |= {"JAX_PLATFORMS": "cpu", **more}
    program = [str(installed / "bin" / command[0]), *command[1:]]
    return subprocess.run(
        program, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


CHECK = """
assert demetar.__file__.startswith(sys.argv[1]), demetar.__file__
assert (Path(demetar.__file__).parent / "py.typed").is_file()
assert importlib.util.find_spec("app") is None, "no module of this name belongs to the library"
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


def test_example_of_the_readme_runs_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    program = f"import importlib.util, os, sys\nfrom pathlib import Path\n{example}{CHECK}"
    ended = run_installed(installed, tmp_path, "python", "-c", program, str(installed))
    assert ended.returncode == 0, ended.stderr[-3000:]


def test_the_installed_command_measures_and_names_the_extra_of_the_explorer(
    installed: Path, tmp_path: Path
) -> None:
    scene = str(tmp_path / "scene.npz")
    np.savez(scene, positions=np.eye(3), velocities=np.eye(3)[::-1], charges=np.ones(3))
    order = ("measure", "egnn-nbody", scene, "--samples", "4", "--json")
    ended = run_installed(installed, tmp_path, "demetar", *order)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert json.loads(ended.stdout)
    ended = run_installed(installed, tmp_path, "demetar", "app", DEMETAR_HOME=str(ROOT))
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].endswith('by `pip install "demetar[app]"`.')


def test_a_package_that_nobody_declares_is_not_lent() -> None:
    assert {"jax", "jaxlib", "numpy"} <= needed(PROJECT["dependencies"])
    assert not {"streamlit", "plotly", "py3dmol", "pytest"} & needed(PROJECT["dependencies"])
    assert {"streamlit", "pandas"} <= needed(EXTRAS["app"])
