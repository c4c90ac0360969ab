"""The one row of controls of the Molecule page."""

from __future__ import annotations

import streamlit as st

from app import viewer
from app.backend import cached, molecules
from app.backend.measuring import metrics
from app.pages.molecule import state
from app.pages.molecule.state import ALSO, BESIDE, FRAME, NAME, RUN, G
from app.ui import address, choose, rotation, words

WANTED = "molecule:frame wanted"  # by a link, of the file that is opened next


def row() -> tuple[molecules.Source, list[str], rotation.Turn, list[str]]:
    """Structure, runs, g and what comes after it, chosen in one row."""
    _from_address()
    with st.container(key="controls", horizontal=True, vertical_alignment="center", gap="small"):
        source = _structure()
        names = choose.models("atoms", (RUN, BESIDE), state.MODELS)
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
        extras = choose.extras(ALSO, tuple(state.EXTRAS), "atoms")
    return source, names, rotation.rotation_of(G), extras


def _from_address() -> None:
    rotation.from_address(G, state.AXIS, state.DEGREES)
    address.number_from_address("seed", f"{G}:seed", 0, 2**31 - 1, 0, "seed")
    pick = address.from_address
    pick("precision", state.PRECISION, state.PRECISIONS, state.PRECISIONS[0], "precision")
    pick("of", state.OF, list(state.VALUES), "gradient", "quantity")
    pick("metric", state.METRIC, list(metrics.NAMES), "l2", "metric")


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
            "Open a structure file",
            ["xyz", "extxyz", "pdb", "sdf", "mol", "cif"],
            key="molecule:file",
        )
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
