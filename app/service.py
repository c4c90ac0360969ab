"""The one file that sees both the library and Streamlit: cached by plain values, nothing drawn.

Arrays that come out are host numpy and shared between visitors: nobody writes to them.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import streamlit as st
from scipy.spatial.transform import Rotation

from app import ablation as _ablation
from app import (
    bodies,
    choices,
    data,
    estimate,
    experiment,
    fetches,
    jobs,
    laws,
    molecules,
    own,
    runs,
    spherical,
    turns,
)
from demetar import graph
from demetar.errors import InputError
from demetar.run import Run, load

# ---- training ---------------------------------------------------------------------------------

Job: TypeAlias = runs.Job
DataSet: TypeAlias = choices.DataSet
all_jobs, free_name, waiting, at_once = runs.list_all, runs.free_name, turns.waiting, turns.at_once
start, stop, pause, resume, delete = jobs.start, jobs.stop, jobs.pause, jobs.resume, jobs.delete
at_work, advance, move_up, unqueue = jobs.at_work, jobs.advance, turns.move_up, turns.remove
Estimate: TypeAlias = estimate.Estimate
estimated, time_first_steps, time_left = (
    estimate.estimate,
    estimate.time_first_steps,
    estimate.left,
)


stored_experiment, experiment_here = experiment.stored, experiment.here
experiment_state, start_experiment, stop_experiment = (
    experiment.state,
    experiment.start,
    experiment.stop,
)


def job(name: str) -> Job:
    """One run; InputError with the closest name if there is none."""
    return runs.read(runs.find(name))


def evaluations(name: str) -> list[dict[str, Any]]:
    """The lines of a run's metrics so far, `valid` and `forces` being the errors of either alone."""
    return runs.apart(runs.metrics(runs.find(name)))


def archive(name: str) -> bytes:
    """A zip of the files that make a run."""
    return runs.archive(runs.find(name))


models, claim, datasets, models_for = (
    choices.models,
    choices.claim,
    choices.datasets,
    choices.models_for,
)
settings, sizes, recipe = choices.settings, choices.sizes, choices.recipe
allowed = choices.allowed
reads, published, missing = choices.reads, choices.published, choices.missing


# ---- data sets ---------------------------------------------------------------------------------

DataOptions: TypeAlias = data.Options
Law: TypeAlias = laws.Law
data_laws, data_path, data_facts, data_published = (
    laws.laws, data.path, data.facts, data.published,
)  # fmt: skip
own_sets, keep_own, remove_own, own_units = own.found, own.keep, own.remove, own.units
data_names, about_data, data_present = data.names, data.about, data.present
data_sizes, data_spreads, data_system = data.sizes, data.spreads, data.system
data_baselines, data_get, data_getting, data_stop = (
    data.baselines, fetches.start, fetches.state, fetches.stop,
)  # fmt: skip

# ---- rotations --------------------------------------------------------------------------------

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]


def quaternion(axis: Vector, degrees: float) -> Quaternion:
    """The rotation by an angle about an axis of any length but zero."""
    unit = np.asarray(axis, float) / np.linalg.norm(axis)
    x, y, z, w = Rotation.from_rotvec(np.radians(degrees) * unit).as_quat(canonical=True)
    return float(x), float(y), float(z), float(w)


def axis_angle(g: Quaternion) -> tuple[Vector, float]:
    """Axis (a unit vector; z for the identity) and angle, 0 to 180 degrees, of a rotation."""
    vector = Rotation.from_quat(g).as_rotvec()
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / angle if angle > 1e-9 else (0.0, 0.0, 1.0)
    return (float(x), float(y), float(z)), float(np.degrees(angle))


def after(second: Quaternion, first: Quaternion) -> Quaternion:
    """The rotation that is `first` and then `second`."""
    x, y, z, w = (Rotation.from_quat(second) * Rotation.from_quat(first)).as_quat(canonical=True)
    return float(x), float(y), float(z), float(w)


def random_rotation(seed: int) -> Quaternion:
    """A rotation drawn uniformly (Haar) by seed."""
    x, y, z, w = Rotation.random(rng=np.random.default_rng(seed)).as_quat(canonical=True)
    return float(x), float(y), float(z), float(w)


ablation, ablation_molecules = _ablation.stored, _ablation.molecules

# ---- runs -------------------------------------------------------------------------------------


def runs_on(inputs: str) -> dict[str, list[str]]:
    """Loadable runs that read "particles" or "atoms": those that claim rotations, and the others.

    {"turns": [...], "rigid": [...]}, shipped ones first; of atoms only runs that predict an
    invariant, of particles only those that predict places: that is what the pages draw.
    """
    found: dict[str, list[str]] = {"turns": [], "rigid": []}
    for job in sorted(runs.list_all(), key=lambda job: (job.state != "shipped", job.name)):
        drawn = choices.predicts(job.config) in DRAWN[inputs]
        if job.loadable and reads(job.config) == inputs and drawn:
            with contextlib.suppress(InputError):
                claimed = set(claim(str(job.config.get("model"))).split(" x "))
                found["turns" if claimed & ROTATIONS else "rigid"].append(job.name)
    return found


DRAWN = {"particles": ("positions", "state"), "atoms": ("scalar",)}
ROTATIONS = {"SO(3)", "O(3)", "SE(3)", "E(3)", "Sim(3)"}


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


# ---- N-body -----------------------------------------------------------------------------------

Source: TypeAlias = bodies.Source
GENERATED, CHARGES, ANGLES = bodies.GENERATED, bodies.CHARGES, bodies.ANGLES
shipped_scenes = bodies.shipped
trivial_errors = bodies.trivial
mse = bodies.mse


@st.cache_data(show_spinner=False, max_entries=64)
def start_of(source: Source) -> bodies.Start:
    """The start of a scene."""
    return bodies.start(source)


@st.cache_data(show_spinner=False, max_entries=64)
def twin(source: Source, g: Quaternion, law: str) -> bodies.Twin:
    """The true paths of a start and of the rotated start."""
    return bodies.twin(start_of(source), g, law)


def squares(
    names: list[str], source: Source, g: Quaternion, axis: Vector, dtype: str
) -> tuple[list[tuple], dict[str, bodies.Square]]:
    """What has still to be compiled (in the background, from now on), and the squares of the rest."""
    begin = start_of(source)
    size = graph.rung(bodies.to_graph(begin))
    waiting, found = [], {}
    for name in names:
        key = (name, stamp(name), size, dtype)
        if key not in _warm:
            arguments = (run(name), begin, g, axis, dtype)
            _warm[key] = threading.Thread(target=bodies.warm, args=arguments, daemon=True)
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
def _square(name: str, stamp: float, source: Source, g: Quaternion, dtype: str) -> bodies.Square:
    return bodies.square(run(name), start_of(source), g, dtype)


def curve(name: str, source: Source, axis: Vector, dtype: str) -> list[float]:
    """Δ_EQ of a run at each of ANGLES about an axis."""
    return _curve(name, stamp(name), source, axis, dtype)


@st.cache_data(show_spinner=False, max_entries=512)
def _curve(name: str, stamp: float, source: Source, axis: Vector, dtype: str) -> list[float]:
    return bodies.curve(run(name), start_of(source), axis, dtype)


# ---- molecules --------------------------------------------------------------------------------

MOLECULE_ANGLES = molecules.ANGLES
Element: TypeAlias = molecules.Element
MoleculeSource: TypeAlias = molecules.Source
gallery = molecules.gallery
moved, molecule_frames, turning = molecules.act, molecules.frames, molecules.turning
sphere, surface = spherical.sphere, spherical.surface


class Molecule(NamedTuple):
    """A molecule about its centroid as the viewer draws it; `reference` is its label, if known."""

    symbols: list[str]
    positions: np.ndarray
    bonds: list[tuple[int, int, int]]
    reference: float | None


@st.cache_data(show_spinner=False, max_entries=256)
def molecule(source: MoleculeSource) -> Molecule:
    """The molecule of the gallery or in the uploaded file; InputError if there is none."""
    atoms = molecules.molecule(source)
    label = atoms.info.get("homo_meV")
    return Molecule(
        list(atoms.symbols),
        atoms.positions,
        molecules.bonds(atoms),
        None if label is None else float(label),
    )


def renumbered(element: Element, symbols: list[str]) -> list[str]:
    """The symbols of the atoms of g·x."""
    return [symbols[i] for i in molecules.order_of(element, len(symbols))]


_warm: dict[tuple, threading.Thread] = {}


def molecule_squares(
    names: list[str], source: MoleculeSource, element: Element, axis: Vector, dtype: str
) -> tuple[list[tuple], dict[str, molecules.Square]]:
    """What has still to be compiled (in the background, from now on), and the squares of the rest."""
    size = graph.rung(graph.from_atoms(molecules.molecule(source)))
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
    name: str, stamp: float, source: MoleculeSource, element: Element, axis: Vector, dtype: str
) -> molecules.Square:
    return molecules.square(run(name), molecules.molecule(source), element, axis, dtype)
