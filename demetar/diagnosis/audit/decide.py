"""From findings to one word: rules in the order in which one fault hides another, each says why."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.causes import NOT_KNOWN, SOUND, cause


@dataclasses.dataclass(frozen=True)
class Decision:
    """The word, the evidence that decided, and the next likely word with what excludes it."""

    word: str
    sentence: str
    decided: str
    runner_up: str = ""
    excluded: str = ""


Found = dict[str, Finding]
Rule = Callable[[Found], Decision | None]


def decide(found: Found) -> Decision:
    """The first rule that fits; `sound` where nothing is broken, `not known` where no rule fits."""
    for rule in RULES:
        decision = rule(found)
        if decision is not None:
            return decision
    broken = [f for f in found.values() if f.broken]
    if broken:
        text = f"{cause(NOT_KNOWN).sentence} {broken[0].line()}."
        return Decision(NOT_KNOWN, text, broken[0].name)
    return _sound(found)


def _sound(found: Found) -> Decision:
    missing = [n for n in ("rotation", "translation", "gradient", "continuity") if n not in found]
    text = cause(SOUND).sentence
    if missing:
        text += f" Not looked at: {', '.join(missing)}."
    closest = max(
        (f for f in found.values() if f.limit and f.value is not None),
        key=lambda f: f.value / f.limit,
        default=None,
    )
    name = "" if closest is None else closest.name
    return Decision(SOUND, text, name)


def _say(
    word: str, finding: Finding, extra: str = "", runner_up: str = "", excluded: str = ""
) -> Decision:
    text = " ".join(part for part in (cause(word).sentence, extra, f"{finding.line()}.") if part)
    return Decision(word, text, finding.name, runner_up, excluded)


def _broken(found: Found, name: str) -> Finding | None:
    finding = found.get(name)
    return finding if finding is not None and finding.broken else None


def _repeat(found: Found) -> Decision | None:
    if f := _broken(found, "repeat"):
        return _say("nondeterministic", f, "", "stale-state", "the history of calls was the same both times")
    f = _broken(found, "history")
    if f is not None and not f.tags["far_only"]:
        return _say("stale-state", f, "", "nondeterministic", "the same history gives the same answer")
    return None


def _late(found: Found) -> Decision | None:
    f = _broken(found, "history")
    if f is None:
        return None
    return _say("stale-state", f, "Only a large change of the structure shows it.", "discontinuous-cutoff",
                "the same structure has two answers")  # fmt: skip


def _number(found: Found) -> Decision | None:
    if f := _broken(found, "finite"):
        return _say("singular-direction", f, "Beside this structure all numbers are finite.")
    return None


def _low(found: Found) -> Decision | None:
    f = found.get("noise")
    if f is not None and f.tags.get("word") == "low":
        return _say(
            "fast-matmul", f, "", "rough-surface",
            "the noise is there on a scale of 1e-5 to 1e-3 Å, where ripples are smooth",
        )  # fmt: skip
    return None


def _place(found: Found) -> Decision | None:
    f, image = _broken(found, "translation"), _broken(found, "image")
    turned, stab = _broken(found, "rotation"), found.get("stabiliser")
    if image and turned and not image.tags["as_given"] and stab and stab.tags.get("cluster_clean"):
        return None  # the cell was not turned or strained along: see _turned
    if image and (f is None or f.tags["first"] > 0.1):
        at_float = found["noise"].tags["word"] == "float32" and f and f.tags["first"] >= 10
        small = image.value is not None and image.limit and image.value < 20 * image.limit
        if not (at_float and small):
            return _say(
                "periodic-image", image, "", "absolute-position", "a shift that moves no atom across is exact"
            )
    if f is None:
        return None
    single = found["noise"].tags["word"] == "float32" or f.tags["first"] >= 10
    exact = f.tags["representable"] is not None and f.tags["representable"] <= 3
    if (exact and f.tags["first"] > 0.05) or (single and f.tags["first"] >= 1):
        why = (
            "a shift that single precision can hold exactly changes nothing"
            if exact
            else "the error grows from nothing with the distance from the origin"
        )
        return _say("float32-input", f, "", "absolute-position", why)
    turned = found.get("rotation")
    diagonal = f.tags["diagonal"] is not None and f.tags["diagonal"] <= 3
    if diagonal and turned is not None and turned.broken:
        return _say("axis-mean", f, "A shift along (1, 1, 1) is exact.", "absolute-position",
                    "a shift along (1, 1, 1) changes nothing")  # fmt: skip
    return _say("absolute-position", f, "", "float32-input", "it is there at shifts of an ångström")


def _order(found: Found) -> Decision | None:
    f = _broken(found, "permutation")
    if f is None:
        return None
    atoms = found.get("gradient-atoms")
    if f.tags["energy_exact"] and (atoms is None or not atoms.broken or atoms.tags["order"]):
        why = "the energy does not depend on the order"
        return _say("permuted-output", f, "", "atom-order", why)
    if f.tags["energy_exact"]:
        return _slope(found)
    crowd = found.get("crowd")
    deaf = crowd.tags.get("deaf") if crowd is not None else None
    if deaf:
        return _neighbours(crowd, deaf, "atom-order")
    why = "every atom in a crowd feels its neighbours"
    return _say("atom-order", f, _first(f), "neighbour-limit", why)


def _first(f: Finding) -> str:
    first, others = f.tags["with_first"], f.tags["others"]
    if first and all(first) and others and not any(others):
        return "Only exchanges with the first atom matter."
    return ""


def _neighbours(f: Finding, deaf: dict[str, Any], runner_up: str) -> Decision:
    text = (
        f"An atom at {deaf['near']:.2f} Å is not felt while one of its element at {deaf['far']:.2f} Å is "
        f"({deaf['neighbours']} neighbours are)."
    )
    return _say("neighbour-limit", f, text, runner_up, "nearer atoms are left out, not certain ones")


def _turned(found: Found) -> Decision | None:
    f = _broken(found, "rotation")
    if f is None:
        return None
    stab = found.get("stabiliser")
    tags = {} if stab is None else stab.tags
    if not f.tags["generic"]:
        crowd = found.get("crowd")
        deaf = crowd.tags.get("deaf") if crowd is not None else None
        if deaf:
            return _neighbours(crowd, deaf, "singular-direction")
        return _say("neighbour-limit", f, "Only the symmetric structure shows it.", "unconstrained",
                    "the same structure turns well once its equal distances differ")  # fmt: skip
    if tags.get("cluster_clean"):
        return _say("untransformed-input", f, "The same atoms without a turned cell are exact.",
                    "laboratory-frame", "positions alone turn well")  # fmt: skip
    digits = found["noise"].tags["relative"]
    if f.tags["relative"] < 3e-6 and digits < 1e-11 and not f.tags.get("small_is_structure"):
        return _say("float32-constants", f, "", "sound", "the noise of the calculator is far below it")
    law = found.get("force-law")
    if law is not None and law.tags["law"] and not f.tags["energy"]:
        word = law.tags["law"]
        return _say(word, law, "The energy is invariant and its slopes give the forces by this law.",
                    "unconstrained", "one law fits in all orientations")  # fmt: skip
    atoms = found.get("gradient-atoms")
    if atoms is not None and not f.tags["energy"] and 2 * len(atoms.tags["wrong"]) <= atoms.tags["count"]:
        return _say("wrong-gradient", atoms, "The energy is invariant and the other forces are right.",
                    "unconstrained", "most atoms have the right force")  # fmt: skip
    return _by_stabiliser(f, tags, found)


def _by_stabiliser(f: Finding, t: dict[str, Any], found: Found) -> Decision:
    inverted = not t.get("all_inversion", True)
    exact = found["stabiliser"].detail if "stabiliser" in found else "not measured"
    say = lambda word, runner_up="", why="": _say(word, f, f"Exact are: {exact}.", runner_up, why)  # noqa: E731
    axes = t.get("axes", [])
    if "diagonal" in axes:
        if inverted:
            return say("vector-bias", "mean-subtraction", "inversion breaks as well")
        if t.get("any_swap"):
            return say("mean-subtraction", "vector-bias", "inversion is exact")
        return say("axis-order", "mean-subtraction", "x and y cannot be exchanged")
    if t.get("own_axis") and inverted and not axes:
        return say("vector-bias", "vector-norm", "turns about one direction are exact")
    if t.get("all_quarter"):
        return say("laboratory-frame", "per-axis-gain", "quarter turns about all axes are exact")
    if axes:
        word = "vector-bias" if inverted else "laboratory-frame"
        return say(word, "per-axis-gain", f"any angle about {axes[0]} is exact")
    if t.get("own_axis"):
        return say("axis-order", "laboratory-frame", "turns about one diagonal direction are exact")
    folds = [n for fine in t.get("folds", {}).values() for n in fine if n > 2]
    if folds and not t.get("all_cycle"):
        return say("sphere-grid", "laboratory-frame", f"turns by 1/{folds[0]} about one axis are exact")
    if t.get("all_flip"):
        return say("per-axis-gain", "laboratory-frame", "half turns are exact, quarter turns are not")
    if t.get("all_cycle"):
        return say("relu-on-components", "vector-bias", "axes can be permuted, signs cannot be changed")
    share = t.get("share_above", {})
    if share.get("4", 0.0) > 0.3:
        return say("sphere-grid", "unconstrained", "the error oscillates quickly with the angle")
    if inverted and share and share["2"] < 1e-5:
        return say("vector-norm", "unconstrained", "harmonics beyond the second are missing")
    return say("unconstrained", "laboratory-frame", "no rotation is exact")


def _vectors(found: Found) -> Decision | None:
    for key in ("dipole", "stress", "charges"):
        f = _broken(found, f"rotation-{key}")
        if f is not None:
            default = "axis-order" if key == "stress" else "unconstrained"
            return _say(f.tags["law"] or default, f, f"Of all outputs only the {key} turns wrongly.")
    return None


def _parity(found: Found) -> Decision | None:
    if f := _broken(found, "inversion"):
        return _say("parity", f, "", "unconstrained", "rotations are exact")
    return None


def _aimed(found: Found) -> Decision | None:
    if f := _broken(found, "aimed"):
        return _say("singular-direction", f, "", "unconstrained", "general rotations are exact")
    return None


def _jump(found: Found) -> Decision | None:
    f = _broken(found, "continuity")
    if f is None:
        return None
    crowd = found.get("crowd")
    deaf = crowd.tags.get("deaf") if crowd is not None else None
    alone = any(v for v in f.tags["pairs"].values())
    if deaf and not alone:
        return _neighbours(crowd, deaf, "discontinuous-cutoff")
    if f.tags["energy"]:
        return _say("discontinuous-cutoff", f, "", "force-kink", "the energy itself jumps")
    return _say("force-kink", f, "", "discontinuous-cutoff", "the energy is continuous there")


def _slope(found: Found) -> Decision | None:
    f = _broken(found, "gradient-atoms") or _broken(found, "gradient")
    if f is None or (_broken(found, "roughness") and not _broken(found, "gradient")):
        return None
    atoms, jacobian = found.get("gradient-atoms"), _broken(found, "jacobian")
    law = found.get("force-law")
    if law is not None and law.tags["law"] == "biased-labels":
        return _say("biased-labels", law)
    if atoms is not None and atoms.tags["order"]:
        return _say("permuted-output", atoms, "They are the slopes of other atoms.")
    if atoms is not None and atoms.broken:
        some = len(atoms.tags["wrong"]) < atoms.tags["count"]
        if atoms.tags["ratio"] is not None or some:
            return _say("wrong-gradient", atoms, "", "nonconservative", "the other forces are derivatives")
    if jacobian:
        return _say("nonconservative", jacobian, "", "wrong-gradient", "nearly all atoms disagree")
    return _say("wrong-gradient", f, "", "nonconservative", "the forces do belong to another energy")


def _stress(found: Found) -> Decision | None:
    f = _broken(found, "stress")
    if f is None:
        return None
    return _say(f.tags["law"] or "wrong-gradient", f, "The forces are derivatives and the stress is not.")


def _ripples(found: Found) -> Decision | None:
    f = _broken(found, "roughness")
    if f is None:
        return None
    return _say("rough-surface", f, "", "fast-matmul", "at 1e-5 Å the forces are smooth")


def _sum(found: Found) -> Decision | None:
    f = found.get("noise")
    if f is not None and f.tags.get("energy_only"):
        return _say("float32-sum", f, "", "float32-input", "the forces have all their digits")
    return None


def _crowd(found: Found) -> Decision | None:
    f = found.get("crowd")
    if f is None:
        return None
    if f.tags["deaf"]:
        return _neighbours(f, f.tags["deaf"], "atom-order")
    if f.broken and f.tags["permuted"]:
        return _say("neighbour-limit", f, "The structure itself is too small to show it.", "atom-order",
                    "fewer atoms can be renumbered")  # fmt: skip
    return None


def _cells(found: Found) -> Decision | None:
    for name in ("same-crystal", "supercell"):
        if f := _broken(found, name):
            return _say("periodic-image", f)
    return None


RULES: tuple[Rule, ...] = (
    _number, _repeat, _low, _place, _order, _turned, _parity, _vectors, _aimed, _late, _slope, _jump,
    _stress, _sum, _ripples, _crowd, _cells,
)  # fmt: skip
