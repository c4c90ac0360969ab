"""Systems with a symmetry of their own, and how far a function of them is from keeping its claim.

Every system stands in one batch with what the elements of a group make of it, so that a function is
compiled once for all of them. Elements act in float64 on the host, edges are drawn again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import ase
import ase.build
import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import block_diag

from demetar.core.graph import Graph, from_arrays
from demetar.core.graph import connect as drawn
from demetar.core.output import Kind, Output, Value
from demetar.core.padding import batch, pad
from demetar.runs.prediction import without_constant
from demetar.runs.run import Run
from demetar.symmetry import groups
from demetar.symmetry import irreps as ir

ELEMENTS = 5  # that act on each system
CROOKED = "crooked"  # the system that says how large an output is where nothing makes it vanish
DRIFT = 1e3  # Å
AXES = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])

GRADIENT = Kind("1x1o", per="node")
# Models whose own docstring says that they jump at the cutoff, and the setting that takes it away.
JUMPS = {"torchmd_net": "vector_cutoff"}

System = dict[str, Any]


def molecules(length: float, cutoff: float | None) -> dict[str, System]:
    """Molecules by name: positions in Å, species, and perhaps a cutoff of their own.

    The pair at the cutoff is `length` apart and its edges are drawn with that cutoff.
    """
    found = {
        "methane, T_d": "CH4", "CF4, T_d": "CF4", "benzene, D_6h": "C6H6", "ammonia, C_3v": "NH3",
        "HCN, C_∞v": "HCN", "CO2, D_∞h": "CO2", "C2H2, D_∞h": "C2H2",
    }  # fmt: skip
    made = {name: ase.build.molecule(formula) for name, formula in found.items()}
    made["an atom"] = ase.Atoms("O", [(0.3, -0.2, 0.5)])
    made["atoms along the axes, O_h"] = ase.Atoms("CH6", 1.1 * AXES)
    made[CROOKED] = ase.build.molecule("CH3CH2OH")
    made[CROOKED].rattle(0.05, seed=1)
    systems = {name: {"x": a.positions, "species": a.numbers} for name, a in made.items()}
    pair = {"x": np.array([[0, 0, 0], [0, 0, length]]), "species": np.array([6, 8])}
    return systems | {"a pair at the cutoff, C_∞v": pair | {"cutoff": cutoff}}


def scenes(length: float, cutoff: float | None) -> dict[str, System]:
    """Scenes of charged particles by name: positions, velocities and charges; see molecules()."""
    rng = np.random.default_rng(3)
    tetrahedron = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    turn = np.arange(6) * np.pi / 3
    ring = np.stack([np.cos(turn), np.sin(turn), 0 * turn], -1)
    at_rest = {
        "four around one, T_d": tetrahedron,
        "a ring, D_6h": ring,
        "along the axes, O_h": AXES,
        "three in a line, D_∞h": np.outer([-1, 0, 1], [0, 1, 0]),
        "a pair at the cutoff, D_∞h": np.array([[0, 0, 0], [0, 0, length]]),
        "a particle": np.ones((1, 3)),
    }
    made = {k: {"x": x, "v": 0.0 * x, "charges": np.ones(len(x))} for k, x in at_rest.items()}
    made["outwards, T_d"] = made["four around one, T_d"] | {"v": 0.5 * tetrahedron}
    made["a pair at the cutoff, D_∞h"]["cutoff"] = cutoff
    x, v = rng.normal(size=(2, 5, 3))
    return made | {CROOKED: {"x": x, "v": v, "charges": np.array([1.0, -1, -1, 1, 1])}}


def drifted(systems: dict[str, System]) -> dict[str, System]:
    """The same systems far from the origin."""
    return {k: s | {"x": s["x"] + np.array([DRIFT, -DRIFT, DRIFT])} for k, s in systems.items()}


def _graph(s: System, prepare: Callable[[Graph], Graph], g: Any = None) -> Graph:
    order = np.arange(len(s["x"])) if g is None or g.permutation is None else g.permutation
    order = order[: len(s["x"])]
    matrix, shift = (np.eye(3), 0.0) if g is None else (g.matrix, g.shift)
    rows = {k: v[order] for k, v in s.items() if k != "cutoff"}
    x, v = rows.pop("x") @ matrix.T + shift, rows.pop("v", None)
    rows["velocities"] = None if v is None else v @ matrix.T
    if "cutoff" in s:
        return from_arrays(x, **rows, cutoff=s["cutoff"])
    return prepare(from_arrays(x, **rows))


class Moved:
    """A batch of systems and of what elements make of each, with what the answers have to be."""

    def __init__(self, systems: dict[str, System], prepare: Callable, group: str) -> None:
        rng = np.random.default_rng(0)
        self.names, self.elements, graphs = list(systems), [], []
        for s in systems.values():
            real = np.ones(len(s["x"]), bool)
            elements = groups.load(group).sample(rng, ELEMENTS, real)
            self.elements.append(elements)
            graphs += [_graph(s, prepare)] + [
                _graph(s, prepare, elements[i]) for i in range(ELEMENTS)
            ]
        whole = batch(graphs)
        # A pair at the cutoff may be one or not: the number of edges varies, the compiled one not.
        self.graph = pad(whole, len(whole.species) + 1, -(-len(whole.senders) // 128) * 128)
        self.index = np.asarray(self.graph.graph_index)

    def first(self, name: str) -> int:
        """Where a system stands in the batch; what the elements make of it stands behind it."""
        return self.names.index(name) * (ELEMENTS + 1)

    def worst(self, output: Output) -> dict[str, dict[str, float]]:
        """{system: {output: largest error over its elements}}.

        Relative to the output's size here or on the crooked system, whichever is larger: what
        symmetry makes vanish has no size of its own.
        """
        found: dict[str, dict[str, float]] = {name: {} for name in self.names}
        for key, value in output.values.items():
            kind, array = value.kind, np.asarray(value.array, np.float64)

            def rows(number: int, array: np.ndarray = array, per: str = kind.per) -> np.ndarray:
                if per == "edge":
                    return self._pairs(number, array)
                return array[self.index == number] if per == "node" else array[[number]]

            starts = {name: self.first(name) for name in self.names}
            usual = _size(rows(starts[CROOKED]), kind.affine)
            for name, start, elements in zip(self.names, starts.values(), self.elements):
                first = rows(start)
                scale = max(_size(first, kind.affine), usual, np.finfo(float).tiny)
                errors = [
                    np.sqrt(
                        np.mean((_expected(first, kind, elements[i]) - rows(start + 1 + i)) ** 2)
                    )
                    for i in range(ELEMENTS)
                ]
                found[name][key] = float(np.max(errors)) / scale
        return found

    def _pairs(self, number: int, array: np.ndarray) -> np.ndarray:
        """What stands at the edges of one system, by receiver and sender [n n, dim]; zeros where none is."""
        first, count = int(np.argmax(self.index == number)), int((self.index == number).sum())
        mine = np.asarray(self.graph.edge_mask) & (
            self.index[np.asarray(self.graph.receivers)] == number
        )
        found = np.zeros((count, count, array.shape[-1]))
        ends = (np.asarray(x)[mine] - first for x in (self.graph.receivers, self.graph.senders))
        found[tuple(ends)] = array[mine]
        return found.reshape(count * count, -1)


def _size(rows: np.ndarray, affine: bool) -> float:
    return float(np.sqrt(np.mean((rows - (rows.mean(0) if affine else 0)) ** 2)))


def _expected(rows: np.ndarray, kind: Any, g: Any) -> np.ndarray:
    with jax.enable_x64(True):
        blocks = [
            np.asarray(ir.wigner(irrep, np.asarray(g.matrix, float)))
            for count, irrep in ir.parse_irreps(kind.irreps)
            for _ in range(count)
        ]
    moved = rows @ block_diag(*blocks).T + (g.shift if kind.affine else 0)
    if kind.per == "graph" or g.permutation is None:
        return moved
    if kind.per == "node":
        return moved[g.permutation[: len(rows)]]
    n = round(len(rows) ** 0.5)
    order = np.asarray(g.permutation[:n])
    return moved.reshape(n, n, -1)[order[:, None], order].reshape(n * n, -1)


def with_slope(run: Run) -> Callable[[Any, Graph], Output]:
    """The run's function, with a gradient where it has none of its own."""
    return run.function if run.config["target"] != "positions" else _with_slope(run.function)


@functools.cache
def _with_slope(given: Callable[[Any, Graph], Output]) -> Callable[[Any, Graph], Output]:
    """With the gradient of Σ|f(x) − x|², an invariant if f keeps its claim."""

    def function(params: Any, graph: Graph) -> Output:
        def energy(x: jax.Array) -> tuple[jax.Array, Output]:
            output = given(params, graph.replace(positions=x))
            moved = jnp.where(graph.node_mask[:, None], output["positions"] - x, 0)
            return jnp.sum(moved**2), output

        slope, output = jax.grad(energy, has_aux=True)(graph.positions)
        return Output({**output.values, "gradient": Value(slope, GRADIENT)})

    return function


@functools.cache
def moved(kind: str, connect: Any, length: float, ends: bool, group: str, far: bool) -> Moved:
    """The batch; one for all runs whose graphs are alike.

    Where edges fade out (`ends`), a pair at the cutoff is joined or not as rounding has it. Where
    they end abruptly that is a jump that the model does not hide, and the pair stays joined.
    """
    systems = (molecules if kind == "atoms" else scenes)(length, length if ends else None)
    systems = drifted(systems) if far else systems
    return Moved(systems, lambda graph: drawn(graph, connect), group)


@functools.cache
def compiled(function: Callable[[Any, Graph], Output]) -> Callable[[Any, Graph], Output]:
    """Without the trace, which would be computed too; once for runs that differ in parameters only."""
    return jax.jit(lambda params, graph: Output(function(params, graph).values))


@functools.lru_cache(8)
def answer(
    run: Run, function: Callable[[Any, Graph], Output], dtype: str, far: bool
) -> tuple[Moved, Output]:
    """The batch for the run's rule of edges and claim, and what the function says; the last are kept."""
    c = run.model.config
    ends = c.inputs == "atoms" and getattr(c, "envelope", "none") != "none"
    length = float(getattr(c, "cutoff", 3.0))
    if not getattr(c, JUMPS.get(run.config["model"], ""), True):
        length *= 0.9
    given = (c.inputs, run.config["connect"], length, ends, run.symmetry)
    part = without_constant(run.params, moved(*given, False).graph, c.output)[0]
    batch = moved(*given, far)
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        params = jax.tree.map(lambda x: np.asarray(x, dtype), part)
        return batch, jax.device_get(compiled(function)(params, batch.graph.astype(dtype)))


def forget() -> None:
    """Nothing that was compiled or answered is used again."""
    compiled.cache_clear()
    answer.cache_clear()
