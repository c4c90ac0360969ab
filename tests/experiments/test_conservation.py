"""What the N-body laws keep: measured drifts against what mechanics says of each law."""

import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.data.sets import nbody
from demetar.experiments import conservation
from demetar.simulation import protocols
from demetar.simulation.laws import LAWS

SMALL = {"published": 30, "clean": 30, "fuchs": 30, "springs": 30, "gravity": 1}


@pytest.mark.parametrize("variant", ["clean", "springs"])
def test_smooth_laws_conserve_what_they_should(variant: str) -> None:
    drift = conservation.drifts(variant, SMALL[variant], frames=9)
    assert drift.momentum.max() < 1e-12
    assert drift.angular_momentum.max() < 1e-12
    # Measured over 2,000 systems of clean: median 7e-5, largest 3e-3; first-order stepping explains it.
    assert np.median(drift.energy[-1]) < 5e-4
    assert drift.energy.max() < 1e-2
    assert drift.energy.max() > 1e-10, "the energy is that of the moving system"


def test_gravity_conserves_what_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    short = protocols.PROTOCOLS["gravity"]._replace(target_step=400)
    monkeypatch.setitem(protocols.PROTOCOLS, "gravity", short)
    drift = conservation.drifts("gravity", 1, frames=5)
    assert drift.momentum.max() < 1e-11 * drift.scale["momentum"]
    assert drift.angular_momentum.max() < 1e-11 * drift.scale["angular_momentum"]
    # Measured: 1.3e-3 of the kinetic energy, by encounters within the softening length.
    assert 0 < drift.energy.max() < 1e-2 * drift.scale["energy"]


def test_the_force_limit_breaks_momentum_and_energy() -> None:
    drift = conservation.drifts("published", 60, frames=5)
    hit = drift.energy[-1] > 0.1
    assert hit.any()
    assert not hit.all()
    assert drift.momentum[-1].max() > 1e-3


def test_potential_is_that_whose_slope_the_force_is() -> None:
    rng, h = np.random.default_rng(0), 1e-5
    x = rng.standard_normal((4, 3))
    for variant in ("clean", "springs", "gravity"):
        law = LAWS[variant]
        given = rng.uniform(0.5, 1.5, (4, 4) if law.source == "springs" else 4)
        strengths = (given + given.T) / 2 if law.source == "springs" else given
        moved = np.zeros_like(x)
        for i, k in np.ndindex(4, 3):
            step = np.zeros_like(x)
            step[i, k] = h
            moved[i, k] = (
                conservation.potential(x - step, variant, strengths)
                - conservation.potential(x + step, variant, strengths)
            ) / (2 * h)
        np.testing.assert_allclose(moved, plain_force(x, strengths, law), atol=1e-8)


def plain_force(x: np.ndarray, strengths: np.ndarray, law) -> np.ndarray:
    force = np.zeros_like(x)
    for i, j in np.ndindex(4, 4):
        d = x[i] - x[j]
        if i != j and law.source == "springs":
            force[i] -= 0.1 * strengths[i, j] * d
        elif i != j:
            sign = -1 if law.source == "masses" else 1
            force[i] += sign * strengths[i] * strengths[j] * d / (d @ d + law.softening**2) ** 1.5
    return force


def test_the_stored_numbers_are_of_every_variant_and_say_which_law_turns() -> None:
    found = conservation.stored()
    assert set(found) == set(nbody.ABOUT.options["variant"])
    for variant, numbers in found.items():
        rotation, drift = numbers["rotation"], numbers["drift"]
        assert 0 <= rotation["share"] <= 1
        assert 0 <= rotation["limited"] <= 1
        broken = variant in ("published", "fuchs")
        assert (rotation["limited"] > 0.05) == broken
        for name in ("energy", "momentum", "angular_momentum"):
            assert len(drift[name]["median"]) == len(drift["times"]) == len(drift[name]["largest"])
    assert 0.0015 < found["published"]["rotation"]["floor"] < 0.003
    assert found["clean"]["rotation"]["mse"] < 1e-20
    assert found["springs"]["rotation"]["mse"] < 1e-20


def test_a_small_measurement_has_the_stored_ones_form() -> None:
    stored = conservation.stored()["clean"]
    small = conservation.measured("clean", systems=3, rotations=2, count=2)
    assert small.keys() == stored.keys()
    assert small["drift"].keys() == stored["drift"].keys()
    assert small["rotation"].keys() == stored["rotation"].keys()


def test_absent_numbers_name_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(conservation, "STORED", tmp_path / "none.json")
    with pytest.raises(InputError, match=r"nbody_laws\.py\.$"):
        conservation.stored()
