"""The molecule page without a browser: its sentences, its address, its two runs."""

import time

import pytest
from streamlit.testing.v1 import AppTest


def settled(at: AppTest, seconds: float = 120.0) -> AppTest:
    """The page after its background compilations."""
    end = time.monotonic() + seconds
    while any("compiling" in c.value for c in at.caption) and time.monotonic() < end:
        time.sleep(0.5)
        at.run()
    return at


def sentences(at: AppTest) -> str:
    """Everything the page says in boxes."""
    return " ".join(box.value for kind in (at.info, at.error, at.warning) for box in kind)


def test_two_runs_stand_side_by_side(small_runs, open_page):
    at = open_page("molecule")
    assert not at.exception
    assert at.selectbox(key="molecule:run").value == "egnn-qm9-homo"
    assert at.selectbox(key="molecule:beside").value == "set_transformer-qm9-homo"
    assert at.table[0].value.shape[0] == 3
    assert at.query_params["molecule"] in ("ethanol", ["ethanol"])


def test_link_restores_what_it_says(small_runs, open_page):
    at = open_page("molecule", molecule="water", angle="90", axis="x", also="invert")
    assert not at.exception
    assert at.selectbox(key="molecule:name").value == "water"
    assert at.slider(key="molecule:g:angle").value == 90
    assert at.session_state["molecule:also"] == ["invert"]
    assert not sentences(at)


def test_nonsense_in_the_link_is_told_and_falls_back(small_runs, open_page):
    at = open_page(
        "molecule",
        molecule="watr",
        run="egn",
        angle="-7e99",
        axis="a,b",
        also="fly",
        precision="float7",
    )
    assert not at.exception
    said = sentences(at)
    assert all(word in said for word in ("watr", "egn", "angle", "axis", "fly", "float7"))
    assert at.selectbox(key="molecule:name").value == "water"


def test_no_run_at_all_is_a_sentence(home, open_page):
    at = open_page("molecule")
    assert not at.exception
    assert "no run" in sentences(at)


def test_choosing_a_layer_draws_its_matrix(small_runs, open_page):
    at = open_page("molecule", molecule="water")
    options = at.selectbox(key="molecule:layer").options
    at.selectbox(key="molecule:layer").select(options[-1])
    settled(at.run())
    assert not at.exception
    assert "mean" in at.selectbox(key="molecule:head").options
    assert any("A(g·x) − A(x)" in caption.value for caption in at.caption)


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
    first = at.table[0].value.to_numpy().tolist()
    settled(chooser.set_value(2).run())
    assert not at.exception
    assert at.table[0].value.to_numpy().tolist() != first


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
