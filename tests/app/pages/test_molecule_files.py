"""What the molecule page gives away and takes: numbers, a test, the reader's own files."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.molecule_page import facts, sentences
from tests.support.pages import holds_but_for, settled


def exported(at: AppTest, ending: str) -> str:
    """What a download button of the page holds."""
    from app.pages.molecule import export

    return {"json": export.as_json, "csv": export.as_csv, "py": export.test_of}[ending](shown(at))


def shown(at: AppTest):
    """What the page at an address shows, made as the page makes it."""
    from app.backend import cached, molecules, rotations
    from app.pages.molecule import Shown
    from app.ui import choose

    names = [at.selectbox(key=f"molecule:{key}").value for key in ("run", "beside")]
    axis, degrees = (0.0, 0.0, 1.0), at.session_state["molecule:g:angle"]
    g = rotations.quaternion(axis, degrees)
    element, source = molecules.Element(g), molecules.Source("water")
    made = Shown(
        source,
        cached.molecule(source),
        names,
        choose.labels(names),
        element,
        (axis, degrees, g),
        "float32",
        "gradient",
        "l2",
    )
    asked = (source, element, axis, "float32")
    for kind, place in (
        ("square", made.squares),
        ("verdict", made.verdicts),
        ("curve", made.curves),
    ):
        waiting, found = cached.of_structure(kind, names, asked)
        assert not waiting
        place.update(found)
    return made


def test_numbers_can_be_taken_away(small_runs, open_page):
    at = open_page("molecule", molecule="water", angle="40", axis="z")
    found = json.loads(exported(at, "json"))
    assert found["g"]["degrees"] == 40
    assert found["runs"]["egnn-qm9-homo"]["verdict"]["gradient"] == "rounding"
    assert found["runs"]["set_transformer-qm9-homo"]["delta"]["gradient"] > 1e-2
    rows = exported(at, "csv").strip().splitlines()
    assert len(rows) == 1 + 2 * 2 * (1 + 15)
    assert rows[0].startswith("structure,run")


def test_the_exported_test_fails_for_what_breaks_and_passes_for_what_turns(
    small_runs, open_page, tmp_path
):
    at = open_page("molecule", molecule="water", angle="40", axis="z")
    holds_but_for(exported(at, "py"), "set_transformer-qm9-homo", tmp_path, small_runs)


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("empty.xyz", b"", "empty"),
        ("strange.xyz", b"1\n\nQq 0 0 0\n", "Qq"),
        ("nan.xyz", b"2\n\nH nan 0 0\nH 0 0 1\n", "nan"),
        ("same.xyz", b"2\n\nH 0 0 0\nH 0 0 0\n", "atoms"),
        ("many.xyz", b"100000\n\n" + b"H 0 0 0\n" * 100_000, "500"),
        ("script.xyz", b"1\n</script><script>alert(1)</script>\nH 0 0 0\n", ""),
    ],
)
def test_bad_uploads_are_one_sentence(small_runs, open_page, name, content, word):
    at = open_page("molecule", molecule="water")
    at.file_uploader(key="molecule:file").set_value((name, content, "chemical/x-xyz"))
    settled(at.run())
    assert not at.exception
    if word:
        assert word in sentences(at)
    assert "<script>" not in sentences(at)


def test_a_file_of_several_structures_lets_one_choose(small_runs, open_page):
    text = b"3\n\nO 0 0 0\nH 1 0 0\nH 0 1 0\n2\n\nH 0 0 0\nH 0 0 0.74\n"
    at = open_page("molecule", molecule="water")
    assert not [s for s in at.slider if "Frame" in s.label]
    at.file_uploader(key="molecule:file").set_value(("two.xyz", text, "chemical/x-xyz"))
    settled(at.run())
    chooser = at.slider(key="molecule:frame")
    assert (chooser.value, chooser.min, chooser.max) == (1, 1, 2)
    first = facts(at)
    settled(chooser.set_value(2).run())
    assert not at.exception
    assert facts(at) != first


def test_a_file_says_what_of_it_is_not_used(small_runs, open_page):
    frame = '3\nLattice="9 0 0 0 9 0 0 0 9"\nO 0 0 0\nH 1 0 0\nH 0 1 0\n'
    at = open_page("molecule", molecule="water")
    upload = ("long.xyz", (frame * 201).encode(), "chemical/x-xyz")
    at.file_uploader(key="molecule:file").set_value(upload)
    settled(at.run())
    assert not at.exception
    assert at.slider(key="molecule:frame").max == 200
    said = " ".join(caption.value for caption in at.caption)
    assert "periodic cell" in said
    assert "the first 200 can be chosen" in said
