"""Triplets against a loop over all atoms; bases against SciPy and against what defines them."""

import ase.build
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from demetar.core.errors import InputError
from demetar.core.graph import Graph, from_arrays, from_atoms
from demetar.core.padding import batch, pad
from demetar.models.nn import triplets as tr


def by_loop(graph: Graph) -> set[tuple[int, int]]:
    """Pairs (edge k → j, edge j → i) with k ≠ i."""
    real = np.flatnonzero(graph.edge_mask).tolist()
    s, r = graph.senders, graph.receivers
    return {(a, b) for a in real for b in real if r[a] == s[b] and s[a] != r[b]}


def found(graph: Graph) -> list[tuple[int, int]]:
    t = jax.device_get(jax.jit(lambda g: vars(tr.triplets(g)))(graph))
    node, sent, received = np.nonzero(t["mask"])
    return list(zip(t["received"][node, received], t["sent"][node, sent], strict=True))


def water_and_ethanol() -> Graph:
    return batch([from_atoms(ase.build.molecule(m), 2.2) for m in ("H2O", "CH3CH2OH", "HCN")])


def one_sided() -> Graph:
    """Everyone sends to node 0, which sends to node 3 alone."""
    graph = from_arrays(np.eye(5, 3))
    senders, receivers = np.array([1, 2, 3, 4, 0]), np.array([0, 0, 0, 0, 3])
    return graph.replace(
        senders=senders, receivers=receivers, edge_mask=np.ones(5, bool), max_degree=4
    )


SYSTEMS = {
    "batch": lambda: pad(water_and_ethanol(), 24, 120),
    "single": lambda: pad(from_atoms(ase.build.molecule("CH4"))),
    "unpadded": lambda: from_atoms(ase.build.molecule("CH4")),
    "one-sided": lambda: pad(one_sided(), 8, 42),
    "alone": lambda: pad(from_arrays(np.zeros((1, 3)))),
    "no bound": lambda: pad(from_atoms(ase.build.molecule("CH4"))).replace(max_degree=0),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_triplets_of_a_loop(name: str) -> None:
    graph = SYSTEMS[name]()
    mine = found(graph)
    assert len(set(mine)) == len(mine)
    assert set(mine) == by_loop(graph)


@pytest.mark.parametrize("name", SYSTEMS)
def test_sums_come_back_to_their_edges(name: str) -> None:
    graph = SYSTEMS[name]()

    @jax.jit
    def sums(graph: Graph) -> jax.Array:
        t = tr.triplets(graph)
        value = jnp.where(t.mask, t.received[:, None, :] + 1.0, 0)
        return t.to_edges(graph, value.sum(-1))

    expected = np.zeros(len(graph.senders))
    for a, b in by_loop(graph):
        expected[b] += a + 1
    real = np.asarray(graph.edge_mask)
    np.testing.assert_array_equal(np.asarray(sums(graph))[real], expected[real])


def test_too_low_a_bound_loses_triplets() -> None:
    graph = SYSTEMS["single"]().replace(max_degree=2)
    assert len(found(graph)) < len(by_loop(graph))


def test_a_system_too_large_is_refused() -> None:
    graph = from_arrays(np.zeros((2, 3)), cutoff=0.5)
    with pytest.raises(InputError, match="shorter cutoff"):
        tr.triplets(graph.replace(max_degree=10_000))


@pytest.mark.parametrize(("dtype", "digits"), [("float32", 4e-7), ("float64", 1e-14)])
def test_bessel_functions_keep_their_digits(dtype: str, digits: float) -> None:
    x = np.concatenate([[0.0], np.geomspace(1e-4, 40, 4001), np.arange(1.0, 10)])
    with jax.enable_x64(dtype == "float64"):
        given = jnp.asarray(x, dtype)
        for l in range(9):
            mine = tr.spherical_bessel(l, given)
            slope = jax.vmap(jax.grad(lambda x, l=l: tr.spherical_bessel(l, x)))(given)
            true = special.spherical_jn(l, np.asarray(given, np.float64))
            steep = special.spherical_jn(l, np.asarray(given, np.float64), derivative=True)
            assert mine.dtype == dtype
            assert np.abs(mine - true).max() <= digits
            assert np.abs(slope - steep).max() <= 10 * digits
    far = jax.grad(lambda x: tr.spherical_bessel(6, x))(jnp.float32(1e6))
    assert np.isfinite(far), "the branch not taken must not spoil a gradient"


def test_sines_over_powers_would_lose_them() -> None:
    """The closed form of j_6 in float32 at x = 0.5, as both public programs compute it."""
    x = np.float32(0.5)
    p = np.float32
    s = p(10395) / x**7 - p(4725) / x**5 + p(210) / x**3 - 1 / x
    c = p(10395) / x**6 - p(1260) / x**4 + p(21) / x**2
    naive = s * np.sin(x) - c * np.cos(x)
    assert abs(naive - special.spherical_jn(6, 0.5)) > 1e-3


def test_radial_functions_are_orthonormal_and_end_at_the_cutoff() -> None:
    d, weight = np.polynomial.legendre.leggauss(200)
    d, weight = (d + 1) / 2, weight / 2
    with jax.enable_x64(True):
        basis = np.asarray(tr.radial_basis(jnp.asarray(d)[:, None], 7, 6))
        end = np.asarray(tr.radial_basis(jnp.ones((1, 1)), 7, 6))
    overlap = np.einsum("d,dln,dlm->lnm", weight * d**2, basis, basis)
    np.testing.assert_allclose(overlap, np.tile(np.eye(6), (7, 1, 1)), atol=1e-12)
    assert np.abs(end).max() < 1e-12


def test_harmonics_are_scipys() -> None:
    rng = np.random.default_rng(0)
    v = rng.normal(size=(50, 3))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    theta, phi = np.arccos(v[:, 2]), np.arctan2(v[:, 1], v[:, 0])
    with jax.enable_x64(True):
        mine = np.stack(tr.harmonics(jnp.asarray(v), 7), -1)
        polar = np.stack(tr.legendre(jnp.asarray(v[:, 2]), 7), -1)
    true = []
    for l in range(7):
        y = [special.sph_harm_y(l, m, theta, phi) for m in range(l + 1)]
        true += [y[0].real, *(2**0.5 * y[m].real for m in range(1, l + 1))]
        true += [2**0.5 * y[m].imag for m in range(l, 0, -1)]
    np.testing.assert_allclose(mine, np.stack(true, -1), atol=1e-13)
    np.testing.assert_allclose(polar, mine[:, np.arange(7) ** 2], atol=1e-13)
