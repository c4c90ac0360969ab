"""Bad values for every command: exit code 2, one sentence in the one dialect, no traceback, no folder."""

import dataclasses
import json
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

from demetar.cli import main
from demetar.cli.command import COMMANDS, PASSED_ON
from demetar.data.making.dynamics import Settings
from demetar.runs.config import Config

WATER = "3\nwater\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n"
LONG, NUL, LONE = "x" * 100_000, "a\0b", "a\udcffb"  # the last as an argument that is no UTF-8
WHOLE = ("x", "", "1.5", "-1", "9" * 30, "nan", "1e999", LONG)
NUMBER = ("x", "", "-1", "nan", "inf", "1e999", LONG)
WORD = ("nope", "é", NUL, LONE, "../x", "-", LONG)
NAME = ("../x", "a/b", ".hidden", "-x", "a\nb", "..", NUL, LONE, "x" * 300, LONG)
RUN = (
    "nope",
    "egnn-nbodyy",
    "",
    ".",
    "..",
    "/",
    "/proc",
    "/dev/null",
    "://",
    "no://where",
    NUL,
    LONE,
    LONG,
)
FILE = (
    "absent.xyz",
    "",
    ".",
    "/",
    "/proc",
    "/dev/null",
    "folder.xyz",
    "binary.xyz",
    NUL,
    LONE,
    LONG,
)
TREE = (
    "width",
    "=1",
    "nope=1",
    "width=0",
    "width=-1",
    "width=1e9",
    "width=1000000000",
    "width=nan",
    "width=x",
    "width=[1]",
    'width={"a": 1}',
    "width=true",
    "width=null",
    "layers=101",
    "species=[999]",
    "species=[]",
    "width=" + "9" * 5000,
    "width=" + "[" * 50_000,
    f"{LONG}=1",
)
OPTION = (
    "variant",
    "=1",
    "nope=1",
    "variant=",
    "variant=nope",
    "variant=publishd",
    f"variant={LONG}",
)
# A settings file's content: not JSON, not a table, unknown or wrong settings.
SETTINGS = (
    "", "{", "[]", "5", "null", '"x"', "[" * 100_000, '{"a":' * 50_000, "\x00", '{"epoch": 1}',
    '{"epochs": "ten"}', '{"epochs": true}', '{"epochs": 1.5}', '{"epochs": null}', '{"epochs": []}',
    '{"epochs": 1e400}', '{"learning_rate": NaN}', '{"learning_rate": "1"}', '{"name": 5}',
    '{"model_config": []}', '{"model_config": {"width": "8"}}', '{"data_options": {"variant": 3}}',
    '{"connect": -1}', '{"connect": true}', '{"connect": []}', '{"seed": -1}', '{"seed": 1e3}',
    '{"seed": 99999999999999999999}', '{"train_size": 0}', '{"train_size": "all"}', '{"model": null}',
    '{"model": ["egnn"]}', '{"dataset": {}}', '{"target": 1}', '{"clip": -Infinity}',
)  # fmt: skip
EXPERIMENTS = (
    "",
    "nope = 1",
    "[",
    "[grid]\nseed = []",
    "[grid]\nseed = 1",
    "[base]\nepochs = 'ten'",
    "runs = 3",
    "[[runs]]\nmodel = 'egn'",
    "name = 5\n[base]\nepochs = 1",
    "a = " + "[" * 50_000,
    "\x00",
    "[base]\nepochs = 1\n[resources]\ncpus = nan",
    "[base]\nepochs = 1\n[resources]\ncpus = -1",
    "[base]\nseed = -1",
    "[base]\nconnect = -1",
    "[grid]\n" + "\n".join(f"model_config.a{i} = {list(range(10))}" for i in range(12)),
)


def flags() -> Iterator[tuple[str, ...]]:
    """`train` with each of its flags and each bad value of its kind."""
    hints = typing.get_type_hints(Config)
    for field in dataclasses.fields(Config):
        flag = "--" + field.name.replace("_", "-")
        kind = str(hints[field.name])
        values = WHOLE if "int" in kind else NUMBER if "float" in kind else WORD
        values = {"name": NAME, "model_config": TREE, "data_options": OPTION}.get(
            field.name, values
        )
        for value in values:
            yield "train", f"{flag}={value}"
        yield "train", flag


def commands() -> Iterator[tuple[str, ...]]:
    """Bad arguments of every command; `{here}` stands for a folder with files."""
    yield from flags()
    yield from (("train", *rest) for rest in (("x",), ("--nope",), ("--resume", "--name", "nope")))
    yield from (("train", "--mirror", name) for name in WORD)
    yield from (("train", "--config", f"{{here}}/{file}") for file in FILE)
    yield ("train", "--processes", "2")
    yield ("train", "--coordinator", "x", "--processes", "2", "--process", "5")
    for run in RUN:
        yield "measure", run, "{here}/water.xyz"
        yield "evaluate", run
        yield "card", run
    yield from (("measure", "egnn-qm9-homo", f"{{here}}/{file}") for file in FILE)
    yield from (("diagnose", "egnn-qm9-homo", f"{{here}}/{file}") for file in FILE)
    water = ("diagnose", "egnn-qm9-homo", "{here}/water.xyz")
    yield from ((*water, f"--seconds={value}") for value in ("x", "", "-1", "0", "nan"))
    yield from ((*water, "--group=E(4)"), ("diagnose",), ("diagnose", "egnn-qm9-homo"))
    yield from (
        ("audit", value, "{here}/water.xyz") for value in (*WORD, "none.py:make", "a.py", ":")
    )
    yield from (("audit",), ("audit", "none.py:make"), ("audit", "none.py:make", "{here}/none.xyz"))
    yield "audit", "none.py:make", "{here}/water.xyz", "--report", "out.doc"
    good = ("measure", "egnn-qm9-homo", "{here}/water.xyz")
    for flag, values in {
        "--group": (*WORD, ""),
        "--samples": (*WHOLE, "0", "1000000000000"),
        "--seed": ("x", "", "1.5", "-1", "nan", LONG),
        "--dtype": (*WORD, ""),
        "--memory": (*NUMBER, "0", "0.00001"),
    }.items():
        yield from ((*good, f"{flag}={value}") for value in values)
    yield from (("evaluate", "egnn-nbody", f"--split={value}") for value in (*WORD, ""))
    yield from (("evaluate", "egnn-nbody", f"--size={value}") for value in (*WHOLE, "0"))
    yield from (("card",), ("card", "egnn-nbody", "--all"), ("evaluate",), ("measure",))
    for action in ("get", "show"):
        yield from (("data", action, name) for name in (*WORD, ""))
        yield from (("data", action, "nbody", f"--option={value}") for value in OPTION)
    yield from (
        ("data", *rest) for rest in ((), ("nope",), ("lst",), ("list", "x"), ("make", "mdd"))
    )
    for field in dataclasses.fields(Settings):
        kind = str if field.default is dataclasses.MISSING else type(field.default)
        values = {int: WHOLE, float: NUMBER}.get(kind, ("nope", NUL, LONE, LONG))
        for value in values if field.name not in ("label",) else ("nope",):
            given = () if field.name == "molecule" else ("--molecule=H2O",)
            yield "data", "make", "md", *given, f"--{field.name}={value}"
    yield from (("sweep", f"{{here}}/{file}") for file in FILE)
    yield ("sweep", "{here}/sound.toml", "--workers", "-1")
    yield ("sweep", "{here}/sound.toml", "--mirror", "nope")
    yield ("sweep", "{here}/sound.toml", "--output", "no://where")
    yield from (("lesson", name) for name in ("nope", "groups", LONG))
    yield from (
        ("lesson", "autoencoders", flag) for flag in ("--steps=0", "--seed=-1", "--steps=x")
    )
    yield from (("efficiency", "--small", f"--out={place}") for place in ("/proc/x/y.json", "/"))
    yield from (
        ("models", "x"),
        ("runs", "--nope"),
        ("bench", "nope"),
        ("bench", "--nope"),
        ("fly",),
    )
    yield from ((), ("--nope",), ("trian",), ("",), (LONG,), (NUL,), (LONE,))


def shown(arguments: tuple[str, ...]) -> str:
    return " ".join(ascii(a if len(a) < 40 else a[:40] + "…")[1:-1] for a in arguments) or "(none)"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("here")
    (place / "folder.xyz").mkdir()
    (place / "binary.xyz").write_bytes(bytes(range(256)))
    (place / "water.xyz").write_text(WATER)
    (place / "sound.toml").write_text("[base]\nepochs = 1\n")
    return place


@pytest.fixture
def home(small_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with small runs, on which nothing may be written; what is new is seen by the test."""
    (tmp_path / "trained").symlink_to(small_home / "trained")
    monkeypatch.setenv("DEMETAR_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], home: Path, *arguments: str) -> str:
    """The sentence of a command that is refused and leaves nothing."""
    code = main(list(arguments))
    out, err = capsys.readouterr()
    said = err.split("\r")[-1]  # but for the word that it is at work
    assert "Traceback" not in err
    assert (code, out) == (2, ""), said
    lines = said.splitlines()
    assert lines, "it says nothing"
    assert all(line.startswith("demetar: note: ") for line in lines[:-1])
    assert lines[-1].startswith("demetar: Expected ")
    assert ", got " in lines[-1]
    assert "; " in lines[-1].partition(", got ")[2]
    assert lines[-1].endswith((".", "?"))
    assert len(lines[-1]) < 1500
    assert not (home / "runs").exists(), "a refused start leaves a folder"
    return lines[-1]


@pytest.mark.parametrize("arguments", [*commands()], ids=shown)
def test_a_bad_value_is_one_sentence(
    arguments: tuple[str, ...], here: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(capsys, home, *(a.replace("{here}", str(here)) for a in arguments))


@pytest.mark.parametrize("content", SETTINGS, ids=lambda text: ascii(text[:30]))
def test_a_bad_settings_file_is_one_sentence(
    content: str, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "settings.json"
    file.write_text(content)
    refused(capsys, home, "train", "--config", str(file))


@pytest.mark.parametrize("content", EXPERIMENTS, ids=lambda text: ascii(text[:30]))
def test_a_bad_experiment_is_one_sentence(
    content: str, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "experiment.toml"
    file.write_text(content)
    refused(capsys, home, "sweep", str(file))


def test_every_command_is_tried() -> None:
    tried = {arguments[0] for arguments in commands() if arguments}
    assert set(COMMANDS) | (set(PASSED_ON) - {"app"}) <= tried
    assert {f.name for f in dataclasses.fields(Config)} <= {
        arguments[1].partition("=")[0][2:].replace("-", "_")
        for arguments in flags()
        if len(arguments) > 1
    }


def test_what_is_sound_is_not_refused(
    home: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The test's own culprit: a command that is right ends with 0 and a document."""
    with pytest.raises(AssertionError):
        refused(capsys, home, "models")
    assert main(["sweep", str(here / "sound.toml"), "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["epochs"] == 1
