"""Assertions for one's own tests: a function commutes with a group, a calculator is sound.

No tolerance is chosen. What rounding explains follows from the noise of the function itself, measured on a
short line beside the system, and from how steeply its outputs change where the moved input is rounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ase

    from demetar.core.graph import Graph
    from demetar.diagnosis.audit.run import Audit
    from demetar.symmetry.equivariance import Measurement

POINTS = 10  # of the short line
STEP = {"float64": 1e-5, "float32": 3e-4, "bfloat16": 3e-2}  # some hundred roundings of a position
MARGIN, ULPS = 30.0, 64.0  # as an audit has them: see demetar.diagnosis.audit.evidence.noise


def assert_equivariant(
    f: Any,
    graph: Graph | ase.Atoms,
    group: str = "O(3)",
    *,
    samples: int = 16,
    seed: int = 0,
    dtype: str = "float64",
    diagnose: bool = True,
) -> Measurement:
    """Passes if f(g·x) = D(g) f(x) up to rounding for sampled g; else AssertionError says why not.

    `f` is a Run, a function Graph -> Output, or what arrays_function() and torch_function() make. The
    message names the worst output, its error, what rounding explains, and the diagnosis. Gives the
    measurement. Raises InputError on a wrong group, shape or dtype.
    """
    from demetar.core.numerics import check_dtype
    from demetar.symmetry.equivariance import measure

    check_dtype(dtype)
    system = _graph(graph)
    if getattr(f, "plain", False):
        f(system)  # wrong shapes are told here, before JAX wraps what is raised inside it
    allowed = tolerance(f, system, dtype, seed)
    found = measure(
        f, system, group, samples=samples, seed=seed, dtype=dtype, layers=False, rebuild=False
    )
    wrong = {
        name: float(errors.max())
        for name, errors in found.absolute.items()
        if not errors.max() <= allowed[name]  # NaN is wrong too
    }
    if not wrong:
        return found
    name = max(wrong, key=lambda n: wrong[n] / allowed[n])
    raise AssertionError(
        f"{_called(f)} is not {group}-equivariant: '{name}' changes by {wrong[name]:.3g} at the worst of "
        f"{samples} elements, where rounding in {dtype} explains {allowed[name]:.2g}."
        + (_diagnosis(f, system, group) if diagnose else "")
    )


def tolerance(f: Any, graph: Graph, dtype: str = "float64", seed: int = 0) -> dict[str, float]:
    """What rounding explains of ‖f(g·x) − D(g) f(x)‖₂, by output.

    Thirty standard deviations of the noise on a short line beside x, by differences of high order, and
    sixty-four units in the last place of the output and of positions times its slope.
    """
    import jax
    import jax.numpy as jnp
    import numpy as np

    from demetar.core.numerics import cast
    from demetar.diagnosis.audit.evidence.noise import noise
    from demetar.symmetry.predictor import subject

    taken = subject(f, graph)
    rng = np.random.default_rng(seed)
    way = rng.standard_normal(np.shape(taken.graph.positions))
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        params = cast(jax.device_get(taken.params), dtype)
        call = jax.jit(lambda p, g: {k: v.array for k, v in taken.function(p, g).values.items()})

        def at(distance: float) -> dict[str, Any]:
            moved = np.asarray(taken.graph.positions, np.float64) + distance * way
            answer = call(params, taken.graph.replace(positions=moved).astype(dtype))
            return {k: np.asarray(v, np.float64) for k, v in jax.device_get(answer).items()}

        line = [at(k * STEP[dtype]) for k in range(POINTS)]
    eps, reach = float(jnp.finfo(dtype).eps), float(np.abs(taken.graph.positions).max()) + 1
    found = {}
    for name, first in line[0].items():
        sigma = noise(np.array([a[name] for a in line]))
        slope = np.linalg.norm(line[-1][name] - first) / (STEP[dtype] * (POINTS - 1))
        size = float(np.linalg.norm(first)) + float(slope) * reach
        found[name] = float(MARGIN * sigma * np.sqrt(first.size) + ULPS * eps * size)
    return found


def assert_sound(calculator: Any, atoms: ase.Atoms, **options: Any) -> Audit:
    """Passes if an audit finds an ASE calculator, or a factory of it, sound; else says what is wrong.

    Options are those of demetar.audit, such as `seconds`. Gives the audit.
    """
    from demetar.diagnosis.audit.run import audit
    from demetar.diagnosis.causes import SOUND, cause

    found = audit(calculator, atoms, **options)
    if found.cause != SOUND:
        raise AssertionError(
            f"{found.calculator} on {found.formula}: {found.cause}. {found.sentence} "
            f"{cause(found.cause).mends}"
        )
    return found


def arrays_function(
    f: Any, outputs: dict[str, str], reads: tuple[str, ...] = ("positions", "species")
) -> Any:
    """A function Graph -> Output from `f(positions, species)`; see demetar.diagnosis.audit.own."""
    from demetar.diagnosis.audit import own

    return own.arrays_function(f, outputs, reads)


def torch_function(
    module: Any, outputs: dict[str, str], reads: tuple[str, ...] = ("positions", "species")
) -> Any:
    """A function Graph -> Output from a torch.nn.Module; see demetar.diagnosis.audit.own."""
    from demetar.diagnosis.audit import own

    return own.torch_function(module, outputs, reads)


def _graph(given: Any) -> Any:
    from demetar.core.errors import InputError
    from demetar.core.graph import Graph, from_atoms

    if isinstance(given, Graph):
        return given
    if hasattr(given, "positions") and hasattr(given, "numbers"):
        return from_atoms(given)
    raise InputError(
        f"Expected a Graph or ase.Atoms, got {type(given).__name__}; make one by demetar.from_arrays()."
    )


def _called(f: Any) -> str:
    return getattr(f, "__name__", None) or getattr(f, "name", None) or type(f).__name__


def _diagnosis(f: Any, graph: Any, group: str) -> str:
    """Why, in a sentence, where the diagnosis can be made."""
    from demetar.core.errors import InputError
    from demetar.diagnosis.diagnose import diagnose

    try:
        found = diagnose(f, graph, group, seconds=15.0)
    except InputError as error:
        return f" No diagnosis: {error}"
    return f" Diagnosis: {found.cause}. {found.sentence}"
