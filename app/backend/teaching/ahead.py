"""What the scenes of a lecture will ask for, computed before they are shown. One thread for the server.

A lecture is moved by a key alone, so nobody presses "Find the cause", and nobody likes to wait for a
compiler before an audience.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from app.backend import cached, molecules, nbody
from app.backend.checking import diagnosis
from app.backend.teaching.lectures import Lecture, Scene
from demetar.core.errors import InputError

SMALL = "a small model with a fault of your choice"
SOUND = "no fault"
_LOG = logging.getLogger(__name__)
_lock = threading.Lock()
_threads: dict[str, threading.Thread] = {}
SECONDS = 120.0  # of one diagnosis: nobody waits for it, and a busy machine leaves out no evidence
IDENTITY = (0.0, 0.0, 0.0, 1.0)


def question(parameters: Mapping[str, str]) -> tuple[tuple, Callable[[], Any]]:
    """The key under which the page Why not 10⁻⁷? keeps its answer to these parameters, and what finds it."""
    name = parameters["run"]
    source: Any = molecules.Source(parameters.get("molecule", "ethanol"))
    if name == SMALL:
        fault = parameters.get("fault", SOUND)
        chosen = () if fault == SOUND else (fault,)
        key: tuple = ("small", chosen, source)
        return key, lambda: diagnosis.of_small(key, chosen, source, _on, SECONDS)
    if "scene" in parameters:
        source = nbody.Source(parameters["scene"])
    key = ("run", name, cached.stamp(name), source)
    return key, lambda: diagnosis.of_run(key, cached.run(name), source, _on, SECONDS)


def _on(_: float, __: str) -> bool:
    return True


def waiting(scene: Scene) -> bool:
    """Whether the scene shows a diagnosis that is not known yet."""
    return scene.page == "why" and diagnosis.known(question(scene.parameters)[0]) is None


def prepare(lecture: Lecture) -> None:
    """Begins to compute what the lecture's scenes ask for, in their order, unless that is under way."""
    with _lock:
        old = _threads.get(lecture.name)
        if old is not None and old.is_alive():
            return
        todo = [s for s in lecture.scenes if s.page in _PREPARED or waiting(s)]
        thread = threading.Thread(target=_run, args=(todo,), name="lecture", daemon=True)
        _threads[lecture.name] = thread
        thread.start()


def _run(scenes: list[Scene]) -> None:
    for scene in scenes:
        try:
            _PREPARED[scene.page](scene.parameters) if scene.page in _PREPARED else _why(scene)
        except InputError as error:  # the scene's own page says it where it matters
            _LOG.info("scene %r: %s", scene.title, error)


def _molecule(parameters: Mapping[str, str]) -> None:
    element = _element(parameters)
    source = molecules.Source(parameters.get("molecule", "ethanol"))
    precision = parameters.get("precision", "float32")
    names = [parameters[k] for k in ("run", "beside") if parameters.get(k, "none") != "none"]
    for kind in cached.KINDS:
        for name in names:
            cached.warm(kind, name, source, element, precision)
    if parameters.get("lens") == "All rotations":
        for name in names:
            cached.orbit(name, source, element.invert, precision)


def _element(parameters: Mapping[str, str]) -> molecules.Element:
    return molecules.element(IDENTITY, parameters.get("also", "").split(","))


def _bodies(parameters: Mapping[str, str]) -> None:
    source = nbody.Source(
        parameters["scene"],
        int(parameters.get("bodies", 5)),
        parameters.get("charges", nbody.CHARGES[0]),
        int(parameters.get("seed", 0)),
    )
    names = [parameters[k] for k in ("run", "beside") if parameters.get(k, "none") != "none"]
    element, precision = _element(parameters), parameters.get("precision", "float32")
    kinds = [k for k in cached.OF_BODIES if k != "rollout" or parameters.get("lens") == "Roll-out"]
    for kind in kinds:
        for name in names:
            cached.warm(kind, name, source, element, precision)


_PREPARED = {"molecule": _molecule, "nbody": _bodies}


def _why(scene: Scene, tries: int = 60) -> None:
    """Asks until no other visitor's diagnosis is in the way."""
    key, ask = question(scene.parameters)
    for _ in range(tries):
        try:
            ask()
            return
        except InputError as error:
            if "another visitor" not in str(error):
                raise
        if diagnosis.known(key) is not None:
            return
        time.sleep(1.0)
