"""WaveScatt's fields and features against closed forms and kymatio, its fit against least squares."""

import dataclasses
import functools
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ase.build
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar import models
from demetar.core import registry
from demetar.core.errors import InputError
from demetar.core.graph import from_atoms
from demetar.core.padding import batch, pad
from demetar.models import wavescatt
from demetar.runs import config
from demetar.symmetry import groups
from demetar.symmetry import irreps as ir
from demetar.training import fit

KYMATIO = json.loads(
    (Path(__file__).parent / "fixtures" / "wavescatt_kymatio.json").read_text(encoding="utf-8")
)
SMALL = wavescatt.Config(grid=24, spacing=0.3, scales=2, lmax=2)


@pytest.fixture(autouse=True)
def precise() -> Any:
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        yield


def charges(species: Any, config: wavescatt.Config = SMALL) -> np.ndarray:
    return np.asarray(wavescatt.weights(jnp.asarray(species), max(config.species), np.float64))


def features(config: wavescatt.Config, positions: np.ndarray, species: Any) -> list[np.ndarray]:
    @jax.jit
    def describe(x: jax.Array, q: jax.Array) -> Any:
        return wavescatt.scattering(wavescatt.Grid(config, jnp.float64), x, q)

    return jax.device_get(describe(positions, charges(species)))


def ammonia() -> tuple[np.ndarray, np.ndarray]:
    atoms = ase.build.molecule("NH3")
    atoms.rattle(0.05, seed=1)
    return atoms.positions - atoms.positions.mean(0), atoms.numbers


def test_valence_electrons_are_counted_from_the_last_closed_shell() -> None:
    share = np.asarray(wavescatt.weights(jnp.array([0, 1, 2, 3, 8, 10, 11, 18, 19, 35]), 1, float))
    assert share[:, 0].tolist() == [0, 1, 2, 3, 8, 10, 11, 18, 19, 35]
    assert share[:, 1].tolist() == [0, 1, 2, 1, 6, 8, 1, 8, 1, 17]


@pytest.mark.parametrize(("l", "j"), list(itertools.product(range(3), range(2))))
def test_first_fields_are_the_closed_form(l: int, j: int) -> None:
    """ρ * ψ_jlm = Σ_i q_i Y_lm(s_j (u − r_i) / w²) exp(−|u − r_i|²/2w²), w² = σ² + s_j²."""
    config = dataclasses.replace(SMALL, grid=40, spacing=0.18)
    grid, (positions, species) = wavescatt.Grid(config, jnp.float64), ammonia()
    seen = grid.convolved(grid.density(jnp.asarray(positions), charges(species)), l, j, 1.0)
    n, q = config.grid, charges(species)
    points = (np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1) + n // 2) % n - n // 2
    offsets = config.spacing * points.reshape(-1, 1, 3) - positions
    near = (np.abs(config.spacing * points) < 2.4).all(-1).ravel()  # images beyond have no part
    scale = 2**j * config.sigma
    square = config.sigma**2 + scale**2
    angular = ir.harmonics(jnp.asarray(offsets.reshape(-1, 3) * scale / square), [f"{l}e"])[f"{l}e"]
    bell = np.exp(-np.square(offsets).sum(-1) / (2 * square))
    expected = np.einsum("pnm,pn,nc->cmp", np.asarray(angular).reshape(n**3, len(q), -1), bell, q)
    found = np.asarray(seen).reshape(2, 2 * l + 1, -1)
    np.testing.assert_allclose(found[..., near], expected[..., near], atol=2e-3 * expected.max())
    assert (
        np.abs(found[..., near] + expected[..., near]).max() > expected.max()
    )  # a sign would show


@functools.cache
def beside_kymatio() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Our features [molecules, paths, channels, powers], and theirs of each channel."""
    config = wavescatt.Config(**KYMATIO["settings"], epsilon=1e-9)
    shape, ours = (config.lmax + 1, config.scales, 3, 4), []
    molecules = KYMATIO["molecules"].values()
    for molecule in molecules:
        zeroth, first, second = features(
            config, np.array(molecule["positions"]), molecule["species"]
        )
        first = first.reshape(shape).swapaxes(0, 1).reshape(-1, 3, 4)
        ours.append(np.concatenate([zeroth.reshape(1, 3, 4), first, second.reshape(-1, 3, 4)]))
    names = ("nuclear", "valence", "core")
    return np.array(ours), {name: np.array([m[name] for m in molecules]) for name in names}


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_features_are_kymatios_up_to_a_factor_each(channel: int) -> None:
    """Its normalisation differs, one number for each path and power; a regression takes those up."""
    whole, known = beside_kymatio()
    ours, theirs = whole[:, :, channel], known[("nuclear", "valence", "core")[channel]]
    ratio = ours / theirs
    spread = np.abs(ratio / ratio.mean(0) - 1).max(0)
    assert spread[:, 1:].max() < 2e-4, spread
    assert spread[:, 0].max() < 5e-3, spread  # kymatio's float32 leaves noise whose root this is
    shuffled = np.roll(ours, 1, axis=0) / theirs
    assert np.abs(shuffled / shuffled.mean(0) - 1).max(0).mean() > 0.1


class Lopsided(wavescatt.Grid):
    """Wavelets of degree 1 and more of which one component is a tenth too large: no turn keeps them."""

    def __init__(self, config: wavescatt.Config, dtype: Any) -> None:
        super().__init__(config, dtype)
        self.wavelets = {
            (l, j): w.at[0].multiply(1.1 if l else 1.0) for (l, j), w in self.wavelets.items()
        }


def turned(grid: type[wavescatt.Grid], points: int, group: str) -> np.ndarray:
    """Relative changes [elements, features] under a group, in a box of 7.2 Å."""
    config = dataclasses.replace(SMALL, grid=points, spacing=7.2 / points)
    positions, species = ammonia()
    q = charges(species)

    @jax.jit  # the grid in it, too: its operations one by one took longer
    def describe(x: jax.Array) -> jax.Array:
        return jnp.concatenate(wavescatt.scattering(grid(config, jnp.float64), x, q))

    still = np.asarray(describe(positions))
    g = groups.load(group).sample(np.random.default_rng(0), 6, np.ones(len(q), bool))
    moved = [np.asarray(describe(positions @ matrix.T)) for matrix in g.matrix]
    return np.abs(np.array(moved) / still - 1)


def test_the_error_under_rotations_falls_with_the_spacing() -> None:
    """As its fifth power or faster; that of wavelets that are no harmonics stops falling."""
    points, angular = (12, 24, 32), slice(36, 84)  # order 1, degrees 1 and 2
    found = [turned(wavescatt.Grid, n, "SO(3)") for n in points]
    errors = [float(np.median(e)) for e in found]
    assert errors[0] > 1e-3
    assert -np.polyfit(np.log(points), np.log(errors), 1)[0] > 5, errors
    lopsided = turned(Lopsided, 32, "SO(3)")
    assert np.median(lopsided[:, angular]) > 10 * np.median(found[-1][:, angular])


@pytest.mark.parametrize("points", [11, 12])
def test_turns_of_the_cube_are_exact_on_coarse_grids_too(points: int) -> None:
    assert turned(wavescatt.Grid, points, "O_h").max() < 1e-12
    assert turned(Lopsided, points, "O_h").max() > 1e-3


def test_molecules_of_a_batch_do_not_see_each_other() -> None:
    graphs = [from_atoms(ase.build.molecule(name), "bonds") for name in ("NH3", "CH3OH")]
    config = dataclasses.replace(SMALL, grid=12, spacing=0.6)
    describe = jax.jit(functools.partial(wavescatt.describe, config))
    together = np.concatenate(describe(pad(batch(graphs), 16, 40)), -1)
    alone = [np.concatenate(describe(pad(g, 12, 40)), -1)[0] for g in graphs]
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    assert np.abs(together[0] / together[1] - 1).max() > 0.1


def explicit(x: np.ndarray, readout: str) -> np.ndarray:
    """What the readout is linear in, written out [n, d] or [n, d + d²]."""
    products = (x[:, :, None] * x[:, None]).reshape(len(x), -1) / x.shape[1] ** 0.5
    return x if readout == "linear" else np.concatenate([x, products], 1)


def regression(phi: np.ndarray, y: np.ndarray, ridge: float) -> Callable[[np.ndarray], np.ndarray]:
    """Ridge regression with an unpunished constant, by its normal equations."""
    centred = phi - phi.mean(0)
    theta = np.linalg.solve(
        centred.T @ centred + ridge * np.eye(phi.shape[1]), centred.T @ (y - y.mean())
    )
    return lambda rows: (rows - phi.mean(0)) @ theta + y.mean()


@pytest.mark.parametrize("readout", ["linear", "bilinear"])
def test_the_fit_is_ridge_regression_on_all_products(readout: str) -> None:
    rng = np.random.default_rng(0)
    raw, y, share = rng.normal(3, 2, size=(25, 4)), rng.normal(size=25), 0.01
    raw[:, 3] = 7.0  # a feature that never changes
    params, error = wavescatt.fit(raw, y, readout, (share,))
    x = raw * params["standard"]["scale"] + params["standard"]["bias"]
    np.testing.assert_allclose(x[:, :3].mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(x[:, :3].std(0), 1, atol=1e-12)
    assert (x[:, 3] == 0).all()
    phi = explicit(x, readout)
    ridge = share * np.square(phi).sum() / len(x)
    value = x @ params["linear"]["kernel"][:, 0] + params["linear"]["bias"]
    if readout == "bilinear":
        value += ((x @ params["products"]["kernel"]) * x).sum(1) / 2
    np.testing.assert_allclose(value, regression(phi, y, ridge)(phi), atol=1e-10)
    rest = [np.arange(25) != i for i in range(25)]
    left_out = [regression(phi[k], y[k], ridge)(phi[~k])[0] for k in rest]
    assert error == pytest.approx(np.abs(left_out - y).mean(), rel=1e-9)
    assert error > 1.01 * np.abs(value - y).mean()


def test_the_fit_takes_the_strength_that_predicts_best() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 20))
    noisy = x[:, 0] + rng.normal(size=30)
    errors = [wavescatt.fit(x, noisy, "linear", (k,))[1] for k in (1e-9, 1.0)]
    assert wavescatt.fit(x, noisy, "linear", (1e-9, 1.0))[1] == min(errors) == errors[1]
    assert wavescatt.fit(x, x[:, 0], "linear", (1e-9, 1.0))[1] < 1e-6


def test_rounding_of_features_does_not_come_back_raised() -> None:
    """With a ridge, what stands only in the last digits of float32 is not learnt, well as it predicts."""
    rng = np.random.default_rng(0)
    hidden, x = rng.normal(size=200), rng.normal(3, 1, size=(200, 4))
    x[:, 3] = x[:, 2] + 3e-6 * hidden
    rounded, raised = x.astype(np.float32).astype(float), []
    for strengths in ((1e-5, 1.0), (1e-13, 1e-5, 1.0)):
        params, _ = wavescatt.fit(x, hidden + x[:, 0], "linear", strengths)
        weights = params["standard"]["scale"] * params["linear"]["kernel"][:, 0]
        raised.append(np.abs((rounded - x) @ weights).max())
    assert raised[0] < 1e-6
    assert raised[1] > 1e-2


def test_what_is_fitted_is_what_the_model_reads() -> None:
    graphs = [from_atoms(ase.build.molecule(n), "bonds") for n in ("NH3", "CH3OH", "H2O", "CH4")]
    graph = pad(batch(graphs), 32, 80)
    for readout in ("linear", "bilinear"):
        model = models.create("wavescatt", grid=12, spacing=0.6, readout=readout)
        describe = jax.jit(functools.partial(wavescatt.describe, model.config))
        found = np.concatenate(describe(graph), -1)
        y = np.array([1.0, -2.0, 0.5, 3.0])
        params, _ = wavescatt.fit(found, y, readout, (1e-12,))
        value = jax.jit(model.apply)({"params": params}, graph)["scalar"]
        np.testing.assert_allclose(np.asarray(value)[:, 0], y, atol=1e-6)


def test_gradient_descent_is_refused_in_a_sentence(home: Path) -> None:
    with pytest.raises(InputError, match=r"closed form; run: python benchmarks/wavescatt\.py"):
        fit.fit(config.Config(model="wavescatt", dataset="qm9"))
    assert not (home / "runs").exists()
    assert (Path(__file__).parents[2] / registry.load("models", "wavescatt").FITTED_BY).exists()


@pytest.mark.parametrize("length", ["sigma", "spacing"])
def test_a_length_is_positive(length: str) -> None:
    with pytest.raises(InputError, match=f"positive {length}"):
        models.create("wavescatt", **{length: 0.0})
