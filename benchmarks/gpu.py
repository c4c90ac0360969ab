"""What a GPU is asked in one short visit: symmetry, steps against PyTorch, one long training.

python benchmarks/gpu.py --out DIR [--egnn CHECKOUT] [--segnn CHECKOUT] [--seconds 570]
python benchmarks/gpu.py --out DIR --rehearse      # all parts on this machine's CPU, tiny

Parts run one after the other, each in a process of its own with its own limit: `contract` (Δ of
every model in three precisions), `speed` (training steps of EGNN and SEGNN against their published
PyTorch programs, the tensor product against cuEquivariance's), `train` (PaiNN on QM9's HOMO, in the
time that is left). A part that fails or runs out of time leaves what it has written in DIR, and the
next one begins. CHECKOUTs are clones of github.com/vgsatorras/egnn (commit e9ca6c0c) and
github.com/RobDHess/Steerable-E3-GNN (1b95898f). QM9 has to lie in the data folder.
DIR gets contract.json, speed.json, train.json and the run: config.json, metrics.jsonl, params.npz,
state.npz, from which it can go on anywhere (see `gpu_parts/train.py`).
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LIMITS = {"contract": 60.0, "speed": 150.0}  # seconds; the training has the rest
REHEARSAL = {"contract": 100.0, "speed": 240.0}
GRACE = 15.0  # seconds between asking a part to end and ending it


def arguments() -> argparse.ArgumentParser:
    """What the whole and each part understand."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--seconds", type=float, default=570, help="for all parts together")
    parser.add_argument("--train-seconds", type=float, help="for the training; default: the rest")
    parser.add_argument("--parts", nargs="*", default=[*LIMITS, "train"])
    parser.add_argument("--egnn", type=Path, help="checkout of the published EGNN")
    parser.add_argument("--segnn", type=Path, help="checkout of the published SEGNN")
    parser.add_argument("--batch", type=int, default=256, help="molecules a step of the training")
    parser.add_argument("--rate", type=float, default=8e-4, help="its largest learning rate")
    parser.add_argument("--resume", type=Path, help="run folder with which the training goes on")
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, with tiny sizes")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    return parser


def environment(rehearse: bool) -> dict[str, str]:
    """For a part: it finds this project, and takes the device's memory as it needs it."""
    path = [str(ROOT), str(ROOT / "benchmarks"), os.environ.get("PYTHONPATH", "")]
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    found |= {"PYTHONUNBUFFERED": "1", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    return found | ({"JAX_PLATFORMS": "cpu"} if rehearse else {})


def run(name: str, given: list[str], seconds: float, rehearse: bool) -> dict[str, Any]:
    """Runs one part in at most so many seconds: how it ended, and what it took."""
    command = [sys.executable, __file__, *given, "--part", name, "--seconds", f"{seconds:.0f}"]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment(rehearse), start_new_session=True)
    for wait, number in ((seconds, signal.SIGTERM), (GRACE, signal.SIGKILL)):
        try:
            process.wait(max(wait, 1))
            break
        except subprocess.TimeoutExpired:
            process.send_signal(number)  # asked, it saves
    with contextlib.suppress(ProcessLookupError):  # what it started ends with it
        os.killpg(process.pid, signal.SIGKILL)
    return {"exit": process.wait(), "seconds": time.perf_counter() - began, "limit": seconds}


def visit(asked: argparse.Namespace, given: list[str]) -> dict[str, Any]:
    """How each part went, all of them in turn."""
    began, found = time.perf_counter(), {}
    limits = REHEARSAL if asked.rehearse else LIMITS
    for name in asked.parts:
        left = asked.seconds - (time.perf_counter() - began)
        limit = min(limits[name], left) if name in limits else asked.train_seconds or left - GRACE
        print(f"{name}: {limit:.0f} s", file=sys.stderr)
        found[name] = run(name, given, limit, asked.rehearse)
    return found


def main() -> None:
    given = sys.argv[1:]
    asked = arguments().parse_args(given)
    asked.out = asked.out.resolve()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.part is None:
        print(json.dumps(visit(asked, given)))
        return
    from gpu_parts import contract, speed, train

    {"contract": contract, "speed": speed, "train": train}[asked.part].run(asked)


if __name__ == "__main__":
    main()
