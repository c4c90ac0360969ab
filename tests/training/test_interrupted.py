"""Signals end a training with a checkpoint; what ends it at a bad moment leaves it whole."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from demetar.cli import main
from demetar.cli.bar import Steps
from demetar.core import disk
from demetar.data.sets import nbody
from demetar.runs.config import Config
from demetar.training import checkpoint, fit
from tests.support.small import (
    EVERY_STEP,
    at,
    goes_on,
    status,
    stopped,
)

pytestmark = pytest.mark.usefixtures("straight_bodies")

FLAGS = [
    "--model-config", "width=8", "layers=1", "--train-size=40", "--valid-size=20", "--batch-size=10",
    "--epochs=6", "--evaluate-every=2", "--steps-per-call=1", "--learning-rate=1e-2",
    "--checkpoint-seconds=1e-9",
]  # fmt: skip


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
        folder = fit.fit(Config(name="nohup", **EVERY_STEP), progress=hang)
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
    folder = fit.fit(Config(name="early", **EVERY_STEP), stop=stop)
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
        fit.fit(Config(name="twice", **EVERY_STEP), progress=at(5, twice))
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
    fit.fit(Config(name="back", **EVERY_STEP))
    assert saved[-1] == 24
    assert len(saved) == 25, "a checkpoint after every step, as asked"
