"""The vocabulary of the diagnosis: each cause in one word, with its sentence, its groups and what mends it.

Most were collected from public reports of faults; `demetar.diagnosis.faults` names the report of those that
can be switched on. The words are stable: they stand in JSON documents and in other people's tests.
"""

from __future__ import annotations

import dataclasses

from demetar.core.registry import unknown


@dataclasses.dataclass(frozen=True)
class Cause:
    """One cause: its word, what is wrong in a sentence, which groups break, and what mends it."""

    word: str
    sentence: str
    groups: tuple[str, ...]
    mends: str


SOUND = "sound"
NOT_KNOWN = "not known"
_ALL = ("T(3)", "SO(3)", "C_i", "S_n")
_TURNS = ("SO(3)", "C_i")
_TABLE: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (SOUND, "What is left is rounding: it falls with the precision, and nothing else was found.", (),
     "Nothing has to be mended; compute in float64 if fewer digits are not enough."),
    (NOT_KNOWN, "What was measured fits none of the known causes.", (),
     "Look at the first bad layer and at the evidence, and report the case."),
    ("vector-bias", "A bias is added to vectors, which prefers a direction in space.",
     _TURNS, "Let layers on vectors have no bias; give biases to scalars only."),
    ("vector-norm", "A normalisation has weights or a bias of its own for each component of a vector.",
     _TURNS, "Divide a vector by an invariant length; let weights depend on the channel only."),
    ("laboratory-frame", "A frame that is fixed in the laboratory is used inside.", ("SO(3)",),
     "Differentiate automatically instead of along fixed axes, or use an equivariant frame."),
    ("sphere-grid", "A function on the sphere is sampled at too few points.", ("SO(3)",),
     "Take a finer grid, or an activation of the invariants alone."),
    ("neighbour-limit", "Only some neighbours are kept, by their order or among equal distances.",
     ("SO(3)", "S_n"), "Keep all neighbours within a cutoff at which their weight has faded to zero."),
    ("nondeterministic", "The same call gives another answer: something is drawn at random inside.", _ALL,
     "Draw nothing while predicting, or take the random numbers from a seed that is an input."),
    ("float32-constants", "Constants such as Clebsch–Gordan coefficients are kept in float32.", ("SO(3)",),
     "Keep constants in float64 and cast them where they are used."),
    ("float32-input", "Positions are rounded to float32 although more digits were given.", ("T(3)", "SO(3)"),
     "Take differences of positions, or move the centroid to the origin, before anything is cast."),
    ("float32-sum", "A large constant part is added to the prediction in float32.", _ALL,
     "Add atoms' reference energies in float64, after the model."),
    ("fast-matmul", "Matrix products are computed in TF32 or bfloat16.", ("SO(3)", "C_i", "S_n"),
     "Ask for full precision, in JAX by jax_default_matmul_precision='highest'."),
    ("test-precision", "The test transforms its input in float32.", ("SO(3)",),
     "Draw and apply group elements in float64."),
    ("untransformed-input", "An input that has a direction is not turned with the rest.", _TURNS,
     "Pass every directed input (cell, field, velocities, edge vectors) through the graph, and turn all."),
    ("not-a-rotation", "The matrix that should be a rotation is not orthogonal.", (),
     "Give an orthogonal matrix: ‖RᵀR − 1‖ has to be zero to rounding."),
    ("axis-order", "Vectors have their axes in another order than declared.", ("SO(3)",),
     "Use one order of x, y, z throughout (e3nn's harmonics of degree 1 are y, z, x in older versions)."),
    ("parity", "Rotations hold and inversion does not: a parity is wrong, or is not kept.", ("C_i",),
     "Label positions 1o, keep parities apart in products, or declare SE(3) only."),
    ("singular-direction", "A single direction gives no number or a jump, as at sin θ = 0 or zero length.",
     ("SO(3)",), "Write the formula without the division, or with a limit that is finite."),
    ("nonconservative", "The forces turn well and are not the gradient of an energy.", (),
     "Differentiate the energy, or declare that the forces do work around a loop."),
    ("wrong-gradient", "The declared gradient is wrong at some atoms, or by a factor.", (),
     "Compare with finite differences atom by atom, and mend the derivative that was written by hand."),
    ("atom-order", "The answer depends on how the atoms are numbered.", ("S_n",),
     "Let no atom be special by its number; compare maps between numberings in both directions."),
    ("per-axis-gain", "The components of a vector are multiplied by different numbers.", ("SO(3)",),
     "Multiply a whole vector by one scalar."),
    ("axis-mean", "A mean is taken over x, y, z where one over particles was meant.", ("T(3)", "SO(3)"),
     "Take the mean along the axis of the particles."),
    ("biased-labels", "The labels are not equivariant, as by a limit on each component of a force.",
     ("SO(3)",), "Measure the law that made the labels; limit the length of a vector instead."),
    ("grid-size", "The function is equivariant for some sizes of its grid only.", ("C_4",),
     "Choose a size whose sampling is symmetric about the centre."),
    ("unconstrained", "Nothing makes the function symmetric but its training.", _TURNS,
     "Average over the group, augment the training, or take an equivariant model."),
    ("absolute-position", "Coordinates themselves are features, so the place of the system matters.",
     ("T(3)",), "Use differences of positions only."),
    ("discontinuous-cutoff", "The energy jumps when a pair crosses the cutoff.", (),
     "Multiply what a neighbour contributes by an envelope that is zero at the cutoff."),
    ("stale-state", "The answer belongs to an earlier call: something was kept and not renewed.", _ALL,
     "Let a call depend on its arguments alone; check what is cached against every input."),
    ("relu-on-components", "A function that does not commute with turns is applied to components of vectors.",
     _TURNS, "Apply it to the length of a vector, or to a scalar that multiplies it."),
    ("force-kink", "The energy is continuous and its slope, the force, jumps.", (),
     "Replace the absolute value, maximum or hard switch by a function with a continuous derivative."),
    ("periodic-image", "The energy changes with the periodic image by which an atom is written.", (),
     "Wrap positions, or use the minimum image, before anything else is computed."),
    ("rough-surface", "The energy has ripples or steps on a scale far below a bond's length.", (),
     "Smooth the radial functions, or interpolate tables with a continuous derivative."),
    ("mean-subtraction", "The mean over the components of each vector is subtracted.", ("SO(3)",),
     "Subtract means over channels or particles, never over the components of a vector."),
    ("permuted-output", "The right rows come out in another order than the atoms went in.", ("S_n",),
     "Undo the sorting or grouping of the atoms before the output."),
)  # fmt: skip
CAUSES: dict[str, Cause] = {row[0]: Cause(*row) for row in _TABLE}


def cause(word: str) -> Cause:
    """The cause of that word; InputError with the closest known one on a miss."""
    if word not in CAUSES:
        raise unknown("a cause", CAUSES, word)
    return CAUSES[word]
