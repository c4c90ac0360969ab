"""What the pages share: the guard about a page, links in and out, and the inputs of many pages.

A page's state stands in its address, so that it can be shared: `arriving` reads the address once,
when the page is opened; `address` keeps it up to date. A value that makes no sense leaves a
sentence (`tell`) and the default.
"""

import difflib
import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app import service
from app.figures import color, explained
from demetar.errors import InputError


def guarded(name: str, render: Callable[[], None]) -> Callable[[], None]:
    """The page as a function that shows an InputError as its sentence, never as a traceback."""

    def page() -> None:
        state = st.session_state
        if state.get("page") != name:
            state["page"], state["arrived"], state["told"] = name, st.query_params.to_dict(), []
            state.pop("addressed", None)
        else:
            state["arrived"] = {}
        try:
            render()
        except InputError as error:
            st.error(plain(str(error)), icon=":material/error:")

    return page


def plain(text: str) -> str:
    """The text with everything escaped that Markdown would act on: names and files come from anyone."""
    return "".join("\\" + c if c in "\\`*_{}[]()#+-.!|<>~$:" else c for c in text)


def delta(value: float, name: str, precision: str, claims: str = "") -> None:
    """A Δ_EQ in large digits, with the run's name and claim and whether rounding explains it."""
    small = value <= explained(precision)
    shown = f"{value:.1e}" if value else "0"
    hue = color("green" if small else "vermillion", dark())
    why = f"{precision} rounding" if small else "structural"
    detail = f" · claims {html.escape(claims)}" if claims else ""
    st.html(
        f"<div style='font-size:2rem;font-weight:700;line-height:1.2;color:{hue}'>{shown}</div>"
        f"<div style='font-size:.85rem;opacity:.75'>{html.escape(name)} · {why}{detail}</div>"
    )


def facts(rows: Mapping[str, str]) -> None:
    """Short facts, a name and a value a row, without the weight of a table."""
    cells = "".join(
        f"<tr><th scope='row' style='text-align:left;font-weight:400;opacity:.7;padding:.15rem .8rem "
        f".15rem 0;vertical-align:top;white-space:nowrap'>{html.escape(name)}</th>"
        f"<td style='padding:.15rem 0'>{html.escape(value)}</td></tr>"
        for name, value in rows.items()
    )
    st.html(f"<table style='font-size:.9rem;border-collapse:collapse'>{cells}</table>")


def dark() -> bool:
    """Whether the page is shown in the dark theme."""
    return st.context.theme.type == "dark"


def tell(sentence: str) -> None:
    """Notes a sentence about the address for `told`."""
    st.session_state.setdefault("told", []).append(sentence)


def told() -> None:
    """Shows what was noted about the address, until something else is chosen."""
    for sentence in st.session_state.get("told", []):
        st.info(plain(sentence), icon=":material/info:")


def closest(wanted: str, options: Sequence[str]) -> str | None:
    """The option that looks most like `wanted`, if any does."""
    return next(iter(difflib.get_close_matches(wanted, options, n=1)), None)


def arriving(parameter: str) -> str | None:
    """The value of this parameter in the address with which the page was just opened, or None."""
    value = st.session_state.get("arrived", {}).get(parameter)
    return None if value is None else str(value)


def from_address(
    parameter: str, key: str, options: Sequence[str], default: str | None, what: str
) -> None:
    """Puts the address's choice into the widget state `key`; else the closest one or the default.

    What comes instead of an unknown name is told in a sentence.
    """
    wanted = arriving(parameter)
    if wanted in options:
        st.session_state[key] = wanted
    elif wanted is not None and options:
        close = closest(wanted, options)
        st.session_state[key] = close or default
        tell(
            f"The link asks for the {what} {wanted[:60]!r}, which is not here; "
            f"{'the closest is' if close else 'instead this is'} {st.session_state[key]}."
        )
    if st.session_state.get(key) not in options:
        st.session_state[key] = default if default in options else next(iter(options), None)


def number_from_address(
    parameter: str, key: str, low: float, high: float, default: float, what: str
) -> None:
    """Puts the address's number into the widget state `key`; else, with a sentence, the default."""
    kind = type(default)
    st.session_state.setdefault(key, default)
    wanted = arriving(parameter)
    if wanted is None:
        return
    try:
        value = kind(wanted)
    except ValueError:
        value = None
    if value is not None and low <= value <= high:
        st.session_state[key] = value
        return
    st.session_state[key] = default
    tell(
        f"The link asks for the {what} {wanted[:60]!r}; expected a number from {low:g} to {high:g}, "
        f"so this is {default:g}."
    )


def address(**values: Any) -> None:
    """Makes the page's address say these values (None: left out)."""
    wanted = {k: str(v) for k, v in values.items() if v is not None}
    if st.session_state.setdefault("addressed", wanted) != wanted:
        st.session_state["addressed"], st.session_state["told"] = wanted, []
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def link(label: str, page: str, icon: str | None = None, **parameters: str) -> None:
    """A link to another page of the explorer with this address; nothing if there is no such page."""
    target = st.session_state.get("pages", {}).get(page)
    if target is not None:
        st.page_link(target, label=label, icon=icon, query_params=parameters)


AXES = {
    "x": (1.0, 0.0, 0.0),
    "y": (0.0, 1.0, 0.0),
    "z": (0.0, 0.0, 1.0),
    "(1 1 1)": (0.577350269,) * 3,
}
OWN = "own"
Turn = tuple[tuple[float, float, float], float, service.Quaternion]  # axis, degrees, quaternion


def set_rotation(key: str, g: service.Quaternion) -> None:
    """Makes the group element `key` the rotation g; for callbacks, before its inputs are drawn."""
    axis, degrees = service.axis_angle(g)
    st.session_state[f"{key}:own"], st.session_state[f"{key}:angle"] = axis, degrees
    near = [n for n, a in AXES.items() if sum(abs(p - q) for p, q in zip(a, axis)) < 1e-4]
    st.session_state[f"{key}:axis"] = near[0] if near else OWN


def turn_on(key: str, g: service.Quaternion) -> None:
    """Turns the group element `key` further: first what it was, then g."""
    set_rotation(key, service.after(g, rotation_of(key)[2]))


def rotation_of(key: str) -> Turn:
    """The group element `key` as it stands."""
    name = st.session_state.get(f"{key}:axis", "z")
    axis = AXES.get(name) or st.session_state.get(f"{key}:own", AXES["z"])
    degrees = float(st.session_state.get(f"{key}:angle", 0.0))
    return axis, degrees, service.quaternion(axis, degrees)


def rotation(key: str, axis: str = "(1 1 1)", degrees: float = 60.0) -> Turn:
    """The inputs of a rotation: angle, axis, random by seed; the address knows angle and axis."""
    _rotation_from_address(key, axis, degrees)
    own = st.session_state.get(f"{key}:own", AXES["z"])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.slider("Angle of g", 0.0, 180.0, step=1.0, format="%.0f°", key=f"{key}:angle", width=180)
        st.selectbox(
            "Axis of g", [*AXES, OWN], key=f"{key}:axis", width=125,
            format_func=lambda n: axis_text(own) if n == OWN else n,
        )  # fmt: skip
        seed = st.number_input("Seed of g", 0, 2**31 - 1, key=f"{key}:seed", width=90)
        st.button(
            "Random", key=f"{key}:random", icon=":material/casino:", on_click=_random,
            args=(key, int(seed)), help="A uniform rotation g by seed; the seed counts on.",
        )  # fmt: skip
    return rotation_of(key)


def _random(key: str, seed: int) -> None:
    set_rotation(key, service.random_rotation(seed))
    st.session_state[f"{key}:seed"] = seed + 1


def _rotation_from_address(key: str, axis: str, degrees: float) -> None:
    number_from_address("angle", f"{key}:angle", 0.0, 180.0, float(degrees), "angle")
    wanted = arriving("axis")
    st.session_state.setdefault(f"{key}:axis", axis)
    if wanted in AXES:
        st.session_state[f"{key}:axis"] = wanted
    elif wanted is not None:
        parts = wanted.split(",")
        try:
            x, y, z = (float(part) for part in parts)
            if not 1e-6 < x * x + y * y + z * z < 1e6:
                raise ValueError
        except ValueError:
            tell(
                f"The link asks for the axis {wanted[:60]!r}; expected three numbers such as 1,0,0."
            )
            return
        st.session_state[f"{key}:own"], st.session_state[f"{key}:axis"] = (x, y, z), OWN


def axis_text(axis: tuple[float, float, float]) -> str:
    """The axis with two digits a component."""
    parts = (f"{part:.2f}".rstrip("0").rstrip(".").replace("0.", ".") for part in axis)
    return "(" + " ".join("0" if part == "-0" else part for part in parts) + ")"


def axis_in_address(key: str) -> str:
    """What the address says for the axis of `key`."""
    name = st.session_state.get(f"{key}:axis", OWN)
    return name if name != OWN else ",".join(map(repr, rotation_of(key)[0]))


def angle_in_address(key: str) -> str:
    """What the address says for the angle of `key`: all digits, so that a link shows the same."""
    return repr(rotation_of(key)[1]).removesuffix(".0")


NONE_YET = {
    "turns": "There is no run yet that claims to turn with its input.",
    "rigid": "There is no run yet that does not claim to turn with its input.",
}


def pair_of_runs(
    inputs: str, keys: tuple[str, str], defaults: tuple[str, str], places: tuple[Any, Any]
) -> list[str]:
    """One run that claims to turn with its input and one that does not, as far as there are any."""
    known = service.runs_on(inputs)
    kinds, parameters = ("turns", "rigid"), ("run", "beside")
    labels = ("Run (turns)", "beside (does not)")
    for parameter, kind in zip(parameters, kinds, strict=True):
        wanted = arriving(parameter)
        other = kinds[1 - kinds.index(kind)]
        if wanted in known[other]:
            tell(f"The run {wanted} stands in the other place: one that turns, one that does not.")
            st.session_state[keys[kinds.index(other)]] = wanted
    names = []
    for i, kind in enumerate(kinds):
        options = known[kind]
        if arriving(parameters[i]) not in known[kinds[1 - i]]:
            from_address(parameters[i], keys[i], options, defaults[i], "run")
        if not options:
            places[i].caption(NONE_YET[kind])
            continue
        if st.session_state.get(keys[i]) not in options:
            st.session_state[keys[i]] = defaults[i] if defaults[i] in options else options[0]
        names.append(str(places[i].selectbox(labels[i], options, key=keys[i])))
    return names


def side_by_side(*widths: int) -> list[Any]:
    """Places of these widths, in units of 290 pixels or more; one below another without room."""
    grid = st.grid(sum(widths), min_column_width=290, gap="medium")
    return [grid.cell(column_span=width) for width in widths]


def halves() -> list[Any]:
    """Two places side by side for charts; one below the other without room."""
    grid = st.grid(2, min_column_width=240)
    return [grid.cell(), grid.cell()]


def row_of(count: int) -> list[Any]:
    """Places for inputs in one row, or in several where there is no room."""
    grid = st.grid(count, min_column_width=160, gap="small", vertical_alignment="bottom")
    return [grid.cell() for _ in range(count)]
