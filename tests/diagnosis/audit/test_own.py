"""torch_function(): a module of torch is asked as any function; by a stand-in where torch is not there."""

from __future__ import annotations

import importlib.util
import sys
import types
from typing import Any

import numpy as np
import pytest
from ase.build import molecule

import demetar
from demetar.core.errors import InputError
from demetar.core.padding import pad
from demetar.testing import assert_equivariant, torch_function

OUTPUTS = {"energy": "1x0e per graph", "forces": "1x1o per node"}
KINDS = ["stand-in", *(["torch"] if importlib.util.find_spec("torch") else [])]
WATER = demetar.from_atoms(molecule("H2O"))


class Tensor:
    """What torch_function() and the modules below ask of a tensor, over an array of NumPy."""

    def __init__(self, array: Any) -> None:
        self.array = np.asarray(array)
        self.dtype, self.device = self.array.dtype, "cpu"

    def to(self, where: Any) -> Tensor:
        return self if where == "cpu" else Tensor(self.array.astype(where))

    def is_floating_point(self) -> bool:
        return self.dtype.kind == "f"

    def long(self) -> Tensor:
        return self.to(np.int64)

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self

    def numpy(self) -> np.ndarray:
        return self.array


def stand_in() -> Any:
    """A module `torch` with the few names that are used."""
    made: Any = types.ModuleType("torch")
    made.Tensor, made.as_tensor = Tensor, Tensor
    made.float32, made.float64, made.int64 = (np.dtype(x) for x in ("f4", "f8", "i8"))
    made.zeros = lambda shape, dtype=made.float32: Tensor(np.zeros(shape, dtype))
    made.nn = types.SimpleNamespace(Module=Module)
    return made


class Module:
    """A torch.nn.Module: parameters that are set as attributes, called by forward()."""

    def parameters(self) -> Any:
        return iter([v for v in vars(self).values() if isinstance(v, Tensor)])

    def __call__(self, *given: Any) -> Any:
        return self.forward(*given)

    def forward(self, *given: Any) -> Any:
        raise NotImplementedError


@pytest.fixture(params=KINDS)
def torch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """torch itself if it is installed, and the stand-in always."""
    if request.param == "stand-in":
        monkeypatch.setitem(sys.modules, "torch", stand_in())
    return importlib.import_module("torch")


def pairs(torch: Any, dtype: str = "float64", bias: float = 0.0, as_dict: bool = True) -> Any:
    """A module that gives energy and forces of pairs, exp(−d²), and a bias on the forces."""

    class Pairs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            width = torch.as_tensor(np.ones(1)).to(getattr(torch, dtype))
            self.width = width if torch.Tensor is Tensor else torch.nn.Parameter(width)

        def forward(self, positions: Any, species: Any) -> Any:
            assert str(positions.dtype).endswith(dtype)
            assert str(species.dtype).endswith("int64")
            x, z = (t.numpy() for t in (positions, species))
            d = x[:, None] - x
            w = z[:, None] * z * np.exp(-(d**2).sum(-1)) * (1 - np.eye(len(x), dtype=x.dtype))
            energy, forces = w.sum() / 2, 2 * (w[..., None] * d).sum(1) + bias
            made = [torch.as_tensor(np.asarray(a, x.dtype)) for a in (energy, forces)]
            return dict(zip(OUTPUTS, made)) if as_dict else tuple(made)

    return Pairs()


@pytest.mark.parametrize("as_dict", [True, False], ids=["dict", "tuple"])
def test_tensors_go_in_and_rows_come_out(torch: Any, as_dict: bool) -> None:
    f = torch_function(pairs(torch, as_dict=as_dict), OUTPUTS)
    output, padded = f(WATER), f(pad(WATER))
    x = np.asarray(WATER.positions)
    d, z = x[:, None] - x, np.asarray(WATER.species)
    expected = 2 * (z[:, None] * z * np.exp(-(d**2).sum(-1)))[..., None] * d
    np.testing.assert_allclose(output["forces"], expected.sum(1), rtol=1e-6)
    np.testing.assert_allclose(padded["forces"][:3], expected.sum(1), rtol=1e-6)
    assert np.shape(output["energy"]) == (1, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_module_that_turns_passes_in_its_own_precision(torch: Any, dtype: str) -> None:
    f = torch_function(pairs(torch, dtype), OUTPUTS)
    assert_equivariant(f, WATER, "E(3) x S_n", samples=4)


def test_a_module_that_does_not_is_told_why(torch: Any) -> None:
    f = torch_function(pairs(torch, bias=0.1), OUTPUTS)
    with pytest.raises(AssertionError, match="Pairs is not O.3.-equivariant.*vector-bias"):
        assert_equivariant(f, WATER, samples=4)


def test_wrong_shapes_name_the_module(torch: Any) -> None:
    f = torch_function(pairs(torch), {"energy": "1x0e per graph", "forces": "1x2e per node"})
    with pytest.raises(InputError, match=r"shape \[3, 5\] .* got \[3, 3\]"):
        f(WATER)


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(InputError, match=r"torch.nn.Module, got function.*arrays_function"):
        torch_function(pairs, OUTPUTS)
