"""Training steps against published PyTorch programs on the same device, taking turns.

EGNN: our loop with its stream of batches, data on the device where they fit, against forward, loss,
backward and Adam of the published program on one ready batch. SEGNN: one step of each on one ready
batch. Both multiply in TensorFloat-32, as JAX does by default on such a device ("tf32"), then both
in full float32 ("highest"). Last the channelwise tensor product: ours and cuEquivariance's, whose
kernel is used where it is installed. Times end when the device has ended.
"""

import argparse
import importlib
import importlib.util
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Steps = Callable[[int], float]  # so many steps -> milliseconds a step
PRECISIONS = {"tf32": ("default", "high"), "highest": ("highest", "highest")}  # JAX's, PyTorch's
EDGES = 65_536  # of the tensor product


def wait() -> None:
    """Until PyTorch's device has ended."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def of(call: Callable[[], Any], end: Callable[[], None] = lambda: None) -> Steps:
    """Repeats a call; `end` waits for the device."""

    def steps(count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            call()
        end()
        return (time.perf_counter() - began) / count * 1e3

    return steps


def turns(ours: Steps, theirs: Steps, rounds: int) -> dict[str, Any]:
    """Medians and least times of both, at least 50 ms a turn, after both were compiled."""
    first = [call(2) for call in (ours, theirs)]
    counts = [max(2, int(50 / max(call(4), 1e-3))) for call in (ours, theirs)]
    times: tuple[list[float], list[float]] = ([], [])
    for i in range(rounds):
        for which in (0, 1) if i % 2 == 0 else (1, 0):
            times[which].append((ours, theirs)[which](counts[which]))
    return {
        "rounds": rounds,
        "ours_ms": statistics.median(times[0]),
        "ours_min_ms": min(times[0]),
        "theirs_ms": statistics.median(times[1]),
        "theirs_min_ms": min(times[1]),
        "ratio_median": statistics.median(b / a for a, b in zip(*times, strict=True)),
        "first_ms": first,
    }


def egnn(asked: argparse.Namespace, device: str, which: str) -> Iterator[dict[str, Any]]:
    """N-body in batches of 100, QM9 in batches of 96."""
    import egnn_reference as reference
    import torch
    import training

    sys.path.insert(0, str(asked.egnn))
    _forget("models")
    systems = 40 if asked.rehearse else 960
    layers = (1, 1) if asked.rehearse else (4, 7)
    case, batch = {
        "egnn_nbody": (reference.nbody(systems // 96 * 100 or 40, 64, layers[0]), 100),
        "egnn_qm9": (reference.qm9(systems, 128, layers[1]), 96),
    }[which]
    batch = min(batch, systems // 4) if asked.rehearse else batch
    ours, part = training.Ours(case, batch), training.first(case, batch)
    torch.set_default_device(device)
    try:
        model = reference.reference_model(part).to(device)
        train = reference.theirs(part, model)["train step"]
        found = turns(ours.run, of(train, wait), 2 if asked.rehearse else 20)
    finally:
        torch.set_default_device("cpu")
        ours.prefetch.__exit__()
        sys.path.remove(str(asked.egnn))
    yield {"case": which, "batch": batch, "steps a call": ours.stack} | found


def segnn(asked: argparse.Namespace, device: str, which: int) -> Iterator[dict[str, Any]]:
    """N-body in batches of 100, QM9 (bonds within 2 Å) in batches of 128."""
    import irreps_reference
    import numpy as np
    import torch

    _forget("models")
    built = importlib.import_module("references.segnn").build(asked.segnn, asked.rehearse, device)
    case = built[which]
    calls, prediction = irreps_reference.ours(case)
    tx = torch.optim.Adam(case.parameters, lr=5e-4)
    with torch.no_grad():
        expected = case.predict().cpu().numpy()

    def train() -> None:
        tx.zero_grad()
        case.predict().square().mean().backward()
        tx.step()

    worst = np.abs(prediction[: len(expected)] - expected).max() / np.abs(expected).max()
    found = turns(of(calls["train step"]), of(train, wait), 2 if asked.rehearse else 20)
    yield {"case": case.name, "batch": len(case.systems.sizes), "difference": float(worst)} | found


def product(asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The tensor product and a linear map, 32x(0e + 1o + 2e), forward and with all gradients."""
    import irreps

    edges = 512 if asked.rehearse else EDGES
    arrays = irreps.arrays_of(edges)
    mine, rounds = irreps.our_layer(arrays), 2 if asked.rehearse else 20
    kernel = importlib.util.find_spec("cuequivariance_ops_jax") is not None
    given = {"edges": edges, "kernel": kernel}
    try:
        other, failed = irreps.cue_layer(arrays), {}
    except Exception as error:  # its kernel is another package's: ours is timed all the same
        os.environ.pop("DEMETAR_TENSOR_PRODUCT", None)
        other, failed = {}, {"error of cuequivariance": f"{type(error).__name__}: {error}"[:500]}
    for name, call in mine.items():
        theirs = other.get(name.replace("demetar", "cuequivariance"), call)
        found = turns(of(call), of(theirs), rounds)
        if not other:
            found = {k: v for k, v in found.items() if k.startswith("ours")}
        yield {"case": name.replace("demetar", "product")} | given | failed | found


def _forget(package: str) -> None:
    """Both programs call a package of theirs `models`."""
    for name in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
        del sys.modules[name]


def cases(asked: argparse.Namespace, device: str) -> Iterator[tuple[str, str, Callable]]:
    """(name, precision, what gives its lines), the most telling ones first."""
    for precision in PRECISIONS:
        for which in ("egnn_nbody", "egnn_qm9") if asked.egnn else ():
            yield which, precision, lambda w=which: egnn(asked, device, w)
        if precision == "tf32":
            yield "product", precision, lambda: product(asked)
        for which in (0, 1) if asked.segnn else ():
            yield f"segnn {which}", precision, lambda w=which: segnn(asked, device, w)


def run(asked: argparse.Namespace) -> None:
    """Writes speed.json after every case; one that fails is a line that says so."""
    import jax
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if asked.rehearse:
        torch.set_num_threads(1)  # its threads spin, and a rehearsal shares its cores
    found: dict[str, Any] = {
        "device": jax.devices()[0].device_kind,
        "jax": jax.__version__,
        "torch": torch.__version__,
        "torch device": device,
        "lines": [],
    }
    for name, precision, made in cases(asked, device):
        ours, theirs = PRECISIONS[precision]
        jax.config.update("jax_default_matmul_precision", ours)
        torch.set_float32_matmul_precision(theirs)
        try:
            lines = list(made())
        except Exception as error:
            lines = [{"case": name, "error": f"{type(error).__name__}: {error}"[:500]}]
        found["lines"] += [line | {"products": precision} for line in lines]
        _write(asked.out / "speed.json", found)
        for line in lines:
            print({k: v for k, v in line.items() if "ms" in k or k in ("case", "error")})


def _write(path: Path, found: dict[str, Any]) -> None:
    path.write_text(json.dumps(found, indent=1) + "\n")
