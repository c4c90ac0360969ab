"""The axes that annotations name are checked in the test run, and only there."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import TypeCheckError

from demetar.core import bonds, edges, padding, segments
from demetar.core.graph import Graph
from demetar.simulation import simulate
from demetar.simulation.scene import Scene
from demetar.symmetry import elements, irreps, scales

FAULTY = {
    "an axis too few": lambda: bonds.types(np.array(6), np.array([6]), np.ones(1)),
    "one name, two lengths": lambda: bonds.bonded(np.ones(4, int), np.ones((3, 3))),
    "coordinates in a plane": lambda: irreps.direction(jnp.ones((4, 2))),
    "numbers of nodes that are real": lambda: edges.most(np.ones(3), np.ones(3)),
    "a row too many": lambda: padding.to_dense(jnp.ones((3, 2)), jnp.zeros(4, int), 1, 4),
    "no batch of systems": lambda: simulate.simulate(np.ones((2, 3)), np.ones((2, 3)), None, (1,)),
    "a field of another length": lambda: Scene(
        np.ones((1, 2, 3)), np.ones((1, 2, 3)), np.ones(3), np.ones(2), np.ones(1)
    ),
    "a list of numbers": lambda: scales.lengths([[[1.0]]]),  # pyright: ignore[reportArgumentType]
    "inside a compiled function": lambda: jax.jit(segments.soft_norm)(jnp.ones(3, int), 0.1),
}


@pytest.mark.parametrize("call", FAULTY.values(), ids=FAULTY)
def test_a_wrong_array_is_refused(call) -> None:
    with pytest.raises(TypeCheckError):
        call()


def test_a_wrong_result_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "moveaxis", lambda array, *_: array)  # [3, 3, count] instead
    with pytest.raises(TypeCheckError, match="return"):
        elements.rotations(5, 0)


def test_pytrees_hold_what_jax_puts_into_them(scene: Graph) -> None:
    """Shapes, batches and nothing in the fields of a graph are no mistake."""
    assert jax.eval_shape(lambda g: g, scene).positions.shape == (5, 3)
    stacked = jax.tree.map(lambda x: np.stack([x, x]), scene)
    assert stacked.positions.shape == (2, 5, 3)
    assert jax.vmap(segments.degree, (0, None))(stacked, "float32").shape == (2, 5, 1)
    assert jax.tree.map(lambda _: None, scene).positions is None


def test_nothing_is_checked_outside_the_tests() -> None:
    """An annotation costs a user nothing: no checker is imported, no function is wrapped."""
    program = (
        "import sys\nfrom demetar.symmetry import equivariance, scales\n"
        "assert 'beartype' not in sys.modules\nassert not hasattr(scales.lengths, '__wrapped__')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
