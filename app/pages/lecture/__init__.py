"""Lecture: scenes from a file, each a page of the explorer, moved by Page Up and Page Down alone."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import pages
from app.backend.teaching import ahead, lectures
from app.pages.lecture import look, parameters
from app.ui import address, layout
from demetar.core.errors import InputError

TITLE, ICON, ORDER, SECTION = "Lecture", ":material/co_present:", 80, "Teach"
NAME, SCENE, NOTES, OPENED = (f"lecture:{key}" for key in ("name", "scene", "spoken", "opened"))
CHOICE = "choose"  # what the address says before a lecture is chosen


def render() -> None:
    """The choice of a lecture, or the scene of the one that is under way."""
    address.leave_scene()
    if address.just_opened():
        _arrive()
    name = st.session_state.get(NAME)
    if name is None:
        _choose()
        return
    try:
        lecture = lectures.read(lectures.files()[name], parameters.known())
    except (KeyError, InputError):
        st.session_state[NAME] = None
        _choose()
        return
    number = min(max(int(st.session_state.get(SCENE, 1)), 1), len(lecture.scenes))
    address.address(lecture=name, scene=number)
    ahead.prepare(lecture)
    _show(lecture, number)


def _arrive() -> None:
    """Lecture and scene from the address; none, and the choice is shown."""
    state = st.session_state
    state[NAME], state[OPENED], state[NOTES] = None, None, False
    if address.arriving("lecture") in (None, CHOICE):
        return
    names = list(lectures.files())
    address.from_address("lecture", NAME, names, next(iter(names), None), "lecture")
    address.number_from_address("scene", SCENE, 1, lectures.MOST, 1, "scene")


def _choose() -> None:
    """What there is, each with a button; a faulty file with its sentence."""
    address.address(lecture=CHOICE)
    st.html(
        "<h1 style='font-size:23px;font-weight:650;margin:0;padding:0'>Lecture</h1><p style='margin:4px 0 0'>"
        "Scenes for a projector, moved by Page Up and Page Down. Each is a page of the explorer that can be "
        "used as ever: what it says is measured while it is shown.</p>"
    )
    address.told()
    known = parameters.known()
    for name, path in lectures.files().items():
        try:
            lecture = lectures.read(path, known)
        except InputError as error:
            st.warning(address.plain(str(error)), icon=":material/warning:")
            continue
        with st.container(border=True):
            st.markdown(f"**{address.plain(lecture.title)}**")
            if lecture.sentence:
                st.markdown(address.plain(lecture.sentence))
            st.caption(f"{len(lecture.scenes)} scenes · data/lectures/{address.plain(path.name)}")
            with st.container(horizontal=True):
                st.button(
                    "Begin",
                    key=f"lecture:begin {name}",
                    type="primary",
                    on_click=_go,
                    args=(1, name),
                    icon=":material/play_arrow:",
                )
            with st.expander("Its scenes"):
                titles = [f"{i}. {address.plain(s.title)}" for i, s in enumerate(lecture.scenes, 1)]
                st.markdown("\n".join(titles))


def _go(number: int, name: str | None = None) -> None:
    state = st.session_state
    state[SCENE] = number
    if name is not None:
        state[NAME], state[NOTES] = name, False


def _leave() -> None:
    st.session_state[NAME], st.session_state[OPENED] = None, None


def _notes() -> None:
    st.session_state[NOTES] = not st.session_state.get(NOTES)


def _show(lecture: lectures.Lecture, number: int) -> None:
    """One scene: the keys first, so that they work while the page below is still drawn."""
    scene, state = lecture.scenes[number - 1], st.session_state
    look.screen(scene)
    _foot(lecture, number)
    look.words(scene)
    address.told()
    if state.get(NOTES):
        with st.container(key="notes"):
            st.markdown(scene.notes or "No notes for this scene.")
    fresh = state.get(OPENED) != (lecture.name, number)
    state[OPENED] = (lecture.name, number)
    if fresh:
        _forget(scene)
    with (
        st.container(key="scene"),
        address.scene(scene.page, scene.parameters if fresh else None),
        layout.hiding(scene.hide),
    ):
        try:
            pages.found()[scene.page].render()
        except InputError as error:
            st.error(address.plain(str(error)), icon=":material/error:")
        if ahead.waiting(scene):
            _wait(scene)


def _foot(lecture: lectures.Lecture, number: int) -> None:
    last = len(lecture.scenes)
    with st.container(key="foot", horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch"):
            st.caption(f"Scene {number} of {last} · {address.plain(lecture.title)}")
        _key("Back", "back", "PageUp", _go, number == 1, number - 1)
        _key("Next", "next", "PageDown", _go, number == last, number + 1)
        _key("Notes", "notes", "N", _notes)
        _key("Leave", "leave", "Esc", _leave)


def _key(label: str, name: str, key: str, act: Any, disabled: bool = False, *args: int) -> None:
    st.button(
        label,
        key=f"lecture:{name}",
        shortcut=key,
        type="tertiary",
        on_click=act,
        args=args,
        disabled=disabled,
    )


def _forget(scene: lectures.Scene) -> None:
    """Lets go of what another scene chose on the same page, so that this one opens as from a link."""
    state = st.session_state
    state.update(parameters.OPENS_WITH.get(scene.page, {}))
    for parameter, (key, default) in parameters.KEPT.get(scene.page, {}).items():
        state[key] = scene.parameters.get(parameter, default)


@st.fragment(run_every=1.0)
def _wait(scene: lectures.Scene) -> None:
    """Looks once a second whether the diagnosis of this scene is known, then draws again."""
    st.caption(":material/hourglass_top: finding the cause; this takes up to half a minute")
    if not ahead.waiting(scene):
        st.rerun()
