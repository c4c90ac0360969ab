"""The head of the Molecule page, and its one row of controls."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import viewer
from app.backend import cached, molecules
from app.backend.measuring import metrics
from app.pages.molecule import state
from app.pages.molecule.state import ALSO, BESIDE, FRAME, NAME, RUN, G
from app.ui import address, history, rotation, terms, words

WANTED = "molecule:frame wanted"  # by a link, of the file that is opened next


def head() -> tuple[Any, Any]:
    """Places for the headline and for the tools."""
    with st.container(key="head", horizontal=True, vertical_alignment="top", gap="small"):
        line = st.container(width="stretch")
        tools = st.container(key="tools", width="content", horizontal=True, gap="small")
    return line, tools


def undo_and_reset(place: Any) -> None:
    """Undo and Reset, once it is known what is shown."""
    history.note("molecule", state.UNDONE)
    count = history.steps("molecule")
    with place:
        st.button(
            "Undo", icon=":material/undo:", type="tertiary", key="molecule:undo",
            disabled=not count, on_click=history.undo, args=("molecule",),
            help=f"Back to what was shown before; {count} of at most {history.STEPS} steps.",
        )  # fmt: skip
        st.button(
            "Reset", icon=":material/restart_alt:", type="tertiary", key="molecule:reset",
            on_click=history.reset, args=("molecule", state.DEFAULTS),
            help="What the page opens with; can be undone.",
        )  # fmt: skip


def headline(place: Any, models: list[dict[str, Any]]) -> None:
    """The question and the sentence that answers it."""
    with place:
        st.html(
            "<h1 class='demetar'>Turn first or predict first?</h1>"
            f"<p class='demetar' aria-live='polite'>{words.headline(models)}</p>"
        )


def row() -> tuple[molecules.Source, list[str], rotation.Turn, list[str]]:
    """Structure, runs, g and what comes after it, chosen in one row."""
    _from_address()
    with st.container(key="controls", horizontal=True, vertical_alignment="center", gap="small"):
        source = _structure()
        names = _models()
        turn = rotation.rotation_of(G)
        viewer.follower(
            "slider",
            state.VIEWER,
            "molecule:slider",
            width=194,
            axis=list(turn[0]),
            degrees=turn[1],
        )
        rotation.axis_and_random(G)
        extras = st.pills(
            "and after it", list(state.EXTRAS), selection_mode="multi", key=ALSO, width="content",
            label_visibility="collapsed",
            help="Inversion x → −x, a shift by (2 −1 1.5) Å, new numbers for the atoms.",
        )  # fmt: skip
    return source, names, rotation.rotation_of(G), list(extras)


def _from_address() -> None:
    rotation.from_address(G, state.AXIS, state.DEGREES)
    pick = address.from_address
    pick("precision", state.PRECISION, state.PRECISIONS, state.PRECISIONS[0], "precision")
    pick("of", state.OF, list(state.VALUES), "gradient", "quantity")
    pick("metric", state.METRIC, list(metrics.NAMES), "l2", "metric")
    wanted = address.arriving("also")
    if wanted is not None:
        parts = [part for part in wanted.split(",") if part in state.EXTRAS]
        st.session_state[ALSO] = parts
        if len(parts) != len(wanted.split(",")):
            address.tell(
                f"The link asks to apply {wanted[:60]!r} as well; known are {', '.join(state.EXTRAS)}."
            )


def _structure() -> molecules.Source:
    upload = st.session_state.get("molecule:file")
    options = [*([upload.name] if upload else []), *molecules.gallery()]
    address.number_from_address("frame", WANTED, 1, 200, 1, "frame")
    if address.arriving("frame") == str(st.session_state[WANTED]) and not upload:
        address.tell(
            "The link shows a frame of a file that it cannot hold; open the file to see it."
        )
    if upload and st.session_state.get("molecule:opened") != upload.file_id:
        st.session_state["molecule:opened"] = upload.file_id
        st.session_state[NAME], st.session_state[FRAME] = upload.name, st.session_state[WANTED]
    address.from_address("molecule", NAME, options, "ethanol", "molecule")
    name = str(st.session_state[NAME])
    formula = "" if upload and name == upload.name else _formula(name)
    with st.popover(
        f"{address.plain(name)} {formula}", icon=":material/hub:", help="The structure x"
    ):
        st.selectbox("Molecule of the gallery, or your file", options, key=NAME)
        st.file_uploader(
            "Open a structure file", ["xyz", "extxyz", "pdb", "sdf", "mol", "cif"],
            key="molecule:file",
        )  # fmt: skip
        st.caption(
            "XYZ, extended XYZ, PDB, SDF/MOL or CIF in Å; at most 10 MB and 500 atoms each, and of many "
            "structures the first 200."
        )
        source = molecules.Source(name)
        if upload and name == upload.name:
            source = _frame_of(molecules.Source(name, upload.getvalue()))
    return source


def _formula(name: str) -> str:
    return words.formula(cached.molecule(molecules.Source(name)).symbols)


def _frame_of(source: molecules.Source) -> molecules.Source:
    """The structure of a file that is shown: the first one, or what the slider says."""
    count = molecules.frames(source)
    for text in molecules.remarks(source):
        st.caption(f":material/info: {address.plain(text)}")
    if count == 1:
        return source
    st.session_state[FRAME] = min(st.session_state.get(FRAME, 1), count)
    chosen = st.slider(f"Frame of {address.plain(source.name)}", 1, count, key=FRAME)
    return source._replace(frame=int(chosen) - 1)


def labels(names: list[str]) -> dict[str, str]:
    """What each run is called: its model, and its own name where several runs have that model."""
    titles = {name: cached.title(name) for name in names}
    twice = {t for t in titles.values() if list(titles.values()).count(t) > 1}
    return {n: f"{t} · {n.partition('-')[2]}" if t in twice else t for n, t in titles.items()}


def _models() -> list[str]:
    found = cached.runs_on("atoms")
    known = [*found["turns"], *found["rigid"]]
    if not known:
        return []
    called = labels(known)
    for key, parameter, default, options in (
        (RUN, "run", state.MODELS[0], known),
        (BESIDE, "beside", state.MODELS[1], [*known, state.ALONE]),
    ):
        address.from_address(parameter, key, options, default, "run")
        st.selectbox(
            "Model A" if key == RUN else "Model B, beside it", options, key=key,
            width=126 if key == RUN else 152,
            format_func=lambda n: called.get(n, "no second"), label_visibility="collapsed",
        )  # fmt: skip
    first, second = str(st.session_state[RUN]), str(st.session_state[BESIDE])
    return [first] if second in (state.ALONE, first) else [first, second]


def link(place: Any) -> None:
    """The page's own address, to copy."""
    with place, st.popover("Link", icon=":material/link:", type="tertiary"):
        query = "&".join(f"{k}={v}" for k, v in st.query_params.to_dict().items())
        url = (st.context.url or "").split("?")[0]
        st.caption("This address shows the same, to the last digit.")
        st.code(f"{url}?{query}".replace(" ", "%20"), language=None, wrap_lines=True)


def glossary(place: Any) -> None:
    """What the words mean."""
    with place, st.popover("Words", icon=":material/help:", type="tertiary"):
        for term, text in terms.TERMS.items():
            st.markdown(f"**{term}** {address.plain(text)}")
