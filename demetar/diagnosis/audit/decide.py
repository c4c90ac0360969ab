"""From findings to one word: rules in the order in which one fault hides another, each says why."""

from __future__ import annotations

from demetar.diagnosis.audit.decision import Decision, Found, Rule, broken, neighbours, say
from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.audit.turned import turned, vectors
from demetar.diagnosis.causes import NOT_KNOWN, SOUND, cause


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
        left = f"Nothing wrong was found, and too little was looked at: not {', '.join(missing)}."
        return Decision(NOT_KNOWN, left, "")
    closest = max(
        (f for f in found.values() if f.limit and f.value is not None),
        key=lambda f: (f.value or 0.0) / (f.limit or 1.0),
        default=None,
    )
    name = "" if closest is None else closest.name
    return Decision(SOUND, text, name)


def _repeat(found: Found) -> Decision | None:
    if f := broken(found, "repeat"):
        return say(
            "nondeterministic", f, "", "stale-state", "the history of calls was the same both times"
        )
    f = broken(found, "history")
    if f is not None and not f.tags["far_only"]:
        return say(
            "stale-state", f, "", "nondeterministic", "the same history gives the same answer"
        )
    return None


def _late(found: Found) -> Decision | None:
    f = broken(found, "history")
    if f is None:
        return None
    return say(
        "stale-state",
        f,
        "Only a large change of the structure shows it.",
        "discontinuous-cutoff",
        "the same structure has two answers",
    )


def _number(found: Found) -> Decision | None:
    if f := broken(found, "finite"):
        return say("singular-direction", f, "Beside this structure all numbers are finite.")
    return None


def _low(found: Found) -> Decision | None:
    f = found.get("noise")
    if f is not None and f.tags.get("word") == "low":
        return say(
            "fast-matmul",
            f,
            "",
            "rough-surface",
            "the noise is there on a scale of 1e-5 to 1e-3 Å, where ripples are smooth",
        )
    return None


def _place(found: Found) -> Decision | None:
    f, image = broken(found, "translation"), broken(found, "image")
    turned, stab = broken(found, "rotation"), found.get("stabiliser")
    if image and turned and not image.tags["as_given"] and stab and stab.tags.get("cluster_clean"):
        return None  # the cell was not turned or strained along: see turned
    if image and (f is None or f.tags["first"] > 0.1):
        at_float = found["noise"].tags["word"] == "float32" and f and f.tags["first"] >= 10
        small = image.value is not None and image.limit and image.value < 20 * image.limit
        if not (at_float and small):
            return say(
                "periodic-image",
                image,
                "",
                "absolute-position",
                "a shift that moves no atom across is exact",
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
        return say("float32-input", f, "", "absolute-position", why)
    turned = found.get("rotation")
    diagonal = f.tags["diagonal"] is not None and f.tags["diagonal"] <= 3
    if diagonal and turned is not None and turned.broken:
        return say(
            "axis-mean",
            f,
            "A shift along (1, 1, 1) is exact.",
            "absolute-position",
            "a shift along (1, 1, 1) changes nothing",
        )
    return say("absolute-position", f, "", "float32-input", "it is there at shifts of an ångström")


def _order(found: Found) -> Decision | None:
    f = broken(found, "permutation")
    if f is None:
        return None
    atoms = found.get("gradient-atoms")
    if not f.tags["generic"] and (atoms is None or not atoms.broken):
        why = "the same atoms can be renumbered once their equal distances differ"
        return say(
            "neighbour-limit", f, "Only the symmetric structure shows it.", "atom-order", why
        )
    if f.tags["new_charges"]:
        why = "the charges are others, and not the same in other rows"
        return say(
            "atom-order", f, "Energy and forces do not depend on the order.", "permuted-output", why
        )
    if f.tags["energy_exact"] and (atoms is None or not atoms.broken or atoms.tags["order"]):
        why = "the energy does not depend on the order"
        return say("permuted-output", f, "", "atom-order", why)
    if f.tags["energy_exact"]:
        return _slope(found)
    crowd = found.get("crowd")
    deaf = crowd.tags.get("deaf") if crowd is not None else None
    if crowd is not None and deaf:
        return neighbours(crowd, deaf, "atom-order")
    why = "every atom in a crowd feels its neighbours"
    return say("atom-order", f, _first(f), "neighbour-limit", why)


def _first(f: Finding) -> str:
    first, others = f.tags["with_first"], f.tags["others"]
    if first and all(first) and others and not any(others):
        return "Only exchanges with the first atom matter."
    return ""


def _parity(found: Found) -> Decision | None:
    if f := broken(found, "inversion"):
        return say("parity", f, "", "unconstrained", "rotations are exact")
    return None


def _aimed(found: Found) -> Decision | None:
    if f := broken(found, "aimed"):
        return say("singular-direction", f, "", "unconstrained", "general rotations are exact")
    return None


def _jump(found: Found) -> Decision | None:
    f = broken(found, "continuity")
    if f is None:
        return None
    crowd = found.get("crowd")
    deaf = crowd.tags.get("deaf") if crowd is not None else None
    alone = any(v for v in f.tags["pairs"].values())
    if crowd is not None and deaf and not alone:
        return neighbours(crowd, deaf, "discontinuous-cutoff")
    if f.tags["energy"]:
        return say("discontinuous-cutoff", f, "", "force-kink", "the energy itself jumps")
    return say("force-kink", f, "", "discontinuous-cutoff", "the energy is continuous there")


def _slope(found: Found) -> Decision | None:
    f = broken(found, "gradient-atoms") or broken(found, "gradient")
    if f is None or (broken(found, "roughness") and not broken(found, "gradient")):
        return None
    atoms, jacobian = found.get("gradient-atoms"), broken(found, "jacobian")
    law = found.get("force-law")
    if law is not None and law.tags["law"] == "biased-labels":
        return say("biased-labels", law)
    if atoms is not None and atoms.tags["order"]:
        return say("permuted-output", atoms, "They are the slopes of other atoms.")
    if atoms is not None and atoms.broken:
        some = len(atoms.tags["wrong"]) < atoms.tags["count"]
        if atoms.tags["ratio"] is not None or some:
            return say(
                "wrong-gradient", atoms, "", "nonconservative", "the other forces are derivatives"
            )
    if jacobian:
        return say("nonconservative", jacobian, "", "wrong-gradient", "nearly all atoms disagree")
    return say("wrong-gradient", f, "", "nonconservative", "the forces do belong to another energy")


def _stress(found: Found) -> Decision | None:
    f = broken(found, "stress")
    if f is None:
        return None
    return say(
        f.tags["law"] or "wrong-gradient", f, "The forces are derivatives and the stress is not."
    )


def _ripples(found: Found) -> Decision | None:
    f = broken(found, "roughness")
    if f is None:
        return None
    return say("rough-surface", f, "", "fast-matmul", "at 1e-5 Å the forces are smooth")


def _sum(found: Found) -> Decision | None:
    f = found.get("noise")
    if f is not None and f.tags.get("energy_only"):
        return say("float32-sum", f, "", "float32-input", "the forces have all their digits")
    return None


def _crowd(found: Found) -> Decision | None:
    f = found.get("crowd")
    if f is None:
        return None
    if f.tags["deaf"]:
        return neighbours(f, f.tags["deaf"], "atom-order")
    if f.broken and f.tags["permuted"]:
        return say(
            "neighbour-limit",
            f,
            "The structure itself is too small to show it.",
            "atom-order",
            "fewer atoms can be renumbered",
        )
    return None


def _cells(found: Found) -> Decision | None:
    for name in ("same-crystal", "supercell"):
        if f := broken(found, name):
            return say("periodic-image", f)
    return None


RULES: tuple[Rule, ...] = (
    _number, _repeat, _low, _place, _order, turned, _parity, vectors, _aimed, _late, _slope, _jump,
    _stress, _sum, _ripples, _crowd, _cells,
)  # fmt: skip
