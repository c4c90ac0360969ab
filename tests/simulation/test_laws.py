"""Laws of motion: one step by hand, walls, and what each law asks for."""

import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.simulation.exact import simulate_exact
from demetar.simulation.laws import LAWS, Law
from demetar.simulation.simulate import simulate
from demetar.simulation.starts import charged


def test_both_simulators_follow_the_same_law() -> None:
    x, v, charges = charged(30, 5, np.random.RandomState(1))
    general = simulate(x, v, charges, (50, 100), "published")
    exact = simulate_exact(x, v, charges, (50, 100))
    for a, b in zip(general, exact, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10)


def plain_forces(x: np.ndarray, strengths: np.ndarray, law: Law) -> np.ndarray:
    force = np.zeros_like(x)
    for i in range(len(x)):
        for j in range(len(x)):
            d = x[i] - x[j]
            if i != j and law.source == "springs":
                force[i] -= 0.1 * strengths[i, j] * d
            elif i != j:
                sign = -1 if law.source == "masses" else 1
                weight = sign * strengths[i] * strengths[j]
                force[i] += weight * d / (d @ d + law.softening**2) ** 1.5
    return np.clip(force, -law.limit, law.limit)


def strengths_of(law: Law, charges: np.ndarray, masses: np.ndarray) -> np.ndarray:
    springs = np.random.default_rng(1).random((*charges.shape, charges.shape[1])) < 0.5
    return {"charges": charges, "masses": masses, "springs": springs | springs.mT}[law.source]


SHAPES = ((1, 5), (20, 5), (20, 9), (3, 10), (2, 1))


@pytest.mark.parametrize(
    ("variant", "systems", "bodies"),
    [("published", *shape) for shape in SHAPES]
    + [(variant, *shape) for variant in LAWS for shape in SHAPES[1::2] if variant != "published"],
)
def test_one_step_is_a_kick_by_the_law_and_a_drift(variant: str, systems: int, bodies: int) -> None:
    law = LAWS[variant]
    x, v, charges = charged(systems, bodies, np.random.RandomState(2))
    x[0, -1] = x[0, 0] + 0.01 * (bodies > 1)
    masses = np.random.default_rng(0).uniform(1, 3, charges.shape)
    strengths = strengths_of(law, charges, masses)
    given = {"charges": charges, "masses": masses, law.source: strengths}
    new_x, new_v = (a[0] for a in simulate(x, v, steps=(1,), variant=variant, **given))

    def kick(x: np.ndarray) -> np.ndarray:
        force = np.stack([plain_forces(*s, law) for s in zip(x, strengths, strict=True)])
        return 0.001 * force / masses[..., None]

    middle = v + kick(x) * (0.5 if law.leapfrog else 1)
    np.testing.assert_allclose(new_x, x + 0.001 * middle, atol=1e-13)
    after = middle + kick(new_x) / 2 if law.leapfrog else middle
    np.testing.assert_allclose(new_v, after, atol=1e-12)
    if variant == "published" and bodies > 1:
        assert np.abs(kick(x) * masses[..., None]).max() == pytest.approx(0.1)


@pytest.mark.parametrize("variant", ["fuchs", "springs"])
def test_walls_send_a_body_back(variant: str) -> None:
    x, v = np.zeros((1, 2, 3)), np.zeros((1, 2, 3))
    x[0, 0], v[0, 0] = [4.9995, 0, -4.9995], [1.0, 0, -1.0]
    nothing = np.zeros((1, 2)) if variant == "fuchs" else np.zeros((1, 2, 2))
    given = {"charges": None, LAWS[variant].source: nothing}
    x_after, v_after = (a[0, 0, 0] for a in simulate(x, v, steps=(1,), variant=variant, **given))
    np.testing.assert_allclose(x_after, [4.9995, 0, -4.9995], atol=1e-12)
    np.testing.assert_allclose(v_after, [-1.0, 0, 1.0])


def test_a_law_asks_for_what_makes_its_force() -> None:
    x, v, charges = charged(2, 5, np.random.RandomState(2))
    for variant, source in (("springs", "springs"), ("fuchs", "charges")):
        with pytest.raises(InputError, match=f"{source} of shape.*got none"):
            simulate(x, v, None, (1,), variant)
    with pytest.raises(InputError, match="springs of shape"):
        simulate(x, v, charges, (1,), "springs", springs=charges)


def test_a_frame_continues_as_a_start() -> None:
    x, v, charges = charged(3, 5, np.random.RandomState(3))
    whole = simulate(x, v, charges, (40, 100), "clean")
    rest = simulate(whole[0][0], whole[1][0], charges, (60,), "clean")
    np.testing.assert_array_equal(rest[0][0], whole[0][1])
