"""Training: start a run in a process of its own, follow its loss and Δ_EQ, stop it, open it."""

import time
from typing import Any

import streamlit as st

from app import service, widgets
from app.figures import curves
from demetar.errors import InputError

TITLE, ICON, ORDER, SECTION = "Training", ":material/model_training:", 30, "Train"
# Small enough to finish in about a minute on two cores; `most` is the size of the training split.
SMALL = {
    "nbody": {"train": 300, "valid": 300, "epochs": 30, "batch": 25, "every": 2, "most": 10_000},
    "qm9": {"train": 1000, "valid": 500, "epochs": 10, "batch": 50, "every": 1, "most": 100_000},
}
FOLLOW = "training:run"
OPENS = {"particles": ("nbody", "the N-body page"), "atoms": ("molecule", "the Molecule page")}
STATES: dict[str, tuple[Any, str]] = {
    "starting": ("gray", ":material/hourglass_top:"),
    "running": ("blue", ":material/play_arrow:"),
    "finished": ("green", ":material/check:"),
    "stopped": ("orange", ":material/pause:"),
    "lost": ("red", ":material/signal_disconnected:"),
    "failed": ("red", ":material/error:"),
    "damaged": ("red", ":material/broken_image:"),
    "shipped": ("gray", ":material/inventory_2:"),
}


def render() -> None:
    """The page: a new run on the left, the followed run on the right, all runs below."""
    st.caption(
        "A run trains in a process of its own and keeps everything in its folder: it goes on when "
        "this page or the server is closed, and runs begun in a terminal appear here too."
    )
    jobs = service.all_jobs()
    names = [job.name for job in jobs]
    if chosen := st.session_state.pop("training:next", None):
        st.session_state[FOLLOW] = chosen
    widgets.from_address("run", FOLLOW, names, names[0] if names else None, "run")
    widgets.told()
    left, right = widgets.side_by_side(1, 2)
    with left:
        _new()
    with right:
        if names:
            _followed(jobs)
        else:
            _nothing_yet()
    if names:
        busy = any(job.live for job in jobs)
        st.fragment(_table, run_every=4 if busy else None)()
    widgets.address(run=st.session_state.get(FOLLOW))


def _nothing_yet() -> None:
    with st.container(border=True):
        st.markdown("**No run yet**")
        st.markdown(
            "Start one on the left. As the settings stand, a small network learns where five "
            "charged bodies will be 1,000 time steps later, from 300 examples, within two minutes. "
            "Its loss and its equivariance error Δ_EQ appear here while it learns."
        )


def _new() -> None:
    """The form of a new run with a rough estimate of its time."""
    with st.container(border=True):
        st.markdown("**New run**")
        settings = _settings()
        seconds, basis = service.estimate(settings)
        st.caption(f"Roughly {_duration(seconds)} ({basis}).")
        if st.button(
            "Start training", type="primary", width="stretch", icon=":material/play_arrow:"
        ):
            try:
                st.session_state["training:next"] = service.start(settings)
            except InputError as error:
                st.error(widgets.plain(str(error)))
            else:
                st.rerun()


def _settings() -> dict[str, Any]:
    models, datasets = service.models(), service.datasets()
    names = sorted(models, key=lambda name: (name != "egnn", name))
    one, two = st.columns(2)
    model = one.selectbox("Model", names, format_func=lambda n: models[n], key="training:model")
    known = sorted(datasets, key=lambda name: (name != "nbody", name))
    dataset = two.selectbox("Data set", known, key="training:dataset")
    targets = datasets[dataset]
    small, key = SMALL.get(dataset, SMALL["qm9"]), f"training:{dataset}:"
    options = {}
    if dataset == "nbody":
        law = st.segmented_control(
            "Force law", ["published", "clean"], default="published", required=True, key=key + "law",
            help="The published benchmark limits each component of the force, which breaks rotation "
            "symmetry; the clean law is softened instead and turns with the scene.",
        )  # fmt: skip
        options = {} if law == "published" else {"variant": law}
    target = next(iter(targets))
    if len(targets) > 1:
        target = st.selectbox(
            "Target", list(targets), format_func=lambda t: f"{t} ({targets[t]})", key=key + "target",
            index=list(targets).index("homo") if "homo" in targets else 0,
        )  # fmt: skip
    one, two = st.columns(2)
    train = one.number_input(
        "Training systems", 10, small["most"], small["train"], key=key + "train"
    )
    epochs = two.number_input("Epochs", 1, 10_000, small["epochs"], key=key + "epochs")
    return {
        "model": model, "dataset": dataset, "target": target, "data_options": options,
        "train_size": int(train), "epochs": int(epochs),
        **_more(small, key, _name(model, dataset, target, targets, options)),
    }  # fmt: skip


def _name(model: str, dataset: str, target: str, targets: dict, options: dict) -> str:
    parts = [model, dataset, *([target] if len(targets) > 1 else []), *options.values()]
    return service.free_name("-".join(parts))


def _more(small: dict[str, int], key: str, name: str) -> dict[str, Any]:
    with st.expander("More settings"):
        one, two = st.columns(2)
        given = {
            "batch_size": int(
                one.number_input("Batch size", 1, 1000, small["batch"], key=key + "batch")
            ),
            "learning_rate": float(
                two.number_input(
                    "Learning rate", 1e-6, 1.0, 1e-3, format="%.1e", step=1e-4, key=key + "rate"
                )
            ),
            "valid_size": int(
                one.number_input("Validation systems", 10, 2000, small["valid"], key=key + "valid")
            ),
            "evaluate_every": int(
                two.number_input("Epochs between checks", 1, 1000, small["every"], key=key + "every")
            ),
            "seed": int(one.number_input("Seed", 0, 2**31 - 1, 0, key=key + "seed")),
            "ema": float(
                two.number_input(
                    "Averaging of weights", 0.0, 0.9999, 0.99, format="%.4f", step=0.001,
                    key=key + "ema", help="Share of the old average kept at each step.",
                )
            ),
        }  # fmt: skip
        given["augment"] = st.toggle(
            "Rotate every batch at random", key=key + "augment",
            help="Teaches rotations by example to a model that does not know them.",
        )  # fmt: skip
        named = st.text_input("Name", placeholder=name, max_chars=64, key=key + "name").strip()
    return given | {"name": named or name}


def _followed(jobs: list[service.Job]) -> None:
    """The chosen run: its state, what can be done with it, its curves."""
    by_name = {job.name: job for job in jobs}
    with st.container(border=True):
        one, two = st.columns([3, 1], vertical_alignment="bottom")
        name = one.selectbox(
            "Run", list(by_name), key=FOLLOW, format_func=lambda n: f"{n} · {by_name[n].state}"
        )
        job = by_name[name]
        with two:
            _buttons(job)
        live = st.fragment(_live, run_every=1.5 if job.live else None)
        live(name, job.state)
        page = OPENS.get(service.reads(job.config))
        if job.loadable and page:
            widgets.link(f"Open in {page[1]}", page[0], ":material/open_in_new:", run=name)


def _buttons(job: service.Job) -> None:
    if job.live or (job.state == "lost" and service.at_work(job.name)):
        if st.button("Stop", icon=":material/stop:", width="stretch"):
            with st.spinner("Stopping"):
                service.stop(job.name)
            st.rerun()
    elif job.state in ("stopped", "lost", "failed"):
        if st.button("Resume", icon=":material/play_arrow:", width="stretch"):
            service.resume(job.name)
            st.rerun()


def _live(name: str, drawn_as: str) -> None:
    """What moves while a run trains; the whole page is drawn again when its state changes."""
    job = service.job(name)
    if job.state != drawn_as:
        st.rerun()
    color, icon = STATES[job.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(job.state, icon=icon, color=color)  # pyright: ignore[reportArgumentType]
        st.caption(widgets.plain(_words(job)))
    if job.live or 0 < job.step < job.steps:
        st.progress(min(1.0, job.step / job.steps) if job.steps else 0.0)
    lines = service.evaluations(name)
    published = service.published(job.config)
    numbers = st.grid(4, min_column_width=135)
    numbers.metric(f"Best valid {job.metric}", _number(job.best), help=f"in {job.unit}")
    numbers.metric(
        f"Published {job.metric}", _number(published),
        help="From the paper, on the test split and after the paper's full training: 3,000 systems "
        "for N-body. A short run does not reach it.",
    )  # fmt: skip
    numbers.metric("Epoch", f"{lines[-1]['epoch']:.0f}" if lines else "–", help="at the last check")
    numbers.metric(
        "Time", _duration(job.seconds) if job.seconds else "–", help="of training so far"
    )
    if not lines:
        st.caption("The curves begin with the first check of the validation systems.")
        return
    dark = widgets.dark()
    left, right = widgets.halves()
    alt = f"Training loss and validation {job.metric}: best {_number(job.best)} {job.unit}."
    left.plotly_chart(
        curves.loss(lines, job.metric, job.unit, published, dark), key=f"loss:{name}", alt=alt,
        config={"displayModeBar": False},
    )  # fmt: skip
    delta = ", ".join(f"{g} {d:.1e}" for g, d in lines[-1].get("delta", {}).items())
    right.plotly_chart(
        curves.delta(lines, dark), key=f"delta:{name}", alt=f"Δ_EQ at the last check: {delta}.",
        config={"displayModeBar": False},
    )  # fmt: skip


def _words(job: service.Job) -> str:
    if job.state == "running" and job.steps:
        rate = job.seconds / job.step if job.step and job.seconds else 0.0
        left = f", about {_duration(rate * (job.steps - job.step))} left" if rate else ""
        return f"step {job.step:,} of {job.steps:,}{left}"
    if job.state == "shipped":
        return "comes with Demetar"
    when = time.strftime("%d %b %H:%M", time.localtime(job.started)) if job.started else ""
    steps = f"step {job.step:,} of {job.steps:,}" if job.steps else ""
    return " · ".join(part for part in (steps, job.message, when) if part)


def _table() -> None:
    """All runs, newest first."""
    jobs = service.all_jobs()
    rows = [
        {
            "run": job.name,
            "state": job.state,
            "model": job.config.get("model", ""),
            "data": job.config.get("dataset", ""),
            "systems": job.config.get("train_size"),
            "epochs": job.config.get("epochs"),
            "error": f"{job.metric}, {job.unit}" if job.metric else "",
            "best valid": _number(job.best),
            "test": _number(job.test),
            "published": _number(service.published(job.config)),
            "time": _duration(job.seconds) if job.seconds else "–",
            "begun": time.strftime("%d %b %H:%M", time.localtime(job.started))
            if job.started
            else "–",
        }
        for job in jobs
    ]
    st.markdown("**All runs**")
    st.dataframe(rows, hide_index=True, alt="All runs, newest first, with state and best error.")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds, -1 if seconds > 20 else 0)):.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
