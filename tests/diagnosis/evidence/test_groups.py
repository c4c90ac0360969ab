"""Each group alone, at a crooked copy and at the system itself."""

import numpy as np
import pytest

from demetar.diagnosis.evidence.groups import groups
from tests.support import plain, strangers

LETTERS = ("breaks-T", "breaks-SO", "breaks-C_i", "breaks-S_n")


def marks(name, molecule="CHFClBr"):
    return groups(*plain.prepared(strangers.functions()[name][1], molecule)).marks


def test_a_sound_function_keeps_all():
    found = groups(*plain.prepared(plain.sound)).marks
    good = {"float64-finite", "values-hold"}
    assert not any(v for k, v in found.items() if k not in good)
    assert found["values-hold"]


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("a bias", "SO C_i"),
        ("gains", "SO"),
        ("a triple product", "C_i"),
        ("the last atom", "S_n"),
        ("distance from the origin", "T"),
        ("a mean over axes", "T SO"),
        ("coordinates", "T SO C_i"),
    ],
)
def test_groups_break_apart(name, broken):
    found = marks(name)
    assert {k for k in LETTERS if found[k]} == {f"breaks-{k}" for k in broken.split()}


def test_shifts_along_the_diagonal_hold_for_a_mean_over_axes():
    assert not marks("a mean over axes")["breaks-T-along-111"]
    assert marks("coordinates")["breaks-T-along-111"]


def test_the_first_atom_alone():
    def first(graph):
        x = np.asarray(graph.positions)
        return {"energy": np.linalg.norm(x[0] - x.mean(0)) + 0 * x.sum()}

    assert groups(*plain.prepared(first)).marks["only-first-atom"]
    assert not marks("the last atom")["only-first-atom"]


def test_a_limit_of_neighbours_spares_three_particles():
    assert marks("first neighbours", "ethanol")["only-large"]
    assert not marks("the last atom", "ethanol")["only-large"]


def test_the_order_of_edges_is_seen():
    def f(graph):
        x = np.asarray(graph.positions)
        firsts = np.flatnonzero(
            np.diff(graph.receivers, prepend=-1)
        )  # the first edge of each receiver
        return {
            "energy": np.linalg.norm(
                x[graph.senders[firsts]] - x[graph.receivers[firsts]], axis=1
            ).sum()
        }

    assert groups(*plain.prepared(f)).marks["edge-order"]
