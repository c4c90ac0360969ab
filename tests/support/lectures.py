"""A lecture's file as a test writes it, and the diagnosis that its scenes are given."""

from __future__ import annotations

from pathlib import Path

from app.backend.teaching.lectures import Between, Direction, OneOf, Showable, SomeOf
from demetar.diagnosis.record import Diagnosis, Evidence

FOUND = Diagnosis(
    "vector-bias",
    "A bias is added to vectors.",
    (Evidence("groups", "SO(3) breaks (1.5e+00).", {"breaks-SO": True}, {"SO(3)": 1.5}, 12, 0.5),),
    12,
    0.5,
    "parity",
    "Take the bias out.",
)
KNOWN = {
    "molecule": Showable(
        {
            "molecule": OneOf(("ethanol", "water")),
            "angle": Between(0.0, 180.0),
            "axis": Direction(("x", "(1 1 1)")),
            "also": SomeOf(("invert", "shift")),
            "seed": Between(0, 9),
        },
        ("controls", "tools"),
    ),
    "training": Showable(),
}
GOOD = """title = "T"
[[scenes]]
title = "S"
page = "molecule"
hide = ["tools"]
notes = "n"
[scenes.parameters]
molecule = "water"
angle = 60.5
axis = "1,0,0"
also = "invert,shift"
seed = 3
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path
