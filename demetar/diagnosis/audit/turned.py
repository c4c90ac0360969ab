"""What a calculator does to directions, from the rotations that are exact and the law that forces obey."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from demetar.diagnosis.audit.decision import Decision, Found, broken, neighbours, say
from demetar.diagnosis.audit.finding import Finding


def turned(found: Found) -> Decision | None:
    f = broken(found, "rotation")
    if f is None:
        return None
    if (mirrored := broken(found, "inversion")) and mirrored.excess > 1e4 * f.excess:
        return None  # what rotations do is next to nothing beside it
    stab = found.get("stabiliser")
    tags = {} if stab is None else stab.tags
    if not f.tags["generic"]:
        crowd = found.get("crowd")
        deaf = crowd.tags.get("deaf") if crowd is not None else None
        if crowd is not None and deaf:
            return neighbours(crowd, deaf, "singular-direction")
        return say(
            "neighbour-limit",
            f,
            "Only the symmetric structure shows it.",
            "unconstrained",
            "the same structure turns well once its equal distances differ",
        )
    if tags.get("cluster_clean"):
        return say(
            "untransformed-input",
            f,
            "The same atoms without a turned cell are exact.",
            "laboratory-frame",
            "positions alone turn well",
        )
    digits = found["noise"].tags["relative"]
    exact = tags.get("axes") or any(tags.get("folds", {}).values())
    exact = exact or any(tags.get(f"any_{k}") for k in ("flip", "quarter", "cycle", "swap"))
    if f.tags["relative"] < 3e-6 and digits < 1e-11 and not exact:
        return say(
            "float32-constants", f, "", "sound", "the noise of the calculator is far below it"
        )
    if f.tags["energy"] and tags.get("erratic", 0.0) > 0.02 and digits > 0:
        return say(
            "fast-matmul",
            f,
            "Turns by 0.01 rad already give steps.",
            "laboratory-frame",
            "the error does not change smoothly with the angle",
        )
    return _by_laws(f, tags, found)


def _by_laws(f: Finding, tags: dict[str, Any], found: Found) -> Decision:
    """From the law that fits the forces, and from how many of them are the energy's slopes."""
    law = found.get("force-law")
    if law is not None and law.tags["law"] and not f.tags["energy"]:
        word = law.tags["law"]
        return say(
            word,
            law,
            "The energy is invariant and its slopes give the forces by this law.",
            "unconstrained",
            "one law fits in all orientations",
        )
    atoms = found.get("gradient-atoms")
    if (
        atoms is not None
        and atoms.broken
        and not f.tags["energy"]
        and 2 * len(atoms.tags["wrong"]) <= atoms.tags["count"]
    ):
        return say(
            "wrong-gradient",
            atoms,
            "The energy is invariant and the other forces are right.",
            "unconstrained",
            "most atoms have the right force",
        )
    return _by_stabiliser(f, tags, found)


def _by_stabiliser(f: Finding, t: dict[str, Any], found: Found) -> Decision:
    inverted = not t.get("all_inversion", True)
    exact = found["stabiliser"].detail if "stabiliser" in found else "not measured"

    def told(word: str, runner_up: str, why: str) -> Decision:
        return say(word, f, f"Exact are: {exact}.", runner_up, why)

    axes = t.get("axes", [])
    if "diagonal" in axes:
        if inverted:
            return told("vector-bias", "mean-subtraction", "inversion breaks as well")
        if t.get("any_swap"):
            return told("mean-subtraction", "vector-bias", "inversion is exact")
        return told("axis-order", "mean-subtraction", "x and y cannot be exchanged")
    if inverted and (axes or t.get("own_axis")):
        return told("untransformed-input", "vector-bias", "its direction is not (1, 1, 1)")
    if t.get("all_quarter"):
        return told("laboratory-frame", "per-axis-gain", "quarter turns about all axes are exact")
    if axes:
        if f.tags["energy"] and t.get("share_above", {}).get("4", 0.0) > 0.3:
            return told(
                "sphere-grid", "per-axis-gain", "the error oscillates quickly with the angle"
            )
        if t.get("all_flip"):
            return told("per-axis-gain", "laboratory-frame", f"half turns and {axes[0]} are exact")
        return told("laboratory-frame", "per-axis-gain", f"any angle about {axes[0]} is exact")
    if t.get("own_axis"):
        return told(
            "axis-order", "laboratory-frame", "turns about one diagonal direction are exact"
        )
    folds = [n for fine in t.get("folds", {}).values() for n in fine if n > 2]
    if folds and not t.get("all_cycle"):
        return told(
            "sphere-grid", "laboratory-frame", f"turns by 1/{folds[0]} about one axis are exact"
        )
    if t.get("all_flip"):
        return told(
            "per-axis-gain", "laboratory-frame", "half turns are exact, quarter turns are not"
        )
    if t.get("all_cycle"):
        return told(
            "relu-on-components", "vector-bias", "axes can be permuted, signs cannot be changed"
        )
    return _by_spectrum(f, t, told, inverted)


def _by_spectrum(
    f: Finding, t: dict[str, Any], told: Callable[..., Decision], inverted: bool
) -> Decision:
    """From how quickly the error changes with the angle, where no turn is exact."""
    share = t.get("share_above", {})
    if share.get("4", 0.0) > 0.3:
        return told("sphere-grid", "unconstrained", "the error oscillates quickly with the angle")
    if inverted and share and share["2"] < 1e-5:
        return told("vector-norm", "unconstrained", "harmonics beyond the second are missing")
    if f.tags["energy"] and t.get("all_inversion") and share and share["2"] < 1e-5:
        why = "harmonics beyond the second are missing"
        return told("per-axis-gain", "unconstrained", why)  # of axes that are not x, y, z
    return told("unconstrained", "laboratory-frame", "no rotation is exact")


def vectors(found: Found) -> Decision | None:
    for key in ("dipole", "stress", "charges"):
        f = broken(found, f"rotation-{key}")
        if f is not None:
            slope = broken(found, "stress") if key == "stress" else None
            word = f.tags["law"] or (slope and slope.tags["law"]) or "unconstrained"
            return say(word, f, f"Of all outputs only the {key} turns wrongly.")
    return None
