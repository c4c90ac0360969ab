"""The `demetar` command: JSON and nothing else on standard output, one sentence for bad input."""

import json
from pathlib import Path

import numpy as np
import pytest

from demetar.cli import main

WATER = "3\nwater\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n"


@pytest.fixture
def home(small_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project folder with small runs as $DEMETAR_HOME."""
    monkeypatch.setenv("DEMETAR_HOME", str(small_home))
    return small_home


def document(capsys: pytest.CaptureFixture[str], *arguments: str):
    """The one JSON document that the command prints."""
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def sentence(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on standard error of a command that ends with 2."""
    assert main(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


def test_models_and_runs_are_listed(home, capsys):
    found = {row["name"]: row for row in document(capsys, "models")}
    assert found["egnn"]["symmetry"] == "E(3) x S_n"
    assert {"egnn-nbody", "set_transformer-qm9-homo"} <= {
        r["name"] for r in document(capsys, "runs")
    }
    assert "nbody" in {row["name"] for row in document(capsys, "data", "list")}


def test_measure_tells_the_turning_run_from_the_other(home, capsys, tmp_path):
    file = tmp_path / "water.xyz"
    file.write_text(WATER)
    common = (str(file), "--group", "SO(3)", "--samples", "8", "--seed", "1")
    good = document(capsys, "measure", "egnn-qm9-homo", *common)
    bad = document(capsys, "measure", "set_transformer-qm9-homo", *common)
    assert good["delta"]["homo_gradient"]["max"] < 1e-5
    assert bad["delta"]["homo_gradient"]["median"] > 1e-2
    assert len(good["layers"]) == 2
    assert good["rebuilt"]["homo_gradient"]["max"] < 1e-5
    assert bad["rebuilt"].keys() == bad["classic"].keys() == {"homo", "homo_gradient"}
    assert (good["verdict"]["word"], bad["verdict"]["word"]) == ("rounding", "structure")
    assert good["verdict"]["second"] == "float64"
    assert good["edges_changed"] == 0


def test_measure_reads_a_scene(home, capsys, tmp_path):
    rng = np.random.default_rng(0)
    file = tmp_path / "scene.npz"
    np.savez(file, positions=rng.normal(size=(4, 3)), charges=np.array([1.0, -1, 1, -1]))
    found = document(capsys, "measure", "egnn-nbody", str(file), "--samples", "4")
    assert found["delta"]["positions"]["max"] < 1e-5


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("empty.xyz", b"", "empty"),
        ("strange.xyz", b"1\n\nQq 0 0 0\n", "Qq"),
        ("nan.xyz", b"2\n\nH nan 0 0\nH 0 0 1\n", "nan"),
        ("same.xyz", b"2\n\nH 0 0 0\nH 0 0 0\n", "atoms"),
        ("many.xyz", b"100000\n\n" + b"H 0 0 0\n" * 100_000, "500"),
        ("salt.xyz", b"2\n\nNa 0 0 0\nCl 0 0 2.4\n", "Na, Cl"),
        ("rubbish.npz", b"\x00\x01\x02", "NPZ"),
        ("note.txt", b"hello", "xyz"),
    ],
)
def test_bad_files_are_one_sentence(home, capsys, tmp_path, name, content, word):
    file = tmp_path / name
    file.write_bytes(content)
    assert word.lower() in sentence(capsys, "measure", "egnn-qm9-homo", str(file)).lower()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("measure", "egn-qm9-homo", "x.xyz"), "egnn-qm9-homo"),
        (("measure", "../trained", "x.xyz"), "run"),
        (("measure", "egnn-qm9-homo", "absent.xyz"), "absent"),
        (("evaluate", "nothing-like-it"), "run"),
        (("card",), "got neither"),
        (("card", "egnn-nbody", "--all"), "got both"),
        (("train", "--model", "egnnn"), "egnn"),
        (("train", "--model-config", "width"), "key=value"),
        (("train", "--epochs", "many"), "epochs"),
        (("train", "--config", "absent.json"), "absent.json"),
        (("data", "get", "qm8"), "qm9"),
        (("fly",), "a command among train"),
        ((), "command"),
    ],
)
def test_bad_arguments_are_one_sentence(home, capsys, arguments, word):
    assert word in sentence(capsys, *arguments)


@pytest.mark.parametrize(
    ("flag", "value", "word"),
    [
        ("--group", "SO(4)", "SO(3)"),
        ("--samples", "0", "at least one"),
        ("--seed", "-1", "from 0 on"),
        ("--memory", "0", "GB above 0"),
        ("--memory", "0.00001", "memory budget of 1e-05 GB"),
        ("--dtype", "float8", "float64"),
    ],
)
def test_bad_settings_of_measure_are_one_sentence(home, capsys, tmp_path, flag, value, word):
    file = tmp_path / "water.xyz"
    file.write_text(WATER)
    assert word in sentence(capsys, "measure", "egnn-qm9-homo", str(file), flag, value)


def test_truncated_checkpoint_is_one_sentence(home, capsys, tmp_path):
    file = tmp_path / "water.xyz"
    file.write_text(WATER)
    copy = tmp_path / "broken"
    copy.mkdir()
    whole = home / "trained" / "egnn-qm9-homo"
    (copy / "config.json").write_bytes((whole / "config.json").read_bytes())
    (copy / "params.npz").write_bytes((whole / "params.npz").read_bytes()[:500])
    assert "damaged" in sentence(capsys, "measure", str(copy), str(file))


@pytest.mark.parametrize(
    ("name", "script"), [("app", "app/server/window.py"), ("bench", "benchmarks/x.py")]
)
@pytest.mark.parametrize(
    "given", [["--server.port", "8791"], ["--server.port=8791", "--share"], ["-v", "x"]]
)
def test_options_of_another_program_are_passed_on(
    name: str, script: str, given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they stand, the ones that begin with a dash too; its exit code is the command's."""
    monkeypatch.setenv("DEMETAR_HOME", str(tmp_path))
    (tmp_path / script).parent.mkdir(parents=True)
    (tmp_path / "streamlit_app.py").touch()
    seen = tmp_path / "seen.json"
    (tmp_path / script).write_text(
        f"import json, sys\nopen({str(seen)!r}, 'w').write(json.dumps(sys.argv[1:]))\nsys.exit(7)\n"
    )
    with pytest.raises(SystemExit) as ended:
        main([name, *(["x"] if name == "bench" else []), *given])
    assert ended.value.code == 7
    assert json.loads(seen.read_text()) == given
