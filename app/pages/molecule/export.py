"""What can be taken away: the figure, g and Δ as CSV or JSON, a pytest that shows the same."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import streamlit as st

from app import viewer
from app.backend import molecules
from app.backend.measuring.reproduce import pytest_of
from app.pages.molecule import state


def menu(place: Any, shown: Any) -> None:
    """The Export menu."""
    name = f"square-{shown.source.name.partition('.')[0]}"
    with place, st.popover("Export", icon=":material/download:", type="tertiary"):
        viewer.follower("figure", state.VIEWER, "molecule:figure", name=name)
        if len(shown.verdicts) < len(shown.names):
            st.caption("Numbers follow once they are measured.")
            return
        for label, text, ending, kind in (
            ("Numbers as CSV", as_csv(shown), "csv", "text/csv"),
            ("Numbers as JSON", as_json(shown), "json", "application/json"),
            ("A pytest that shows the same", test_of(shown), "py", "text/x-python"),
        ):
            file = f"test_{name.replace('-', '_')}.py" if ending == "py" else f"{name}.{ending}"
            st.download_button(label, text, file, kind, on_click="ignore", width="stretch")


def numbers(shown: Any) -> dict[str, Any]:
    """g, and Δ of every run with its verdict and curve, as plain values."""
    matrix = molecules.matrix(shown.element)
    return {
        "structure": shown.source.name,
        "precision": shown.precision,
        "g": {
            "quaternion": list(shown.turn[2]),
            "axis": list(shown.turn[0]),
            "degrees": shown.turn[1],
            "matrix": matrix.tolist(),
            "invert": shown.element.invert,
            "shift": list(molecules.SHIFT) if shown.element.shift else [0.0, 0.0, 0.0],
            "renumber": shown.element.renumber,
        },
        "runs": {name: _of_run(shown, name) for name in shown.squares},
    }


def _of_run(shown: Any, name: str) -> dict[str, Any]:
    square, verdict = shown.squares[name], shown.verdicts[name]
    curve = shown.curves.get(name)
    return {
        "delta": square.delta,
        "absolute": square.absolute,
        "unit": square.unit,
        "verdict": verdict.word,
        f"delta in {verdict.second}": verdict.fine
        if shown.precision != "float64"
        else verdict.coarse,
        "curve": None
        if curve is None
        else {"degrees": list(molecules.ANGLES), **curve.by_metric["l2"]},
    }


def as_json(shown: Any) -> str:
    """The numbers as JSON."""
    return json.dumps(numbers(shown), indent=1)


def as_csv(shown: Any) -> str:
    """A row a run and angle: the g that is shown first, then those of the curve."""
    out = io.StringIO()
    writer = csv.writer(out)
    axis = " ".join(f"{c:.9g}" for c in shown.turn[0])
    writer.writerow(
        ["structure", "run", "precision", "axis", "degrees", "output", "delta", "verdict"]
    )
    for name, square in shown.squares.items():
        for output, value in square.delta.items():
            row = [shown.source.name, name, shown.precision, axis]
            word = shown.verdicts[name].word[output]
            writer.writerow([*row, f"{shown.turn[1]:.9g}", output, f"{value:.6e}", word])
            curve = shown.curves.get(name)
            for degrees, along in zip(
                molecules.ANGLES, curve.by_metric["l2"][output] if curve else (), strict=False
            ):
                writer.writerow([*row, f"{degrees:.9g}", output, f"{along:.6e}", ""])
    return out.getvalue()


def test_of(shown: Any) -> str:
    """The pytest file."""
    deltas = {name: square.delta["gradient"] for name, square in shown.squares.items()}
    return pytest_of(shown.molecule, shown.element, shown.precision, deltas, shown.source.name)
