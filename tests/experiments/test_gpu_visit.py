"""A visit to a GPU: what fits in its time is planned, and a part that hangs costs no other."""

import importlib
import json
import os
import time
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
COSTS = {"before": 5.0, "compiling": 20.0, "step": 0.005, "evaluation": 2.0, "after": 4.0}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.mark.parametrize("seconds", [100.0, 331.0, 3600.0])
def test_planned_epochs_fit_and_use_the_time(load, seconds: float) -> None:
    epochs, every = load("gpu_parts.train").planned(COSTS, 390, seconds)
    takes = 29 + epochs * 390 * 0.005 + -(-epochs // every) * 2.0
    assert takes < seconds
    assert takes > 0.7 * seconds


def test_too_little_time_still_plans_one_epoch(load) -> None:
    assert load("gpu_parts.train").planned(COSTS, 390, 10.0) == (1, 1)


def test_costs_are_those_after_compiling(load) -> None:
    clock = load("gpu_parts.train").Clock()
    clock.ends = [(5.0, 0), (25.0, 10), (26.0, 20), (27.0, 30), (29.0, 40)]
    found = clock.costs()
    assert found["before"] == 5
    assert found["compiling"] == 20
    assert found["step"] == pytest.approx(0.1)
    assert found["evaluation"] == pytest.approx(1.0)


def test_a_part_that_hangs_is_ended_with_what_it_started(load, monkeypatch, tmp_path) -> None:
    gpu = load("gpu")
    mark = tmp_path / "mark"
    program = tmp_path / "hangs.py"
    child = f"import time, pathlib\nwhile True:\n    pathlib.Path({str(mark)!r}).touch(); time.sleep(.05)"
    program.write_text(
        "import json, pathlib, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        f"pathlib.Path({str(tmp_path / 'early.json')!r}).write_text('[1]')\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setattr(gpu, "__file__", str(program))
    ended = gpu.run("contract", [], 3.0, True)
    assert ended["exit"] != 0
    assert ended["seconds"] < 20
    assert json.loads((tmp_path / "early.json").read_text()) == [1]
    time.sleep(0.3)
    before = os.stat(mark).st_mtime_ns
    time.sleep(0.5)
    assert os.stat(mark).st_mtime_ns == before


def test_a_run_is_exported_whole_and_again(load, tmp_path: Path) -> None:
    train = load("gpu_parts.train")
    folder, out = tmp_path / "run", tmp_path / "out"
    for step in (9, 10):
        (folder / "checkpoints" / str(step)).mkdir(parents=True)
        (folder / "checkpoints" / str(step) / "state.npz").write_text(str(step))
        time.sleep(0.02)
    out.mkdir()
    (folder / "config.json").write_text("{}")
    with train.exporting(folder, out, 60.0):
        pass
    assert sorted(p.name for p in out.iterdir()) == ["config.json", "state.npz"]
    assert (out / "state.npz").read_text() == "10"
