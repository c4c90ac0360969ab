"""What the Molecule page keeps in the session, by name, and what it opens with."""

G, NAME, RUN, BESIDE = "molecule:g", "molecule:name", "molecule:run", "molecule:beside"
PRECISION, OF, ALSO, METRIC = (
    "molecule:precision", "molecule:of", "molecule:also", "molecule:metric",
)  # fmt: skip
LAYER, FRAME, LENS = "molecule:layer", "molecule:frame", "molecule:lens"
FEATURE, CHANNEL = "molecule:feature", "molecule:channel"
VIEWER = "molecule:viewer"
FAULTS, LINEUP = "molecule:faults", "molecule:lineup"  # kept while their lens is closed, too
DECLARED, MAP = "molecule:declared", "molecule:map"
DYNAMICS, VELOCITIES = "molecule:dynamics", "molecule:velocities"
SPECTRUM, AVERAGED, AVERAGE_OF = (
    "molecule:spectrum",
    "molecule:symmetrise",
    "molecule:symmetrise run",
)

PRECISIONS = ("float32", "float64", "bfloat16")
SHORT = {"float32": "float32", "float64": "float64", "bfloat16": "bf16"}
EXTRAS = {"invert": "invert", "shift": "shift", "renumber": "renumber"}
VALUES = {"gradient": "arrows ∂f/∂x", "value": "number f"}
SIGNS = {
    "rounding": "✓ rounding", "structure": "✗ structure", "mixed": "✗ part structure",
    "still": "g moves nothing", "zero": "– all zero",
}  # fmt: skip
ALONE = "none"  # no second model
AXIS, DEGREES = "(1 1 1)", 60.0
MODELS = ("egnn-qm9-homo", "set_transformer-qm9-homo")

DEFAULTS = {
    NAME: "ethanol",
    RUN: MODELS[0],
    BESIDE: MODELS[1],
    PRECISION: "float32",
    OF: "gradient",
    METRIC: "l2",
    ALSO: [],
    FRAME: 1,
    FEATURE: "none",
    FAULTS: [],
    LINEUP: None,
    DECLARED: "nothing",
    MAP: None,
    DYNAMICS: False,
    VELOCITIES: 0,
    SPECTRUM: False,
    AVERAGED: False,
    AVERAGE_OF: None,
    f"{G}:axis": AXIS,
    f"{G}:angle": DEGREES,
    f"{G}:seed": 0,
}
UNDONE = (*DEFAULTS, f"{G}:own")
