"""The one file that sees both the library and Streamlit: cached by plain values, nothing drawn.

Arrays that come out are host numpy and shared between visitors: nobody writes to them.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from app.backend import form, molecules, nbody
from app.backend.rotations import Quaternion, Vector
from app.jobs import runs
from demetar.core import graph, padding
from demetar.core.disk import home
from demetar.core.errors import InputError
from demetar.runs.run import Run, load


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
    return _runs_on(inputs, str(home().resolve()))


@st.cache_data(show_spinner=False, max_entries=16, ttl=1.0)  # forty visitors read them once
def _runs_on(inputs: str, place: str) -> dict[str, list[str]]:
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
    file = runs.find(name) / "params.npz"
    return file.stat().st_mtime if file.is_file() else 0.0


@st.cache_data(show_spinner=False, max_entries=64)
def start_of(source: nbody.Source) -> nbody.Start:
    """The start of a scene."""
    return nbody.start(source)


@st.cache_data(show_spinner=False, max_entries=64)
def twin(source: nbody.Source, g: Quaternion, law: str) -> nbody.Twin:
    """The true paths of a start and of the rotated start."""
    return nbody.twin(start_of(source), g, law)


def squares(
    names: list[str], source: nbody.Source, g: Quaternion, axis: Vector, dtype: str
) -> tuple[list[tuple], dict[str, nbody.Square]]:
    """What has still to be compiled (in the background, from now on), and the squares of the rest."""
    begin = start_of(source)
    size = padding.rung(nbody.to_graph(begin))
    waiting, found = [], {}
    for name in names:
        key = (name, stamp(name), size, dtype)
        if key not in _warm:
            arguments = (run(name), begin, g, axis, dtype)
            _warm[key] = threading.Thread(target=nbody.warm, args=arguments, daemon=True)
            _warm[key].start()
    for name in names:
        key = (name, stamp(name), size, dtype)
        _warm[key].join(0.3)  # with a warm compilation cache there is little to wait for
        if _warm[key].is_alive():
            waiting.append(key)
        else:
            found[name] = _square(name, stamp(name), source, g, dtype)
    return waiting, found


@st.cache_data(show_spinner=False, max_entries=512)
def _square(
    name: str, stamp: float, source: nbody.Source, g: Quaternion, dtype: str
) -> nbody.Square:
    return nbody.square(run(name), start_of(source), g, dtype)


def curve(name: str, source: nbody.Source, axis: Vector, dtype: str) -> list[float]:
    """Δ_EQ of a run at each of ANGLES about an axis."""
    return _curve(name, stamp(name), source, axis, dtype)


@st.cache_data(show_spinner=False, max_entries=512)
def _curve(name: str, stamp: float, source: nbody.Source, axis: Vector, dtype: str) -> list[float]:
    return nbody.curve(run(name), start_of(source), axis, dtype)


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


def molecule_squares(
    names: list[str], source: molecules.Source, element: molecules.Element, axis: Vector, dtype: str
) -> tuple[list[tuple], dict[str, molecules.Square]]:
    """What has still to be compiled (in the background, from now on), and the squares of the rest."""
    size = padding.rung(graph.from_atoms(molecules.molecule(source)))
    waiting, squares = [], {}
    for name in names:
        key = (name, stamp(name), size, dtype, element.renumber is None)
        if key not in _warm:
            arguments = (run(name), molecules.molecule(source), element, axis, dtype)
            run(name).prepare(graph.from_atoms(arguments[1]))  # a sentence now, not in a thread
            _warm[key] = threading.Thread(target=molecules.square, args=arguments, daemon=True)
            _warm[key].start()
            _warm[key].join(0.3)  # with a warm compilation cache there is nothing to wait for
        if _warm[key].is_alive():
            waiting.append(key)
        else:
            squares[name] = _molecule_square(name, stamp(name), source, element, axis, dtype)
    return waiting, squares


def compiled(keys: list[tuple]) -> bool:
    """Whether all of these are ready."""
    return not any(_warm[key].is_alive() for key in keys)


@st.cache_data(show_spinner=False, max_entries=512)
def _molecule_square(
    name: str,
    stamp: float,
    source: molecules.Source,
    element: molecules.Element,
    axis: Vector,
    dtype: str,
) -> molecules.Square:
    return molecules.square(run(name), molecules.molecule(source), element, axis, dtype)
