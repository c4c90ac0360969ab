"""Lectures on their page: ready ones, what a scene may say, the hand in it, what is computed ahead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app import pages
from app.backend import cached, molecules
from app.backend.checking import diagnosis
from app.backend.teaching import ahead, lectures
from app.backend.teaching.lectures import Between, OneOf, SomeOf
from app.pages import lessons
from app.pages.lecture import CHOICE, parameters
from demetar.core.disk import PROJECT
from demetar.core.errors import InputError
from demetar.diagnosis.record import Diagnosis
from tests.support.lectures import FOUND, GOOD, written
from tests.support.pages import settled

READY = ("beginners", "practice", "tensors", "representations")


def ready(name: str) -> lectures.Lecture:
    return lectures.read(lectures.files()[name], parameters.known())


@pytest.mark.parametrize("name", READY)
def test_a_ready_lecture_has_ten_scenes_that_name_what_there_is(name: str, shipped: None) -> None:
    lecture = ready(name)
    assert len(lecture.scenes) == 10
    assert all(scene.title and scene.sentence and scene.notes for scene in lecture.scenes)
    for scene in lecture.scenes:  # numbers on the screen are the pages' own
        assert "·10" not in scene.sentence, scene
        assert "%" not in scene.sentence, scene


def test_every_lecture_of_the_project_is_tried_here(shipped: None) -> None:
    assert set(READY) == set(lectures.files()), "add its name to READY"


def test_every_page_is_known_but_the_lecture_itself(shipped: None) -> None:
    known = parameters.known()
    assert set(pages.found()) - {"lecture"} <= set(known)
    for page, showable in known.items():
        assert all(parameters.selector(page, control) for control in showable.controls)


@pytest.mark.parametrize("page", ["molecule", "nbody", "why", "questions"])
def test_what_a_scene_may_say_is_what_the_page_keeps_in_its_address(
    page: str, shipped: None, open_page: Callable[..., Any]
) -> None:
    """A parameter that the page does not know would be lost without a word."""
    asked: dict[str, str] = {}
    for name, values in parameters.known()[page].parameters.items():
        if isinstance(values, OneOf | SomeOf):
            asked[name] = values.names[-1]
        else:
            asked[name] = "3" if isinstance(values, Between) else "1,0,0"
    if page == "molecule":
        asked |= {"molecule": "water", "run": "egnn-qm9-homo", "beside": "none", "lens": ""}
    if page == "why":
        asked |= {"run": ahead.SMALL}
        del asked["scene"]
    asked = {k: v for k, v in asked.items() if k not in parameters.KEPT.get(page, {})}
    at = open_page(page, **asked)
    assert not at.exception
    kept = {k: v[0] if isinstance(v, list) else v for k, v in at.query_params.items()}
    if page == "molecule":
        assert kept.pop("lens") == "Break a rule"  # what a link names of a lens opens it
    assert set(kept) == set(asked)
    for name, value in asked.items():
        assert kept[name] in (value, "1.0,0.0,0.0"), name


@pytest.mark.parametrize(
    ("page", "asked"),
    [
        ("results", {"show": "ablation", "of": "envelopes", "quantity": "energy"}),
        ("results", {"show": "efficiency", "result": "here"}),
        ("results", {"show": "equal", "cost": "epochs"}),
        ("yours", {"audit": ""}),
    ],
)
def test_results_and_audits_can_be_scenes(
    page: str, asked: dict[str, str], shipped: None, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    known = parameters.known()
    if page == "yours":
        audit = known[page].parameters["audit"]
        assert isinstance(audit, OneOf)
        asked = {"audit": audit.names[-1]}
    lines = [f'{name} = "{value}"' for name, value in asked.items()]
    file = tmp_path / "mine.toml"
    text = f'title = "T"\n[[scenes]]\ntitle = "S"\npage = "{page}"\n[scenes.parameters]\n'
    file.write_text(text + "\n".join(lines))
    assert lectures.read(file, known).scenes[0].parameters == asked
    file.write_text(text + f'{next(iter(asked))} = "no such"')
    with pytest.raises(InputError, match="no such"):
        lectures.read(file, known)
    at = open_page(page, **asked)
    assert not at.exception
    kept = {k: v[0] if isinstance(v, list) else v for k, v in at.query_params.items()}
    assert asked.items() <= kept.items()


def scene_of(at: Any) -> str:
    return next(c.value for c in at.caption if c.value.startswith("Scene "))


@pytest.mark.parametrize("name", READY)
@pytest.mark.slow
def test_all_scenes_by_one_button(name: str, shipped: None, open_page: Callable[..., Any]) -> None:
    lecture = ready(name)
    for scene in lecture.scenes:  # as the thread would, but before the page is asked
        if scene.page == "why":
            ahead.question(scene.parameters)[1]()
    at = open_page("lecture", lecture=name)
    for number, scene in enumerate(lecture.scenes, 1):
        assert not at.exception, scene
        assert not at.error, [e.value for e in at.error]
        assert not at.info, [i.value for i in at.info]
        assert scene_of(at).startswith(f"Scene {number} of 10")
        assert any(scene.title in h.proto.body for h in at.get("html")), scene.title
        shown_as_asked(at, scene)
        assert dict(at.query_params) in (
            {"lecture": [name], "scene": [str(number)]},
            {"lecture": name, "scene": str(number)},
        )
        if number < 10:
            settled(at.button(key="lecture:next").click().run())
    assert at.button(key="lecture:next").disabled
    at.button(key="lecture:leave").click().run()
    assert not at.exception
    assert [b.key for b in at.button if b.key.startswith("lecture:begin")]
    assert dict(at.query_params) in ({"lecture": [CHOICE]}, {"lecture": CHOICE})


def shown_as_asked(at: Any, scene: lectures.Scene) -> None:
    """That the page below took the scene's parameters, also those that the scene before had otherwise."""
    if scene.page == "molecule":
        assert at.selectbox(key="molecule:run").value == scene.parameters["run"]
        assert at.session_state["molecule:g:angle"] == float(scene.parameters["angle"])
        also = scene.parameters.get("also", "")
        assert at.session_state["molecule:also"] == ([also] if also else [])
        assert at.session_state["molecule:lens"] == scene.parameters.get("lens", "Angle")
        assert bool(at.tabs) == ("lenses" not in scene.hide), "what is hidden is not computed"
    if scene.page == "lessons":
        asked = lessons.found()[scene.parameters["lesson"]].ASKED
        for name, control in asked.controls.items():
            wanted = scene.parameters.get(name, control.text(control.default))
            assert control.text(at.session_state[asked.key(name)]) == wanted, name
    if scene.page == "why":
        assert at.selectbox(key="why:fault").value == scene.parameters["fault"]
        assert not any("has not been asked yet" in m.value for m in at.markdown)


def test_a_scene_begins_anew_and_the_hand_goes_on_in_it(
    shipped: None, open_page: Callable[..., Any]
) -> None:
    at = open_page("lecture", lecture="beginners", scene="3")
    settled(at.button(key="molecule:g:random").click().run())
    moved = at.session_state["molecule:g:angle"]
    assert moved != 66
    at.run()
    assert at.session_state["molecule:g:angle"] == moved, "what is turned by hand stays turned"
    settled(at.button(key="lecture:next").click().run())
    settled(at.button(key="lecture:back").click().run())
    assert at.session_state["molecule:g:angle"] == 66
    assert not at.exception


def test_notes_come_and_go(shipped: None, open_page: Callable[..., Any]) -> None:
    at = open_page("lecture", lecture="beginners", scene="1")
    notes = ready("beginners").scenes[0].notes
    assert not any(notes in m.value for m in at.markdown)
    at.button(key="lecture:notes").click().run()
    assert any(notes in m.value for m in at.markdown)
    at.button(key="lecture:notes").click().run()
    assert not any(notes in m.value for m in at.markdown)


def test_nonsense_in_the_link_is_told(shipped: None, open_page: Callable[..., Any]) -> None:
    at = open_page("lecture", lecture="beginer", scene="99")
    assert not at.exception
    assert scene_of(at).startswith("Scene 10 of 10"), "the last one"
    assert any("beginer" in i.value for i in at.info)


def test_a_faulty_file_is_a_sentence_beside_the_others(
    home: Path, monkeypatch: pytest.MonkeyPatch, open_page: Callable[..., Any]
) -> None:
    folder = home / "data" / "lectures"
    folder.mkdir(parents=True)
    written(folder, GOOD.replace("water", "watr"))
    at = open_page("lecture", lecture="mine")
    assert not at.exception
    assert any("scene 1 of mine" in e.value.replace("\\", "") for e in at.warning)


def test_what_is_found_ahead_is_what_the_page_looks_for(
    shipped: None, open_page: Callable[..., Any]
) -> None:
    scene = ready("practice").scenes[2]
    assert ahead.waiting(scene)
    lecture = SimpleNamespace(name="one", scenes=(scene,))
    ahead.prepare(lecture)  # type: ignore[arg-type]
    ahead._threads["one"].join(30)
    assert not ahead.waiting(scene)
    at = open_page("why", **scene.parameters)
    assert any("vector-bias</div>" in h.proto.body for h in at.get("html")), "shown without asking"
    run = {"run": "gnn-nbody", "scene": "nbody-5-published"}
    ahead.question(run)[1]()
    at = open_page("why", **run)
    assert any("vector-bias</div>" in h.proto.body for h in at.get("html"))


def test_what_a_scene_needs_is_compiled_before_it_is_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMETAR_HOME", str(PROJECT))
    asked = {"molecule": "water", "run": "egnn-qm9-homo", "beside": "none", "also": "invert"}
    ahead._molecule(asked)
    element = molecules.Element((0.0, 0.0, 0.0, 1.0), True)
    question = (molecules.Source("water"), element, (0.0, 0.0, 1.0), "float32")
    for kind in cached.KINDS:
        waiting, found = cached.of_structure(kind, ["egnn-qm9-homo"], question)
        assert not waiting
        assert found


def test_nothing_is_left_out_for_want_of_time(
    shipped: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def diagnose(*_: Any, seconds: float, **__: Any) -> Diagnosis:
        asked.append(seconds)
        return FOUND

    monkeypatch.setattr(diagnosis, "diagnose", diagnose)
    ahead.question(ready("practice").scenes[2].parameters)[1]()
    assert asked == [ahead.SECONDS]
    assert ahead.SECONDS > diagnosis.SECONDS


def test_another_visitors_diagnosis_is_waited_for(
    shipped: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, calls = ready("practice").scenes[2], []

    def diagnose(*_: Any, **__: Any) -> Diagnosis:
        calls.append(1)
        if len(calls) == 1:
            raise InputError("Expected no other ..., got one for another visitor; ask again.")
        return FOUND

    monkeypatch.setattr(diagnosis, "diagnose", diagnose)
    monkeypatch.setattr(ahead.time, "sleep", lambda _: None)
    ahead._why(scene)
    assert len(calls) == 2
    assert not ahead.waiting(scene)
