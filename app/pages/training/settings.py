"""The settings of a training as the form asks for them, and those of a quick look."""

from typing import NamedTuple

from app.backend import form

# A look that is over in about a minute on two cores; other data sets start from LITTLE.
QUICK = {
    "nbody": {"train_size": 300, "valid_size": 300, "epochs": 30, "batch_size": 25, "evaluate_every": 2},
    "qm9": {"train_size": 1000, "valid_size": 500, "epochs": 10, "batch_size": 50, "evaluate_every": 1},
}  # fmt: skip
LITTLE = {
    "train_size": 200, "valid_size": 50, "epochs": 20, "batch_size": 10, "evaluate_every": 1,
}  # fmt: skip


class Number(NamedTuple):
    """A setting that is a number."""

    label: str
    low: float
    high: float
    help: str = ""
    step: float = 1.0
    when: str = ""  # "atoms", "forces" or "plateau": drawn only where there are these


class Choice(NamedTuple):
    """A setting that is one of some words; `usual` stands for the empty one."""

    label: str
    help: str
    when: str = ""


MAIN = {
    "train_size": Number("Training systems", 1, form.UNKNOWN),
    "epochs": Number("Epochs", 1, 100_000),
}
MORE: dict[str, Number | Choice] = {
    "batch_size": Number("Batch size", 1, 1000),
    "valid_size": Number("Validation systems", 1, form.UNKNOWN),
    "evaluate_every": Number("Epochs between checks", 1, 10_000),
    "seed": Number("Seed", 0, 2**31 - 1),
    "learning_rate": Number("Learning rate", 1e-6, 1.0, step=1e-4),
    "warmup": Number("Warm-up", 0.0, 0.99, "Share of the steps during which the rate rises.", 0.01),
    "weight_decay": Number("Weight decay", 0.0, 10.0, step=0.01),
    "clip": Number("Largest gradient norm", 1e-6, 1e6),
    "ema": Number(
        "Averaging of weights", 0.0, 0.99999, "Share of the old average kept at each step.", 0.001
    ),
    "loss": Choice("Loss", "Usual: squared error of places, absolute error of an invariant."),
    "references": Choice(
        "Atom references", "What single atoms contribute to an energy, taken off before.", "atoms"
    ),
    "energy_weight": Number("Weight of the energy", 1e-6, 1e6, when="forces"),
    "force_weight": Number("Weight of the forces", 1e-6, 1e6, when="forces"),
    "schedule": Choice("Schedule of the rate", "Plateau: halved when the validation stands still."),
    "plateau_patience": Number(
        "Checks before the rate is halved",
        1,
        1000,
        when="plateau",
        help="Without a new best, with the plateau schedule.",
    ),
    "patience": Number("Checks before an early end", 0, 1000, "Without a new best; 0: never."),
    "precision": Choice("Precision", "In which the model computes; weights stay in float32."),
    "devices": Choice("Devices", "All: every batch is dealt out over them."),
}
