"""Training: start runs in processes of their own, follow and compare them, stop and open them."""

from typing import Any

import streamlit as st

from app.jobs import permission, runs, training
from app.pages.training import compared, curves, followed, new_run, table
from app.ui import address, layout, style

TITLE, ICON, ORDER, SECTION = "Training", ":material/model_training:", 30, "Train"
CHOSEN = "training:runs"


def render() -> None:
    """The page: all runs; below them the chosen runs on the left, a new run on the right."""
    style.heading(
        "Training",
        "How do runs get on? Each trains in a process of its own and keeps everything in its folder: it goes "
        "on when this page or the server is closed, and runs begun in a terminal appear here too.",
    )
    training.advance()
    jobs = runs.list_all()
    if chosen := st.session_state.pop("training:next", None):
        st.session_state[CHOSEN] = [chosen]
    _from_address([job.name for job in jobs])
    address.told()
    if jobs:
        table.table(jobs)
    left, right = layout.side_by_side(2, 1)  # on a narrow screen the form comes last
    with left:
        chosen = _choose(jobs) if jobs else []
        if chosen:
            followed.cards(chosen)
            compared.show([one.job for one in chosen])
            curves.curves(chosen)
        else:
            _nothing_yet(bool(jobs))
    with right:
        new_run.form()
        table.queue(jobs)
    address.address(run=",".join(one.job.name for one in chosen) or None)


def _from_address(names: list[str]) -> None:
    """Puts the runs that the address names, with a comma between, into the state of the choice."""
    state, wanted = st.session_state, address.arriving("run")
    before = state.get(CHOSEN)
    kept = [name for name in before or () if name in names]
    state[CHOSEN] = kept if kept or before == [] else names[:1]
    if not names:
        del state[CHOSEN]
    if wanted is None:
        return
    asked = list(dict.fromkeys(wanted.split(",")))
    here = [name for name in asked if name in names][: followed.MOST]
    if len(here) < len(asked):
        close = [address.closest(n, names) for n in asked if n not in names and len(n) < 100]
        here = list(dict.fromkeys([*here, *(n for n in close if n)]))[: followed.MOST]
        here = here or names[:1]
        shown = f"instead this is {', '.join(here)}" if here else "there is none yet"
        address.tell(f"The link asks for the run {wanted[:60]!r}, which is not here; {shown}.")
    if names:
        state[CHOSEN] = here


def _choose(jobs: list[runs.Job]) -> list[Any]:
    """The chosen runs, each with its place among the colours, which it keeps while it is chosen."""
    by_name = {job.name: job for job in jobs}
    names = st.multiselect(
        "Runs",
        list(by_name),
        key=CHOSEN,
        max_selections=followed.MOST,
        placeholder="Choose runs to follow and compare",
    )
    places = st.session_state.setdefault("training:places", {})
    for gone in set(places) - set(names):
        del places[gone]
    for name in names:
        if name not in places:
            places[name] = min(set(range(followed.MOST)) - set(places.values()))
    return [followed.Chosen(by_name[name], places[name]) for name in names]


def _nothing_yet(any_run: bool) -> None:
    with st.container(border=True):
        if any_run:
            st.markdown("**No run chosen**")
            st.markdown("Choose one or several above to see how they learn, and side by side.")
            return
        st.markdown("**No run yet**")
        if not permission.granted():
            st.markdown("Runs that the owner of this server trains appear here while they learn.")
            return
        st.markdown(
            "Start one in the form beside this. As the settings stand, a small network learns where five "
            "charged bodies will be 1,000 time steps later, from 300 examples, within two minutes. "
            "Its loss and its equivariance error Δ_EQ appear here while it learns."
        )
