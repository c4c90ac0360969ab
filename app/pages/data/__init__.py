"""Data: what each set is, how its labels are spread, and its systems one by one."""

import random
from typing import Any

import streamlit as st

from app import viewer
from app.backend import datasets
from app.figures import data as figures
from app.jobs import downloads
from app.pages.data import laws, numbers, own
from app.ui import address, layout, owner, readouts, style
from app.viewer import scene as look

TITLE, ICON, ORDER, SECTION = "Data", ":material/database:", 40, "Train"
NAME, SPLIT, INDEX, PLAY = "data:name", "data:split", "data:index", "data:play"
OWN = "file"  # the data set of own files
SPLITS = ("train", "valid", "test")
USUAL = {"qm9": "homo"}  # the target that is shown first, where it is not the first one


def render() -> None:
    """The page: what is chosen, its systems and what it is, its numbers, where it comes from."""
    style.heading(
        "Data", "What are models trained on, and does it keep the symmetry that they claim?"
    )
    name, options, target = _choices()
    told = st.container()
    about = datasets.about(name)
    here = datasets.present(name, options)
    index = None
    left, right = layout.side_by_side(2, 1)
    with left:
        if here:
            index = _browser(about, options, target)
        elif name != OWN:
            _absent(about, options)
        if name == OWN:
            own.add(first=not here)
    with right:
        _about(about, options, target, here)
    if here:
        numbers.show(about, options, target)
        if about.name == "nbody":
            laws.show(dict(options)["variant"])
    else:
        numbers.origin(about)
    with told:
        address.told()
    chosen = {"own": st.session_state.get(own.SET)} if name == OWN else dict(options)
    split = st.session_state.get(SPLIT) if here else None
    address.address(data=name, **chosen, target=target, split=split, index=index)


def _choices() -> tuple[str, datasets.Options, str]:
    """The data set, its options and the target."""
    names = datasets.names()
    address.from_address("data", NAME, names, "nbody", "data set")
    about = datasets.about(st.session_state[NAME])
    if about.name == OWN:
        return _own_choices(names)
    places = layout.row_of(2 + len(about.options))
    _choose(places[0], names)
    options = []
    for place, (option, values) in zip(places[1:], about.options.items()):
        key = f"data:{about.name}:{option}"
        address.from_address(option, key, values, values[0], option)
        options.append((option, str(place.selectbox(option.capitalize(), values, key=key))))
    key, targets = f"data:{about.name}:target", list(about.targets)
    address.from_address("target", key, targets, USUAL.get(about.name, targets[0]), "target")
    target = places[-1].selectbox(
        "Target", targets, key=key, format_func=lambda t: f"{t}, {about.targets[t].unit}"
    )
    return about.name, tuple(options), str(target)


def _choose(place: Any, names: list[str]) -> None:
    titles = {name: datasets.about(name).title for name in names}
    place.selectbox("Data set", names, key=NAME, format_func=lambda n: titles[n])


def _own_choices(names: list[str]) -> tuple[str, datasets.Options, str]:
    """The choice of an own set, which has one target and its options with it."""
    chosen = own.chosen()
    places = layout.row_of(3)
    _choose(places[0], names)
    if chosen is None:
        return OWN, (), next(iter(datasets.about(OWN).targets))
    target, options = chosen
    own.choose(places[1])
    with places[2]:
        own.away(str(st.session_state[own.SET]))
    return OWN, options, target


# ---- systems one by one -----------------------------------------------------------------------


def _browser(about: Any, options: datasets.Options, target: str) -> int:
    """One system in 3D with its labels; the number of it."""
    sizes = datasets.sizes(about.name, target, options)
    address.from_address("split", SPLIT, SPLITS, "train", "split")
    most = sizes[st.session_state[SPLIT]] - 1
    address.number_from_address("index", INDEX, 0, most, 0, "number of a system")
    st.session_state[INDEX] = min(st.session_state[INDEX], most)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control("Split", SPLITS, key=SPLIT, required=True)
        st.number_input(f"System, 0 to {most:,}", 0, most, key=INDEX, width=170)
        st.button(
            "Previous",
            icon=":material/chevron_left:",
            on_click=_step,
            args=(-1, most),
            shortcut="P",
            disabled=not most,
        )
        st.button(
            "Next",
            icon=":material/chevron_right:",
            on_click=_step,
            args=(1, most),
            shortcut="N",
            disabled=not most,
        )
        st.button(
            "Random",
            icon=":material/casino:",
            on_click=_any,
            args=(most,),
            shortcut="D",
            disabled=not most,
        )
    split, index = st.session_state[SPLIT], int(st.session_state[INDEX])
    shown = datasets.system(about.name, split, target, index, options)
    facts = datasets.facts(about.name, target, options)
    path = datasets.path(about.name, split, target, index, options)
    _picture(about, shown, path, f"{about.name} {split} {index}", facts.unit)
    return index


def _step(by: int, most: int) -> None:
    st.session_state[INDEX] = (st.session_state[INDEX] + by) % (most + 1)


def _any(most: int) -> None:
    st.session_state[INDEX] = random.randint(0, most)


def _picture(about: Any, shown: Any, path: Any, token: str, unit: str) -> None:
    facts = " · ".join(f"{what} {value} {unit}".strip() for what, value, unit in shown.facts)
    if shown.image is not None:
        with st.container(border=True):
            st.plotly_chart(
                figures.image(shown.image, layout.dark()),
                key="data:image",
                config={"displayModeBar": False},
                alt=f"{token}: {facts}",
            )
            st.caption(address.plain(facts))
        return
    items: list[Any] = []
    if shown.symbols is not None:
        items.append(look.Atoms(shown.symbols, shown.positions, shown.bonds))
    else:
        items += _particles(shown, path)
    if shown.forces is not None:
        unit = f"{unit}/Å"
        items.append(
            look.Arrows(
                shown.positions,
                shown.forces,
                look.BLUE,
                "force",
                unit,
                scale=look.arrow_scale(shown.forces, 1.5),
            )
        )
    panel = look.Panel("x", items, about.title, caption=facts.replace("-", "−"))
    fit = shown.facts[0][1] if shown.symbols else token  # frames of a molecule keep their distance
    viewer.show(
        [panel],
        key="data:viewer",
        height=460,
        fit=fit,
        alt=f"{token}: {facts}",
        playback=viewer.Playback(step=0.01, unit="time units"),
    )


def _particles(shown: Any, path: Any) -> list[Any]:
    """Bodies now, their velocities and springs, the true path and its end."""
    reach = float(abs(shown.positions).max())
    size = min(0.5, max(0.05, 0.06 * reach)) * (5 / max(5, len(shown.positions))) ** 0.4
    found: list[Any] = []
    if path is not None:
        found.append(look.Track(path, "true path", look.GREY, charges=shown.charges, radius=size))
    else:
        found.append(look.Particles(shown.positions, shown.charges, label="now", radius=size))
    if shown.velocities is not None:
        found.append(
            look.Arrows(
                shown.positions,
                shown.velocities,
                look.GREEN,
                "velocity at the start",
                width=0.25 * size,
            )
        )
    if shown.joined is not None:
        pairs = [(i, j) for i, row in enumerate(shown.joined) for j, on in enumerate(row) if on]
        found.append(
            look.Edges(
                shown.positions,
                [i for i, _ in pairs],
                [j for _, j in pairs],
                [0.4] * len(pairs),
                label="spring",
            )
        )
    if shown.ends is not None:
        found.append(
            look.Particles(shown.ends, shown.charges, ghost=True, label="target", radius=size)
        )
    return found


# ---- what it is -------------------------------------------------------------------------------


def _about(about: Any, options: datasets.Options, target: str, here: bool) -> None:
    with st.container(border=True):
        st.markdown(f"**{address.plain(about.title)}**")
        st.markdown(address.plain(about.summary))
        rows = {}
        if about.name != OWN:
            rows["Size"] = f"{about.size / 1e6:,.0f} MB to download" if about.size else "made here"
            rows["On this machine"] = "yes" if here else "not yet"
        if here:
            sizes = datasets.sizes(about.name, target, options)
            rows["Systems"] = ", ".join(f"{split} {sizes[split]:,}" for split in SPLITS)
        rows["Licence"] = about.licence
        rows["Units"] = ", ".join(
            what if unit == "1" else f"{what} in {unit}" for what, unit in about.units.items()
        )
        readouts.facts(rows)
        noted = [about.notes[value] for _, value in options if value in about.notes]
        if set(about.notes) == {""}:  # else each value of an option has its own
            noted = [about.notes[""]]
        for note in noted:
            st.caption(address.plain(note))
        for text in datasets.remarks(about.name, target, options) if here else ():
            st.info(address.plain(text), icon=":material/info:")


def _absent(about: Any, options: datasets.Options) -> None:
    """What to do when the set is not on this machine, and how far that is."""
    with st.container(border=True):
        work = downloads.state(about.name, options)
        st.markdown(f"**{address.plain(about.title)} is not on this machine yet**")
        how = (
            f"It is downloaded once ({about.size / 1e6:,.0f} MB), checked against its published "
            "checksum, and kept in the data folder."
            if about.size
            else "It is generated once from its seed, which takes minutes (a hundred bodies: a quarter of "
            "an hour), and kept in the data folder."
        )
        st.markdown(how + " The page stays usable meanwhile, and the work goes on without it.")
        mine = owner.only("gets data sets and generates data")
        if work is not None and work.state == "running":
            if mine and st.button("Stop", icon=":material/stop:"):
                downloads.stop(about.name, options)
                st.rerun()
            st.fragment(_progress, run_every=1)(about.name, options)
            return
        if work is not None and work.state == "failed":
            st.warning(address.plain(work.words), icon=":material/cloud_off:")
        label = "Get it" if about.size else "Generate it"
        if mine and st.button(label, type="primary", icon=":material/download:"):
            downloads.start(about.name, options)
            st.rerun()


def _progress(name: str, options: datasets.Options) -> None:
    """How far getting the set is; the whole page is drawn again when that ends."""
    work = downloads.state(name, options)
    if work is None or work.state != "running":
        st.rerun()
    st.progress(work.share or 0.0, f"{address.plain(work.words) or 'begun'} · {work.seconds:.0f} s")
