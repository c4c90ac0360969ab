"""A function of 3D systems that can be asked: in any precision, wherever its particles are, and counted.

One compiled function for each precision answers every piece of evidence, so that a large model is compiled
two or three times and not once an instrument. What JAX cannot trace is called as it is.
"""

from __future__ import annotations

import collections
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.numerics import cast
from demetar.core.output import Kind, Output
from demetar.core.padding import pad, rung
from demetar.diagnosis.answers import Rows, called, rows_of
from demetar.symmetry.neighbours import unpadded
from demetar.symmetry.predictor import Predictor, subject

Progress = Callable[[float, str], Any]
ALIKE = (
    1e-10  # how far a compiled answer may be from the one that is not: rounding; measured: 2e-14
)
QUICK = 0.003  # seconds; what is faster than that is not worth compiling
OPTIONS = {"xla_allow_excess_precision": False}  # a rounding that the function asks for stays


class Stopped(Exception):
    """Whoever asked for a diagnosis does not want it any more."""


class Overtime(Exception):
    """The time is over; what was found until then stands."""


class Asked:
    """A function at one system. `graph`: the system as the function reads it, float64, unpadded.

    A Run's constant parts (mean, references) are taken out: beside them float32 has few digits left.
    """

    def __init__(
        self, f: Any, graph: Graph, seconds: float = 30.0, progress: Progress | None = None
    ) -> None:
        self.f, self.progress = f, progress
        self.began, self.seconds = (
            time.monotonic(),
            seconds,
        )  # a limit from here on, compilations counted
        self.evaluations, self.fraction, self.text = 0, 0.0, ""
        self._told = 0.0
        self._costs: collections.deque[float] = collections.deque(maxlen=15)
        self._functions: dict[str, Callable[[Graph], Any]] = {}
        self.traced = isinstance(f, Predictor)
        self.given = unpadded(graph)
        taken = subject(f, self.given)
        self.graph, self.rule, self.params = taken.graph, taken.rule, taken.params
        self.function = taken.function if self.traced else None
        self.size = rung(self.graph, self._most_edges())
        self.kinds: dict[str, Kind] = {}
        began, self._late = time.monotonic(), False
        self.first: Rows = self.one(self.graph)
        self.compiling, self._late = (time.monotonic() - began if self.traced else 0.0), True

    def _most_edges(self) -> int:
        """Room for the edges of a graph that is built again; a rung's full number costs too much."""
        return int(1.25 * len(self.graph.senders))

    @property
    def positions(self) -> Float[np.ndarray, "nodes 3"]:
        """Where the particles are [nodes, 3], float64."""
        return np.asarray(self.graph.positions, np.float64)

    def elapsed(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began

    @property
    def cost(self) -> float:
        """Seconds of one evaluation: the median of the last fifteen, of which a compilation is no part."""
        return float(np.median(self._costs)) if self._costs else 0.0

    def affordable(self, evaluations: int, compilations: int = 0) -> bool:
        """Whether so many more evaluations, and compilations as the first one, fit into the time."""
        planned = evaluations * self.cost + compilations * self.compiling
        return self.elapsed() + planned < self.seconds

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Around an evaluation: counts and times it. Raises Overtime where the time is over, and Stopped."""
        self._heard()
        if self._late and self.elapsed() > self.seconds:
            raise Overtime
        began = time.monotonic()
        yield
        self.evaluations += 1
        if self._late:  # the first one may have compiled
            self._costs.append(time.monotonic() - began)

    def tell(self, fraction: float, text: str) -> None:
        """Says how far it is; raises Stopped where the listener answers False."""
        self.fraction, self.text = fraction, text
        self._heard(force=True)

    def _heard(self, force: bool = False) -> None:
        now = time.monotonic()
        if self.progress is None or (now - self._told < 0.2 and not force):
            return
        self._told = now
        if self.progress(self.fraction, self.text) is False:
            raise Stopped

    def one(self, graph: Graph, dtype: str = "float64") -> Rows:
        """The outputs [rows, dim] at one unpadded graph of any size, float64 on the host."""
        with self.counted():
            return self.checked(*self._answer(graph, dtype))

    def checked(self, answer: Any, graph: Graph) -> Rows:
        """The rows of an answer; InputError where its outputs are not those of the first one."""
        rows, kinds = rows_of(answer, graph)
        self.kinds = self.kinds or kinds
        if kinds != self.kinds:
            raise InputError(
                f"Expected the outputs {', '.join(self.kinds)} at every call, got {', '.join(kinds)}; "
                "return the same names and kinds for every graph."
            )
        return rows

    def _answer(self, graph: Graph, dtype: str) -> tuple[Any, Graph]:
        with self.precision(dtype):
            if self.function is not None:
                nodes, edges = rung(graph, self._most_edges())
                fitted = pad(graph, max(nodes, self.size[0]), max(edges, self.size[1]))
                if dtype not in self._functions:
                    params = cast(jax.device_get(self.params), dtype)
                    function = jax.jit(self.function, compiler_options=OPTIONS)
                    self._functions[dtype] = lambda g: function(params, g)
                return called(self._functions[dtype], fitted.astype(dtype)), fitted
            same = len(graph.species) == len(self.graph.species)
            f: Any = self._functions.get(dtype, self.f) if same else self.f
            return called(f, graph.astype(dtype)), graph

    def whole(self, graph: Graph) -> Any:
        """The answer in float64 as it is returned, trace included, padded where a run pads it."""
        with self.counted():
            if self.function is not None:
                return self._answer(graph, "float64")[0]
            with self.precision("float64"):
                return called(self.f, graph.astype("float64"))

    @staticmethod
    @contextlib.contextmanager
    def precision(dtype: str) -> Iterator[None]:
        """Within it JAX keeps float64 where that is asked for, and only there."""
        with jax.enable_x64(dtype == "float64"):
            yield

    def compile(self) -> None:
        """Compiles a plain function where that is worth it and changes nothing but rounding.

        In float64, in which nearly all is asked. To be called once it is known that the function answers
        twice in the same way.
        """
        dtype = "float64"
        if self.function is not None or dtype in self._functions:
            return
        graph = self.graph.astype(dtype)
        began = time.monotonic()
        plain = self.one(self.graph, dtype)
        if time.monotonic() - began < QUICK:
            return
        try:
            with self.precision(dtype):
                faster = jax.jit(_reduced(self.f), compiler_options=OPTIONS)
                rows, _ = rows_of(faster(graph), self.graph)
        except Exception:  # whatever stops JAX from tracing it: it is called as it is
            return
        if all(_alike(rows[k], plain[k], ALIKE) for k in plain):
            self._functions[dtype] = faster

    def many(self, graphs: Sequence[Graph], dtype: str = "float64") -> list[Rows]:
        """The outputs at each graph."""
        return [self.one(graph, dtype) for graph in graphs]

    def __call__(
        self, places: Float[np.ndarray, "places nodes 3"], names: tuple[str, ...]
    ) -> dict[str, Float[np.ndarray, "places _rows _dim"]]:
        """The named outputs [k, rows, dim] with the particles at places [k, nodes, 3], the edges kept."""
        found = self.many([self.graph.replace(positions=x) for x in places])
        return {name: np.stack([rows[name] for rows in found]) for name in names}


def _reduced(f: Callable[[Graph], Any]) -> Callable[[Graph], Any]:
    """Without the trace, which nobody reads here."""

    def values(graph: Graph) -> Any:
        answer = f(graph)
        return Output(answer.values) if isinstance(answer, Output) else answer

    return values


def _alike(a: np.ndarray, b: np.ndarray, limit: float) -> bool:
    if a.shape != b.shape or (np.isfinite(a) != np.isfinite(b)).any():
        return False
    kept = np.isfinite(b)
    size = np.sqrt(np.mean(b[kept] ** 2)) if kept.any() else 0.0
    return bool((np.abs(a - b)[kept] <= limit * max(size, np.finfo(float).tiny)).all())
