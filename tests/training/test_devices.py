"""One training on several devices and by several processes is the same training."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demetar.core.errors import InputError
from demetar.runs import config
from demetar.runs import folder as runs_folder
from demetar.training import checkpoint, devices, fit
from tests.support.small import EVERY_STEP, status

TINY = {
    **EVERY_STEP, "train_size": 48, "valid_size": 16, "batch_size": 16, "epochs": 4, "augment": "SO(3)",
}  # fmt: skip
HERE = Path(__file__).parents[1] / "support"
EIGHT = "--xla_force_host_platform_device_count=8"


def environment(flags: str) -> dict[str, str]:
    return {**os.environ, "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {flags}"}


def begin(fault: str, settings: dict[str, Any], *together: str, flags: str = "") -> Any:
    command = [sys.executable, str(HERE / "training_process.py"), fault, json.dumps(settings)]
    return subprocess.Popen(
        [*command, *together],
        env=environment(flags),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def numbers(folder: Path) -> list[float]:
    lines = runs_folder.lines(folder / "metrics.jsonl")
    return [line[key] for line in lines for key in ("step", "train_loss", "valid")]


def test_parts_of_unequal_size_add_up_to_the_whole_batch() -> None:
    """Energies and forces of molecules on 1, 2 and 8 devices: same losses, same parameters.

    Each step sends the gradient once, which is as many numbers as there are parameters.
    """
    command = [sys.executable, str(HERE / "devices_process.py"), "1", "2", "8"]
    done = subprocess.run(
        command, env=environment(EIGHT), capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    for count in ("2", "8"):
        assert found[count]["losses"] == pytest.approx(found["1"]["losses"], rel=1e-5)
        assert found[count]["params"] == pytest.approx(found["1"]["params"], rel=1e-4)
        assert found[count]["megabytes"] == pytest.approx(4e-6 * found["1"]["count"], rel=0.01)
    assert found["1"]["megabytes"] == 0


def test_a_run_on_eight_devices_is_the_run_on_one(home: Path) -> None:
    process = begin("none", {"name": "eight", "devices": "all", **TINY}, flags=EIGHT)
    alone = fit.fit(config.Config(name="one", **TINY))
    assert process.wait(150) == 0, process.stdout.read()
    assert numbers(home / "runs" / "eight") == pytest.approx(numbers(alone), rel=1e-4)


def free_port() -> str:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{s.getsockname()[1]}"


def test_two_processes_train_one_run(home: Path) -> None:
    where, settings = free_port(), {"name": "two", "devices": "all", **TINY}
    both = [begin("none", settings, where, "2", str(i)) for i in range(2)]
    alone = fit.fit(config.Config(name="one", **TINY))
    for process in both:
        assert process.wait(150) == 0, process.stdout.read()
    assert status(home / "runs" / "two")["state"] == "finished"
    assert numbers(home / "runs" / "two") == pytest.approx(numbers(alone), rel=1e-4)


@pytest.mark.parametrize("lost", [0, 1])
def test_the_loss_of_one_process_ends_the_other_and_the_run_goes_on(home: Path, lost: int) -> None:
    where, settings = free_port(), {"name": "two", **TINY}
    faults = ["at step 6" if i == lost else "none" for i in range(2)]
    both = [begin(fault, settings, where, "2", str(i)) for i, fault in enumerate(faults)]
    assert both[lost].wait(150) == -signal.SIGKILL, both[lost].stdout.read()
    assert both[1 - lost].wait(100) != 0
    folder = home / "runs" / "two"
    if lost == 1:  # the one that writes was left to say so
        assert status(folder)["state"] == "failed"
        assert "Expected the devices of all processes to answer" in status(folder)["message"]
        assert "--resume" in status(folder)["message"]
    assert checkpoint.steps(folder)[-1] == 6
    fit.fit(config.Config(name="two"), resume=True)
    assert status(folder)["state"] == "finished"
    assert [line["step"] for line in runs_folder.lines(folder / "metrics.jsonl")] == [6, 12]


def test_processes_have_to_be_numbered(home: Path) -> None:
    for where, count, number in (("here:1", 2, 2), ("here", 2, 0), ("here:1", 0, 0)):
        with pytest.raises(InputError, match="number the processes"):
            devices.join(where, count, number)
