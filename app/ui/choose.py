"""The choice of one run and of another beside it."""

from typing import Any

import streamlit as st

from app.backend import cached
from app.ui.address import arriving, from_address, tell

NONE_YET = {
    "turns": "There is no run yet that claims to turn with its input.",
    "rigid": "There is no run yet that does not claim to turn with its input.",
}


def pair_of_runs(
    inputs: str, keys: tuple[str, str], defaults: tuple[str, str], places: tuple[Any, Any]
) -> list[str]:
    """One run that claims to turn with its input and one that does not, as far as there are any."""
    known = cached.runs_on(inputs)
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
