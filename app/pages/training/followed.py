"""The chosen runs: state, progress, numbers, and what can be done with each."""

import time
from typing import Any, NamedTuple
from urllib.parse import quote

import streamlit as st

from app.backend import cached, form
from app.figures import training
from app.jobs import estimate, permission, queue, runs
from app.jobs import training as jobs
from app.ui import address, layout, words
from demetar.core.errors import InputError

MOST = 6  # runs at a time: as many as there are colours
OPENS = {"particles": ("nbody", "N-body"), "atoms": ("molecule", "Molecule")}
STATES: dict[str, tuple[Any, str]] = {
    "queued": ("violet", ":material/schedule:"),
    "starting": ("gray", ":material/hourglass_top:"),
    "running": ("blue", ":material/play_arrow:"),
    "finished": ("green", ":material/check:"),
    "paused": ("orange", ":material/pause:"),
    "stopped": ("orange", ":material/stop:"),
    "lost": ("red", ":material/signal_disconnected:"),
    "failed": ("red", ":material/error:"),
    "damaged": ("red", ":material/broken_image:"),
    "shipped": ("gray", ":material/inventory_2:"),
}
RESUMABLE = ("paused", "stopped", "lost", "failed")
DASHES = {
    "solid": "", "dash": "7 4", "dot": "2 3", "dashdot": "7 3 2 3", "longdash": "11 4",
    "longdashdot": "11 3 2 3",
}  # fmt: skip


class Chosen(NamedTuple):
    """A run and its place among the colours and dashes."""

    job: runs.Job
    place: int


def cards(chosen: list[Chosen]) -> None:
    """A card for each run; with one run alone its numbers too."""
    for one in chosen:
        with st.container(border=True, gap="small", key=f"training:card:{one.place}"):
            watched = one.job.live or one.job.state == "queued"
            live = st.fragment(_live, run_every=1.5 if watched else None)
            live(one.job.name, one.job.state, one.place, len(chosen) == 1)
            _buttons(one.job)


def swatch(place: int) -> str:
    """A short line in the run's colour and dash."""
    hue, dash = training.style(place, layout.dark())
    drawn = (
        "<svg xmlns='http://www.w3.org/2000/svg' width='34' height='10'><line x1='1' y1='5' x2='33' "
        f"y2='5' stroke='{hue}' stroke-width='3' stroke-dasharray='{DASHES[dash]}'/></svg>"
    )
    return f'<img alt="{dash} line" width="34" height="10" src="data:image/svg+xml,{quote(drawn)}">'


def _live(name: str, drawn_as: str, place: int, alone: bool) -> None:
    """What moves while a run trains; the whole page is drawn again when its state changes."""
    jobs.advance()
    try:
        job = cached.job(name)
    except InputError:  # deleted in another window
        st.rerun()
    if job.state != drawn_as:
        st.rerun()
    color, icon = STATES[job.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(swatch(place), width="content")
        st.markdown(f"**{address.plain(name)}**", width="content")
        st.badge(job.state, icon=icon, color=color)
        st.caption(address.plain(_said(job)))
    for text in job.remarks:
        st.info(address.plain(text), icon=":material/info:")
    if job.live or 0 < job.step < job.steps:
        st.progress(min(1.0, job.step / job.steps) if job.steps else 0.0)
    if alone:
        _numbers(job)


def _numbers(job: runs.Job) -> None:
    published = form.published(job.config)
    lines = cached.evaluations(job.name)
    places = st.grid(5, min_column_width=112, gap="small")
    forces = f"; forces {words.number(job.forces)} {job.unit}/Å" if job.forces else ""
    places.metric(f"Best valid {job.metric}", words.number(job.best), help=f"in {job.unit}{forces}")
    group = "SO(3)" if "SO(3)" in job.delta else next(iter(job.delta), "SO(3)")
    places.metric(
        f"Δ_EQ, {group}",
        words.delta(job.delta[group]) if job.delta else "–",
        help="Equivariance error at the last check, median over held-out group elements.",
    )
    places.metric(
        f"Published {job.metric}",
        words.number(published),
        help="From the paper, on the test split and after the paper's full training: 3,000 systems "
        "for N-body. A short run does not reach it.",
    )
    places.metric("Epoch", f"{lines[-1]['epoch']:.0f}" if lines else "–", help="at the last check")
    places.metric(
        "Time", words.duration(job.seconds) if job.seconds else "–", help="of training so far"
    )


def _said(job: runs.Job) -> str:
    if job.state == "queued":
        order = [one.name for one in queue.waiting()]
        place = order.index(job.name) + 1 if job.name in order else 1
        return f"number {place} of {len(order)} in the queue"
    if job.state == "running" and job.steps and (job.step or not job.message):
        left = estimate.left(job)
        rest = f", about {words.duration(left)} left" if left else ""
        return f"step {job.step:,} of {job.steps:,}{rest}"
    if job.state == "shipped":
        return "comes with Demetar"
    when = time.strftime("%d %b %H:%M", time.localtime(job.started)) if job.started else ""
    steps = f"step {job.step:,} of {job.steps:,}" if job.steps else ""
    return " · ".join(part for part in (steps, job.message, when) if part)


def _buttons(job: runs.Job) -> None:
    """What can be done with a run in its state."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        page = OPENS.get(form.reads(job.config))
        if job.loadable and page:
            address.link(f"Open in {page[1]}", page[0], ":material/open_in_new:", run=job.name)
        mine = permission.granted()
        if not mine:
            pass
        elif job.live or (job.state == "lost" and jobs.at_work(job.name)):
            if job.live:
                _button(job, "Pause", ":material/pause:", jobs.pause, "Pausing")
            _button(job, "Stop", ":material/stop:", jobs.stop, "Stopping")
        elif job.state == "queued":
            if queue.waiting()[0].name != job.name:
                _button(job, "Move up", ":material/arrow_upward:", queue.move_up)
            _button(job, "Remove from queue", ":material/playlist_remove:", queue.remove)
        elif job.state in RESUMABLE:
            _button(job, "Resume", ":material/play_arrow:", jobs.resume)
        if job.config and job.state != "queued":
            st.download_button(
                "Download",
                lambda: cached.archive(job.name),
                f"{job.name}.zip",
                "application/zip",
                key=f"training:download:{job.name}",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
                help="A zip: settings, parameters, metrics, results, card. Arrays, no pickle.",
            )
        at_rest = mine and job.state not in ("shipped", "queued") and not job.live
        if at_rest and st.button(
            "Delete", icon=":material/delete:", key=f"training:delete:{job.name}", type="tertiary"
        ):
            _ask_to_delete(job)


def _button(job: runs.Job, label: str, icon: str, call: Any, doing: str = "") -> None:
    if st.button(label, icon=icon, key=f"training:{label}:{job.name}"):
        if doing:
            with st.spinner(doing):
                call(job.name)
        else:
            call(job.name)
        st.rerun()


def _ask_to_delete(job: runs.Job) -> None:
    @st.dialog("Delete this run?", icon=":material/delete:")
    def ask() -> None:
        st.markdown(
            f"**{address.plain(job.name)}**, its parameters and its checkpoint will be gone for good."
        )
        with st.container(horizontal=True, horizontal_alignment="right"):
            if st.button("Keep it", key="training:keep"):
                st.rerun()
            if st.button(
                "Delete for good",
                type="primary",
                key="training:gone",
                on_click=_delete,
                args=(job.name,),
            ):
                st.rerun()

    ask()


def _delete(name: str) -> None:
    try:
        jobs.delete(name)
    except InputError as error:  # it began to train in another window
        address.tell(str(error))
