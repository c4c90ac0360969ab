"""From marks to one word: rules in order, the first whose marks all stand decides.

A rule is a cause and the marks that it needs, present or absent; a mark that was not measured counts as
absent. The runner-up is the cause that comes closest without being met, and what excludes it is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from demetar.diagnosis.causes import CAUSES, NOT_KNOWN, SOUND

YES, NO = True, False
Rule = tuple[str, dict[str, bool]]

# mark: (what is said where it stands, what where it does not)
MARKS: dict[str, tuple[str, str]] = {
    "differs-at-once": ("the same call differs", "the same call repeats"),
    "differs-after-another": ("another call in between matters", "no call in between matters"),
    "breaks-T": ("T(3) breaks", "T(3) holds"),
    "breaks-T-along-111": ("shifts along (1, 1, 1) break", "shifts along (1, 1, 1) hold"),
    "breaks-SO": ("SO(3) breaks", "SO(3) holds"),
    "breaks-C_i": ("inversion breaks", "inversion holds"),
    "breaks-S_n": ("S_n breaks", "S_n holds"),
    "only-first-atom": ("only exchanges with the first atom matter", "other exchanges matter too"),
    "only-large": ("three particles alone keep S_n", "three particles alone break S_n"),
    "edge-order": ("the order of the edges matters", "the order of the edges does not matter"),
    "special-S_n": ("S_n breaks only where distances are alike", "equal distances do not matter"),
    "within-steps": ("groups break within the steps", "groups hold even within the steps"),
    "far-worse": ("a shift by 1,000 costs digits", "a shift by 1,000 costs nothing"),
    "rebuilt-breaks": ("only edges drawn again break it", "edges drawn again change nothing"),
    "stairs": ("motions of 1e-8 are answered in steps", "motions of 1e-8 are answered in proportion"),
    "stairs-of-value-only": ("only the value has steps, its gradient none", "not only the value has steps"),
    "stairs-coarse": ("the steps are coarser than float32", "no step is coarser than float32"),
    "last-digit": ("steps are float32's last digit of the value", "steps exceed float32's last digit"),
    "float32-twin": ("positions in float32 give the same answer", "positions in float32 change the answer"),
    "float32-sized": ("what breaks has float32's size", "what breaks has not float32's size"),
    "worse-in-float32": ("float32 is worse than its rounding", "float32 is as good as its rounding"),
    "value-worse-in-float32": ("only a large value loses digits", "not only a large value loses digits"),
    "not-finite": ("some direction gives no number", "every direction gives a number"),
    "aimed": ("an aimed direction is off while random ones are not", "aimed directions are like random ones"),
    "axes-law": ("another order of the axes fits exactly", "no other order of the axes fits"),
    "still-law": ("vectors stay where they should turn", "vectors do turn"),
    "rows-elsewhere": ("the right rows stand in other places", "rows are not just in other places"),
    "axis-111": ("all turns about (1, 1, 1) hold", "turns about (1, 1, 1) break"),
    "axis-other": ("all turns about one other axis hold", "no other axis is left"),
    "axis-of-frame": ("the axis that is left is x, y or z", "the axis that is left is not x, y or z"),
    "axis-swap": ("the axis that is left exchanges two axes", "no exchange of axes is left"),
    "quarter-turns": ("turns by 90° about x, y and z hold", "turns by 90° break"),
    "half-turns": ("turns by 180° about x, y and z hold", "turns by 180° break"),
    "cyclic-turns": ("the cyclic exchange of the axes holds", "the cyclic exchange of the axes breaks"),
    "swaps": ("exchanges of two axes hold", "exchanges of two axes break"),
    "ring-turns": ("turns by one step about one axis hold", "no step about one axis holds"),
    "low-degrees": ("the spectrum fades beyond ℓ = 4", "the spectrum goes on beyond ℓ = 4"),
    "high-degrees": ("the spectrum leaves out low degrees", "the spectrum leaves out no low degree"),
    "cubic-degrees": ("the spectrum is that of a cube", "the spectrum is not that of a cube"),
    "degree-1-only": ("the spectrum is ℓ = 1 alone", "the spectrum is not ℓ = 1 alone"),
    "degrees-1-and-3": ("the spectrum is ℓ = 1 and 3", "the spectrum is not ℓ = 1 and 3"),
    "values-hold": ("scalars keep every group", "scalars break too"),
    "gradient-wrong": ("the gradient is not the slope", "the gradient is the slope"),
    "gradient-right-somewhere": ("it is right at some particles", "it is wrong at every particle"),
    "gradient-by-a-factor": ("it is wrong by one factor", "it is not wrong by one factor"),
    "jacobian-asymmetric": ("the forces' Jacobian is asymmetric", "the forces' Jacobian is symmetric"),
    "jump": ("the value jumps", "the value does not jump"),
    "ties": ("that is where two neighbours are equally far", "that is elsewhere than at equal distances"),
    "kink": ("the slope jumps while the value does not", "the slope does not jump"),
    "binary-steps": ("its steps are powers of two", "it has no steps that are powers of two"),
    "ripples": ("the surface has ripples", "the surface has no ripples"),
}  # fmt: skip
_HOLD = {"breaks-T": NO, "breaks-SO": NO, "breaks-C_i": NO, "breaks-S_n": NO}
_TURN = {"breaks-SO": YES, "breaks-T": NO, "breaks-S_n": NO}
RULES: tuple[Rule, ...] = (
    ("nondeterministic", {"differs-at-once": YES}),
    ("stale-state", {"differs-after-another": YES}),
    ("singular-direction", {"not-finite": YES}),
    ("axis-mean", {"breaks-T": YES, "breaks-SO": YES, "breaks-T-along-111": NO, "breaks-S_n": NO}),
    ("absolute-position", {"breaks-T": YES, "breaks-T-along-111": YES, "breaks-S_n": NO}),
    ("absolute-position", {"breaks-T": YES, "breaks-SO": NO}),
    ("unconstrained", {"breaks-T": YES, "breaks-SO": YES, "breaks-S_n": YES}),
    ("neighbour-limit", {"edge-order": YES}),
    ("permuted-output", {"breaks-S_n": YES, "rows-elsewhere": YES}),
    ("untransformed-input", {"still-law": YES}),
    ("wrong-gradient", {"breaks-S_n": YES, "values-hold": YES, "gradient-right-somewhere": YES}),
    ("neighbour-limit", {"breaks-S_n": YES, "only-large": YES}),
    ("atom-order", {"breaks-S_n": YES, "only-first-atom": YES, "breaks-SO": NO}),
    ("atom-order", {"breaks-S_n": YES, "breaks-SO": NO}),
    ("untransformed-input", {"breaks-S_n": YES, "breaks-SO": YES, "degree-1-only": YES}),
    ("unconstrained", {"breaks-S_n": YES, "breaks-SO": YES}),
    ("float32-constants", {**_TURN, "float32-sized": YES}),
    ("parity", {"breaks-C_i": YES, "breaks-SO": NO, "breaks-T": NO, "breaks-S_n": NO}),
    ("axis-order", {**_TURN, "axes-law": YES}),
    ("vector-bias", {**_TURN, "breaks-C_i": YES, "axis-111": YES}),
    ("mean-subtraction", {**_TURN, "breaks-C_i": NO, "axis-111": YES, "swaps": YES}),
    ("axis-order", {**_TURN, "breaks-C_i": NO, "axis-111": YES}),
    ("axis-order", {**_TURN, "breaks-C_i": NO, "axis-swap": YES}),
    ("per-axis-gain", {**_TURN, "breaks-C_i": NO, "axis-of-frame": YES, "half-turns": YES}),
    ("laboratory-frame", {**_TURN, "breaks-C_i": NO, "axis-of-frame": YES}),
    ("untransformed-input", {**_TURN, "axis-other": YES}),
    ("laboratory-frame", {**_TURN, "quarter-turns": YES}),
    ("laboratory-frame", {**_TURN, "cyclic-turns": YES, "swaps": YES, "degrees-1-and-3": YES}),
    ("relu-on-components", {**_TURN, "breaks-C_i": YES, "cyclic-turns": YES, "swaps": YES}),
    ("sphere-grid", {**_TURN, "ring-turns": YES}),
    ("per-axis-gain", {**_TURN, "breaks-C_i": NO, "half-turns": YES}),
    ("laboratory-frame", {**_TURN, "cubic-degrees": YES}),
    ("untransformed-input", {**_TURN, "breaks-C_i": YES, "degree-1-only": YES}),
    ("sphere-grid", {**_TURN, "high-degrees": YES}),
    ("vector-norm", {**_TURN, "breaks-C_i": YES, "low-degrees": YES}),
    ("per-axis-gain", {**_TURN, "breaks-C_i": NO, "low-degrees": YES}),  # of axes that are not x, y, z
    ("unconstrained", {**_TURN}),
    ("float32-sum", {**_HOLD, "stairs": YES, "stairs-of-value-only": YES, "last-digit": YES}),
    ("float32-sum", {**_HOLD, "stairs": YES, "stairs-coarse": YES, "last-digit": YES}),
    ("fast-matmul", {**_HOLD, "binary-steps": YES}),
    ("fast-matmul", {**_HOLD, "stairs": YES, "stairs-coarse": YES, "within-steps": YES}),
    ("rough-surface", {**_HOLD, "stairs": YES, "stairs-coarse": YES, "ripples": YES}),
    ("fast-matmul", {**_HOLD, "stairs": YES, "stairs-coarse": YES}),
    ("neighbour-limit", {**_HOLD, "rebuilt-breaks": YES}),
    ("neighbour-limit", {**_HOLD, "special-S_n": YES}),
    ("singular-direction", {**_HOLD, "aimed": YES}),
    ("float32-sum", {**_HOLD, "value-worse-in-float32": YES}),
    ("fast-matmul", {**_HOLD, "worse-in-float32": YES}),
    ("rough-surface", {**_HOLD, "ripples": YES}),
    ("wrong-gradient", {**_HOLD, "gradient-wrong": YES, "gradient-right-somewhere": YES}),
    ("wrong-gradient", {**_HOLD, "gradient-wrong": YES, "gradient-by-a-factor": YES}),
    ("nonconservative", {**_HOLD, "gradient-wrong": YES}),
    ("nonconservative", {**_HOLD, "jacobian-asymmetric": YES}),
    ("neighbour-limit", {**_HOLD, "jump": YES, "ties": YES}),
    ("discontinuous-cutoff", {**_HOLD, "jump": YES}),
    ("neighbour-limit", {**_HOLD, "kink": YES, "ties": YES}),
    ("force-kink", {**_HOLD, "kink": YES}),
    ("float32-input", {**_HOLD, "stairs": YES, "float32-twin": YES}),
    ("float32-input", {**_HOLD, "stairs": YES, "far-worse": YES}),
)  # fmt: skip
# Marks any of which a sound function has not.
BAD = {mark for _, needs in RULES for mark, value in needs.items() if value} - {
    "only-large",
    "float32-twin",
    "swaps",
    "cyclic-turns",
    "half-turns",
    "quarter-turns",
    "low-degrees",
    "high-degrees",
    "cubic-degrees",
    "degree-1-only",
    "last-digit",
    "degrees-1-and-3",
    "values-hold",
    "stairs",
    "far-worse",
    "within-steps",
}


# The marks that a piece of evidence makes: where it was left out, none of them stands or does not.
MADE: dict[str, set[str]] = {
    "repeatability": {"differs-at-once", "differs-after-another"},
    "groups": {
        "breaks-T", "breaks-T-along-111", "breaks-SO", "breaks-C_i", "breaks-S_n", "edge-order",
        "only-first-atom", "only-large", "special-S_n", "values-hold", "far-worse",
        "within-steps",
    },
    "rounding inside": {
        "stairs", "stairs-of-value-only", "stairs-coarse", "last-digit", "float32-twin",
    },
    "aimed elements": {"aimed", "not-finite"},
    "precision ladder": {"float32-sized", "value-worse-in-float32", "worse-in-float32"},
    "other laws": {"axes-law", "rows-elsewhere", "still-law"},
    "turns that hold": {
        "axis-111", "axis-of-frame", "axis-other", "axis-swap", "cyclic-turns", "half-turns",
        "quarter-turns", "ring-turns", "swaps",
    },
    "graph built again": {"rebuilt-breaks"},
    "gradient": {
        "gradient-by-a-factor", "gradient-right-somewhere", "gradient-wrong", "jacobian-asymmetric",
    },
    "orientation spectrum": {
        "cubic-degrees", "degree-1-only", "degrees-1-and-3", "high-degrees", "low-degrees",
    },
    "smoothness": {"binary-steps", "jump", "kink", "ripples", "ties"},
}  # fmt: skip


def open_causes(marks: Mapping[str, bool], left_out: Iterable[str]) -> list[str]:
    """The causes before the one that is met which evidence that was left out could still show."""
    unknown = {mark for name in left_out for mark in MADE.get(name, ())} - set(marks)
    found = []
    for rule in RULES:
        missing = _missing(rule, {m: v for m, v in rule[1].items() if m in unknown} | dict(marks))
        if not missing and not unknown & set(rule[1]):
            break
        if not missing:
            found.append(rule[0])
    return list(dict.fromkeys(found))


def decide(marks: Mapping[str, bool], told: str = "") -> tuple[str, str, str | None]:
    """(cause, sentence, runner-up) from the marks; `told` is the sentence of what decided it."""
    met = next((rule for rule in RULES if _missing(rule, marks) == []), None)
    if met is None:
        word = NOT_KNOWN if any(marks.get(m) for m in BAD) else SOUND
        needs: dict[str, bool] = {}
    else:
        word, needs = met
    runner = _runner_up(word, marks)
    head = CAUSES[word].sentence.rstrip(".")
    shown = {m: v for m, v in needs.items() if v or m not in ("breaks-T", "breaks-S_n")} or needs
    because = ", ".join(MARKS[m][0 if v else 1] for m, v in shown.items())
    sentence = f"{head}: {because}" if because else head
    if word == NOT_KNOWN:
        found = ", ".join(MARKS[m][0] for m in MARKS if marks.get(m) and m in BAD)
        sentence = f"{head}: {found}"
    if runner is not None:
        other, mark, value = runner
        sentence += f"; {other} is excluded, as {MARKS[mark][1 if value else 0]}"
    sentence += "." + (f" {told}" if told else "")
    return word, sentence, runner and runner[0]


def _missing(rule: Rule, marks: Mapping[str, bool]) -> list[str]:
    return [m for m, value in rule[1].items() if bool(marks.get(m, False)) != value]


def _runner_up(word: str, marks: Mapping[str, bool]) -> tuple[str, str, bool] | None:
    """The cause that comes closest: (word, the mark that excludes it, what it would have to be)."""
    best, found = None, None
    for rule in RULES:
        missing = _missing(rule, marks)
        if rule[0] == word or not missing:
            continue
        stands = sum(1 for m, v in rule[1].items() if v and m not in missing)
        score = (len(missing), -stands)
        if best is None or score < best:
            best, found = score, (rule[0], missing[0], rule[1][missing[0]])
    return found
