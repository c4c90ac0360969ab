"""What can be taken away of the N-body page: the figure, g and Δ as JSON, a pytest that shows the same."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from app import viewer
from app.backend import molecules
from app.backend.measuring.reproduce import pytest_of_bodies
from app.pages.nbody import state
from app.pages.nbody.square import OUTPUT


def menu(place: Any, shown: Any) -> None:
    """The Export menu."""
    name = f"square-{shown.source.name.partition('.')[0]}"
    with place, st.popover("Export", icon=":material/download:", type="tertiary"):
        viewer.follower("figure", state.VIEWER, "nbody:figure", name=name)
        if not shown.names or len(shown.verdicts) < len(shown.names):
            st.caption("Numbers follow once they are measured.")
            return
        test = f"test_{name.replace('-', '_')}.py"
        for label, text, file, kind in (
            ("Numbers as JSON", as_json(shown), f"{name}.json", "application/json"),
            ("A pytest that shows the same", test_of(shown), test, "text/x-python"),
        ):
            st.download_button(label, text, file, kind, on_click="ignore", width="stretch")


def test_of(shown: Any) -> str:
    """The pytest file."""
    deltas = {name: square.delta[OUTPUT] for name, square in shown.squares.items()}
    return pytest_of_bodies(shown.begin, shown.element, shown.precision, deltas, shown.source.name)


def as_json(shown: Any) -> str:
    """g, and of every run Δ, verdict, curve and roll-out, as far as they are known."""
    runs: dict[str, Any] = {}
    for name, square in shown.squares.items():
        verdict, curve, rolled = (
            found.get(name) for found in (shown.verdicts, shown.curves, shown.rolled)
        )
        runs[name] = {
            "delta": square.delta,
            "verdict": None if verdict is None else verdict.word,
            "curve": curve and {"degrees": list(molecules.ANGLES), **curve.by_metric["l2"]},
            "rollout": None if rolled is None else rolled.delta,
        }
    element = shown.element
    return json.dumps(
        {
            "scene": shown.source.name,
            "law": shown.law,
            "precision": shown.precision,
            "g": {
                "quaternion": list(element.rotation),
                "matrix": molecules.matrix(element).tolist(),
                "invert": element.invert,
                "shift": list(molecules.SHIFT) if element.shift else [0.0, 0.0, 0.0],
                "renumber": element.renumber,
            },
            "true delta": shown.true.delta,
            "runs": runs,
        },
        indent=1,
    )
