"""A page's state in its address, so that it can be shared, and the guard about a page.

`arriving` reads the address once, when the page is opened; `address` keeps it up to date. A value
that makes no sense leaves a sentence (`tell`) and the default.
"""

import contextlib
import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import streamlit as st

from app.live import activity
from demetar.core.errors import InputError


def guarded(name: str, render: Callable[[], None]) -> Callable[[], None]:
    """The page as a function that shows an InputError as its sentence, never as a traceback."""

    def page() -> None:
        state = st.session_state
        if state.get("page") != name:
            state["page"], state["arrived"], state["told"] = name, st.query_params.to_dict(), []
            state.pop("addressed", None)
            leave_scene()
        else:
            state["arrived"] = {}
        try:
            with activity.visitor():
                render()
        except InputError as error:
            st.error(plain(str(error)), icon=":material/error:")

    return page


@contextlib.contextmanager
def scene(page: str, parameters: Mapping[str, str] | None) -> Iterator[None]:
    """Inside it a page can be drawn as a part of another one.

    It reads `parameters` as the address with which it was just opened (None: it was opened before), and
    leaves the real address alone, also in its fragments, until `leave_scene`.
    """
    state = st.session_state
    outside = state.get("arrived", {})
    state["arrived"], state["scene"] = dict(parameters or {}), page
    try:
        yield
    finally:
        state["arrived"] = outside


def leave_scene() -> None:
    """Lets the page that is drawn say the address again."""
    st.session_state.pop("scene", None)


def just_opened() -> bool:
    """Whether the page is drawn for the first time since it was opened; until it says its address."""
    return "addressed" not in st.session_state


def plain(text: str) -> str:
    """The text with everything escaped that Markdown would act on: names and files come from anyone."""
    return "".join("\\" + c if c in "\\`*_{}[]()#+-.!|<>~$:" else c for c in text)


def tell(sentence: str) -> None:
    """Notes a sentence about the address for `told`."""
    st.session_state.setdefault("told", []).append(sentence)


def told() -> None:
    """Shows what was noted about the address in one sentence, until something else is chosen."""
    known = list(dict.fromkeys(st.session_state.get("told", [])))
    if not known:
        return
    rest = len(known) - 1
    more = f", and for {rest} more that {'is' if rest == 1 else 'are'} not here" if rest else ""
    st.info(plain(f"{known[0].removesuffix('.')}{more}."), icon=":material/info:")


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


def switch_from_address(parameter: str, key: str, what: str) -> None:
    """Puts whether something is shown into the widget state `key`: the address says "on" or nothing."""
    # Set in every run, it is kept while the switch is not drawn.
    st.session_state[key] = bool(st.session_state.get(key))
    wanted = arriving(parameter)
    if wanted is None:
        return
    st.session_state[key] = wanted == "on"
    if wanted != "on":
        tell(f"The link asks for the {what} {wanted[:60]!r}; expected on, so it is off.")


def switch_in_address(key: str) -> str | None:
    """What the address says of such a switch."""
    return "on" if st.session_state.get(key) else None


def address(**values: Any) -> None:
    """Makes the page's address say these values (None: left out); nothing from inside a `scene`."""
    if "scene" in st.session_state:
        return
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
