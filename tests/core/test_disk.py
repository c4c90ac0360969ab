"""One holder of a lock at a time, and arrays that several processes ask for are made once."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from demetar.core import disk

ROOT = Path(__file__).resolve().parents[2]

ASK = """
import sys, time
from pathlib import Path
import numpy as np
from demetar.data.sets import nbody
from demetar.simulation.protocols import NBody

root, me = Path(sys.argv[1]), sys.argv[2]

def generate(variant):
    (root / f"made-by-{me}").touch()
    time.sleep(1)
    x = np.random.default_rng().standard_normal((4, 14_000, 5, 3)).astype(np.float32)
    return NBody(x[0], x[1], x[0, :, :, 0], x[2], x[3])

nbody.generate = generate
(root / f"ready-{me}").touch()
while len(list(root.glob("ready-*"))) < 2:
    time.sleep(0.01)
print(float(nbody.read(root, size=1).positions[0, 0, 0]))
"""


def test_bodies_that_two_processes_ask_for_at_once_are_made_once(tmp_path: Path) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, str(tmp_path), name],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "ab"
    ]
    told = [process.communicate(timeout=120)[0] for process in both]
    assert len(list(tmp_path.glob("made-by-*"))) == 1
    assert told[0] == told[1] != ""


def test_one_holds_a_lock_until_its_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "folder" / ".lock"
    assert not disk.held(path)
    began = threading.Event()

    def wait() -> None:
        with disk.locked(path):
            began.set()

    with disk.locked(path):
        assert disk.held(path)
        with pytest.raises(BlockingIOError), disk.locked(path, blocking=False):
            pass
        other = threading.Thread(target=wait)
        other.start()
        assert not began.wait(0.2)
    assert began.wait(10)
    other.join()
    assert not disk.held(path)
    with pytest.raises(ZeroDivisionError), disk.locked(path):
        _ = 1 / 0
    assert not disk.held(path)


def test_locking_keeps_what_the_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.write_bytes(b"arrived")
    with disk.locked(path):
        assert path.read_bytes() == b"arrived"


def test_arrays_of_other_names_are_made_again(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    disk.write_arrays(path, {"x": np.zeros(2)})
    assert disk.kept_arrays(path, {"y"}, lambda: {"y": np.ones(2)})["y"].tolist() == [1, 1]
    again = disk.kept_arrays(path, {"y"}, lambda: pytest.fail("it was kept"))
    assert again["y"].tolist() == [1, 1]
