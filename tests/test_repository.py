"""The rules of this repository that a machine can check, read from syntax trees and from git.

Each rule is a function from source text to violations, so that the test beside it can show that
the rule does fail where it should.
"""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOT_OURS = {".git", ".venv", "build", "dist", "runs", "static"}
UI = {"streamlit", "plotly", "py3Dmol"}
ERRORS = {"demetar.core.errors"}  # the sentence for the user crosses every boundary
ROOMS = {f"app.{room}" for room in ("service", "figures", "viewer", "widgets", "pages")}
PAGE_MAY = {"streamlit"} | ROOMS | ERRORS
FIGURES_MAY = {"numpy", "plotly", "app.figures"}
COMPUTING = {"demetar", "jax", "jaxlib", "flax", "optax", "e3nn_jax"}
UNPICKLERS = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
MAX_FILE_LINES = 300
MAX_BODY_LINES = 60
MAX_BYTES = 8 * 2**20


def tracked() -> list[Path]:
    """Every file that belongs to the repository, also in a copy that is no git checkout."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [p for p in ROOT.rglob("*") if not NOT_OURS & set(p.relative_to(ROOT).parts)]
    return sorted(p for p in paths if p.is_file())


def sources(*tops: str) -> list[Path]:
    """Python files on disk below these folders (or these files), tracked or not yet."""
    found = []
    for top in tops:
        path = ROOT / top
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return found


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(source: str, package: str = "") -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything a file imports; `package` resolves relative ones.

    `from a.b import c` yields both `a.b` and `a.b.c`: c may be a module.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([base] if base else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def within(name: str, allowed: set[str]) -> bool:
    return any(name == a or name.startswith(a + ".") for a in allowed)


def forbidden_imports(source: str, package: str, forbidden: set[str]) -> list[str]:
    return [f"{line}: {name}" for line, name in imports(source, package) if within(name, forbidden)]


def imports_beyond(source: str, package: str, allowed: set[str]) -> list[str]:
    """What a file imports that is neither in the standard library nor allowed."""
    return [
        f"{line}: {name}"
        for line, name in imports(source, package)
        if name.split(".")[0] not in sys.stdlib_module_names and not within(name, allowed)
    ]


def streamlit_caches(source: str) -> list[str]:
    return [
        f"{node.lineno}: {name}"
        for node in ast.walk(ast.parse(source))
        for name in [getattr(node, "attr", None) or getattr(node, "name", None)]
        if isinstance(node, ast.Attribute | ast.alias)
        if name in {"cache_data", "cache_resource"}
    ]


def unpickling(source: str) -> list[str]:
    """Ways to load a pickle: its modules, `read_pickle`, `torch.load`, allow_pickle not False."""
    found = forbidden_imports(source, "", UNPICKLERS)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            if not (isinstance(node.value, ast.Constant) and node.value.value is False):
                found.append(f"{node.value.lineno}: allow_pickle is not the literal False")
        if isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            if node.attr in {"read_pickle", "to_pickle"} or text == "torch.load":
                found.append(f"{node.lineno}: {text}")
    return found


def long_bodies(source: str) -> list[str]:
    """Functions whose statements, docstring apart, span more than MAX_BODY_LINES lines."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            if lines > MAX_BODY_LINES:
                found.append(f"{node.lineno}: {node.name} has {lines} lines")
    return found


def page_imports(source: str, package: str) -> list[str]:
    return imports_beyond(source, package, PAGE_MAY)


def figure_imports(source: str, package: str) -> list[str]:
    return imports_beyond(source, package, FIGURES_MAY)


def library_ui(source: str, package: str) -> list[str]:
    return forbidden_imports(source, package, UI | {"app"})


def flax_imports(source: str, package: str) -> list[str]:
    return forbidden_imports(source, package, {"flax"})


def computing_imports(source: str, package: str) -> list[str]:
    return [
        f"{line}: {name}"
        for line, name in imports(source, package)
        if within(name, COMPUTING) and not within(name, ERRORS)
    ]


def job_imports(source: str, package: str) -> list[str]:
    return forbidden_imports(source, package, {"streamlit"})


def caches(source: str, package: str) -> list[str]:
    return streamlit_caches(source)


def pickles(source: str, package: str) -> list[str]:
    return unpickling(source)


def bodies(source: str, package: str) -> list[str]:
    return long_bodies(source)


# rule -> (check, where it holds, where it does not, source that must be caught)
Rule = tuple[Callable[[str, str], list[str]], tuple[str, ...], tuple[str, ...], str]
RULES: dict[str, Rule] = {
    "the library knows no user interface": (
        library_ui,
        ("demetar",),
        (),
        "def f():\n    from plotly import graph_objects\n",
    ),
    "only models and nn import flax": (
        flax_imports,
        ("demetar", "app", "streamlit_app.py"),
        ("demetar/models", "demetar/nn"),
        "from flax import linen as nn\n",
    ),
    "pages and widgets see only streamlit and app": (
        page_imports,
        ("app/pages", "app/widgets.py", "streamlit_app.py"),
        (),
        "import jax\n",
    ),
    "figures see only numpy and plotly": (
        figure_imports,
        ("app/figures",),
        (),
        "import streamlit as st\n",
    ),
    "the viewer computes nothing": (
        computing_imports,
        ("app/viewer",),
        (),
        "import demetar.graph\n",
    ),
    "jobs know no streamlit": (job_imports, ("app/jobs.py",), (), "from streamlit import write\n"),
    "only the service caches": (
        caches,
        ("app", "streamlit_app.py"),
        ("app/service.py",),
        "@st.cache_data(ttl=60)\ndef f(): ...\n",
    ),
    "no pickle is loaded": (
        pickles,
        ("demetar", "app", "benchmarks", "tests", "streamlit_app.py", "start.py"),
        (),
        "import numpy as np\nnp.load('x.npz', allow_pickle=1 == 1)\n",
    ),
    "function bodies stay short": (
        bodies,
        ("demetar", "app", "streamlit_app.py", "start.py"),
        (),
        "def f():\n    '''Doc.'''\n" + "    x = 1\n" * (MAX_BODY_LINES + 1),
    ),
}


def package_of(path: Path) -> str:
    """The dotted name of the package that a file's relative imports start from."""
    return ".".join(path.relative_to(ROOT).parent.parts)


@pytest.mark.parametrize("name", RULES)
def test_rule_holds(name: str) -> None:
    check, where, except_in, _ = RULES[name]
    broken = [
        f"{place(path)}:{violation}"
        for path in sources(*where)
        if not any(place(path) == e or place(path).startswith(e + "/") for e in except_in)
        for violation in check(path.read_text(encoding="utf-8"), package_of(path))
    ]
    assert not broken, f"{name}:\n" + "\n".join(broken)


@pytest.mark.parametrize("name", RULES)
def test_rule_can_fail(name: str) -> None:
    check, _, _, culprit = RULES[name]
    assert check(culprit, "app.pages")
    assert not check('"""Nothing."""\nimport json\n', "app.pages")


@pytest.mark.parametrize(
    ("line", "package", "full"),
    [
        ("import a.b as c", "app", "a.b"),
        ("from ..service import measure", "app.pages", "app.backend.cached.measure"),
        ("from .. import service", "app.pages", "app.backend.cached"),
        ("from . import x", "app.pages", "app.pages.x"),
    ],
)
def test_imports_are_resolved(line: str, package: str, full: str) -> None:
    assert full in {name for _, name in imports(line, package)}


@pytest.mark.parametrize("name", ["import pickle", "x = pd.read_pickle(p)", "torch.load(p)"])
def test_ways_to_unpickle_are_seen(name: str) -> None:
    assert unpickling(name)
    assert not unpickling("np.load(p, allow_pickle=False)")


def test_the_error_for_users_crosses_boundaries() -> None:
    line = "from demetar.core.errors import InputError"
    assert not computing_imports(line, "app.viewer")
    assert not page_imports(line, "app.pages")
    assert page_imports("from demetar import measure", "app.pages")


def test_only_the_service_sees_both_sides() -> None:
    both = [
        place(path)
        for path in sources("app")
        if computing_imports(path.read_text(encoding="utf-8"), package_of(path))
        and forbidden_imports(path.read_text(encoding="utf-8"), package_of(path), {"streamlit"})
    ]
    assert set(both) <= {"app/service.py"}


def test_files_stay_short() -> None:
    counts = {
        place(path): len(path.read_text(encoding="utf-8").splitlines())
        for top in ("demetar", "app")
        for path in (ROOT / top).rglob("*")
        if path.suffix in {".py", ".js", ".css"}
    }
    assert counts
    long = {path: count for path, count in counts.items() if count > MAX_FILE_LINES}
    assert not long


def test_nothing_large_is_tracked() -> None:
    sizes = {place(path): path.stat().st_size for path in tracked()}
    assert "pyproject.toml" in sizes
    large = {path: size for path, size in sizes.items() if size > MAX_BYTES}
    assert not large


def test_third_party_code_is_not_tracked() -> None:
    assert not [place(p) for p in tracked() if "3dmol" in p.name.lower() and p.suffix == ".js"]
