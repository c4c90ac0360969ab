"""Numbers and verdicts as words, the same on all pages."""

import html
import re
from collections.abc import Mapping, Sequence

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
CLAIMS = {
    "E(3)": "turns, mirrors, shifts", "SE(3)": "turns, shifts", "O(3)": "turns, mirrors",
    "SO(3)": "turns", "Sim(3)": "turns, mirrors, shifts, sizes", "S_n": "order", "T(3)": "shifts",
    "O_h": "turns and mirrors of a cube",
}  # fmt: skip

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None) -> str:
    """Three digits, or a dash where there is no number."""
    return "–" if value is None else f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def small(value: float) -> str:
    """Two digits: 7.6·10⁻⁷ below 0.01, else 0.94; an exact zero is 0."""
    if not value:
        return "0"
    if abs(value) >= 0.01:
        return f"{value:.2g}"
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits}·10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def duration(seconds: float) -> str:
    """A time in its usual unit."""
    if seconds < 90:
        return f"{max(1, round(seconds, -1 if seconds > 20 else 0)):.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def delta(value: float) -> str:
    """A relative error in two digits: 7.6·10⁻⁷ below 0.01, else 0.94; an exact zero is "0"."""
    if value == 0:
        return "0"
    if not abs(value) < float("inf"):
        return "–"
    if value >= 0.00995:
        return f"{value:.0f}" if value >= 9.95 else f"{value:#.2g}"
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits}·10{str(int(exponent)).translate(RAISED)}"


def written(sentence: str) -> str:
    """The sentence with its numbers as the pages write them: 3e-15 is 3·10⁻¹⁵, and 0e+00 is 0."""
    return re.sub(
        r"(?<![\w.])\d(?:\.\d+)?e[+-]\d+\b", lambda found: delta(float(found[0])), sentence
    )


def physical(value: float) -> str:
    """A physical value, plain, with one digit after the point and a true minus."""
    return f"{value:.1f}".replace("-", "−")


def claims(group: str) -> str:
    """What a claimed group means: "turns, mirrors, shifts, order" for E(3) x S_n."""
    parts = [CLAIMS.get(part.strip(), part.strip()) for part in group.split(" x ")]
    text = ", ".join(parts)
    return f"{text} only" if text in ("order", "turns", "shifts") else text


def formula(symbols: Sequence[str]) -> str:
    """A molecule's formula in Hill's order, such as C₂H₆O."""
    counts = {symbol: list(symbols).count(symbol) for symbol in sorted(set(symbols))}
    first = [s for s in ("C", "H") if "C" in counts and s in counts]
    order = [*first, *(s for s in counts if s not in first)]
    return "".join(s + (str(counts[s]).translate(LOWERED) if counts[s] > 1 else "") for s in order)


def apart(value: float) -> str:
    """By how much arrows differ, in words: "94 %", or a power of ten of their length."""
    percent = float(f"{100 * value:.2g}")
    return f"{percent:g} %" if value >= 0.01 else f"{delta(value)} of their length"


def headline(
    models: Sequence[Mapping[str, object]], what: str = "arrows", input: str = "molecule"
) -> str:
    """The sentence above the picture, as HTML: {"label", "color", "word", "delta"} of each model.

    A model's word is the verdict on it, or None while that is being measured. `what` is predicted and
    compared, of an `input` that turns.
    """
    if not models or any(m["word"] is None for m in models):
        names = " and ".join(_name(m) for m in models) or "the models"
        return f"Measuring what {names} answer both ways."
    if all(m["word"] == "still" for m in models):
        return f"This g moves nothing: turn the {input} in the outlined panel."
    same = [m for m in models if m["word"] in ("rounding", "still")]
    zero = [m for m in models if m["word"] == "zero"]
    other = [m for m in models if m not in (*same, *zero)]
    parts = [f"{_name(m)}'s {what} are all zero: nothing can differ." for m in zero]
    if same:
        verb = "answer" if len(same) > 1 else "answers"
        parts.append(f"{_joined(same)} {verb} with the same {what} either way.")
    for i, m in enumerate(other):
        value = apart(float(str(m["delta"])))
        lead = f"{_name(m)} does not: its" if same and i == 0 else f"{_name(m)}'s"
        parts.append(f"{lead} {what} differ by {value}.")
    return " ".join(parts)


def _joined(models: Sequence[Mapping[str, object]]) -> str:
    return " and ".join(_name(m) for m in models)


def _name(model: Mapping[str, object]) -> str:
    return f"<b style='color:{model['color']}'>{html.escape(str(model['label']))}</b>"
