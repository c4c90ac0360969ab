"""Data: what each set is, how its labels are spread, and its systems one by one."""

import random
from typing import Any

import streamlit as st

from app import service, viewer, widgets
from app.figures import data as figures
from app.viewer import scene as look

TITLE, ICON, ORDER, SECTION = "Data", ":material/database:", 40, "Train"
NAME, SPLIT, INDEX, PLAY = "data:name", "data:split", "data:index", "data:play"
SPLITS = ("train", "valid", "test")
USUAL = {"qm9": "homo"}  # the target that is shown first, where it is not the first one


def render() -> None:
    """The page: what is chosen, its systems and what it is, its numbers, where it comes from."""
    name, options, target = _choices()
    told = st.container()
    about = service.about_data(name)
    here = service.data_present(name, options)
    left, right = widgets.side_by_side(2, 1)
    with left:
        index = _browser(about, options, target) if here else _absent(about, options)
    with right:
        _about(about, options, target, here)
    if here:
        _numbers(about, options, target)
    else:
        _origin(about)
    with told:
        widgets.told()
    widgets.address(
        data=name, **dict(options), target=target, split=st.session_state.get(SPLIT), index=index
    )


def _choices() -> tuple[str, service.DataOptions, str]:
    """The data set, its options and the target."""
    names = service.data_names()
    widgets.from_address("data", NAME, names, "nbody", "data set")
    about = service.about_data(st.session_state[NAME])
    places = widgets.row_of(2 + len(about.options))
    titles = {name: service.about_data(name).title for name in names}
    places[0].selectbox("Data set", names, key=NAME, format_func=lambda n: titles[n])
    options = []
    for place, (option, values) in zip(places[1:], about.options.items()):
        key = f"data:{about.name}:{option}"
        widgets.from_address(option, key, values, values[0], option)
        options.append((option, str(place.selectbox(option.capitalize(), values, key=key))))
    key, targets = f"data:{about.name}:target", list(about.targets)
    widgets.from_address("target", key, targets, USUAL.get(about.name, targets[0]), "target")
    target = places[-1].selectbox(
        "Target", targets, key=key, format_func=lambda t: f"{t}, {about.targets[t][1]}"
    )
    return about.name, tuple(options), str(target)


# ---- systems one by one -----------------------------------------------------------------------


def _browser(about: Any, options: service.DataOptions, target: str) -> int:
    """One system in 3D with its labels; the number of it."""
    sizes = service.data_sizes(about.name, target, options)
    widgets.from_address("split", SPLIT, SPLITS, "train", "split")
    most = sizes[st.session_state[SPLIT]] - 1
    widgets.number_from_address("index", INDEX, 0, most, 0, "number of a system")
    st.session_state[INDEX] = min(st.session_state[INDEX], most)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control("Split", SPLITS, key=SPLIT, required=True)
        st.number_input(f"System, 0 to {most:,}", 0, most, key=INDEX, width=170)
        st.button("Previous", icon=":material/chevron_left:", on_click=_step, args=(-1, most),
                  shortcut="P", disabled=not most)  # fmt: skip
        st.button("Next", icon=":material/chevron_right:", on_click=_step, args=(1, most),
                  shortcut="N", disabled=not most)  # fmt: skip
        st.button("Random", icon=":material/casino:", on_click=_any, args=(most,),
                  shortcut="D", disabled=not most)  # fmt: skip
    split, index = st.session_state[SPLIT], int(st.session_state[INDEX])
    shown = service.data_system(about.name, split, target, index, options)
    _picture(about, shown, f"{about.name} {split} {index}", target)
    return index


def _step(by: int, most: int) -> None:
    st.session_state[INDEX] = (st.session_state[INDEX] + by) % (most + 1)


def _any(most: int) -> None:
    st.session_state[INDEX] = random.randint(0, most)


def _picture(about: Any, shown: Any, token: str, target: str) -> None:
    facts = " · ".join(f"{what} {value} {unit}".strip() for what, value, unit in shown.facts)
    items: list[Any] = []
    if shown.symbols is not None:
        items.append(look.Atoms(shown.symbols, shown.positions, shown.bonds))
    else:
        items += _particles(shown)
    if shown.forces is not None:
        unit = f"{about.targets[target][1]}/Å"
        items.append(
            look.Arrows(shown.positions, shown.forces, look.BLUE, "force", unit,
                        scale=look.arrow_scale(shown.forces, 1.5))
        )  # fmt: skip
    panel = look.Panel("x", items, about.title, caption=facts.replace("-", "−"))
    fit = shown.facts[0][1] if shown.symbols else token  # frames of a molecule keep their distance
    viewer.show([panel], key="data:viewer", height=460, fit=fit, alt=f"{token}: {facts}")


def _particles(shown: Any) -> list[Any]:
    reach = float(abs(shown.positions).max())
    size = min(0.5, max(0.05, 0.06 * reach))
    found: list[Any] = [look.Particles(shown.positions, shown.charges, label="now", radius=size)]
    if shown.velocities is not None:
        found.append(
            look.Arrows(shown.positions, shown.velocities, look.GREEN, "velocity",
                        "per time unit", width=0.2 * size)
        )  # fmt: skip
    if shown.ends is not None:
        found.append(
            look.Particles(shown.ends, shown.charges, ghost=True, label="target", radius=size)
        )
    return found


# ---- what it is -------------------------------------------------------------------------------


def _about(about: Any, options: service.DataOptions, target: str, here: bool) -> None:
    with st.container(border=True):
        st.markdown(f"**{widgets.plain(about.title)}**")
        st.markdown(widgets.plain(about.summary))
        rows = {
            "Size": f"{about.size / 1e6:,.0f} MB to download" if about.size else "made here",
            "On this machine": "yes" if here else "not yet",
        }
        if here:
            sizes = service.data_sizes(about.name, target, options)
            rows["Systems"] = ", ".join(f"{split} {sizes[split]:,}" for split in SPLITS)
        rows["Licence"] = about.licence
        rows["Units"] = ", ".join(
            what if unit == "1" else f"{what} in {unit}" for what, unit in about.units.items()
        )
        widgets.facts(rows)
        noted = [about.notes[value] for _, value in options if value in about.notes]
        for note in noted or [about.notes.get("", "")]:
            st.caption(widgets.plain(note))


def _absent(about: Any, options: service.DataOptions) -> None:
    """What to do when the set is not on this machine, and how far that is."""
    with st.container(border=True):
        work = service.data_getting(about.name, options)
        st.markdown(f"**{widgets.plain(about.title)} is not on this machine yet**")
        how = (
            f"It is downloaded once ({about.size / 1e6:,.0f} MB), checked against its published "
            "checksum, and kept in the data folder."
            if about.size
            else "It is generated once from its seed, which takes a minute or two, and kept in the "
            "data folder."
        )
        st.markdown(how + " The page stays usable meanwhile, and the work goes on without it.")
        if work is not None and work.state == "running":
            if st.button("Stop", icon=":material/stop:"):
                service.data_stop(about.name, options)
                st.rerun()
            st.fragment(_progress, run_every=1)(about.name, options)
            return
        if work is not None and work.state == "failed":
            st.warning(widgets.plain(work.words), icon=":material/cloud_off:")
        label = "Get it" if about.size else "Generate it"
        if st.button(label, type="primary", icon=":material/download:"):
            service.data_get(about.name, options)
            st.rerun()


def _progress(name: str, options: service.DataOptions) -> None:
    """How far getting the set is; the whole page is drawn again when that ends."""
    work = service.data_getting(name, options)
    if work is None or work.state != "running":
        st.rerun()
    st.progress(work.share or 0.0, f"{widgets.plain(work.words) or 'begun'} · {work.seconds:.0f} s")


# ---- numbers ----------------------------------------------------------------------------------


def _numbers(about: Any, options: service.DataOptions, target: str) -> None:
    """Histograms of the labels; what is published and what costs nothing."""
    left, right = widgets.side_by_side(1, 1)
    first, *others = service.data_spreads(about.name, target, options)
    with left:
        _spread(first, "data:spread:0")
        _origin(about)
    with right:
        _errors(about, options, target)
        for i, spread in enumerate(others, 1):
            _spread(spread, f"data:spread:{i}")


def _spread(spread: Any, key: str) -> None:
    far = abs(spread.mean) > 100 * spread.std > 0  # then the axis shows the difference
    label = f"{spread.label} from its mean" if far else spread.label
    zero = spread.mean if far else 0.0
    unit = f", {spread.unit}" if spread.unit else ""
    numbers = f"mean {_number(spread.mean)}, standard deviation {_number(spread.std)}, mean "
    numbers += f"deviation {_number(spread.mad)} {spread.unit}"
    with st.container(border=True):
        st.caption(f"Training split, {spread.number:,} values of {spread.label}: {numbers}")
        st.plotly_chart(
            figures.histogram(spread.counts, spread.edges - zero, spread.mean - zero, spread.mad,
                              label + unit, widgets.dark()),
            key=key, config={"displayModeBar": False}, alt=f"Histogram of {spread.label}: {numbers}.",
        )  # fmt: skip


def _errors(about: Any, options: service.DataOptions, target: str) -> None:
    """Test errors on one axis; baselines of another unit, which say so in brackets, below it."""
    metric = "MSE" if about.outputs[target] in ("positions", "state") else "MAE"
    unit = about.targets[target][1]
    unit = f"({unit})²" if metric == "MSE" else unit
    trivial = service.data_baselines(about.name, target, options)
    found = [(f"{n} (trivial)", "trivial", v) for n, v in trivial.items() if "(" not in n]
    if all(value == about.options[key][0] for key, value in options):
        found += [(n, "published", v) for n, v in about.published.get(target, {}).items()]
    found += [(f"run {n}", "run here", v) for n, v in _own(about, options, target)]
    shown = [row for row in found if row[2] > 0]
    other = [f"{name}: {_number(value)}" for name, value in trivial.items() if "(" in name]
    with st.container(border=True):
        st.caption(f"Test {metric}: what is published, what costs nothing, and the runs here")
        st.plotly_chart(
            figures.errors(shown, f"test {metric}, {unit}", dark=widgets.dark()),
            key="data:errors", config={"displayModeBar": False},
            alt="Errors, smallest first: "
            + ", ".join(f"{n} {v:.3g}" for n, _, v in sorted(shown, key=lambda row: row[2])),
        )  # fmt: skip
        if other:
            st.caption(widgets.plain("Trivial as well: " + ", ".join(other)))


def _own(about: Any, options: service.DataOptions, target: str) -> list[tuple[str, float]]:
    """The runs here on these data, with their test errors."""
    wanted = {key: value for key, value in options if value != about.options[key][0]}
    found = []
    for job in service.all_jobs():
        config = job.config
        same = config.get("dataset") == about.name and config.get("target") == target
        if same and job.test is not None and (config.get("data_options") or {}) == wanted:
            found.append((job.name, job.test))
    return found


def _number(value: float) -> str:
    if abs(value) < 1e-6:
        return "0"
    return (f"{value:,.1f}" if abs(value) >= 1e4 else f"{value:,.4g}").replace("-", "−")


# ---- where it comes from ----------------------------------------------------------------------


def _origin(about: Any) -> None:
    with st.container(border=True):
        st.caption("Cite as")
        st.code(about.citation, language=None, wrap_lines=True)
        with st.expander("Sources and checksums"):
            st.dataframe(list(about.sources), hide_index=True, alt="Addresses and checksums.")
