"""Keeps a server that runs for days below the number of memory mappings that Linux allows a process.

Every compiled program keeps some fifty mapped; at vm.max_map_count, 65,530 by default, the compiler ends the
process ("Unable to allocate section memory"): after about 1,200 programs, which visitors with structures
of many sizes, models and precisions reach in time. What was let go comes back from the cache on disk.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path

MAPS, LIMIT = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")
SHARE = 0.6  # of what is allowed
EVERY = 10.0  # seconds: some dozen programs can be compiled meanwhile
_LOG = logging.getLogger(__name__)


def crowded(maps: Path = MAPS, limit: Path = LIMIT) -> bool:
    """Whether this process holds more mappings than it should; False where that cannot be known."""
    try:
        return maps.read_bytes().count(b"\n") > SHARE * int(limit.read_text())
    except (OSError, ValueError):
        return False


def let_go() -> None:
    """Forgets every compiled program; what is being computed goes on."""
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
        _LOG.info("compiled programs were let go: too many memory mappings")


def watch(
    ended: threading.Event,
    full: Callable[[], bool] = crowded,
    free: Callable[[], None] = let_go,
    every: float = EVERY,
) -> None:
    """Looks now and then until the server ends."""
    while not ended.wait(every):
        if full():
            free()
