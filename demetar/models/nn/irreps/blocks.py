"""Blocks of a matrix between the orbitals 1s, 2s, 2p of two atoms, coupled into irreps and back.

A block [5, 5] between shells of degrees l₁ and l₂ turns as D^{l₁} B D^{l₂}ᵀ: the numbers Σ C^{l}_{m₁ m₂ m}
B_{m₁ m₂} of each l from |l₁ − l₂| to l₁ + l₂ turn as D^l, with parity (−1)^{l₁ + l₂}. That is one orthogonal
matrix [25, 25], which H. Yu et al., "QHNet", ICML 2023 (arXiv:2306.04922), 3.3, use backwards as "expansion".
"""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Float

from demetar.core.kinds import BLOCK
from demetar.symmetry.clebsch_gordan import clebsch_gordan
from demetar.symmetry.irreps import degree, parse

SHELLS = (0, 0, 1)  # degrees of 1s, 2s, 2p
ORBITALS = sum(2 * l + 1 for l in SHELLS)
STARTS = tuple(np.cumsum([0, *(2 * l + 1 for l in SHELLS)]).tolist())


@functools.cache
def coupling() -> Float[np.ndarray, "25 25"]:
    """The orthogonal matrix from the 25 entries of a block, row by row, to their irreps BLOCK."""
    parts: dict[str, list[np.ndarray]] = {irrep: [] for irrep in parse(BLOCK)}
    for a, left in enumerate(SHELLS):
        for b, right in enumerate(SHELLS):
            for l in range(abs(left - right), left + right + 1):
                rows = np.zeros((2 * l + 1, ORBITALS, ORBITALS))
                table = np.sqrt(2 * l + 1) * clebsch_gordan(left, right, l)
                rows[:, STARTS[a] : STARTS[a + 1], STARTS[b] : STARTS[b + 1]] = np.moveaxis(
                    table, -1, 0
                )
                parts[f"{l}{'eo'[(left + right) % 2]}"].append(rows.reshape(2 * l + 1, -1))
    return np.concatenate([np.concatenate(rows) for rows in parts.values()])


@functools.cache
def transposing() -> Float[np.ndarray, "25 25"]:
    """The matrix on coupled numbers that transposes the block."""
    swap = np.eye(ORBITALS**2).reshape(ORBITALS, ORBITALS, -1).swapaxes(0, 1).reshape(25, 25)
    return coupling() @ swap @ coupling().T


def couple(block: Float[np.ndarray, "*rows 5 5"]) -> Float[np.ndarray, "*rows 25"]:
    """The irreps BLOCK of blocks, in e3nn's flat layout."""
    return block.reshape(*block.shape[:-2], -1) @ coupling().T


def uncouple(rows: Float[np.ndarray, "*rows 25"]) -> Float[np.ndarray, "*rows 5 5"]:
    """The blocks of their irreps."""
    return (rows @ coupling()).reshape(*rows.shape[:-1], ORBITALS, ORBITALS)


def present(z: int) -> Float[np.ndarray, " 5"]:
    """Which of the five orbitals an element has: hydrogen 1s alone."""
    return np.array([1.0, 0, 0, 0, 0]) if z == 1 else np.ones(5)


@functools.cache
def degrees() -> tuple[int, ...]:
    """The degree of each of the 25 coupled numbers."""
    return tuple(degree(k) for k, n in parse(BLOCK).items() for _ in range(n * (2 * degree(k) + 1)))
