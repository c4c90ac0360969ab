"""One dialect of errors: "Expected …, got …; do …", one sentence, in every place that raises one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from demetar.cli.arguments import SENTENCES, Parser
from demetar.core import errors, registry
from demetar.core.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
RAISED = {"InputError", "BeyondBudget", "ArgumentTypeError"}
DIALECT = re.compile(r"Expected .+, got .+; .+[.?]", re.DOTALL)
# What may stand at the end in place of "; do ….": texts that are made in one place and end so.
ENDINGS = ("closest", "hint", "advice")
# Errors that carry on a whole sentence from elsewhere: the file, and how.
PASSED_ON = {
    ("app/jobs/estimate.py", "said or"),  # what the command said on standard error
    ("demetar/cli/arguments.py", "say("),  # see SENTENCES, which is tried below
    ("demetar/cli/arguments.py", "str(error)"),
    ("demetar/runs/folder.py", "wrong"),  # what `fault` says too
    ("demetar/experiments/experiment.py", "{str(error).rstrip('.')} (run "),
}


def text_of(node: ast.expr) -> str:
    """The text of a message, with {expressions} as they stand in the source."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value)
            if isinstance(part, ast.Constant)
            else "{" + ast.unparse(part.value) + "}"  # type: ignore[attr-defined]
            for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text_of(node.left) + text_of(node.right)
    return ast.unparse(node)


def spoken(text: str) -> bool:
    """Whether a message is in the dialect."""
    ended = re.sub(rf"\{{[^{{}}]*({'|'.join(ENDINGS)})[^{{}}]*\}}$", "; do so.", text)
    return bool(DIALECT.fullmatch(ended)) and ended.count("Expected ") == 1


def messages(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every InputError that a source makes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in RAISED:
            yield node.lineno, text_of(node.args[0]) if node.args else ""


def foreign(path: str, source: str) -> list[str]:
    """The messages of a source that are not in the dialect."""
    return [
        f"{path}:{line}: {text}"
        for line, text in messages(source)
        if not spoken(text)
        and not any(path == file and text.startswith(how) for file, how in PASSED_ON)
    ]


def test_every_error_is_in_the_dialect() -> None:
    paths = [p for top in ("demetar", "app") for p in sorted((ROOT / top).rglob("*.py"))]
    sources = {p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8") for p in paths}
    assert sum(len(list(messages(source))) for source in sources.values()) > 200
    found = [message for path, source in sources.items() for message in foreign(path, source)]
    assert not found, "say Expected …, got …; do ….:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "culprit",
    [
        'raise InputError(f"The split must be one of {names}, not {split!r}; choose one.")',
        'raise InputError(f"{path} is damaged; remove it.")',
        'raise InputError("Expected a number, got none")',
        'raise InputError("Expected a number; give one.")',
        'raise errors.InputError("Expected a number, got " + repr(x) + ".")',
        "raise InputError(str(error))",
        "raise InputError()",
        'raise argparse.ArgumentTypeError(f"{text} is no number")',
    ],
)
def test_another_dialect_is_caught(culprit: str) -> None:
    assert foreign("demetar/culprit.py", culprit)


def test_the_dialect_passes() -> None:
    assert not foreign("x.py", 'raise InputError(f"Expected a split, got {x!r}; choose one.")')
    assert not foreign("x.py", 'raise InputError(f"Expected a, got {x}{closest(x, known)}")')


@pytest.mark.parametrize(
    "error",
    [
        registry.unknown("a model", ["egnn", "gnn"], "egn"),
        registry.unknown("a model", ["egnn", "gnn"], "nothing like it"),
        registry.unknown("an option of the set", [], "size"),
        errors.refused("to write", OSError(28, "No space left on device"), "free some"),
        errors.damaged("x.npz", "an archive", ValueError("two\nlines.")),
    ],
)
def test_the_shared_sentences_are_in_the_dialect(error: InputError) -> None:
    assert spoken(str(error)), str(error)
    assert "\n" not in str(error)


# Arguments of a small parser -> what the sentence about them has to name.
WRONG = {
    "": "command",
    "fetch": "'fetch'; choose one of them",
    "gt": "did you mean 'get'",
    "get": "name",
    "get x --cout 3": "did you mean '--count'",
    "get x --unheard-of 3": "--help",
    "get x y": "nothing more",
    "get x --count three": "a whole number for --count, got 'three'",
    "get x --share much": "a number for --share",
    "get x --count": "a value for --count",
    "get x --json=1": "no value for --json",
    "get x --kind q": "--kind among a, b",
    "get x --pair 1": "a value for --pair",
}


def small() -> Parser:
    """A parser with an argument of each kind."""
    top = Parser(prog="tool")
    get = top.add_subparsers(dest="command", required=True).add_parser("get")
    get.add_argument("name")
    get.add_argument("--count", type=int)
    get.add_argument("--share", type=float)
    get.add_argument("--pair", nargs=2)
    get.add_argument("--kind", choices=["a", "b"])
    get.add_argument("--json", action="store_true")
    return top


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_arguments_are_told_in_the_dialect(arguments: str) -> None:
    with pytest.raises(InputError) as caught:
        small().parse_args(arguments.split())
    assert spoken(str(caught.value)), str(caught.value)
    assert WRONG[arguments] in str(caught.value)


def test_a_message_of_another_argparse_is_told_in_the_dialect() -> None:
    with pytest.raises(InputError) as caught:
        Parser(prog="tool").error("a new way\nto be wrong")
    assert spoken(str(caught.value))
    assert not any(re.fullmatch(pattern, "a new way\nto be wrong") for pattern, _ in SENTENCES)
