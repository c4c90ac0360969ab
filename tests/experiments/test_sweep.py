"""Sweeps: an experiment is checked whole; a run survives the death of its worker."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demetar.cli import main
from demetar.core.errors import InputError
from demetar.experiments import cluster, experiment, sweep
from demetar.runs import folder, run
from demetar.training.recorder import TIMES

ROOT = Path(__file__).parents[2]
TINY = """
[base]
dataset = "nbody"
train_size = 40
valid_size = 20
batch_size = 10
epochs = 4
evaluate_every = 2
steps_per_call = 2
learning_rate = 1e-2
model_config.width = 8
model_config.layers = 1
"""
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write(text, …) -> the path of an experiment with these parts."""

    def write(*parts: str) -> Path:
        path = tmp_path / "tried.toml"
        path.write_text("\n".join(parts))
        return path

    return write


def names(found: experiment.Experiment) -> list[str]:
    return [r.name for r in found.runs]


# ------------------------------------------------------------------------- the experiment


def test_grid_and_explicit_runs(write: Write) -> None:
    found = experiment.read(
        write(
            'name = "{model}-w{model_config.width}-s{seed}"',
            TINY,
            '[grid]\nmodel = ["egnn", "gnn"]\nseed = [0, 1]\nmodel_config.width = [8, 16]',
            '[[runs]]\nname = "soft"\ndata_options.variant = "clean"\n[resources]\ncpus = 2',
        )
    )
    every = [f"{m}-w{w}-s{s}" for m in ("egnn", "gnn") for s in (0, 1) for w in (8, 16)]
    assert names(found) == [*every, "soft"]
    assert [r.model_config["width"] for r in found.runs] == [8, 16] * 4 + [8]
    assert found.runs[-1].data_options == {"variant": "clean"}
    assert {r.epochs for r in found.runs} == {4}
    assert {r.target for r in found.runs} == {"positions"}, "not resolved"
    assert (found.name, found.cpus, found.gpus) == ("tried", 2.0, None)


def test_several_grids_and_settings_by_model(write: Write) -> None:
    found = experiment.read(
        write(
            'name = "{model}-{data_options.variant}-s{seed}"',
            TINY,
            'data_options.variant = "published"',
            '[[grid]]\nmodel = ["egnn", "gnn"]\nseed = [0, 1]',
            '[[grid]]\nmodel = ["gnn"]\ndata_options.variant = ["clean"]\nseed = [0]',
            "[models.gnn]\nepochs = 2\nmodel_config.width = 16",
            '[[runs]]\nmodel = "gnn"\nname = "own"\nepochs = 3',
        )
    )
    first = [f"{m}-published-s{s}" for m in ("egnn", "gnn") for s in (0, 1)]
    assert names(found) == [*first, "gnn-clean-s0", "own"]
    assert [r.epochs for r in found.runs] == [4, 4, 2, 2, 2, 3]
    assert [r.model_config["width"] for r in found.runs] == [8, 8, 16, 16, 16, 16]


def test_only_some_runs_are_trained(write: Write, home: Path) -> None:
    path = write('name = "{model}-s{seed}"', TINY, '[grid]\nmodel = ["gnn", "egnn"]\nseed = [0]')
    with pytest.raises(InputError, match="got segnn"):
        sweep.sweep(experiment.read(path), workers=0, only=["segnn-*"])
    rows = sweep.sweep(experiment.read(path), workers=0, only=["gnn*"])
    assert [(r["name"], r["state"]) for r in rows] == [
        ("gnn-s0", "finished"),
        ("egnn-s0", "not begun"),
    ]


def test_what_a_budget_decided_is_no_other_setting(write: Write, home: Path) -> None:
    text = (
        'name = "{model}-s{seed}"',
        TINY,
        "budget = 0.3",
        '[grid]\nmodel = ["gnn"]\nseed = [0]',
    )
    path = write(*text)
    assert sweep.sweep(experiment.read(path), workers=0)[0]["state"] == "finished"
    assert sweep.sweep(experiment.read(path), workers=0, resume=True)[0]["state"] == "finished"
    path = write(*(part.replace("0.3", "0.6") for part in text))
    with pytest.raises(InputError, match="budget 0.3 in place of 0.6"):
        sweep.sweep(experiment.read(path), workers=0, resume=True)


def test_names_without_a_template_say_what_varies(write: Write) -> None:
    found = experiment.read(write(TINY, "[grid]\nseed = [0, 1]\nmodel_config.width = [8]"))
    assert names(found) == ["egnn-nbody-seed0-width8", "egnn-nbody-seed1-width8"]
    assert names(experiment.read(write(TINY))) == ["egnn-nbody"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[bas]\nepochs = 1", "did you mean 'base'"),
        ("[base]\nepoch = 1", "did you mean 'epochs'"),
        ('[base]\nepochs = "ten"', "a whole number for epochs in .*, got 'ten'"),
        ("[base]\nepochs = true", "whole number for epochs in .*, got 'True'"),
        ("[base]\naugment = 1", "Expected a text for augment in .*, got '1'"),
        ("[base]\nepochs = 0", "positive number for epochs"),
        ('[base]\nmodel = "egn"', "did you mean 'egnn'"),
        ("[base]\nmodel_config.widht = 8", "did you mean 'width'"),
        ('[grid]\nmodel = "egnn"', "list of values for model"),
        ("[grid]\nseed = []", "list of values for seed"),
        ('name = "{sed}"\n[grid]\nseed = [1]', "{sed}.*did you mean 'seed'"),
        ('name = "one"\n[grid]\nseed = [1, 2]', "one name a run.*got 'one' for 2 runs"),
        ('name = "a/b"\n[base]\nseed = 1', "letters, digits"),
        ("name = 3", "template"),
        ("runs = 3", r"\[\[runs\]\]"),
        ("grid = 3", "table"),
        ("[[grid]]\nseed = 1", "list of values for seed"),
        ("[models.egn]\nepochs = 1", "did you mean 'egnn'"),
        ("[models]\negnn = 3", r"\[models.egnn\].*table"),
        ("[base]\nepochs = 1\n[models.egnn]\nepoch = 1", "did you mean 'epochs'"),
        ("[base]\nlearning_rates = 1e-3", "a list for learning_rates"),
        ("[base]\nbudget = -1.0", "budget of 0 seconds or more"),
        ("[base]\nseed = 1\n[resources]\nram = 1", "among cpus, gpus"),
        ("[base]\nseed = 1\n[resources]\ncpus = -1", "number of cpus"),
        ("[base", "a TOML file"),
    ],
)
def test_a_wrong_experiment_is_one_sentence(write: Write, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        experiment.read(write(text))
    assert "\n" not in str(caught.value)


def test_no_experiment_is_one_sentence() -> None:
    with pytest.raises(InputError, match="a TOML file at absent.toml"):
        experiment.read("absent.toml")


def test_the_last_run_is_checked_before_the_first_begins(
    write: Write, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(TINY, "[grid]\nseed = [0]\n[[runs]]\nmodel_config.layers = -1\nname = 'last'")
    assert main(["sweep", str(path), "--workers", "0"]) == 2
    assert "run last" in capsys.readouterr().err
    assert not (home / "runs").exists()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "experiments").glob("*.toml")), ids=lambda p: p.stem
)
def test_the_experiments_that_come_with_demetar_are_sound(path: Path) -> None:
    assert len(experiment.read(path).runs) > 1


# ------------------------------------------------------------------------- in this process


def test_one_after_another(write: Write, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(
        'name = "{model}-{seed}"',
        TINY,
        "[grid]\nseed = [0, 1]",
        "[[runs]]\nname = 'wild'\nlearning_rate = 1e30\nwarmup = 0.0\nclip = 1e30",
    )
    command = ["sweep", str(path), "--workers", "0"]
    assert main([*command, "--dry-run", "--json"]) == 0
    assert [r["name"] for r in json.loads(capsys.readouterr().out)] == ["egnn-0", "egnn-1", "wild"]
    assert not (home / "runs").exists()

    assert main([*command, "--json"]) == 1, "one run failed"
    out, err = capsys.readouterr()
    rows = json.loads(out)
    assert [(r["name"], r["state"]) for r in rows] == [
        ("egnn-0", "finished"),
        ("egnn-1", "finished"),
        ("wild", "failed"),
    ]
    assert "finite loss" in rows[2]["message"]
    assert rows == json.loads((home / "runs" / "tried.sweep.json").read_text())
    for row in rows[:2]:
        done = folder.lines(home / "runs" / row["name"] / "metrics.jsonl")
        assert row["best"] == min(line["valid"] for line in done)
        assert row["test"] > 0
        assert row["delta"] < 1e-5
        assert run.load(row["name"]).config["seed"] == int(row["name"][-1])
        assert f"{row['best']:.4g}" in err

    assert main(command) == 2, "the runs exist"
    assert "--resume" in capsys.readouterr().err
    before = (home / "runs" / "egnn-0" / "params.npz").stat().st_mtime_ns
    results = home / "runs" / "egnn-1" / "results.json"
    measured = results.read_text()
    results.unlink()  # as if the process had died before the test
    write('name = "{model}-{seed}"', TINY, "[grid]\nseed = [0, 1, 2]")
    assert main([*command, "--resume", "--json"]) == 0
    assert [r["state"] for r in json.loads(capsys.readouterr().out)] == ["finished"] * 3
    assert (home / "runs" / "egnn-0" / "params.npz").stat().st_mtime_ns == before
    assert results.read_text() == measured
    write('name = "{model}-{seed}"', TINY.replace("epochs = 4", "epochs = 5"), "[grid]\nseed = [0]")
    assert main([*command, "--resume"]) == 2
    assert "epochs 4 in place of 5" in capsys.readouterr().err


def test_without_ray_a_sentence_says_what_to_do(
    write: Write, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["sweep", str(write(TINY))]) == 2
    err = capsys.readouterr().err
    assert 'pip install "demetar[sweep]"' in err
    assert "--workers 0" in err
    assert main(["sweep", str(write(TINY)), "--workers", "-1"]) == 2


# ------------------------------------------------------------------------- through Ray


JOBS = """
import os, signal

def answer(value):
    if value < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return 9 // value
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_job_that_always_dies_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small_jobs.py").write_text(JOBS)
    monkeypatch.syspath_prepend(tmp_path)
    here = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(here))
    monkeypatch.setattr(cluster, "RETRIES", 1)
    answer = importlib.import_module("small_jobs").answer
    ended = {job[0]: found for job, found in cluster.each(answer, [(3,), (-1,), (0,)], 2) if found}
    assert ended[3] == 3
    assert "WorkerCrashed" in type(ended[-1]).__name__
    assert "ZeroDivisionError" in str(ended[0])


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere", "a:b"])
def test_no_cluster_at_the_address_is_a_sentence(address: str) -> None:
    with pytest.raises(InputError, match="ray start --head"):
        list(cluster.each(print, [(3,)], address=address))


def _alive_with_a_checkpoint(folder: Path, end: float) -> int:
    """The process that trains the run, once it has kept a checkpoint."""
    while time.monotonic() < end:
        if list(folder.glob("checkpoints/[0-9]*")):
            status = json.loads((folder / "status.json").read_text())
            if status["state"] == "running":
                return status["pid"]
        time.sleep(0.05)
    raise AssertionError("no checkpoint in time")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_worker_is_replaced_and_its_run_goes_on(write: Write, home: Path) -> None:
    long = TINY.replace("epochs = 4", "epochs = 300\ncheckpoint_seconds = 0.2")
    long = long.replace("evaluate_every = 2", "evaluate_every = 50")
    long = long.replace("steps_per_call = 2", "steps_per_call = 1")
    path = write('name = "s{seed}"', long, "[grid]\nseed = [0, 1]")
    shared = home / "shared"
    command = [sys.executable, "-m", "demetar.cli", "sweep", str(path), "--workers", "2"]
    going = subprocess.Popen(
        [*command, "--output", f"file://{shared}", "--json"],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "RAY_worker_niceness": "0"},  # usually 15: other tests would starve it
    )
    try:
        pid = _alive_with_a_checkpoint(home / "runs" / "s0", time.monotonic() + 400)
        os.kill(pid, signal.SIGKILL)
        out, err = going.communicate(timeout=400)
    finally:
        going.kill()
    assert going.returncode == 0, err
    rows = json.loads(out)
    assert [(r["name"], r["state"]) for r in rows] == [("s0", "finished"), ("s1", "finished")]
    assert json.loads((home / "runs" / "s0" / "status.json").read_text())["pid"] != pid
    # As if nothing had happened: the same numbers as in one go, and a copy in the other place.
    # (In a process of its own too: the tests' compiles with fewer optimisations.)
    write('name = "whole"', long)
    subprocess.run([*command[:-1], "0"], cwd=ROOT, capture_output=True, check=True)

    def lines(name: str) -> list[Any]:
        found = folder.lines(home / "runs" / name / "metrics.jsonl")
        return [{k: v for k, v in line.items() if k not in TIMES} for line in found]

    assert len(lines("s0")) == 6
    assert lines("s0") == lines("whole")
    for name in ("s0", "s1"):
        copy = run.load(f"file://{shared}/{name}")
        for a, b in zip(
            folder.flatten(copy.params).values(), folder.flatten(run.load(name).params).values()
        ):
            assert np.array_equal(a, b)
