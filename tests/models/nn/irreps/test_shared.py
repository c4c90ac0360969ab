"""Layers of one shape are traced once and give what they give one by one, their gradients too."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.models.nn.irreps.cuequivariance import SETTING
from demetar.models.nn.irreps.shared import alike

TRACED: list[int] = []
X = jnp.linspace(-1.0, 1.0, 6).reshape(3, 2)


class Step(nn.Module):
    width: int

    @nn.compact
    def __call__(self, x):
        TRACED.append(self.width)
        return x + jnp.tanh(nn.Dense(self.width, bias_init=nn.initializers.normal())(x))


class Deep(nn.Module):
    """Four layers; `shared` by `alike`, otherwise children as ever."""

    shared: bool

    @nn.compact
    def __call__(self, x):
        for i in range(4):
            layer = alike(self, Step, 2, name=f"step_{i}") if self.shared else None
            x = (layer or Step(2, name=f"step_{i}"))(x)
        return x


def params_of(model: nn.Module):
    return model.init(jax.random.key(0), X)["params"]


def slope(model: nn.Module, x=X):
    return jax.jit(jax.grad(lambda p: jnp.sum(jnp.sin(model.apply({"params": p}, x)))))


def test_the_parameters_and_what_they_give_are_those_of_children():
    one, other = params_of(Deep(True)), params_of(Deep(False))
    jax.tree.map(np.testing.assert_array_equal, one, other)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6),
        slope(Deep(True))(one),
        slope(Deep(False))(one),
    )
    kernels = [one[f"step_{i}"]["Dense_0"]["kernel"] for i in range(4)]
    assert len({float(k[0, 0]) for k in kernels}) == 4, "each layer keeps its own parameters"


@pytest.mark.parametrize(("shared", "times"), [(True, 1), (False, 4)])
def test_layers_alike_are_traced_once(shared, times):
    params = params_of(Deep(shared))
    TRACED.clear()
    slope(Deep(shared), jnp.ones((5, 2))).lower(params)  # as many rows as no other test has
    assert len(TRACED) == times


def test_a_name_without_parameters_is_an_error():
    params = params_of(Deep(True))
    del params["step_2"]
    with pytest.raises(KeyError, match="step_2"):
        Deep(True).apply({"params": params}, X)


def test_another_tensor_product_is_traced_anew(monkeypatch):
    params, x = params_of(Deep(True)), jnp.ones((7, 2))
    for setting, times in (("own", 1), ("own", 0), ("cuequivariance", 1)):
        monkeypatch.setenv(SETTING, setting)
        TRACED.clear()
        slope(Deep(True), x).lower(params)
        assert len(TRACED) == times
