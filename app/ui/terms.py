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

PATHS = (
    "The true path: what the simulator makes of the start, step by step under the force law. A model sees "
    "the start alone and says where the bodies are after one time unit (1,000 steps)."
)
LIMIT = (
    "The published benchmark holds each Cartesian component of a force to ±100. That limit depends on the "
    "axes, so turning a start changes the true answer itself: no model that turns exactly can reach a test "
    "error below about 0.0020 on it. The clean law is softened instead and turns with the scene."
)
ROLLOUT = (
    "Roll-out: the model applied to its own answer, again and again. It gives places only; the next step "
    "begins with the displacement over the step as velocity (its mean, half a step late), unless the model "
    "gives velocities too. Between its steps a roll-out is drawn in straight lines."
)
BODIES = {
    "g": G.replace("numbers for the atoms", "numbers for the bodies").replace("molecule", "scene"),
    "Δ_EQ": DELTA,
    "true path": PATHS,
    "force law": LIMIT,
    "roll-out": ROLLOUT,
    "residual": "Residual: g·f(x) − f(g·x), the arrows by which both ends of a body differ.",
    "E(3) × S_n": GROUPS.replace("atoms", "bodies"),
    "float32, TF32, bf16": PRECISION,
    "✓ and ✗": VERDICT,
}
