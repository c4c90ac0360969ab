"""The rules of this repository that a machine can check and import-linter cannot (see test_layers).

Each rule is a function from a file's source to violations, so that the test beside it can show that
the rule does fail where it should.
"""

import ast
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOT_OURS = {".git", ".venv", "build", "dist", "runs", "static"}
UNPICKLERS = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
MAX_FILE_LINES = 300
MAX_BODY_LINES = 60
MAX_BYTES = 8 * 2**20
MAX_ENTRIES = 13
# Folders in which adding is adding one file.
SHELVES = {
    "demetar/models", "demetar/data/sets", "demetar/data/readers", "demetar/symmetry/groups",
    "demetar/training/mirrors", "demetar/diagnosis/faults", "demetar/diagnosis/evidence", "demetar/lessons",
    "app/pages", "app/pages/lessons", "app/viewer/js",
}  # fmt: skip


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


def imports(source: str) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything a file imports, inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, f"{'.' * node.level}{node.module or ''}.{alias.name}"


def relative(source: str) -> list[str]:
    """Imports that start with a dot: import-linter and readers see full names only."""
    return [f"{line}: {name}" for line, name in imports(source) if name.startswith(".")]


def private(source: str) -> list[str]:
    """Names with a leading underscore that are taken from another file; a file's own name may have one."""
    found = []
    for line, name in imports(source):
        module, _, last = name.rpartition(".")
        is_file = (ROOT / (name.replace(".", "/") + ".py")).is_file()
        if name.startswith(("demetar.", "app.")) and last.startswith("_") and not is_file:
            found.append(f"{line}: {last} of {module}")
    return found


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
    found = [
        f"{line}: {name}" for line, name in imports(source) if name.split(".")[0] in UNPICKLERS
    ]
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


def hand_formatted(source: str) -> list[str]:
    """Lines with `# fmt: skip` that do not end a table of data: a literal without calls and loops."""
    tree, found = ast.parse(source), []
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.Assign | ast.AnnAssign)]
    computed = (
        ast.Call,
        ast.Subscript,
        ast.Lambda,
        ast.IfExp,
        ast.Compare,
        ast.comprehension,
        ast.JoinedStr,
    )
    tables = {
        node.end_lineno
        for node in statements
        if isinstance(node.value, ast.Dict | ast.List | ast.Tuple | ast.Set | ast.BinOp)
        if not any(isinstance(part, computed) for part in ast.walk(node.value))
    }
    for number, line in enumerate(source.splitlines(), 1):
        if line.endswith("# fmt: skip") and number not in tables:
            found.append(str(number))
    return found


# rule -> (check, where it holds, where it does not, source that must be caught)
Rule = tuple[Callable[[str], list[str]], tuple[str, ...], tuple[str, ...], str]
PRODUCT = ("demetar", "app", "explorer.py", "streamlit_app.py", "start.py")
RULES: dict[str, Rule] = {
    "imports have full names": (relative, PRODUCT, (), "from .. import graph\n"),
    "no private name crosses files": (
        private, PRODUCT, (), "from demetar.core.graph import _checked_species\n",
    ),
    "only app.backend.cached caches": (
        streamlit_caches, ("app", "explorer.py", "streamlit_app.py"), ("app/backend/cached.py",),
        "@st.cache_data(ttl=60)\ndef f(): ...\n",
    ),
    "no pickle is loaded": (
        unpickling, (*PRODUCT, "benchmarks", "tests", "data"), (),
        "import numpy as np\nnp.load('x.npz', allow_pickle=1 == 1)\n",
    ),
    "only tables of data are formatted by hand": (
        hand_formatted, (*PRODUCT, "benchmarks", "tests"), (), "x = f(1,\n  2)  # fmt: skip\n",
    ),
    "function bodies stay short": (
        long_bodies, PRODUCT, (), "def f():\n    '''Doc.'''\n" + "    x = 1\n" * (MAX_BODY_LINES + 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_rule_holds(name: str) -> None:
    check, where, except_in, _ = RULES[name]
    broken = [
        f"{place(path)}:{violation}"
        for path in sources(*where)
        if place(path) not in except_in
        for violation in check(path.read_text(encoding="utf-8"))
    ]
    assert not broken, f"{name}:\n" + "\n".join(broken)


@pytest.mark.parametrize("name", RULES)
def test_rule_can_fail(name: str) -> None:
    check, _, _, culprit = RULES[name]
    assert check(culprit), f"{name}: the rule lets its culprit pass"
    assert not check('"""Nothing."""\nimport json\n'), f"{name}: the rule catches what is sound"


@pytest.mark.parametrize("name", ["import pickle", "x = pd.read_pickle(p)", "torch.load(p)"])
def test_ways_to_unpickle_are_seen(name: str) -> None:
    assert unpickling(name)
    assert not unpickling("np.load(p, allow_pickle=False)")


def packages(root: Path) -> list[Path]:
    return [init.parent for top in ("demetar", "app") for init in (root / top).rglob("__init__.py")]


def crowded(root: Path) -> dict[str, int]:
    """Folders with more entries beside their `__init__` than a reader takes in at a glance."""
    folders = {
        p.parent
        for top in ("demetar", "app")
        for p in (root / top).rglob("*")
        if p.is_file() and p.suffix != ".pyc"
    }
    found = {}
    for folder in folders:
        names = {p.name for p in folder.iterdir()} - {"__init__.py", "__pycache__", "py.typed"}
        if folder.relative_to(root).as_posix() not in SHELVES and len(names) > MAX_ENTRIES:
            found[folder.relative_to(root).as_posix()] = len(names)
    return found


def unexplained(root: Path) -> list[str]:
    """Packages whose `__init__` does not open with one sentence."""
    found = []
    for package in packages(root):
        text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
        if not text or not text.splitlines()[0].endswith("."):
            found.append(package.relative_to(root).as_posix())
    return found


def test_no_room_is_crowded() -> None:
    assert not crowded(ROOT), "make a room of what belongs together"


def test_every_room_says_what_it_is() -> None:
    assert not unexplained(ROOT), "open the __init__ with one sentence"


def test_a_crowd_and_a_silent_room_are_seen(tmp_path: Path) -> None:
    room = tmp_path / "demetar" / "attic"
    room.mkdir(parents=True)
    (tmp_path / "app").mkdir()
    for i in range(MAX_ENTRIES + 1):
        (room / f"thing_{i}.py").touch()
    (room / "__init__.py").touch()
    assert crowded(tmp_path) == {"demetar/attic": MAX_ENTRIES + 1}
    assert unexplained(tmp_path) == ["demetar/attic"]


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
