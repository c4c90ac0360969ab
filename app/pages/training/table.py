"""All runs: those that wait, and the table of all, newest first."""

import time
from typing import Any
from urllib.parse import quote

import streamlit as st

from app.backend import form
from app.jobs import permission, runs
from app.jobs import queue as jobs_queue
from app.pages.training.followed import OPENS, STATES
from app.ui import address, words

ROWS = 5  # with more it scrolls: the chosen runs stay in sight


def queue(jobs: list[runs.Job]) -> None:
    """The runs that wait for their turn, with the means to reorder and remove them."""
    waiting = jobs_queue.waiting(jobs)
    if not waiting:
        return
    with st.container(border=True, gap="small"):
        busy = [job.name for job in jobs if job.live]
        st.markdown(f"**Queue** · {len(waiting)} waiting")
        most = jobs_queue.at_once()
        st.caption(
            f"{'One run trains' if most == 1 else f'{most} runs train'} at a time. "
            + (f"Now: {address.plain(', '.join(busy))}." if busy else "The next begins at once.")
        )
        for i, job in enumerate(waiting):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"{i + 1}\\. {address.plain(job.name)}")
                if not permission.granted():
                    continue
                if i and st.button(
                    "",
                    icon=":material/arrow_upward:",
                    key=f"training:up:{job.name}",
                    help=f"Move {job.name} up",
                    type="tertiary",
                ):
                    jobs_queue.move_up(job.name)
                    st.rerun()
                if st.button(
                    "",
                    icon=":material/close:",
                    key=f"training:out:{job.name}",
                    help=f"Remove {job.name} from the queue",
                    type="tertiary",
                ):
                    jobs_queue.remove(job.name)
                    st.rerun()


def table(jobs: list[runs.Job]) -> None:
    """The table of all runs with a filter; it follows what happens while one trains or waits."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.markdown("**All runs**", width="content")
        text = st.text_input(
            "Filter",
            placeholder="Filter by name, model or data",
            key="training:filter",
            label_visibility="collapsed",
            width=260,
        )
        here = [state for state in STATES if any(job.state == state for job in jobs)]
        states = st.pills(
            "State",
            here,
            selection_mode="multi",
            key="training:states",
            label_visibility="collapsed",
        )
    moving = any(job.live or job.state == "queued" for job in jobs)
    st.fragment(_rows, run_every=4 if moving else None)(text.strip().lower(), set(states or ()))


def _rows(text: str, states: set[str]) -> None:
    rows = [
        _row(job)
        for job in runs.list_all()
        if not states or job.state in states
        if all(word in _searched(job) for word in text.split())
    ]
    if not rows:
        st.caption("No run is like that.")
        return
    st.dataframe(
        rows,
        hide_index=True,
        height="auto" if len(rows) <= ROWS else 200,
        key="training:table",
        placeholder="",
        alt="All runs, newest first, with state and best error.",
        column_config={
            "open": st.column_config.LinkColumn(
                "open",
                display_text=":material/open_in_new:",
                width=50,
                help="Opens the run in the explorer in a new tab, also while it trains.",
            ),
            "Δ SO(3)": st.column_config.TextColumn(help="Δ_EQ under rotations at the last check."),
        },
    )


def _searched(job: runs.Job) -> str:
    parts = [job.name, job.state, *(str(job.config.get(k, "")) for k in ("model", "dataset"))]
    return " ".join(parts).lower()


def _row(job: runs.Job) -> dict[str, Any]:
    c = job.config
    page = OPENS.get(form.reads(c)) if job.loadable else None
    options = c.get("data_options")
    data = [c.get("dataset", ""), *(options.values() if isinstance(options, dict) else [])]
    data += [c["target"]] if job.metric == "MAE" and c.get("target") else []
    return {
        "run": job.name,
        "open": f"{page[0]}?run={quote(job.name)}" if page else None,
        "state": job.state,
        "model": c.get("model", ""),
        "data": " ".join(map(str, data)),
        "systems": "all" if c.get("train_size") is None else f"{c['train_size']}",
        "epochs": c.get("epochs"),
        "best valid": words.number(job.best),
        "test": words.number(job.test),
        "published": words.number(form.published(c)),
        "error": f"{job.metric}, {job.unit}" if job.metric else "",
        "Δ SO(3)": words.delta(job.delta["SO(3)"]) if "SO(3)" in job.delta else "–",
        "time": words.duration(job.seconds) if job.seconds else "–",
        "begun": time.strftime("%d %b %H:%M", time.localtime(job.started)) if job.started else "–",
    }
