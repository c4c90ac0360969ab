"""Symmetry groups: one file each with NAME, PARTS, sample() and generators(); products by name.

PARTS names the ones of SINGLE that the group contains: a claim of it is tested by theirs.

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

SINGLE = ("T(3)", "SO(3)", "C_i", "S_n")  # the groups that errors are told by, in this order
SPATIAL = SINGLE[:3]  # those that act on places


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
        return "C_i" in self.parts

    @property
    def parts(self) -> tuple[str, ...]:
        """The groups of SINGLE that it contains, in their order."""
        contained = {part for f in self.factors for part in registry.load("groups", f).PARTS}
        return tuple(part for part in SINGLE if part in contained)

    @property
    def rigid(self) -> bool:
        """Whether it only turns, mirrors and shifts a system: no scaling, no renumbering."""
        stretches = any(np.any(matrix + matrix.T) for _, matrix, _ in self.generators())
        return not stretches and "S_n" not in self.parts

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


def rigid() -> tuple[str, ...]:
    """The display names of the groups that act on one system as on a rigid body."""
    return tuple(name for name in names() if load(name).rigid)


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
