"""The curves of the chosen runs: live, on log axes, with ranges that stay as they were set."""

from typing import Any

import streamlit as st

from app.backend import cached, form
from app.figures import training
from app.jobs.runs import Job, list_all
from app.ui import layout, words

EVERY = 3.0  # s between two looks at a run that trains; at 2 s one answer in 20 took over 500 ms
PLOTS = {
    "loss": "Loss", "delta": "Δ_EQ", "share": "Equivariance share", "rate": "Learning rate",
    "speed": "Throughput", "waste": "Waste",
}  # fmt: skip
FIRST = ("loss", "delta", "rate", "speed")  # each further figure slows the page while a run trains
DECADES = {
    "loss": (-8, 6), "delta": (-17, 3), "share": (-17, 1), "rate": (-8, 1), "speed": (-2, 6),
    "waste": (-5, 1),
}  # fmt: skip
X = {"epoch": "epochs", "step": "steps", "minutes": "minutes"}
QUIET = {"displayModeBar": False}


def curves(chosen: list[Any]) -> None:
    """Controls of the view, and below them the figures, drawn again while a run trains.

    All of it is one fragment: another axis draws the figures again, not the page.
    """
    live = any(one.job.live for one in chosen)
    draw = st.fragment(_view, run_every=EVERY if live else None)
    draw([(one.job.name, one.place) for one in chosen])


def _view(names: list[tuple[str, int]]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        along = st.segmented_control(
            "Along",
            list(X),
            default="epoch",
            required=True,
            key="training:x",
            format_func=X.__getitem__,
            label_visibility="collapsed",
        )
        views = _axes(along)
        held = st.toggle(
            "Hold the curves",
            key="training:hold",
            help="Keeps the picture as it is while you look at it. The training goes on.",
        )
    plots = st.pills(
        "Figures",
        list(PLOTS),
        default=FIRST,
        key="training:plots",
        selection_mode="multi",
        format_func=PLOTS.__getitem__,
        label_visibility="collapsed",
    )
    if not held:
        st.session_state.pop("training:held", None)
    _figures(names, {plot: views[plot] for plot in PLOTS if plot in plots}, held)


def _axes(along: str) -> dict[str, training.View]:
    """What part of each figure is shown; every control at its full range means: all that there is."""
    with st.popover("Axes", icon=":material/straighten:", type="tertiary"):
        st.caption("Log axes. A control at its full range follows the data.")
        low, high = st.slider(
            "Part of the training", 0, 100, (0, 100), 5, format="%d %%", key="training:span"
        )
        span = (low / 100, max(high, low + 5) / 100)
        views = {}
        for plot, title in PLOTS.items():
            ends = DECADES[plot]
            found = st.slider(
                f"{title}, powers of ten",
                *ends,
                ends,
                key=f"training:decades:{plot}",
                format="10^%d",
            )
            whole = found == ends or found[0] == found[1]
            views[plot] = training.View(along, span, None if whole else found)
        st.button("Reset axes", on_click=_reset, icon=":material/restart_alt:", type="tertiary")
    return views


def _reset() -> None:
    st.session_state["training:span"] = (0, 100)
    for plot, ends in DECADES.items():
        st.session_state[f"training:decades:{plot}"] = ends


def _series(names: list[tuple[str, int]], held: bool) -> tuple[list[Job], list[Any]]:
    """The runs and their evaluations, now or as they were when they were held."""
    kept = st.session_state.get("training:held")
    if held and kept and kept[0] == names:
        return kept[1]
    jobs = [cached.job(name) for name, _ in names]
    found = [
        training.Series(
            job.name, place, training.thinned(cached.evaluations(job.name)), _batch(job.config)
        )
        for job, (_, place) in zip(jobs, names, strict=True)
    ]
    if held:
        st.session_state["training:held"] = (names, (jobs, found))
    return jobs, found


def _batch(config: dict[str, Any]) -> int:
    sizes = [config.get(key) for key in ("batch_size", "train_size")]
    return min((size for size in sizes if isinstance(size, int) and size > 0), default=1)


def _figures(names: list[tuple[str, int]], views: dict[str, training.View], held: bool) -> None:
    known = {job.name for job in list_all()}
    jobs, runs = _series([one for one in names if one[0] in known], held)
    drawn = [run for run in runs if run.lines]
    if not drawn:
        st.caption("The curves begin with the first check of the validation systems.")
        return
    dark = layout.dark()
    errors, units = ({job.metric for job in jobs}, {job.unit for job in jobs})
    error = errors.pop() if len(errors) == 1 else "error"
    unit = units.pop() if len(units) == 1 else "each in its own unit"
    levels = _levels(jobs)
    groups = training.groups(drawn)
    places = st.grid(2, min_column_width=330, gap="small")
    last = ", ".join(
        f"{job.name} {g} {words.delta(d)}" for job in jobs for g, d in job.delta.items()
    )
    best = ", ".join(f"{job.name} {words.number(job.best)}" for job in jobs)
    known = {
        "loss": (
            f"Loss and validation {error}{', ' * bool(unit)}{unit}",
            f"Training loss and validation {error}; best so far: {best} {unit}.",
            lambda view: training.loss(drawn, view, error, levels, dark),
        ),
        "delta": (
            "Equivariance error Δ_EQ, median over group elements",
            f"Δ_EQ at the last check: {last}.",
            lambda view: training.delta(drawn, view, groups, dark),
        ),
        "share": (
            "Equivariance share of the squared loss",
            "The share of the squared error that averaging over each group would remove.",
            lambda view: training.delta(drawn, view, groups, dark, "share"),
        ),
        "rate": (
            "Learning rate",
            "The learning rate of each run on a log axis.",
            lambda view: training.rate(drawn, view, dark),
        ),
        "speed": (
            "Throughput, systems per second",
            "Training systems per second of each run on a log axis.",
            lambda view: training.speed(drawn, view, dark),
        ),
        "waste": (
            "Waste: padding in the batches, waiting for input (thin)",
            "The share of padding in the batches, and of the time spent waiting for input.",
            lambda view: training.waste(drawn, view, dark),
        ),
    }
    for plot, view in views.items():
        key = {"share": "share", "waste": "padding", "delta": "delta"}.get(plot)
        if key and not any(line.get(key) for run in drawn for line in run.lines):
            continue  # runs of older versions and of data without a group to measure
        title, alt, draw = known[plot]
        _plot(places, plot, title, draw(view), alt)


def _plot(places: Any, key: str, title: str, figure: Any, alt: str) -> None:
    with places.container(gap=None):
        st.caption(title)
        st.plotly_chart(figure, key=f"training:plot:{key}", alt=alt, config=QUIET)


def _levels(jobs: list[Job]) -> dict[str, float]:
    """What papers report, for one run alone or for runs of one model and task."""
    found = {form.published(job.config) for job in jobs}
    level = found.pop()
    return {} if level is None or found else {"published": level}
