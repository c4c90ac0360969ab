"""The form of a new run: what to learn from what, with usual settings and a measured time."""

from typing import Any

import streamlit as st

from app.backend import form as backend_form
from app.backend import own_sets
from app.jobs import estimate, runs, training
from app.pages.training.settings import LITTLE, MAIN, MORE, QUICK, Choice, Number
from app.ui import address, owner, words
from demetar.core.errors import InputError

OWN = "file"  # the data set of own files, kept on the Data page
FIRST = {"dataset": "nbody", "target": "homo", "model": "egnn"}  # chosen where it is among them


def fields() -> set[str]:
    """The settings that the form gives, apart from what is to be learnt from what."""
    return {*MAIN, *MORE, "augment", "connect", "model_config", "name"}


def form() -> None:
    """Draws the form; a press on its button starts the run, or lets it wait for its turn."""
    with st.container(border=True):
        st.markdown("**New run**")
        if not owner.only("starts, stops and deletes runs; you may follow, compare and open them"):
            return
        settings = _settings()
        _time(settings)
        busy = any(job.live for job in runs.list_all())
        label = "Add to the queue" if busy else "Start training"
        icon = ":material/playlist_add:" if busy else ":material/play_arrow:"
        if st.button(label, type="primary", width="stretch", icon=icon, key="training:start"):
            try:
                st.session_state["training:next"] = training.start(settings)
            except InputError as error:
                st.error(address.plain(str(error)))
            else:
                st.rerun()


def _settings() -> dict[str, Any]:
    what, options = _what()
    model, dataset, target = what["model"], what["dataset"], what["target"]
    usual = backend_form.recipe(model, dataset, target)
    quick, key = True, f"training:{dataset}:"
    if usual:
        size = st.segmented_control(
            "Size",
            ["quick look", "as shipped"],
            default="quick look",
            required=True,
            key="training:size",
            width="stretch",
            help=f"As shipped: the settings of {usual['name']}, which comes with Demetar.",
        )
        quick = size == "quick look"
    given = {**backend_form.settings(), **usual}
    given["ema"] = 0.99 if quick else given["ema"]  # few steps: a short memory
    given |= QUICK.get(dataset, LITTLE) if quick else {}
    key = f"training:{dataset}:" if quick else f"training:{dataset}:{model}:"
    data = backend_form.datasets()[dataset]
    most = backend_form.most(dataset, what["data_options"])
    left, right = st.columns(2)
    chosen = {
        name: _number(place, name, spec, given, key, most)
        for place, (name, spec) in zip((left, right), MAIN.items(), strict=True)
    }
    chosen["augment"] = _augment(key, model)
    return what | chosen | _more(given, key, model, data, most, _name(what, options))


def _what() -> tuple[dict[str, Any], dict[str, str]]:
    """Data set with its options, target and model."""
    datasets, kept = backend_form.datasets(), own_sets.found()
    left, right = st.columns(2)
    dataset = left.selectbox(
        "Data set",
        [n for n in _first(datasets, "dataset") if n != OWN or kept],
        key="training:dataset",
        format_func=lambda n: datasets[n].title,
    )
    known, key = datasets[dataset], f"training:{dataset}:"
    if dataset == OWN:
        return _own(kept, right, key)
    target = next(iter(known.targets))
    able = backend_form.models_for(dataset, target)
    if len(known.targets) > 1:
        target = st.selectbox(
            "Target",
            _first(known.targets, "target"),
            key=key + "target",
            format_func=lambda t: f"{t} ({known.targets[t].unit})",
        )
        able = backend_form.models_for(dataset, target)
    model = _model(right, able)
    options = {}
    for name, values in known.options.items():
        if len(values) > 1:
            options[name] = st.selectbox(name.capitalize(), values, key=key + name)
    unusual = {k: v for k, v in options.items() if v != known.options[k][0]}
    if size := backend_form.missing(dataset, options):
        st.caption(
            f":material/cloud_download: These data ({size / 1e6:,.0f} MB) are not here yet: fetch "
            f"them first with `demetar data get {dataset}`."
        )
    what = {"model": model, "dataset": dataset, "target": target, "data_options": unusual}
    return what, unusual


def _model(place: Any, able: list[str]) -> str:
    return place.selectbox(
        "Model",
        _first(able, "model"),
        format_func=lambda n: backend_form.models()[n],
        key="training:model",
    )


def _own(kept: dict[str, Any], place: Any, key: str) -> tuple[dict[str, Any], dict[str, str]]:
    """One of the own sets, whose target and units were said when it was kept."""
    own = kept[str(st.selectbox("Own set", list(kept), key=key + "own"))]
    model = _model(place, backend_form.models_for(OWN, own.target))
    what = {"model": model, "dataset": OWN, "target": own.target}
    return what | {"data_options": dict(own.options)}, {"own": own.name}


def _first(names: Any, what: str) -> list[str]:
    return sorted(names, key=lambda name: (name != FIRST[what], list(names).index(name)))


def _name(what: dict[str, Any], unusual: dict[str, str]) -> str:
    several = len(backend_form.datasets()[what["dataset"]].targets) > 1
    parts = [what["model"], what["dataset"], *([what["target"]] if several else [])]
    return runs.free_name("-".join([*parts, *unusual.values()])[:60])


def _number(place: Any, name: str, spec: Number, given: dict, key: str, most: dict) -> Any:
    """The input of a numeric setting, whole where its default is; `most` has limits of some."""
    high = most.get(name, spec.high)
    value = high if given.get(name) is None else given[name]
    kind = float if isinstance(value, float) else int
    low, high = kind(spec.low), kind(high)
    return kind(
        place.number_input(
            spec.label,
            low,
            high,
            min(max(kind(value), low), high),
            key=key + name,
            help=spec.help or None,
            step=kind(spec.step),
            format=None if kind is int else "%.5f" if name == "ema" else "%.1e",
        )
    )


def _augment(key: str, model: str) -> str:
    group = st.selectbox(
        "Augmentation",
        backend_form.allowed("augment"),
        key=key + "augment",
        format_func=lambda group: f"random elements of {group}" if group else "none",
        help="Another group element for every training system and step: teaches a symmetry by "
        "example to a model that does not know it.",
    )
    claim = backend_form.claim(model)
    said = f"{backend_form.models()[model]} is built for {claim} ({backend_form.meaning(claim)})."
    if group:
        said += f" Augmented by {group}: {backend_form.meaning(group)}, drawn anew at each step."
    st.caption(address.plain(said.replace(" x ", " × ")))
    return group


def _more(
    given: dict, key: str, model: str, data: backend_form.DataSet, most: dict[str, int], name: str
) -> dict[str, Any]:
    """The other settings, as far as they say something about these data."""
    with st.expander("More settings"):
        places = st.columns(2)
        here = {"", data.inputs, "forces" if data.forces else ""}
        found: dict[str, Any] = {}
        for setting, spec in MORE.items():
            if spec.when not in here | {found.get("schedule")}:
                continue
            place = places[len(found) % 2]
            if isinstance(spec, Choice):
                words = backend_form.allowed(setting)
                found[setting] = place.selectbox(
                    spec.label,
                    words,
                    words.index(given[setting]),
                    key=key + setting,
                    help=spec.help,
                    format_func=lambda word: word or "usual",
                )
            else:
                own = key if setting in LITTLE else f"{key}{model}:"
                found[setting] = _number(place, setting, spec, given, own, most)
        found["connect"] = _edges(key, data, given)
        found["model_config"] = _sizes(places, key, model, given)
        named = st.text_input("Name", placeholder=name, max_chars=64, key=key + "name").strip()
    return found | {"name": named or name}


def _edges(key: str, data: backend_form.DataSet, given: dict) -> Any:
    """Which pairs exchange messages: what the model's authors join, bonds, or all near ones."""
    choices = ["usual", *(["bonds"] if data.inputs == "atoms" else []), "cutoff"]
    shipped = given["connect"]
    start = "usual" if shipped is None else "bonds" if shipped == "bonds" else "cutoff"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Edges",
            choices,
            choices.index(start),
            key=key + "connect",
            help="Which pairs exchange messages. Usual: what the model's authors join, mostly all.",
        )
        if chosen != "cutoff":
            return None if chosen == "usual" else chosen
        value = float(shipped) if isinstance(shipped, int | float) else 3.0
        return float(
            st.number_input(
                "Cutoff", 0.1, 100.0, value, 0.5, key=key + "cutoff", help="Å, or scene units"
            )
        )


def _sizes(places: Any, key: str, model: str, given: dict) -> dict[str, int]:
    """The model's own width, depth and the like, as far as they differ from its defaults."""
    found = {}
    shipped = given.get("model_config") or {}
    for i, (name, usual) in enumerate(backend_form.sizes(model).items()):
        now = places[(i + 1) % 2].number_input(
            name.replace("_", " ").capitalize(),
            0,
            4096,
            int(shipped.get(name, usual)),
            key=f"{key}{model}:{name}",
        )
        if now != usual:
            found[name] = int(now)
    return found


def _time(settings: dict[str, Any]) -> None:
    """What the training will take, from what was measured, and the means to measure it."""
    try:
        found = estimate.estimate(settings)
    except InputError as error:
        st.caption(address.plain(str(error)))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if found is not None:
            st.caption(
                f"About **{words.duration(found.seconds)}** if nothing else runs: "
                f"{address.plain(found.basis)}."
            )
            return
        st.caption("Nothing like it was trained on this machine yet.")
        timed = st.button(
            "Time its first steps", type="tertiary", icon=":material/timer:", key="training:time"
        )
    if timed:
        with st.spinner("Training the first steps"):
            try:
                found = estimate.time_first_steps(settings)
            except InputError as error:
                st.error(address.plain(str(error)))
                return
        if found is None:
            st.caption("Not even the first steps were done in a minute and a half.")
        else:
            st.rerun()
