"""The one file that sees both the library and Streamlit: cached by plain values, nothing drawn.

Arrays that come out are host numpy and shared between visitors: nobody writes to them.
"""

from __future__ import annotations

import contextlib
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from app.backend import form, molecules, nbody
from app.backend.measuring import bodies, moving, rollout, square
from app.backend.measuring import motion as live
from app.backend.measuring import orbit as orbits
from app.backend.rotations import Vector
from app.jobs import runs
from demetar.core import graph, padding, registry
from demetar.core.disk import home
from demetar.core.errors import InputError
from demetar.runs.run import Run, load

Source = molecules.Source | nbody.Source
Asked = tuple[Source, molecules.Element, Vector, str]  # what is asked of every run alike


def job(name: str) -> runs.Job:
    """One run; InputError with the closest name if there is none."""
    return runs.read(runs.find(name))


def evaluations(name: str) -> list[dict[str, Any]]:
    """The lines of a run's metrics so far, `valid` and `forces` being the errors of either alone."""
    return runs.apart(runs.metrics(runs.find(name)))


def archive(name: str) -> bytes:
    """A zip of the files that make a run."""
    return runs.archive(runs.find(name))


# ---- runs -------------------------------------------------------------------------------------


def runs_on(inputs: str) -> dict[str, list[str]]:
    """Loadable runs that read "particles" or "atoms": those that claim rotations, and the others.

    {"turns": [...], "rigid": [...]}, shipped ones first; of atoms only runs that predict an
    invariant, of particles only those that predict places: that is what the pages draw.
    """
    kept = tuple((str(folder), _written(folder)) for folder in runs.folders())
    return _runs_on(inputs, str(home().resolve()), kept)


@st.cache_data(
    show_spinner=False, max_entries=16, ttl=30.0
)  # settings that were read while written
def _runs_on(inputs: str, place: str, kept: tuple[tuple[str, float], ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"turns": [], "rigid": []}
    for job in sorted(runs.list_all(), key=lambda job: (job.state != "shipped", job.name)):
        drawn = form.predicts(job.config) in DRAWN[inputs]
        if job.loadable and form.reads(job.config) == inputs and drawn:
            with contextlib.suppress(InputError):
                turns = form.turns(str(job.config.get("model")))
                found["turns" if turns else "rigid"].append(job.name)
    return found


DRAWN = {"particles": ("positions", "state"), "atoms": ("scalar",)}


@st.cache_resource(show_spinner=False, max_entries=32)
def _run(name: str, stamp: float) -> Run:
    return load(name)


def run(name: str) -> Run:
    """The run of that name, shared by all visitors; read again when its parameters are replaced."""
    return _run(name, stamp(name))


def stamp(name: str) -> float:
    """When a run's parameters were written: part of every key under which its results are kept."""
    return _written(runs.find(name))


def _written(folder: Path) -> float:
    try:
        return (folder / "params.npz").stat().st_mtime
    except OSError:
        return 0.0


@st.cache_data(show_spinner=False, max_entries=64)
def start_of(source: nbody.Source) -> nbody.Start:
    """The start of a scene."""
    return nbody.start(source)


@st.cache_data(show_spinner=False, max_entries=64)
def twin(
    source: nbody.Source, element: molecules.Element, law: str, horizons: int = 1
) -> nbody.Twin:
    """The true paths of a start x and of g·x."""
    return nbody.twin(start_of(source), element, law, horizons)


@st.cache_data(show_spinner=False, max_entries=64)
def limited(source: nbody.Source, law: str) -> int:
    """In how many steps of the true path the law's limit on forces acts."""
    return nbody.limited(start_of(source), law)


@st.cache_data(show_spinner=False, max_entries=64)
def simulated(source: nbody.Source, element: molecules.Element, axis: Vector) -> bodies.Simulated:
    """What the force laws themselves do to the square at g, about an axis, over rotations."""
    return bodies.simulated(start_of(source), element, axis)


def motion(
    names: list[str], asked: Asked, law: str, rolled: dict[str, rollout.Rollout]
) -> live.View:
    """What the live channel needs to answer for these runs at a scene; with roll-outs, if there are any."""
    source, element, _, dtype = asked
    begin, _, _ = _subject(source)
    straight = nbody.path(begin, law, rollout.STEPS if rolled else 1)
    used, left = (run(name) for name in names), (r.first for r in rolled.values())
    return live.View(tuple(used), begin, dtype, element, law, straight, tuple(left))


class Molecule(NamedTuple):
    """A molecule about its centroid as the viewer draws it; `reference` is its label, if known."""

    symbols: list[str]
    positions: np.ndarray
    bonds: list[tuple[int, int, int]]
    reference: float | None


@st.cache_data(show_spinner=False, max_entries=256)
def molecule(source: molecules.Source) -> Molecule:
    """The molecule of the gallery or in the uploaded file; InputError if there is none."""
    atoms = molecules.molecule(source)
    label = atoms.info.get("homo_meV")
    return Molecule(
        list(atoms.symbols),
        atoms.positions,
        molecules.bonds(atoms),
        None if label is None else float(label),
    )


def renumbered(element: molecules.Element, symbols: list[str]) -> list[str]:
    """The symbols of the atoms of g·x."""
    return [symbols[i] for i in molecules.order_of(element, len(symbols))]


_warm: dict[tuple, threading.Thread] = {}
_beginning = threading.Lock()
KINDS = {"square": square.square, "verdict": square.judged, "curve": square.curve}
OF_BODIES = {
    "square": bodies.square, "verdict": bodies.judged, "curve": bodies.curve,
    "rollout": rollout.rollout,
}  # fmt: skip


def known_runs() -> set[str]:
    """The names of all loadable runs."""
    return {job.name for job in runs.list_all() if job.loadable}


def title(name: str) -> str:
    """What the model of a run is called, such as "EGNN"."""
    return _title(name, stamp(name))


@lru_cache(256)
def _title(name: str, stamp: float) -> str:
    return form.models().get(str(job(name).config.get("model")), name)


@lru_cache(32)
def _size(name: str, stamp: float, source: Source) -> tuple[int, int]:
    """The padded size of a structure that a run can read; a sentence now, not in a thread, if it can't."""
    as_graph = _subject(source)[1]
    run(name).prepare(as_graph)
    return padding.rung(as_graph)


def _subject(source: Source) -> tuple[Any, graph.Graph, dict[str, Any]]:
    """The structure, the same as a graph, and what is measured of such."""
    if isinstance(source, nbody.Source):
        begin = start_of(source)
        return begin, nbody.to_graph(begin), OF_BODIES
    atoms = molecules.molecule(source)
    return atoms, graph.from_atoms(atoms), KINDS


def warm(kind: str, name: str, source: Source, element: molecules.Element, dtype: str) -> None:
    """Compiles what `kind` needs for structures of this size, and waits for it."""
    _begun(kind, name, (source, element, (0.0, 0.0, 1.0), dtype))[1].join()


def _begun(kind: str, name: str, asked: Asked) -> tuple[tuple, threading.Thread]:
    source, element, axis, dtype = asked
    known = stamp(name)
    key = (kind, name, known, _size(name, known, source), dtype, element.renumber is None)
    with _beginning:  # the warm-up and visitors begin the same
        fresh = key not in _warm
        if fresh:
            found, _, kinds = _subject(source)
            arguments = (run(name), found, element, *([axis] if kind == "curve" else []), dtype)
            thread = threading.Thread(target=kinds[kind], args=arguments, daemon=True)
            thread.start()
            _warm[key] = thread
    if fresh:
        _warm[key].join(0.3)  # with a warm compilation cache there is nothing to wait for
    return key, _warm[key]


def of_structure(kind: str, names: list[str], asked: Asked) -> tuple[list[tuple], dict[str, Any]]:
    """What has still to be compiled (in the background, from now on), and the answers of the rest.

    `kind` is one of KINDS: the square of each run, its verdict, its curve about an axis.
    """
    waiting, found = [], {}
    for name in names:
        key, thread = _begun(kind, name, asked)
        if thread.is_alive():
            waiting.append(key)
        else:
            found[name] = _of_structure(kind, name, stamp(name), asked)
    return waiting, found


def busy() -> bool:
    """Whether something is being compiled for a visitor."""
    return any(thread.is_alive() for thread in list(_warm.values()))


def compiled(keys: list[tuple]) -> bool:
    """Whether all of these are ready."""
    return not any(_warm[key].is_alive() for key in keys)


@st.cache_data(show_spinner=False, max_entries=512)
def _of_structure(kind: str, name: str, stamp: float, asked: Asked) -> Any:
    source, element, axis, dtype = asked
    more = [axis] if kind == "curve" else []
    found, _, kinds = _subject(source)
    return kinds[kind](run(name), found, element, *more, dtype)


@st.cache_data(show_spinner=False, max_entries=64)
def _orbit(name: str, stamp: float, source: Source, invert: bool, dtype: str) -> orbits.Orbit:
    element = molecules.Element((0.0, 0.0, 0.0, 1.0), invert)
    return orbits.orbit(run(name), _subject(source)[1], element, dtype)


def orbit(name: str, source: Source, invert: bool, dtype: str) -> orbits.Orbit:
    """Δ_EQ of a run over axes and angles."""
    return _orbit(name, stamp(name), source, invert, dtype)


@st.cache_data(show_spinner=False, max_entries=64)
def _spectrum(
    name: str, stamp: float, source: molecules.Source, dtype: str
) -> tuple[list[float], float]:
    return orbits.spectrum(run(name), molecules.molecule(source), dtype)


def spectrum(name: str, source: molecules.Source, dtype: str) -> tuple[list[float], float]:
    """The orientation spectrum of a run's gradient: power by degree, and all beyond."""
    return _spectrum(name, stamp(name), source, dtype)


def view(
    names: list[str], source: molecules.Source, element: molecules.Element, dtype: str
) -> moving.View:
    """What the live channel needs to answer for these runs at this molecule."""
    return moving.View(
        tuple(run(name) for name in names), molecules.molecule(source), dtype, element
    )


@st.cache_data(show_spinner=False, max_entries=1024)
def lesson(name: str, question: str, *given: Any) -> Any:
    """What the function `question` of a lesson answers to plain values, as plain values and arrays."""
    return getattr(registry.load("lessons", name), question)(*given)
