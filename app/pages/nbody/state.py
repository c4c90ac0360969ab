"""What the N-body page keeps in the session, by name, and what it opens with."""

from app.backend import nbody
from app.backend.measuring.rollout import STEPS

G, SCENE, RUN, BESIDE = "nbody:g", "nbody:scene", "nbody:run", "nbody:beside"
LAW, PRECISION, METRIC, ALSO = "nbody:law", "nbody:precision", "nbody:metric", "nbody:also"
BODIES, CHARGES, SEED, FILE = (f"nbody:{name}" for name in ("bodies", "charges", "seed", "file"))
LENS, OPENED, FRAME = "nbody:lens", "nbody:lens open", "nbody:frame"
MAP = "nbody:map"  # layer and head of the lens Attention
VIEWER = "nbody:viewer"

LAWS = ("published", "clean")
PRECISIONS = ("float32", "float64", "bfloat16")
SHORT = {"float32": "float32", "float64": "float64", "bfloat16": "bf16"}
EXTRAS = ("invert", "shift", "renumber")
METRICS = {"l2": "relative L2", "largest": "largest component", "mae": "MAE and cosine"}
MOST_BODIES = 30
HORIZONS = STEPS  # of a roll-out
MOST_FRAMES = STEPS * nbody.PER_HORIZON
ALONE = "none"  # no second model
AXIS, DEGREES = "(1 1 1)", 60.0
MODELS = ("egnn-nbody", "set_transformer-nbody")
FIRST = "nbody-5-published"
COLLISION = "nbody-5-collision"  # where the published law's limit acts
UNIT = "scene units"

DEFAULTS = {
    SCENE: FIRST,
    LAW: LAWS[0],
    RUN: MODELS[0],
    BESIDE: MODELS[1],
    PRECISION: "float32",
    METRIC: "l2",
    ALSO: [],
    FRAME: 0,
    MAP: None,
    BODIES: 5,
    CHARGES: nbody.CHARGES[0],
    SEED: 0,
    f"{G}:axis": AXIS,
    f"{G}:angle": DEGREES,
    f"{G}:seed": 0,
}
UNDONE = (*(k for k in DEFAULTS if k != FRAME), f"{G}:own")
