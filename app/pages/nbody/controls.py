"""The one row of controls of the N-body page: scene, law, models, g and what comes after it."""

from __future__ import annotations

import streamlit as st

from app import viewer
from app.backend import cached, nbody
from app.pages.nbody import state
from app.ui import address, choose, rotation, terms


def row() -> tuple[nbody.Source, list[str], rotation.Turn, list[str]]:
    """Scene, runs, g and what comes after it."""
    rotation.from_address(state.G, state.AXIS, state.DEGREES)
    address.number_from_address("draw", f"{state.G}:seed", 0, 2**31 - 1, 0, "seed of g")
    pick = address.from_address
    pick("precision", state.PRECISION, state.PRECISIONS, state.PRECISIONS[0], "precision")
    pick("metric", state.METRIC, list(state.METRICS), "l2", "metric")
    address.number_from_address("frame", state.FRAME, 0, state.MOST_FRAMES, 0, "frame")
    with st.container(key="controls", horizontal=True, vertical_alignment="center", gap="small"):
        source = _scene()
        names = choose.models("particles", (state.RUN, state.BESIDE), state.MODELS)
        turn = rotation.rotation_of(state.G)
        viewer.follower(
            "slider", state.VIEWER, "nbody:slider", width=176, axis=list(turn[0]), degrees=turn[1]
        )
        rotation.axis_and_random(state.G)
        extras = choose.extras(state.ALSO, state.EXTRAS, "bodies")
    return source, names, rotation.rotation_of(state.G), extras


def _scene() -> nbody.Source:
    upload = st.session_state.get(state.FILE)
    own = [upload.name] if upload else []
    options = [*own, *nbody.shipped(), nbody.GENERATED]
    if upload and st.session_state.get("nbody:opened") != upload.file_id:
        st.session_state["nbody:opened"], st.session_state[state.SCENE] = (
            upload.file_id,
            upload.name,
        )
    address.from_address("scene", state.SCENE, options, state.FIRST, "scene")
    name = str(st.session_state[state.SCENE])
    with st.popover(
        address.plain(name), icon=":material/scatter_plot:", help="The start x, its law"
    ):
        st.selectbox("Scene, or your file", options, key=state.SCENE)
        source = nbody.Source(name)
        if upload and name == upload.name:
            source = nbody.Source(name, data=upload.getvalue())
        elif name == nbody.GENERATED:
            source = _generated()
        _law(source)
        st.file_uploader("Open a scene (NPZ)", "npz", key=state.FILE)
        st.caption(
            "Arrays: positions [n 3], and if known velocities [n 3], charges [n], masses [n]. "
            "At most 10 MB and 50 bodies; the first frame is the start."
        )
    return source


def _generated() -> nbody.Source:
    most = state.MOST_BODIES
    address.number_from_address("bodies", state.BODIES, 1, most, 5, "number of bodies")
    address.number_from_address("seed", state.SEED, 0, 2**31 - 1, 0, "seed")
    kinds = nbody.CHARGES
    address.from_address("charges", state.CHARGES, kinds, kinds[0], "charges")
    count = st.slider("Bodies", 1, most, key=state.BODIES)
    charges = st.selectbox("Charges", kinds, key=state.CHARGES)
    seed = st.number_input("Seed of the scene", 0, 2**31 - 1, key=state.SEED)
    return nbody.Source(nbody.GENERATED, int(count), charges, int(seed))


def _law(source: nbody.Source) -> None:
    """The force law of the true path: the scene's own, until another is chosen."""
    own = cached.start_of(source).law
    if st.session_state.get("nbody:law of") != source:
        st.session_state["nbody:law of"], st.session_state[state.LAW] = source, own
    address.from_address("law", state.LAW, state.LAWS, own, "force law")
    st.selectbox("Force law of the true path", state.LAWS, key=state.LAW, help=terms.LIMIT)
