"""The stream of batches: built by a thread, stacked for one compiled call, put on the devices."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from demetar.core.graph import Graph
from demetar.data.loader import Draw, Loader
from demetar.data.systems import Labels
from demetar.runs.config import Config
from demetar.symmetry import groups
from demetar.symmetry.elements import Elements

Batch = tuple[Graph, Labels, Elements | None]
Drawn = tuple[Draw, Elements | None]
CALL = {"cpu": 1e10}  # floating-point operations of about a quarter of a second, by backend
CALL_ELSEWHERE = 1e12
MOST_BYTES = 64e6  # of the batches of one call


def steps_per_call(config: Config, loader: Loader, parameters: int) -> int:
    """How many steps one compiled call takes: up to an epoch, for about a quarter of a second.

    A step is taken for 6 operations a parameter and edge (a multiplication and an addition,
    forward and twice backward). The number decides nothing but speed, and how long a stop waits.
    """
    if config.steps_per_call:
        return min(config.steps_per_call, len(loader))
    work = 6.0 * parameters * loader.edges
    size = 12.0 * loader.edges + 64.0 * loader.nodes
    room = CALL.get(jax.default_backend(), CALL_ELSEWHERE)
    return int(max(1, min(len(loader), room / work, MOST_BYTES / size)))


def calls(
    loader: Loader,
    config: Config,
    done: int,
    stack: int,
    draws: bool = False,
    steps: int | None = None,
) -> Iterator[Any]:
    """Stacked batches [steps, ...] from step `done` on, as if nothing had come before.

    They end with step `steps`, or with the last epoch.

    With `draws` what they are of, to be drawn where the data are; else the arrays themselves. A
    call never crosses an epoch and ends at the multiples of `stack` in it and where the room
    changes, so a run that goes on at one of these ends makes the same calls as one that never
    stopped.
    """
    group: list[Any] = []
    left = None if steps is None else max(steps - done, 0)
    for i, (draw, elements) in itertools.islice(_numbered(loader, config, done), left):
        batch = (draw, elements) if draws else (*loader.drawn(draw), elements)
        if group and (i % stack == 0 or _shapes(batch) != _shapes(group[0])):
            yield jax.tree.map(lambda *x: np.stack(x), *group)
            group = []
        group.append(batch)
    if group:
        yield jax.tree.map(lambda *x: np.stack(x), *group)


def _numbered(loader: Loader, config: Config, done: int) -> Iterator[tuple[int, Drawn]]:
    """Draws with their number within the epoch, and the elements that act on them."""
    for epoch in range(done // len(loader), config.epochs):
        start = max(0, done - epoch * len(loader))
        for i, draw in enumerate(loader.draws(config.seed, epoch, start), start):
            yield i, (draw, _elements(loader, config, epoch, i))


def _elements(loader: Loader, config: Config, epoch: int, i: int) -> Elements | None:
    """The elements that act on the systems of this host's parts of a batch."""
    if not config.augment:
        return None
    rng = np.random.default_rng((config.seed, epoch, i, 1))
    g = groups.load(config.augment).sample(rng, loader.batch_size, np.ones(1, bool))
    return loader.deal(g.astype(np.float32))


def _shapes(batch: Any) -> tuple:
    leaves, structure = jax.tree.flatten(batch[0])  # a draw's room is in the structure
    return structure, [np.shape(x) for x in leaves]


class Prefetch:
    """What an iterator gives, prepared ahead by a thread; `waited` seconds were spent for it."""

    def __init__(self, source: Iterator[Any], place: Callable[[Any], Any], depth: int = 2) -> None:
        self.waited = 0.0
        self._ready: queue.Queue = queue.Queue(depth)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._fill, args=(source, place), daemon=True)
        self._thread.start()

    def _fill(self, source: Iterator[Any], place: Callable[[Any], Any]) -> None:
        try:
            for item in source:
                if not self._give((place(item), None)):
                    return
            self._give((None, None))
        except BaseException as error:  # the loop shall meet it, whatever it is
            self._give((None, error))

    def _give(self, item: tuple[Any, BaseException | None]) -> bool:
        while not self._ended.is_set():
            try:
                self._ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def __enter__(self) -> Prefetch:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def __iter__(self) -> Iterator[Any]:
        while True:
            began = time.perf_counter()
            item, error = self._ready.get()
            self.waited += time.perf_counter() - began
            if error is not None:
                raise error
            if item is None:
                return
            yield item
