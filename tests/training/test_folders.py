"""A run folder has one writer that knows it; what is refused leaves nothing; what is damaged is told."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demetar.cli import main
from demetar.cli.bar import Steps
from demetar.core import disk
from demetar.core.errors import InputError
from demetar.core.remarks import heard
from demetar.data.sets import nbody
from demetar.runs import config, run
from demetar.runs import folder as runs_folder
from demetar.runs.folder import flatten
from demetar.training import checkpoint, fit
from demetar.training.recorder import TIMES, Moved

DRIVER = Path(__file__).parents[1] / "support" / "training_process.py"
TINY = {
    "model_config": {"width": 8, "layers": 1}, "train_size": 40, "valid_size": 20, "batch_size": 10,
    "epochs": 4, "evaluate_every": 2, "steps_per_call": 1, "learning_rate": 1e-2,
    "checkpoint_seconds": 1e-9,
}  # fmt: skip
FLAGS = [
    "--model-config", "width=8", "layers=1", "--train-size=40", "--valid-size=20", "--batch-size=10",
    "--epochs=4", "--evaluate-every=2", "--steps-per-call=1", "--learning-rate=1e-2",
    "--checkpoint-seconds=1e-9",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    sys.path.insert(0, str(DRIVER.parent))
    import training_process

    sys.path.pop(0)
    patch.setenv("DEMETAR_DATA", str(tmp_path_factory.mktemp("data")))
    patch.setattr(nbody, "generate", training_process.straight)
    yield
    patch.undo()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEMETAR_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, data: None) -> Path:
    """A run to which nothing happened."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DEMETAR_HOME", str(tmp_path_factory.mktemp("home")))
    folder = fit.fit(config.Config(name="whole", **TINY))
    patch.undo()
    return folder


def lines(folder: Path) -> list[dict[str, Any]]:
    found = runs_folder.lines(folder / "metrics.jsonl")
    return [{k: v for k, v in line.items() if k not in TIMES} for line in found]


def status(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "status.json").read_text())


def goes_on(folder: Path, whole: Path) -> None:
    """Resumes, and finds every number as in the run to which nothing happened, bit by bit."""
    fit.fit(config.Config(name=folder.name), resume=True)
    assert status(folder)["state"] == "finished"
    assert lines(folder) == lines(whole)
    mine, theirs = (flatten(run.load(f).params) for f in (folder, whole))
    assert all((mine[k] == theirs[k]).all() for k in theirs)


def at(step: int, act: Callable[[], Any]) -> Callable[[dict[str, Any]], None]:
    """A progress hook that acts once, at that step."""

    def hook(line: dict[str, Any]) -> None:
        if line["step"] == step:
            act()

    return hook


def stopped(home: Path, name: str) -> Path:
    """A run that was stopped at step 9."""
    stop = at(9, lambda: os.kill(os.getpid(), signal.SIGTERM))
    folder = fit.fit(config.Config(name=name, **TINY), progress=stop)
    assert status(folder)["state"] == "stopped"
    return folder


# ------------------------------------------------------------------------- one writer


def test_a_deleted_folder_is_not_made_again(home: Path) -> None:
    folder = home / "runs" / "gone"
    with pytest.raises(Moved, match="got none there"):
        fit.fit(config.Config(name="gone", **TINY), progress=at(5, lambda: shutil.rmtree(folder)))
    assert not folder.exists()


def test_a_renamed_folder_goes_on_under_its_new_name(home: Path, whole: Path) -> None:
    folder, new = home / "runs" / "old", home / "runs" / "new"
    with pytest.raises(Moved):
        fit.fit(config.Config(name="old", **TINY), progress=at(9, lambda: folder.rename(new)))
    assert not folder.exists()
    goes_on(new, whole)


def test_the_command_goes_on_with_a_renamed_run(home: Path, whole: Path) -> None:
    stopped(home, "old").rename(home / "runs" / "new")
    assert main(["train", "--resume", "--name", "new"]) == 0
    assert lines(home / "runs" / "new") == lines(whole)
    assert not (home / "runs" / "old").exists()


def test_a_name_that_another_took_over_is_left_to_it(home: Path) -> None:
    folder = home / "runs" / "taken"

    def take() -> None:
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / ".lock").touch()
        (folder / "status.json").write_text("another's")

    with pytest.raises(Moved, match="got another there"):
        fit.fit(config.Config(name="taken", **TINY), progress=at(5, take))
    assert (folder / "status.json").read_text() == "another's"
    assert sorted(p.name for p in folder.iterdir()) == [".lock", "status.json"]


def test_a_lock_that_was_deleted_is_taken_anew(tmp_path: Path) -> None:
    with disk.locked(tmp_path / "x" / ".lock") as owned:
        assert owned()
        shutil.rmtree(tmp_path / "x")
        assert not owned()
        with disk.locked(tmp_path / "x" / ".lock", blocking=False) as other:
            assert other()
            assert not owned()


# ------------------------------------------------------------------------- refused


def test_going_on_with_no_run_names_those_that_can(home: Path, capsys: Any) -> None:
    with pytest.raises(InputError, match="there is none here"):
        fit.fit(config.Config(name="nosuch", **TINY), resume=True)
    stopped(home, "mine")
    with pytest.raises(InputError, match="go on among mine, got 'min'; did you mean 'mine'"):
        fit.fit(config.Config(name="min", **TINY), resume=True)
    assert [p.name for p in (home / "runs").iterdir()] == ["mine"]


@pytest.mark.parametrize("setting", [{"train_size": 99_999}, {"data_options": {"variant": "no"}}])
def test_a_refused_start_leaves_no_folder(home: Path, setting: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        fit.fit(config.Config(**{"name": "zz", **TINY, **setting}))
    assert not (home / "runs" / "zz").exists()


def test_a_folder_made_by_the_page_keeps_the_reason(home: Path) -> None:
    disk.write_atomically(home / "runs" / "zz" / "request.json", b"{}")
    with pytest.raises(InputError):
        fit.fit(config.Config(name="zz", **TINY | {"train_size": 99_999}))
    assert "99999" in status(home / "runs" / "zz")["message"]
    assert not (home / "runs" / "zz" / "config.json").exists()
    fit.fit(config.Config(name="zz", **TINY))
    assert status(home / "runs" / "zz")["state"] == "finished"


@pytest.mark.parametrize(
    ("flags", "word"),
    [(["--epochs=5"], "epochs '5' in place of '4'"), (["--model-config", "width=9"], "width")],
)
def test_other_settings_are_not_dropped_in_silence(
    home: Path, capsys: Any, flags: list[str], word: str
) -> None:
    stopped(home, "mine")
    assert main(["train", "--resume", "--name", "mine", *flags]) == 2
    assert word in capsys.readouterr().err


def test_other_data_are_refused(home: Path, monkeypatch: pytest.MonkeyPatch, whole: Path) -> None:
    folder = stopped(home, "mine")
    usual = nbody.systems

    def moved(*given: Any, **named: Any) -> Any:
        found = usual(*given, **named)
        found.positions[3, 1] += 1e-6
        return found

    monkeypatch.setattr(nbody, "systems", moved)
    with pytest.raises(InputError, match="checksum"):
        fit.fit(config.Config(name="mine"), resume=True)
    monkeypatch.setattr(nbody, "systems", usual)
    goes_on(folder, whole)


# ------------------------------------------------------------------------- interrupted


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_with_a_checkpoint_and_its_own_code(
    number: int, code: int, home: Path, whole: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    signal.signal(number, usual)  # whoever starts the tests may have it ignored, as nohup does
    asked = at(9, lambda: os.kill(os.getpid(), number))
    monkeypatch.setattr(Steps, "__call__", lambda self, line: asked(line))
    assert main(["train", "--name", "mine", *FLAGS]) == code
    said = capsys.readouterr().err
    assert signal.Signals(number).name in said
    assert "--resume --name mine" in said
    assert "Traceback" not in said
    folder = home / "runs" / "mine"
    assert status(folder)["state"] == "stopped"
    assert checkpoint.steps(folder)[-1] in (9, 10)
    monkeypatch.undo()
    monkeypatch.setenv("DEMETAR_HOME", str(home))
    goes_on(folder, whole)


def test_what_ignores_a_hangup_goes_on_ignoring_it(home: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        hang = at(5, lambda: os.kill(os.getpid(), signal.SIGHUP))
        folder = fit.fit(config.Config(name="nohup", **TINY), progress=hang)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert status(folder)["state"] == "finished"


def test_reading_the_data_is_interrupted_at_once(
    home: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any, **__: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)

    monkeypatch.setattr(nbody, "systems", slow)
    stop, begun = fit.Stop(), time.monotonic()
    folder = fit.fit(config.Config(name="early", **TINY), stop=stop)
    assert time.monotonic() - begun < 30
    assert (stop.number, status(folder)["state"]) == (signal.SIGINT, "stopped")
    assert "from the start" in status(folder)["message"]
    monkeypatch.undo()
    monkeypatch.setenv("DEMETAR_HOME", str(home))
    goes_on(folder, whole)


def test_a_second_interrupt_does_not_wait(home: Path) -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit.fit(config.Config(name="twice", **TINY), progress=at(5, twice))
    assert status(home / "runs" / "twice")["state"] == "stopped"


def test_no_temporaries_of_a_killed_process_stay(home: Path, whole: Path) -> None:
    folder = stopped(home, "mine")
    for name in (".status.json-ab12cd34", ".metrics.jsonl-________", ".reserve"):
        (folder / name).write_bytes(b"half")
    (folder / "checkpoints" / ".9").mkdir()
    (folder / "checkpoints" / ".9" / "state.npz").write_bytes(b"half")
    goes_on(folder, whole)
    hidden = {p.name for p in folder.rglob(".*")}
    assert hidden == {".lock"}


def test_old_temporaries_of_a_file_go_when_it_is_written(tmp_path: Path) -> None:
    old, new, other = (tmp_path / f".{n}-12345678" for n in ("x.npz", "x.npz", "y.npz"))
    new = tmp_path / ".x.npz-87654321"
    for file in (old, new, other):
        file.touch()
    os.utime(old, (0, 0))
    os.utime(other, (0, 0))
    disk.write_atomically(tmp_path / "x.npz", b"")
    assert {p.name for p in tmp_path.iterdir()} == {"x.npz", new.name, other.name}


def test_intervals_do_not_trust_the_clock_on_the_wall(
    home: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that was set back by ten years stops neither heartbeats nor checkpoints."""
    real, asked = time.time, []

    def back() -> float:
        asked.append(1)
        return real() - (0 if len(asked) < 3 else 3e8)

    monkeypatch.setattr(time, "time", back)
    saved: list[int] = []
    usual = checkpoint.save
    monkeypatch.setattr(
        checkpoint, "save", lambda f, step, s: (saved.append(step), usual(f, step, s))
    )
    fit.fit(config.Config(name="back", **TINY))
    assert saved[-1] == 16
    assert len(saved) == 17, "a checkpoint after every step, as asked"


# ------------------------------------------------------------------------- damaged


@pytest.mark.parametrize(
    "bad", ["5", "[]", "{", "null", '{"step": "x"}', "[" * 100_000, '{"step": 1}']
)
def test_a_line_of_metrics_that_makes_no_sense_is_named(home: Path, bad: str) -> None:
    folder = stopped(home, "mine")
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(bad + "\n")
    number = len((folder / "metrics.jsonl").read_text().splitlines())
    with pytest.raises(InputError, match=f"line {number} of .*metrics.jsonl"):
        fit.fit(config.Config(name="mine"), resume=True)


@pytest.mark.parametrize(
    "bad", ["", "{", "5", '{"model": "egnn"', "[" * 100_000, '{"model": 5}', "\x00", None]
)
def test_damaged_settings_are_a_sentence(home: Path, bad: str | None) -> None:
    folder = stopped(home, "mine")
    path = folder / "config.json"
    if bad is None:
        stored = json.loads(path.read_text()) | {"epochs": "ten"}
        bad = json.dumps(stored)
    path.write_text(bad)
    with pytest.raises(InputError, match="Expected .*, got .*; "):
        fit.fit(config.Config(name="mine"), resume=True)
    assert path.read_text() == bad


def test_a_damaged_status_does_not_keep_a_run_from_going_on(home: Path, whole: Path) -> None:
    folder = stopped(home, "mine")
    (folder / "status.json").write_text("[" * 100_000)
    assert "status" in runs_folder.fault(folder)
    goes_on(folder, whole)
    assert not runs_folder.fault(folder)


def test_a_resume_without_a_sound_checkpoint_throws_nothing_away(home: Path, whole: Path) -> None:
    folder = stopped(home, "mine")
    done = (folder / "metrics.jsonl").read_bytes()
    for step in checkpoint.steps(folder):
        (folder / "checkpoints" / str(step) / "state.npz").write_bytes(b"torn")
    with pytest.raises(InputError, match="checkpoint of the run mine that can be read"):
        fit.fit(config.Config(name="mine"), resume=True)
    assert (folder / "metrics.jsonl").read_bytes() == done
    assert "remove" in status(folder)["message"]
    shutil.rmtree(folder / "checkpoints")  # as it says
    with heard() as said:
        goes_on(folder, whole)
    assert any("begins again at its first step" in text for text in said)


def test_kills_at_any_moment_resume_to_the_same_numbers(home: Path, whole: Path) -> None:
    """SIGKILL after times drawn at random, again and again until the run has come to its end."""
    settings = {"name": "killed", **TINY}
    draw, kills = random.Random(0), 0
    folder = home / "runs" / "killed"
    while runs_folder.state(folder) != "finished":
        given = json.dumps(
            settings | ({"resume": True} if (folder / "config.json").exists() else {})
        )
        child = subprocess.Popen([sys.executable, str(DRIVER), "none", given])
        begun = time.monotonic()
        while child.poll() is None and kills < 5:
            there = max(checkpoint.steps(folder), default=-1)
            if there >= 3 * kills and time.monotonic() - begun > 1:
                time.sleep(draw.uniform(0, 0.3))
                child.kill()
                kills += 1
        assert child.wait(150) in (0, -signal.SIGKILL)
    assert kills >= 3
    assert lines(folder) == lines(whole)
    mine, theirs = (flatten(run.load(f).params) for f in (folder, whole))
    assert all((mine[k] == theirs[k]).all() for k in theirs)
