"""Symmetry groups: one file each with NAME, sample() and generators(); products by name.

One some of whose elements are improper says IMPROPER = True.

`load("SE(3) x S_n")` gives a `Group` whose elements combine one sample of each factor. The action
on graphs and outputs is the same for all of them and stands in `demetar.symmetry.action`.
"""

from __future__ import annotations

import dataclasses
import re

import numpy as np
from jaxtyping import Bool, Float

from demetar.core import registry
from demetar.core.errors import InputError, quoted
from demetar.symmetry.elements import Elements


@dataclasses.dataclass(frozen=True)
class Group:
    """A group by name, with the file names of its factors."""

    name: str
    factors: tuple[str, ...]

    def sample(
        self, rng: np.random.Generator, samples: int, real: Bool[np.ndarray, " nodes"]
    ) -> Elements:
        """Random elements in float64; `real` [nodes] (bool) tells which nodes may be permuted."""
        parts = [registry.load("groups", f).sample(rng, samples, real) for f in self.factors]
        result = parts[0]
        for part in parts[1:]:
            result = compose(result, part)
        return result

    @property
    def improper(self) -> bool:
        """Whether some elements turn right hands into left ones."""
        return any(getattr(registry.load("groups", f), "IMPROPER", False) for f in self.factors)

    def covering(
        self, rng: np.random.Generator, samples: int, real: Bool[np.ndarray, " nodes"]
    ) -> Elements:
        """As sample(), but no set misses a kind: few elements of both hands could all be of one.

        Then the last takes an inversion along; a single element is an improper one.
        """
        drawn = self.sample(rng, samples, real)
        right = np.linalg.det(drawn.matrix) > 0
        if self.improper and (right.all() or (samples > 1 and not right.any())):
            drawn.matrix[-1] *= -1
        return drawn

    def generators(self) -> list[tuple[str, Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]]:
        """Infinitesimal elements: (name, matrix [3, 3], shift [3]) each; none for finite groups."""
        return [g for f in self.factors for g in registry.load("groups", f).generators()]


def compose(outer: Elements, inner: Elements) -> Elements:
    """The elements that apply `inner` first and then `outer`."""
    shift = np.einsum("sij,sj->si", outer.matrix, inner.shift) + outer.shift
    if outer.permutation is None or inner.permutation is None:
        permutation = inner.permutation if outer.permutation is None else outer.permutation
    else:
        permutation = np.take_along_axis(inner.permutation, outer.permutation, axis=1)
    return Elements(outer.matrix @ inner.matrix, shift, permutation)


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def names() -> list[str]:
    """The display names of the single groups, such as "SO(3)"."""
    return [registry.load("groups", n).NAME for n in registry.names("groups")]


def load(name: str) -> Group:
    """The group of that name, "SO(3)" or "so3", or a product such as "E(3) x S_n".

    Raises InputError on an unknown name, with the closest known one.
    """
    parts = re.split(r"\s*[x×*]\s*", str(name).strip())
    known = registry.names("groups")
    for part in parts:
        if _key(part) not in known:
            hint = registry.closest(part, names())
            raise InputError(
                f"Expected a group among {', '.join(names())} or a product such as 'SE(3) x "
                f"S_n', got {quoted(part)}{hint}"
            )
    keys = tuple(_key(part) for part in parts)
    return Group(" x ".join(registry.load("groups", k).NAME for k in keys), keys)
