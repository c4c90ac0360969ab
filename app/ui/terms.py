"""The words that need a sentence, explained where they stand."""

G = (
    "g is a group element: a rotation, with the inversion, a shift or new numbers for the atoms if you add "
    "them. g·x is the molecule after it."
)
DELTA = (
    "Δ_EQ(g) = ‖g·f(x) − f(g·x)‖ / ‖g·f(x)‖: the length of the difference of both ways, over that of the "
    "prediction. An equivariant model leaves rounding only, about 10⁻⁷ in float32."
)
GRADIENT = (
    "∂f/∂x, an arrow an atom: how the predicted number grows when the atom moves. f is the same for every "
    "orientation of an equivariant model, so its arrows must turn with the molecule."
)
HOMO = "HOMO: the energy of the highest orbital that holds electrons, in meV."
RESIDUAL = "Residual: g·f(x) − f(g·x), the arrows by which both ways differ."
GROUPS = (
    "E(3) × S_n: turns, mirrors and shifts of space (E(3)), and every order of the n atoms (S_n). What a "
    "model claims is measured here, never taken on trust."
)
PRECISION = (
    "How many digits the arithmetic keeps: float64 16, float32 7, TF32 (what GPUs multiply float32 "
    "matrices in unless told otherwise) and bfloat16 3. Rounding shrinks with more digits; what a model's "
    "structure breaks stays."
)
VERDICT = (
    "✓ is earned by measuring again in a second precision: the error fell by the ratio of the precisions. "
    "✗: it stayed."
)
TERMS = {
    "g": G, "Δ_EQ": DELTA, "∂f/∂x": GRADIENT, "HOMO": HOMO, "residual": RESIDUAL,
    "E(3) × S_n": GROUPS, "float32, TF32, bf16": PRECISION, "✓ and ✗": VERDICT,
}  # fmt: skip
