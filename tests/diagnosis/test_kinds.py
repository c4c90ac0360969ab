"""Kinds of faults that were once given a wrong word, and sound relatives of each."""

import ase.build
import numpy as np
import pytest

import demetar
from demetar.core.graph import from_atoms
from tests.support import plain, strangers

ETHANOL, METHANE = plain.molecules()["ethanol"], plain.molecules()["methane"]


def diagnosed(f, graph=ETHANOL):
    return demetar.diagnose(f, graph, seconds=1000).cause


def single(f, centred=False):
    """f of positions in float32; `centred`: of differences that were taken in float64."""

    def rounded(graph):
        x = np.asarray(graph.positions)
        return f(graph.replace(positions=(x - centred * x.mean(0)).astype(np.float32)))

    return rounded


IN_FLOAT32 = [
    "a bias", "one gain", "a ring of directions", "first neighbours", "y, z, x", "a triple product",
    "a wrong heavy atom", "coordinates", "a hard cutoff", "an absolute value",
]  # fmt: skip


@pytest.mark.parametrize("name", IN_FLOAT32)
def test_a_fault_is_named_through_the_rounding_of_float32(name):
    """All were called float32-input, whatever else was wrong."""
    word, f = strangers.functions()[name]
    assert diagnosed(single(f)) == word


@pytest.mark.parametrize("graph", [ETHANOL, METHANE], ids=["ethanol", "methane"])
@pytest.mark.parametrize("f", [plain.sound, plain.squares], ids=lambda f: f.__name__)
def test_float32_after_the_differences_is_sound_and_before_them_it_is_not(f, graph):
    assert diagnosed(single(f, centred=True), graph) == "sound"
    assert diagnosed(single(f), graph) == "float32-input"


def test_outputs_that_are_rounded_at_the_end_are_sound():
    def f(graph):
        return {k: np.asarray(v, np.float32) for k, v in plain.sound(graph).items()}

    assert diagnosed(f) == "sound"


@pytest.mark.parametrize("graph", [ETHANOL, METHANE], ids=["ethanol", "methane"])
def test_a_gain_in_a_small_part_of_an_energy_is_none_of_float32s_constants(graph):
    def f(graph):
        out = plain.squares(graph)
        v = plain.vectors(np.asarray(graph.positions), plain.charges(graph, graph.positions))
        return {"energy": out["energy"] + 2e-6 * (v[:, 0] ** 2).sum()}

    assert diagnosed(f, graph) == "per-axis-gain"


class Listed:
    """Pairs within 3.2 Å, by a list that is renewed when a particle has moved by 0.4 Å; `skin` in Å."""

    def __init__(self, skin):
        self.skin, self.last = skin, None

    def __call__(self, graph):
        x = np.asarray(graph.positions, np.float64)
        square = ((x[:, None] - x) ** 2).sum(-1)
        gone = self.last is None or self.last.shape != x.shape
        if gone or np.linalg.norm(x - self.last, axis=1).max() > 0.4:
            self.last, self.near = x.copy(), square < (3.2 + self.skin) ** 2
        fade = np.maximum(1 - square / 3.2**2, 0) ** 3 * (self.near & ~np.eye(len(x), dtype=bool))
        q = plain.charges(graph, x)
        return {"energy": (q[:, None] * q * fade).sum() / 2}


@pytest.mark.parametrize(("skin", "word"), [(0.0, "stale-state"), (0.9, "sound")])
@pytest.mark.parametrize("formula", ["CH3CH2OH", "H2O"])
def test_a_list_of_neighbours_needs_a_skin(skin, word, formula):
    assert diagnosed(Listed(skin), from_atoms(ase.build.molecule(formula))) == word


def test_a_cache_with_a_coarse_key_is_stale_and_a_table_of_elements_is_not():
    kept = {}

    def f(graph):
        x = np.asarray(graph.positions)
        key = tuple(np.round(np.sort(np.linalg.norm(x - x.mean(0), axis=1)), 1))
        return kept.setdefault(key, plain.sound(graph))

    assert diagnosed(f) == "stale-state"
    assert diagnosed(lambda graph: {"charges": plain.charges(graph, graph.positions)}) == "sound"


def test_a_running_mean_is_stale_and_chance_is_not():
    kept = []

    def f(graph):
        energy = plain.bonds(graph)["energy"]
        kept[:] = [0.9 * kept[0] + 0.1 * energy if kept else energy]
        return {"energy": energy - 0.1 * kept[0]}

    assert diagnosed(f) == "stale-state"
    assert diagnosed(strangers.noisy()) == "nondeterministic"


def short(x):
    return np.asarray(x).astype(np.float16).astype(np.float64)


def by_site(graph):
    """Energies of sites in float16, exact forces."""
    x = np.asarray(graph.positions)
    _, square = plain.pairs(x)
    q = plain.charges(graph, x)
    w = q[:, None] * q[None] * np.exp(-square / 3) * (1 - np.eye(len(x)))
    return {"energy": short(w.sum(1) / 2).sum(), "forces": plain.bonds(graph)["forces"]}


TABLE = strangers.pairwise(lambda d: 0.05 * np.exp(-np.floor(d / 0.005) * 0.005))
SHORT = [
    (by_site, "fast-matmul"),
    (strangers.by_change(short), "fast-matmul"),
    (TABLE, "rough-surface"),
]


@pytest.mark.parametrize(("f", "word"), SHORT, ids=["sites", "vectors", "table"])
def test_few_digits_inside_are_told_from_a_table(f, word):
    assert diagnosed(f) == word
