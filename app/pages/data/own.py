"""The part of the Data page where own labelled files come in: units are asked, never guessed."""

from typing import Any

import streamlit as st

from app.backend import datasets, own_sets
from app.jobs import permission
from app.ui import address, owner
from demetar.core.errors import InputError

SET, NAME = "data:own", "data:own:name"
LABELS = {
    "energy": "energy (and forces, where the file has them)",
    "value": "another number of each system",
    "dipole": "dipole moment of each system",
    "positions": "positions of bodies later on",
}
FORMATS = {
    "energy": "Extended XYZ with `energy=…` on the comment lines and a column `forces:R:3`; NPZ with "
    "z, R, E and F; or an SDF with a CSV of energies.",
    "value": "Extended XYZ with the number as `key=…` on the comment lines, an SDF with a CSV, or "
    "NPZ with z, R and an array of numbers.",
    "dipole": 'Extended XYZ with `dipole="x y z"` on the comment lines, or NPZ with z, R and D.',
    "positions": "NPZ with positions, velocities and targets of bodies.",
}


def chosen() -> tuple[str, datasets.Options] | None:
    """Target and options of the own set that is shown; None if there is none yet."""
    sets = own_sets.found()
    if kept := st.session_state.pop("data:own:next", None):
        st.session_state[SET] = kept
    address.from_address("own", SET, list(sets), next(iter(sets), None), "own set")
    if not sets:
        return None
    own = sets[str(st.session_state[SET])]
    return own.target, own.options


def choose(place: Any) -> None:
    """The choice among own sets, at its place."""
    place.selectbox("Own set", list(own_sets.found()), key=SET)


def add(first: bool) -> None:
    """The form in which a labelled file is given, with its units and its name."""
    if not owner.only(
        "keeps and removes own data sets; the Molecule page opens files for you alone"
    ):
        return
    if first:
        st.markdown("**No own set yet.** Give a file with labels, and it is checked line by line.")
    with st.expander("Add a labelled file", expanded=first, icon=":material/upload_file:"):
        target = str(
            st.selectbox("Label", list(LABELS), format_func=lambda t: LABELS[t], key=f"{SET}:label")
        )
        st.caption(FORMATS[target] + " At most 64 MB, 500 atoms a system and 150,000 systems.")
        files = st.file_uploader(
            "File, or SDF and CSV",
            ["xyz", "extxyz", "sdf", "csv", "npz"],
            key=f"{SET}:files",
            accept_multiple_files=True,
            max_upload_size=64,
        )
        given = {upload.name: upload for upload in files or []}
        options = _units(target, list(given))
        name = st.text_input("Name of the set", max_chars=40, key=NAME, placeholder="my-molecules")
        if st.button("Check and keep", type="primary", disabled=not given, key=f"{SET}:keep"):
            try:
                with st.spinner("Reading every line"):
                    contents = {n: upload.getvalue() for n, upload in given.items()}
                    own, count = own_sets.keep(name.strip(), contents, target, options)
            except InputError as error:
                st.error(address.plain(str(error)), icon=":material/error:")
            else:
                st.session_state["data:own:next"] = own.name
                st.toast(f"{count:,} systems are kept as {own.name}.", icon=":material/check:")
                st.rerun()


def _units(target: str, names: list[str]) -> dict[str, str]:
    """What has to be said about the file: units, and where the label stands."""
    known = own_sets.units()
    npz = any(name.lower().endswith(".npz") for name in names)
    sdf = any(name.lower().endswith(".sdf") for name in names)
    places = st.grid(3, min_column_width=150, gap="small", vertical_alignment="bottom")
    options: dict[str, str] = {}

    def ask(option: str, label: str) -> None:
        value = places.selectbox(
            label, known[option], index=None, placeholder="choose", key=f"{SET}:{option}"
        )
        options[option] = str(value or "")

    def write(option: str, label: str, example: str) -> None:
        value = places.text_input(label, key=f"{SET}:{option}", placeholder=example, max_chars=60)
        if value.strip():
            options[option] = value.strip()

    if target == "energy":
        ask("energy_unit", "Unit of energy")
    if target == "dipole":
        ask("dipole_unit", "Unit of the dipole")
    if npz and target != "positions":
        ask("length_unit", "Unit of length")
    if target == "value":
        write("unit", "Unit of the number", "kcal/mol")
    if target == "value" or sdf:
        write("column", "Its key, column or array", "logP")
    elif target == "energy":
        write("column", "Key of the energy, if another", "REF_energy")
    if target == "energy" and not sdf:
        write("forces", "Name of the forces, if another", "REF_forces")
    if target == "energy" and npz:
        st.caption("Forces are in the unit of energy over the unit of length.")
    elif target == "energy":
        st.caption("Lengths in these formats are in Å; forces in the unit of energy over Å.")
    return options


def away(name: str) -> None:
    """Removes the shown set, after one question; nothing for a visitor."""
    if not permission.granted():
        return
    with st.popover("Remove", icon=":material/delete:"):
        st.markdown(f"Remove {address.plain(name)} and its files from the data folder?")
        if st.button("Remove for good", key=f"{SET}:remove", type="primary"):
            own_sets.remove(name)
            st.session_state.pop(SET, None)
            st.rerun()
