"""One training on several devices and hosts: who holds which part of a batch.

Parameters and optimiser stand on every device. A batch is dealt out over them, each computes the
gradient of its share of the loss, and one sum over all devices (an all-reduce of as many numbers as
there are parameters) makes the gradients whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from demetar.core.arrays import Array
from demetar.core.errors import InputError

AXIS = "data"
PATIENCE = 30  # seconds after which a process that does not answer counts as lost


def join(coordinator: str, processes: int, process: int) -> None:
    """Makes this process number `process` of a training by several, before JAX is used.

    `coordinator` is host:port of process 0, which alone writes the run folder; the others read it,
    so they must see it. Raises InputError if the numbers do not fit or the others do not come.
    """
    if processes < 1 or not 0 <= process < processes or ":" not in coordinator:
        raise InputError(
            f"Expected host:port and a process from 0 to below {processes}, got {coordinator!r} "
            f"and {process}; number the processes from 0."
        )
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(
            coordinator,
            processes,
            process,
            initialization_timeout=PATIENCE * 2,
            heartbeat_timeout_seconds=PATIENCE,
            shutdown_timeout_seconds=PATIENCE,
        )
    except (RuntimeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise InputError(
            f"Expected {processes} processes to meet at {coordinator}, got '{first}'; start them "
            "within a minute of each other."
        ) from None


def mesh(choice: str) -> Mesh | None:
    """All devices in a row, or the first of each process; None for a single device."""
    devices = jax.devices()
    if choice == "one":
        first = {d.process_index: d for d in reversed(devices)}
        devices = [first[p] for p in sorted(first)]
    return None if len(devices) == 1 else Mesh(np.array(devices), (AXIS,))


def parts(mesh: Mesh | None) -> int | None:
    """How many parts of a batch this process computes; None where batches are not dealt out."""
    return None if mesh is None else len(mesh.local_devices)


def host() -> tuple[int, int]:
    """The number of this process and how many there are."""
    return jax.process_index(), jax.process_count()


def total(mesh: Mesh | None) -> Callable[[Any], Any]:
    """The sum over all devices, of a tree, inside the step."""
    return (lambda x: x) if mesh is None else (lambda x: jax.lax.psum(x, AXIS))


def spread(function: Callable, mesh: Mesh | None) -> Callable:
    """(state, batches, factor) -> (state, losses) on all devices: batches dealt out, the rest whole.

    Batches have the axes [steps, parts, ...]; each device sees its own part as [steps, ...].
    """
    if mesh is None:
        return function

    def own(state: Any, batches: Any, factor: Array) -> Any:
        return function(state, jax.tree.map(lambda x: x[:, 0], batches), factor)

    whole = PartitionSpec()
    return jax.shard_map(
        own,
        mesh=mesh,
        in_specs=(whole, PartitionSpec(None, AXIS), whole),
        out_specs=(whole, whole),
        check_vma=False,
    )


def place(batches: Any, mesh: Mesh | None) -> Any:
    """The stacked batches on the devices; with several processes, this one's parts of them."""
    if mesh is None:
        return jax.device_put(batches)
    sharding = NamedSharding(mesh, PartitionSpec(None, AXIS))
    return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, x), batches)


def replicate(tree: Any, mesh: Mesh | None) -> Any:
    """The tree on every device."""
    if mesh is None:
        return jax.tree.map(jax.numpy.array, tree)
    sharding = NamedSharding(mesh, PartitionSpec())
    return jax.tree.map(
        lambda x: jax.make_array_from_process_local_data(sharding, np.asarray(x)), tree
    )


def agreed(numbers: np.ndarray) -> np.ndarray:
    """Process 0's numbers on every process, so that all decide alike."""
    if jax.process_count() == 1:
        return numbers
    from jax.experimental.multihost_utils import broadcast_one_to_all

    words = np.ascontiguousarray(numbers, np.float64).view(np.uint32)  # JAX would halve the digits
    return np.asarray(broadcast_one_to_all(words)).view(np.float64)


def any_of(code: int) -> int:
    """The largest of all processes' codes, so that what one is asked, all hear."""
    if jax.process_count() == 1:
        return code
    from jax.experimental.multihost_utils import process_allgather

    return int(np.max(process_allgather(np.int32(code))))
