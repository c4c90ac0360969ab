"""Data sets for the pages: what each is, its labels' spread, and its systems one by one.

All host numpy, as plain values; lengths in Å or scene units. No Streamlit. What takes a second to
read is read once for all visitors and kept here, the last few only.
"""

from __future__ import annotations

import functools
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import ase
import numpy as np

from demetar.core import bonds as perceived
from demetar.core import registry
from demetar.core.errors import InputError
from demetar.core.remarks import heard
from demetar.data import sets
from demetar.data.sets import SPLITS, DataSet, Facts
from demetar.data.systems import Systems
from demetar.simulation.protocols import INPUT_STEP, TARGET_STEP
from demetar.simulation.simulate import simulate

BINS = 60  # at most
Options = tuple[tuple[str, str], ...]  # (option, value): can be a key
F = TypeVar("F", bound=Callable[..., Any])


def once(most: int) -> Callable[[F], F]:
    """The function with its last `most` results kept; a second visitor waits for the first's."""

    def kept(function: F) -> F:
        cached = functools.lru_cache(most)(function)
        locks: dict[tuple, threading.Lock] = defaultdict(threading.Lock)

        @functools.wraps(function)
        def call(*args: Any) -> Any:
            with locks[args]:
                return cached(*args)

        call.cache_clear = cached.cache_clear  # type: ignore[attr-defined]
        return cast(F, call)

    return kept


@dataclass(frozen=True, kw_only=True)
class About(DataSet):
    """What a data set's file states, with the name of the set."""

    name: str


def names() -> list[str]:
    """The data sets, those that models read first."""
    found = {name: registry.load("datasets", name) for name in registry.names("datasets")}
    return sorted(found, key=lambda name: (found[name].ABOUT.inputs is None, name != "nbody", name))


def about(name: str) -> About:
    """What the data set of that name states about itself; InputError if there is none."""
    return About(name=name, **vars(registry.load("datasets", name).ABOUT))


def facts(name: str, target: str, options: Options) -> Facts:
    """What the target is: the model's input and output, its unit, whether forces are labelled."""
    return sets.facts_of(registry.load("datasets", name), target, dict(options))


def remarks(name: str, target: str, options: Options) -> tuple[str, ...]:
    """What has to be said of the set: what looks like a label and is left out, and the like."""
    with heard() as said:
        facts(name, target, options)
    return tuple(said)


def published(name: str, target: str, options: Options) -> dict[str, float]:
    """What papers report on the target by model, for these options."""
    return sets.published_of(registry.load("datasets", name), target, dict(options))


@once(6)
def systems(name: str, split: str, target: str, options: Options) -> Systems:
    """The labelled systems of a split; InputError where the data cannot be read."""
    return registry.load("datasets", name).systems(split, target, None, **dict(options))


def present(name: str, options: Options) -> bool:
    """Whether the set is on this machine, so that its systems can be read at once."""
    return registry.load("datasets", name).present(**dict(options))


def sizes(name: str, target: str, options: Options) -> dict[str, int]:
    """How many systems each split has."""
    return {split: len(systems(name, split, target, options)) for split in SPLITS}


@once(64)
def baselines(name: str, target: str, options: Options) -> dict[str, float]:
    """Test errors of predictors that cost nothing."""
    return registry.load("datasets", name).baselines(target, **dict(options))


# ---- how labels are spread --------------------------------------------------------------------


@dataclass(frozen=True)
class Spread:
    """One label over the training split: counts [bins] between edges [bins + 1], in `unit`.

    `mad` is the mean deviation from the mean, which always predicting the mean would cost.
    """

    label: str
    unit: str
    counts: np.ndarray
    edges: np.ndarray
    number: int
    mean: float
    std: float
    mad: float


def _spread(label: str, unit: str, values: np.ndarray) -> Spread:
    values = np.asarray(values, np.float64).reshape(-1)
    low, high = np.quantile(values, [0.0005, 0.9995])  # a few outliers would flatten the rest
    bins = min(BINS, max(8, len(values) // 8))
    counts, edges = np.histogram(values, bins, (low, high if high > low else low + 1.0))
    mean = float(values.mean())
    mad = float(np.abs(values - mean).mean())
    return Spread(label, unit, counts, edges, len(values), mean, float(values.std()), mad)


@once(32)
def spreads(name: str, target: str, options: Options) -> tuple[Spread, ...]:
    """How the target (and the forces, where labelled) is spread over the training split.

    Positions are shown as how far each particle moves, vectors and tensors by their length.
    """
    found = systems(name, "train", target, options)
    values, x = np.asarray(found.targets, np.float64), np.asarray(found.positions, np.float64)
    output = facts(name, target, options).output
    if output in ("positions", "state"):
        out = [
            _spread(
                "how far a particle moves", found.unit, np.linalg.norm(values[:, :3] - x, axis=1)
            )
        ]
        if output == "state" and found.velocities is not None:
            change = np.linalg.norm(values[:, 3:] - found.velocities, axis=1)
            out.append(_spread("how much its velocity changes", "", change))
    elif values.shape[1] > 1:
        out = [_spread(f"length of {target}", found.unit, np.linalg.norm(values, axis=1))]
    else:
        out = [_spread(target, found.unit, values)]
    if found.forces is not None:
        out.append(_spread("component of a force", f"{found.unit}/Å", found.forces))
    return tuple(out)


# ---- systems one by one -----------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """One system as the page draws it, about its centroid; what it does not have is None.

    positions, velocities, forces [n 3]; charges, masses [n]; symbols and bonds (i, j, order) of
    atoms; joined [n n]: on whom a body acts; `ends` [n 3]: where particles go; image
    [rows columns]: where positions are pixels; centre [3]: of the
    positions before; `facts`: (what, value, unit) in words.
    """

    positions: np.ndarray
    centre: np.ndarray
    symbols: list[str] | None = None
    bonds: list[tuple[int, int, int]] = field(default_factory=list)
    velocities: np.ndarray | None = None
    charges: np.ndarray | None = None
    masses: np.ndarray | None = None
    forces: np.ndarray | None = None
    ends: np.ndarray | None = None
    image: np.ndarray | None = None
    joined: np.ndarray | None = None
    facts: tuple[tuple[str, str, str], ...] = ()


def system(name: str, split: str, target: str, index: int, options: Options) -> Shown:
    """System `index` (from 0) of a split; InputError beyond its end."""
    found = systems(name, split, target, options)
    if not 0 <= index < len(found):
        raise InputError(
            f"Expected the number of a system from 0 to {len(found) - 1}, got {index}; change it."
        )
    rows = found.rows(index)

    def of(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else np.asarray(values[rows], np.float64)

    positions = np.asarray(found.positions[rows], np.float64)
    centre = positions.mean(0)
    label = np.asarray(found.targets[rows] if found.per_node else found.targets[index], np.float64)
    output = facts(name, target, options).output
    symbols, bonds = None, []
    if found.species is not None:
        symbols, bonds = _chemistry(np.asarray(found.species[rows]), positions)
    return Shown(
        positions - centre,
        centre,
        symbols,
        bonds,
        of(found.velocities),
        of(found.charges),
        of(found.masses),
        of(found.forces),
        label[:, :3] - centre if output in ("positions", "state") else None,
        None if output is not None else pixels(positions, of(found.charges)),
        of(found.joined),
        _facts(target, found, label, symbols, positions),
    )


def pixels(positions: np.ndarray, ink: np.ndarray | None) -> np.ndarray | None:
    """The ink as a picture [rows columns], the first row on top; None unless it fills a grid."""
    if ink is None:
        return None
    rows, columns = (len(np.unique(positions[:, axis])) for axis in (1, 0))
    if rows * columns != len(positions) or np.ptp(positions[:, 2]) > 0:
        return None
    return ink[np.lexsort((positions[:, 0], -positions[:, 1]))].reshape(rows, columns)


STEPS, EVERY = TARGET_STEP - INPUT_STEP, 10


@once(64)
def path(name: str, split: str, target: str, index: int, options: Options) -> np.ndarray | None:
    """The way [101, n, 3] from a system of bodies to its target; None for other sets."""
    if name != "nbody":
        return None
    shown = system(name, split, target, index, options)
    assert shown.velocities is not None  # every variant has them

    def one(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[None].astype(np.float64)

    found, _ = simulate(
        shown.positions[None] + shown.centre,
        shown.velocities[None],
        one(shown.charges),
        range(0, STEPS + 1, EVERY),
        dict(options)["variant"],
        one(shown.masses),
        one(shown.joined),
    )
    return found[:, 0] - shown.centre


def _chemistry(
    species: np.ndarray, positions: np.ndarray
) -> tuple[list[str], list[tuple[int, int, int]]]:
    atoms = ase.Atoms(species.astype(int), positions)
    orders = (1, 2, 3, 1)  # of the types single, double, triple, aromatic
    senders, receivers = np.nonzero(np.triu(perceived.bonded(species, positions)))
    kinds = perceived.one_hot(species, positions, senders, receivers).argmax(1)
    found = zip(senders, receivers, kinds, strict=True)
    return list(atoms.symbols), [(int(i), int(j), orders[int(k)]) for i, j, k in found]


def _facts(
    target: str, found: Systems, label: np.ndarray, symbols: list[str] | None, x: np.ndarray
) -> tuple[tuple[str, str, str], ...]:
    kind = "atoms" if symbols is not None else "points" if found.unit == "class" else "particles"
    facts = [(kind, str(len(x)), "")]
    if symbols is not None:
        facts.insert(0, ("sum formula", ase.Atoms(symbols).get_chemical_formula("hill"), ""))
    if not found.per_node:
        digits = ",.2f" if np.abs(label).max() >= 1e5 else ".6g"
        numbers = " ".join(f"{v:{digits}}" for v in label.reshape(-1))
        facts.append((target, numbers, "" if found.unit == "class" else found.unit))
    return tuple(facts)
