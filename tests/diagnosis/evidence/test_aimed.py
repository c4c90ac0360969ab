"""Aimed elements: pairs along the axes."""

import numpy as np

from demetar.diagnosis.evidence.aimed import aimed, onto
from tests.support import plain, strangers


def test_a_sound_function_has_no_pole():
    assert not any(aimed(*plain.prepared(plain.sound)).marks.values())


def test_polar_angles_have_no_value_at_the_pole():
    found = aimed(*plain.prepared(strangers.through_angles))
    assert found.marks == {"aimed": True, "not-finite": True}
    assert "along" in found.sentence


def test_a_clipped_pole_is_off_and_finite():
    def clipped(graph):
        x = np.asarray(graph.positions)
        r, square = plain.pairs(x)
        d = np.sqrt(square + np.eye(len(x)))
        z = np.clip(r[..., 2] / d, -1 + 1e-6, 1 - 1e-6)
        rest = d * np.sqrt(1 - z * z)  # too long near the pole
        length = np.sqrt(
            (d * z) ** 2
            + np.where(rest > 2e-3 * d, r[..., 0] ** 2 + r[..., 1] ** 2, rest**2 + 1e-2)
        )
        return {"energy": np.exp(-length).sum()}

    found = aimed(*plain.prepared(clipped))
    assert found.marks == {"aimed": True, "not-finite": False}


def test_onto_turns_one_direction_to_another():
    rng = np.random.default_rng(0)
    for a, b in [*rng.normal(size=(5, 2, 3)), (np.eye(3)[2], -np.eye(3)[2])]:
        np.testing.assert_allclose(
            onto(a, b) @ a / np.linalg.norm(a), b / np.linalg.norm(b), atol=1e-12
        )
