"""Tasks handed to Ray: on this machine, or on a cluster."""

from __future__ import annotations

import importlib
import os
import socket
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from demetar.core.disk import PROJECT
from demetar.core.errors import InputError

RETRIES = 3  # workers that may die over one task
KEPT = ("DEMETAR_HOME", "DEMETAR_DATA", "DEMETAR_CACHE")  # what workers on this machine inherit


def ray_module() -> Any:
    """Ray; InputError that says how to install it, or do without, if it is missing."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when Ray is imported
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise InputError(
            'Expected Ray for several runs at once, got none; pip install "demetar[sweep]", '
            "or --workers 0 to train one after another in this process."
        ) from None


def each(
    function: Callable[..., Any],
    jobs: Sequence[tuple],
    most: int | None = None,
    address: str | None = None,
    cpus: float = 1.0,
    gpus: float | None = None,
) -> Iterator[tuple[tuple, Any]]:
    """(job, None) when a job is handed out, (job, what function(*job) gave) when it has ended.

    Every job has a process of its own; one whose process dies is begun again, RETRIES times, then
    its answer is the exception. At most `most` run at once (None: as many as there is room for).
    `gpus` defaults to one a job where the cluster has any. Ctrl-C reaches the running jobs as
    SIGINT. Raises InputError if there is no Ray, or no cluster at `address`.
    """
    ray = ray_module()
    _connect(ray, address, most and max(1, round(most * cpus)))
    try:
        gpus = min(1.0, ray.cluster_resources().get("GPU", 0.0)) if gpus is None else gpus
        task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=RETRIES, max_calls=1)(function)
        waiting, running = list(jobs), {}
        try:
            while waiting or running:
                while waiting and len(running) < (most or len(jobs)):
                    job = waiting.pop(0)
                    running[task.remote(*job)] = job
                    yield job, None
                ended, _ = ray.wait(list(running), timeout=5.0)
                for reference in ended:
                    yield running.pop(reference), _answer(ray, reference)
        except KeyboardInterrupt:
            for reference in running:
                ray.cancel(reference, force=False)
            if running:
                ray.wait(list(running), num_returns=len(running), timeout=30)
            raise
    finally:
        ray.shutdown()


def _answer(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        return error


def _connect(ray: Any, address: str | None, cpus: int | None) -> None:
    """Joins the cluster at `address`, or begins one on this machine."""
    if address is not None:
        try:
            _reach(address)  # Ray itself tries for minutes
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        except (OSError, RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"Expected a Ray cluster at {address!r}, got {reason!r}; begin one with `ray "
                "start --head`, or leave --address out for this machine alone."
            ) from None
        return
    here = str(PROJECT)
    paths = [here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    variables = {key: os.environ[key] for key in KEPT if key in os.environ}
    with warnings.catch_warnings():
        # JAX's threads are no danger here: what is forked becomes another program at once.
        warnings.filterwarnings("ignore", message="os.fork", category=RuntimeWarning)
        ray.init(
            num_cpus=cpus,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            runtime_env={"env_vars": variables | {"PYTHONPATH": os.pathsep.join(paths)}},
        )


def _reach(address: str) -> None:
    """Raises OSError or ValueError unless something listens at host:port (or "auto", "local")."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon:
        if address not in ("auto", "local"):
            raise ValueError("an address is host:port, ray://host:port, or auto")
        return
    socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
