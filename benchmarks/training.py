"""The training loop against the step of EGNN's published PyTorch program, and where its time goes.

python benchmarks/training.py CHECKOUT [--threads 1] [--rounds 10] [--pages system]

CHECKOUT is a clone of github.com/vgsatorras/egnn (commit e9ca6c0c); pip install "demetar[bench]".
Both run on the same cores, in turn, in processes of their own (benchmarks/apart.py). Ours is the stream
of shuffled batches that a training draws (built by a thread, padded, put on the device) with its compiled
step: AdamW, clipping, schedule, average of the parameters. The reference repeats forward, loss, backward
and Adam on one ready batch of the same size. The ceiling is the rate of one large matrix product.
"""

import argparse
import dataclasses
import functools
import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import egnn_reference as reference
import numpy as np
from apart import Program, add_arguments, pin, serve

sys.path.insert(0, str(Path(__file__).parent))

BATCHES = 10  # of which the stream is drawn again and again
SCALING = Path(__file__).resolve().parents[1] / "tests" / "support" / "devices_process.py"


def first(case: reference.Case, systems: int) -> reference.Case:
    """The first systems of a case."""
    rows = int(case.sizes[:systems].sum())
    per_system = len(case.targets) == len(case.sizes)
    cut = {
        "sizes": case.sizes[:systems],
        "targets": case.targets[: systems if per_system else rows],
    }
    for name in ("positions", "velocities", "charges", "species"):
        value = getattr(case, name)
        cut[name] = None if value is None else value[:rows]
    return dataclasses.replace(case, **cut)


class Ours:
    """Our loop on a case: its stream, its step, and the parts of the step alone."""

    def __init__(self, case: reference.Case, batch: int) -> None:
        import jax

        from demetar import models
        from demetar.data import on_device
        from demetar.data.loader import Loader
        from demetar.data.systems import Systems
        from demetar.models.nn.init import initialise, probe
        from demetar.runs import config
        from demetar.training import loop, losses, optimiser, stream

        systems = Systems(
            case.sizes,
            case.positions,
            case.targets,
            "",
            case.species,
            case.velocities,
            case.charges,
        )
        self.loader, self.jax = Loader(systems, batch), jax
        self.config = config.Config(batch_size=batch, epochs=10**6)
        model = models.create("egnn", **case.config())
        params = initialise(model, probe(case.config()))
        tx = optimiser.optimiser(self.config, 10**6)
        self.loss = losses.make(model)
        self.state, tree = loop.begin(params, tx)
        self.step = loop.make_step(self.loss, tx, tree, 0.999, model.config.output)
        self.state = jax.tree.map(jax.numpy.array, self.state)
        self.params = jax.tree.map(jax.numpy.array, params)
        self.stack = stream.steps_per_call(
            self.config, self.loader, sum(x.size for x in jax.tree.leaves(params))
        )
        stays = on_device.wanted("auto", self.loader)
        calls = stream.calls(self.loader, self.config, 0, self.stack, stays)
        place = on_device.Resident(self.loader) if stays else jax.device_put
        self.prefetch = stream.Prefetch(calls, place)
        self.calls = iter(self.prefetch)
        self.done, self.seconds = 0, 0.0

    def run(self, steps: int) -> float:
        """Milliseconds a step, waiting for input included."""
        began, done = time.perf_counter(), 0
        while done < steps:
            self.state, values = self.step(self.state, next(self.calls), 1.0)
            done += len(np.asarray(values))
        self.seconds += time.perf_counter() - began
        return (time.perf_counter() - began) / done * 1e3

    def parts(self) -> dict[str, float]:
        """Milliseconds of forward pass, gradient and whole step, and of making a batch."""
        jax = self.jax
        graph, labels = jax.device_put(next(self.loader.epoch(0, 0)))
        forward = jax.jit(self.loss)
        gradient = jax.jit(jax.value_and_grad(self.loss))
        calls: dict[str, Callable] = {
            "forward": lambda: jax.block_until_ready(forward(self.params, graph, labels)),
            "gradient": lambda: jax.block_until_ready(gradient(self.params, graph, labels)),
            "batch on the host": lambda: next(self.loader.epoch(0, 0)),
        }
        self.flops = gradient.lower(self.params, graph, labels).cost_analysis()["flops"]
        return {k: min(reference.timed(call, 3) for _ in range(5)) for k, call in calls.items()}


def ceiling() -> float:
    """Gflop/s of one product of two square matrices of 1,024, the best of ten."""
    import jax
    import jax.numpy as jnp

    a = jnp.ones((1024, 1024))
    product = jax.jit(lambda a: a @ a)
    ms = min(reference.timed(lambda: product(a).block_until_ready(), 3) for _ in range(10))
    return 2 * 1024**3 / ms / 1e6


CASES = {  # systems of a batch, and what makes so many of them
    100: lambda: reference.nbody(100 * BATCHES, 64, 4),
    96: lambda: reference.qm9(96 * BATCHES, 128, 7),
}


def answering(which: str) -> Callable[..., Any]:
    """What one of both programs answers about a batch of so many systems: milliseconds of a step, facts."""

    @functools.lru_cache(1)
    def ours(batch: int) -> Ours:
        made = Ours(CASES[batch](), batch)
        made.run(2 if made.stack == 1 else 2 * len(made.loader))  # compiles each length of a call
        made.prefetch.waited, made.seconds = 0.0, 0.0
        return made

    @functools.lru_cache(1)
    def theirs(batch: int) -> Callable:
        part = first(CASES[batch](), batch)
        return reference.theirs(part, reference.reference_model(part))["train step"]

    def answer(question: str, batch: int) -> Any:
        if which == "theirs":
            theirs(
                batch
            )()  # memory that a virtual machine took back while the other ran comes again
            return reference.timed(theirs(batch), 2)
        made = ours(batch)
        if question == "ms":
            made.run(1)
            return made.run(max(made.stack, 2))
        waited, parts, best = made.prefetch.waited / made.seconds, made.parts(), ceiling()
        made.prefetch.__exit__()
        return {
            "steps a call": made.stack,
            "input_wait": waited,
            "padding": made.loader.waste(0, 0),
            "parts_ms": parts,
            "gflops": made.flops / parts["gradient"] / 1e6,
            "ceiling_gflops": best,
            "peak_gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        }

    return answer


def compare(batch: int, rounds: int, programs: tuple[Program, Program]) -> dict[str, Any]:
    """Both steps in turn, and what ours is made of."""
    times: tuple[list[float], list[float]] = ([], [])
    for program in programs:
        program.ask("ms", batch)  # what is made, compiled and warmed
    for i in range(rounds):
        for which in (0, 1) if i % 2 == 0 else (1, 0):
            time.sleep(reference.PAUSE)
            times[which].append(programs[which].ask("ms", batch))
    median = statistics.median(times[0])
    print(f"{batch}: {median:.1f} ms against {statistics.median(times[1]):.1f}", file=sys.stderr)
    return {
        "batch": batch,
        "rounds": rounds,
        "ours_ms": median,
        "reference_ms": statistics.median(times[1]),
        "ours_min_ms": min(times[0]),
        "reference_min_ms": min(times[1]),
        "ratio_median": statistics.median(b / a for a, b in zip(*times, strict=True)),
        "steps_per_second": 1e3 / median,
        "systems_per_second": 1e3 * batch / median,
    } | programs[0].ask("facts", batch)


def stopping() -> float:
    """Seconds from SIGTERM to the end of a training that is under way."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "demetar.cli", "train", "--name", "stop", "--epochs", "1000",
                   "--train-size", "3000", "--valid-size", "500"]  # fmt: skip
        status = Path(folder) / "runs" / "stop" / "status.json"
        process = subprocess.Popen(
            command,
            env={**os.environ, "DEMETAR_HOME": folder},
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        while process.poll() is None:
            time.sleep(0.5)
            if status.is_file() and json.loads(status.read_text())["step"] > 100:
                break
        began = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        process.wait()
        assert json.loads(status.read_text())["state"] == "stopped"
        return time.perf_counter() - began


def scaling() -> dict[str, Any]:
    """Losses and megabytes sent a step on 1, 2, 4 and 8 virtual devices of this machine."""
    flags = "--xla_force_host_platform_device_count=8"
    command = [sys.executable, str(SCALING), "1", "2", "4", "8"]
    environment = {**os.environ, "XLA_FLAGS": flags}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    alone = np.array(found["1"]["losses"])
    return {
        n: {
            "largest difference": float(np.abs(np.array(f["losses"]) / alone - 1).max()),
            "megabytes": f["megabytes"],
            "parameters": f["count"],
        }
        for n, f in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkout", type=Path)
    add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.checkout))
    if arguments.serve:
        pin(arguments.threads)
        return serve(answering(arguments.serve))
    programs = (Program("ours", arguments.pages), Program("theirs", arguments.pages))
    report: dict[str, Any] = {
        "machine": f"{platform.machine()}, {arguments.threads} threads, pages: {arguments.pages}",
        "load": os.getloadavg()[0],
        "lines": [compare(batch, arguments.rounds, programs) for batch in CASES],
    }
    for program in programs:
        program.end()
    report |= {"stop_seconds": stopping(), "scaling": scaling()}
    print(json.dumps(report, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
