"""WaveScatt: solid harmonic wavelet scattering of a molecule's density, and a ridge regression on it.

M. Eickenberg, G. Exarchakis, M. Hirn, S. Mallat, L. Thiry, "Solid harmonic wavelet scattering for
predictions of molecule properties", J. Chem. Phys. 148, 241732 (2018); settings of QM7 from the
authors' program kymatio. No network: nothing but the regression is learnt, in closed form (`fit`).

A density has a Gaussian of width σ at each atom, of three weights (nuclear charge, valence and core
electrons): ρ. Wavelets are ψ_jlm ∝ |r|^l Y_lm(r) exp(−r²/2s_j²) with s_j = 2^j σ. Features are the
integrals of |ρ|^q, of U₁^q and of U₂^q for q = 1/2, 1, 2, 3, where U₁ = √Σ_m |ρ * ψ_jlm|² and
U₂ = √Σ_m |U₁ * ψ_j'lm|² with j' > j. In the continuum they are invariant under all of E(3). On a
grid, which is centred on the molecule's centroid here, that is exact for translations, renumbering
and the 48 symmetries of a cube; for other rotations the error falls as the spacing does. The authors
turn each molecule to its principal axes first, which hides that; this does not.

Deviations. The box is periodic and waves beyond the grid's are left out. The modulus is
√(x² + ε²) − ε, without which powers of 1/2 have no gradient where a field vanishes and float32 keeps
rounding noise far from the molecule. The paper's bilinear regression is a sum of products of two
linear forms found by gradient descent; here it is ridge regression on all products, which holds
those.
"""

import dataclasses
import itertools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Complex, Float, Int

from demetar.core import kinds, segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Layer, Output, scalars
from demetar.core.padding import to_dense
from demetar.models.nn import inputs as nf
from demetar.models.nn.layers import Dense
from demetar.symmetry import irreps as ir

TITLE = "WaveScatt"
SYMMETRY = "O_h x T(3) x S_n"
INPUTS = ("atoms",)
OUTPUTS = {"scalar": kinds.SCALAR}
CHOICES = {"readout": ("linear", "bilinear")}
FITTED_BY = "benchmarks/wavescatt.py"
REFERENCE = "Eickenberg et al., J. Chem. Phys. 148, 241732 (2018) (arXiv:1805.00571)"

NOBLE = (2, 10, 18, 36, 54, 86)  # electrons of the closed shells below the valence ones
STRENGTHS = tuple(10.0**k for k in range(-9, 2))  # of the ridge


@dataclasses.dataclass(frozen=True)
class Config:
    """Lengths in Å. As in kymatio's QM7, σ is the shortest distance (QM9: 0.961) / √(8 ln 10).

    There the spacing is σ/2 in a box of 192 × 128 × 96 points and no modulus is smoothed.
    """

    inputs: str = "atoms"
    output: str = "scalar"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    sigma: float = 0.224
    scales: int = 3
    lmax: int = 3
    second_order: bool = True
    grid: int = 40  # points a side
    spacing: float = 0.28
    epsilon: float = 1e-2  # of the modulus; a charge of max(species) has a field of height 1
    readout: str = "bilinear"
    # The least strength that a fit tries. On QM9's HOMO 1e-5 costs a tenth of the accuracy, and rounding of
    # the features in float32, 1e-7 of their size, then moves a prediction by 0.1 and not by 2 meV.
    ridge: float = 1e-9


def weights(species: Int[Array, "*atoms"], largest: int, dtype: Any) -> Float[Array, "*atoms 2"]:
    """Nuclear charge and number of valence electrons, as shares of the largest charge."""
    core = jnp.asarray((0, *NOBLE))[jnp.searchsorted(jnp.asarray(NOBLE), species)]
    return jnp.stack([species, species - core], -1).astype(dtype) / largest


class Grid:
    """A periodic cube of points with the waves on it, as half spectra [N, N, N // 2 + 1]."""

    def __init__(self, config: Config, dtype: Any) -> None:
        n, h = config.grid, config.spacing
        self.config = config
        count, whole = jnp.arange(n // 2 + 1), jnp.arange(n)
        whole = jnp.where(whole < (n + 1) // 2, whole, whole - n)
        self.axes = [2 * np.pi / (n * h) * k.astype(dtype) for k in (whole, whole, count)]  # 1/Å
        waves = jnp.stack(jnp.meshgrid(*self.axes, indexing="ij"), -1)
        # The highest wave of an even axis has no sign of its own, so no turn could move it.
        resolved = (jnp.abs(waves) < np.pi / h * (1 - 1e-6)).all(-1)
        square = jnp.square(waves).sum(-1)
        volume = (2 * np.pi * config.sigma**2) ** 1.5 / h**3
        self.atom = jnp.where(resolved, volume * jnp.exp(-(config.sigma**2) * square / 2), 0)
        self.wavelets = {
            (l, j): _wavelets(waves * 2**j * config.sigma, l) * resolved
            for l, j in itertools.product(range(config.lmax + 1), range(config.scales))
        }

    def density(
        self, positions: Float[Array, "atoms 3"], charges: Float[Array, "atoms kinds"]
    ) -> Complex[Array, "kinds N N half"]:
        """Spectra of Σ_i q_i exp(−|u − r_i|²/2σ²), r in Å."""
        x, y, z = (jnp.exp(-1j * positions[:, i : i + 1] * k) for i, k in enumerate(self.axes))
        return self.atom * jnp.einsum("nc,na,nb,nd->cabd", charges.astype(x.dtype), x, y, z)

    def convolved(
        self, spectra: Complex[Array, "kinds N N half"], l: int, j: int, width: float
    ) -> Float[Array, "kinds m N N N"]:
        """f * ψ_jlm of fields as wide as `width` σ, whose heights are kept."""
        height = (1 + 4**j / width**2) ** 1.5
        return self.fields((-1j) ** l * height * spectra[:, None] * self.wavelets[l, j])

    def fields(self, spectra: Complex[Array, "*rows N N half"]) -> Float[Array, "*rows N N N"]:
        """The real fields of half spectra; the first point is the box's centre."""
        return jnp.fft.irfftn(spectra, s=[self.config.grid] * 3, axes=(-3, -2, -1))

    def modulus(self, square: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """√(x² + ε²) − ε of x²: smooth, and exactly zero where x is."""
        return square / (jnp.sqrt(square + self.config.epsilon**2) + self.config.epsilon)

    def integrals(
        self, square: Float[Array, "kinds N N N"], width: float
    ) -> Float[Array, "kinds powers"]:
        """∫ U^q of U², each power (x² + ε²)^(q/2) − ε^q; of a Gaussian `width` σ wide and 1 high about 1.

        Written without powers and differences of what is nearly alike: both cost time and digits.
        """
        c, e = self.config, self.config.epsilon
        cell = c.spacing**3 / ((2 * np.pi) ** 1.5 * (width * c.sigma) ** 3)
        whole = jnp.sqrt(square + e**2)
        first = square / (whole + e)
        half = first / (jnp.sqrt(whole) + e**0.5)
        found = [half, first, square, first * (square + e * (whole + 2 * e))]
        return cell * jnp.stack([u.sum((-3, -2, -1)) for u in found], axis=-1)


def _wavelets(waves: Float[Array, "*grid 3"], l: int) -> Float[Array, " m *grid"]:
    """Spectra of ψ_lm at scale 1, but for (−i)^l, at wave vectors."""
    angular = ir.harmonics(waves.reshape(-1, 3), [f"{l}e"])[f"{l}e"]
    return angular.T.reshape(-1, *waves.shape[:-1]) * jnp.exp(-jnp.square(waves).sum(-1) / 2)


def _with_core(fields: Float[Array, " 2 *grid"]) -> Float[Array, " 3 *grid"]:
    """The core's field beside the nuclear and the valence one: their difference."""
    return jnp.concatenate([fields, fields[:1] - fields[1:]])


def scattering(
    grid: Grid, positions: Float[Array, "atoms 3"], charges: Float[Array, "atoms 2"]
) -> list[Float[Array, " _features"]]:
    """Features of orders 0, 1 and, if asked for, 2 of one molecule, a row each.

    positions in Å from the centroid; charges as from `weights`, zero for padding.
    """
    c = grid.config
    spectra = grid.density(positions, charges)
    zeroth = grid.integrals(jnp.square(_with_core(grid.fields(spectra))), 1.0)

    def paths(
        spectra: Complex[Array, "kinds N N half"], l: int, j: int
    ) -> tuple[Float[Array, "rows powers"], list[Float[Array, "rows powers"]]]:
        square = jnp.square(_with_core(grid.convolved(spectra, l, j, 1.0))).sum(1)
        width = (1 + 4**j) ** 0.5
        first, second = grid.integrals(square, width), []
        if c.second_order and j + 1 < c.scales:
            again = jnp.fft.rfftn(grid.modulus(square), axes=(-3, -2, -1))
            for i in range(j + 1, c.scales):
                wider = jnp.square(grid.convolved(again, l, i, width)).sum(1)
                second.append(grid.integrals(wider, (width**2 + 4**i) ** 0.5))
        return first, second

    # Or a gradient would hold every field of every scale at once.
    paths = jax.checkpoint(paths, static_argnums=(1, 2))
    found = [paths(spectra, l, j) for l, j in grid.wavelets]
    orders = [[zeroth], [a for a, _ in found], [x for _, b in found for x in b]]
    return [jnp.stack(order).reshape(-1) for order in orders if order]


def describe(config: Config, graph: Graph) -> list[Float[Array, "graphs _features"]]:
    """The features of each order of the molecules of a graph, one after the other."""
    owner = jnp.minimum(graph.graph_index, graph.n_graphs - 1)
    real = graph.node_mask[:, None]
    centre = segments.graph_mean(graph, jnp.where(real, graph.positions, 0))
    charges = weights(graph.species, max(config.species), graph.positions.dtype)
    rows = jnp.concatenate([graph.positions - centre[owner], charges], -1)
    dense, _ = to_dense(
        jnp.where(real, rows, 0), graph.graph_index, graph.n_graphs, graph.max_nodes
    )
    grid = Grid(config, graph.positions.dtype)
    return jax.lax.map(lambda x: scattering(grid, x[:, :3], x[:, 3:]), dense)


def fit(
    features: Float[np.ndarray, "molecules features"],
    targets: Float[np.ndarray, " molecules"],
    readout: str = "bilinear",
    strengths: Any = STRENGTHS,
) -> tuple[dict[str, Any], float]:
    """The Model's parameters by ridge regression, and their mean absolute leave-one-out error.

    features as `describe` gives them, targets as the model shall give them; float64. Both
    terms of the readout are punished alike, the constant is not; of the strengths (a share of the
    kernel's mean) the one with the smallest leave-one-out error is taken. All is done in the space
    of the n molecules, so n³ and not d⁶ is what it costs.
    """
    n, d = features.shape
    spread = features.std(0)
    varies = spread > 1e-5 * np.abs(features).max(0)  # or its spread is float32's rounding
    scale = 1 / np.where(varies, spread, 1)
    shift = -features.mean(0) * scale
    x = features * scale + shift
    kernel = x @ x.T
    if readout == "bilinear":
        kernel = kernel + np.square(kernel) / d
    means = kernel.mean(0)
    values, vectors = np.linalg.eigh(kernel - means - means[:, None] + means.mean())
    squares, rotated = np.square(vectors), vectors.T @ (targets - targets.mean())
    best = (np.inf, np.zeros(n))
    for strength in strengths:
        ridge = strength * np.trace(kernel) / n
        inverse = 1 / (np.maximum(values, 0) + ridge)
        dual = vectors @ (inverse * rotated)
        dual -= dual.mean()  # or 1 / ridge raises the constant's rounding
        left_out = ridge * dual / (ridge * (squares @ inverse) - 1 / n)
        best = min(best, (float(np.abs(left_out).mean()), dual), key=lambda found: found[0])
    error, dual = best
    linear, products = x.T @ dual, (x.T * dual) @ x / d**0.5
    params = {"standard": {"scale": scale, "bias": shift}, "linear": {"kernel": linear[:, None]}}
    constant = targets.mean() - (x @ linear).mean()
    if readout == "bilinear":
        params["products"] = {"kernel": products}
        constant -= ((x @ products) * x).sum(1).mean() / d**0.5
    params["linear"]["bias"] = np.array([constant])
    return params, error


class Standard(nn.Module):
    """Features with the mean and spread of a training set taken off."""

    @nn.compact
    def __call__(self, x: Float[Array, "graphs features"]) -> Float[Array, "graphs features"]:
        scale = self.param("scale", nn.initializers.ones, x.shape[-1:])
        return x * scale + self.param("bias", nn.initializers.zeros, x.shape[-1:])


class Products(nn.Module):
    """Σ_ij x_i A_ij x_j / √n of n features."""

    @nn.compact
    def __call__(self, x: Float[Array, "graphs features"]) -> Float[Array, "graphs 1"]:
        n = x.shape[-1]
        matrix = self.param("kernel", nn.initializers.zeros, (n, n))
        return ((x @ matrix) * x).sum(-1, keepdims=True) / n**0.5


class Model(nn.Module):
    """Output with "scalar" [graphs, 1] for a Graph; its edges and velocities are not read."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        orders = describe(self.config, graph)
        trace = [Layer(f"order {i}", (scalars(x, "graph"),)) for i, x in enumerate(orders)]
        x = Standard(name="standard")(jnp.concatenate(orders, -1))
        value = Dense(1, name="linear")(x)
        if self.config.readout == "bilinear":
            value += Products(name="products")(x)
        return Output(nf.scalar_value(value), tuple(trace))
