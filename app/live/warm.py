"""Warm-up: what the first visitor would wait for is imported and compiled before, giving way to visitors."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

from app.live import activity, mappings

DEFAULTS = ("egnn-qm9-homo", "set_transformer-qm9-homo")  # what the Molecule page opens with
BODIES = ("egnn-nbody", "set_transformer-nbody")  # and the N-body page
SCENE = "nbody-5-published"
MOLECULE = "ethanol"
_LOG = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    """Starts the warm-up, and the watch over memory mappings, beside the server, which answers at once."""
    ended = threading.Event()
    threading.Thread(target=mappings.watch, args=(ended,), name="mappings", daemon=True).start()
    if os.environ.get("DEMETAR_WARM", "1") != "0":
        threading.Thread(target=_warm, args=(ended,), name="warm-up", daemon=True).start()
    yield
    ended.set()


def _warm(ended: threading.Event) -> None:
    with contextlib.suppress(OSError, AttributeError):  # this thread alone, where that can be said
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    for step in _steps():
        while not activity.quiet() or _compiling():
            if ended.wait(0.2):
                return
        if ended.is_set():
            return
        began = time.monotonic()
        try:
            step()
        except Exception:  # a page says it where it matters
            _LOG.exception("a step of the warm-up failed")
        _LOG.info("warm-up: %s, %.1f s", step, time.monotonic() - began)


def _compiling() -> bool:
    """Whether a page has something compiled; of a page that is not imported, nothing."""
    cached = sys.modules.get("app.backend.cached")
    return cached is not None and getattr(cached, "busy", lambda: False)()


def _steps() -> Iterator[Callable[[], Any]]:
    yield lambda: importlib.import_module("app.pages").found()
    from app.backend import cached, molecules, nbody

    element = molecules.Element((0.0, 0.0, 0.0, 1.0))
    pages = ((molecules.Source(MOLECULE), DEFAULTS), (nbody.Source(SCENE), BODIES))
    for source, defaults in pages:
        names = [name for name in defaults if name in cached.known_runs()]
        for kind in ("square", "verdict", "curve"):
            for name in names:
                yield partial(cached.warm, kind, name, source, element, "float32")
