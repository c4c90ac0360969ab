"""The lenses Line-up and Break a rule on the page: numbers, links, undo, and what the address says."""

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from app.pages.molecule import lenses
from demetar.diagnosis import faults
from tests.support import pages

NAMES = ("egnn-qm9-homo", "set_transformer-qm9-homo")


def settled(at: AppTest) -> AppTest:
    """The page after what it computes in the background."""
    pages.settled(at)
    assert not at.exception
    return at


def tables(at: AppTest) -> list[str]:
    return [h.proto.body for h in at.get("html") if "<table" in h.proto.body]


def row_of(at: AppTest, first: str) -> list[str]:
    """The cells of the row that begins with this."""
    body = next(t for t in tables(at) if f">{first}</th>" in t)
    row = body.split(f">{first}</th>", 1)[1].split("</tr>")[0]
    return [cell.split(">", 1)[1].split("</td>")[0] for cell in row.split("<td")[1:]]


def said(at: AppTest) -> str:
    return " ".join(b.value for kind in (at.info, at.error, at.caption) for b in kind).replace(
        "\\", ""
    )


def in_address(at: AppTest, name: str) -> str:
    found = at.query_params.get(name, "")
    return found if isinstance(found, str) else found[0]


def test_a_fault_is_switched_on_taken_back_and_undone(small_runs, open_page):
    at = settled(
        open_page(
            "molecule", molecule="water", beside="none", axis="x", angle="50", lens="Break a rule"
        )
    )
    assert len(row_of(at, "forces, float64")) == 1
    sound = row_of(at, "forces, float64")
    settled(at.multiselect(key="molecule:faults chosen").set_value(["vector-bias"]).run())
    assert in_address(at, "faults") == "vector-bias"
    broken = row_of(at, "forces, float64")
    assert broken[0] == sound[0]
    assert float(broken[1]) > 1e-2
    assert row_of(at, "so it is") == ["✓ rounding", "✗ structure"]
    text = " ".join(m.value for m in at.markdown)
    assert "vector-bias" in text
    assert faults.load("vector-bias").source in text
    assert any("✓ SO(3) breaks" in t and "– all turns about" in t for t in tables(at))
    settled(at.multiselect(key="molecule:faults chosen").set_value(["vector-bias", "parity"]).run())
    assert in_address(at, "faults") == "vector-bias,parity"
    settled(at.button(key="molecule:undo").click().run())
    assert row_of(at, "forces, float64") == broken
    settled(at.button(key="molecule:undo").click().run())
    assert row_of(at, "forces, float64") == sound
    assert in_address(at, "faults") == ""


def test_a_g_that_does_not_show_the_fault_is_told(small_runs, open_page):
    """A bias along (1 1 1) is not moved by turns about that axis, with which the page opens."""
    at = settled(open_page("molecule", molecule="water", beside="none", faults="vector-bias"))
    assert row_of(at, "so it is") == ["✓ rounding", "✓ rounding"]
    assert float(row_of(at, "turns")[1]) > 1e-2
    assert "This g does not show it" in said(at)
    at.session_state["molecule:g:axis"] = "x"
    settled(at.run())
    assert "This g does not show it" not in said(at)


def test_a_link_opens_the_lens_with_its_faults(small_runs, open_page):
    at = settled(open_page("molecule", molecule="water", faults="parity,vectr-bias"))
    assert at.multiselect(key="molecule:faults chosen").value == ["parity"]
    assert "vectr-bias" in said(at)
    assert "closest is vector-bias" in said(at)
    assert in_address(at, "lens") == "Break a rule"


def test_a_row_a_run_and_the_choice_is_in_the_address(small_runs, open_page):
    at = settled(open_page("molecule", molecule="water", lens="Line-up"))
    assert at.multiselect(key="molecule:lineup chosen").value == list(NAMES)
    assert in_address(at, "lineup") == ""
    egnn, other = row_of(at, "EGNN"), row_of(at, "Set Transformer")
    assert (egnn[2], other[2]) == ("✓ rounding", "✗ structure")
    assert "turns, mirrors" in egnn[5]
    assert int(egnn[7].replace(",", "")) > 100
    settled(at.multiselect(key="molecule:lineup chosen").set_value([NAMES[1]]).run())
    assert in_address(at, "lineup") == NAMES[1]
    assert row_of(at, "Set Transformer") == other
    assert not any(">EGNN</th>" in t for t in tables(at))


def test_the_row_of_before_stays_until_the_new_one_is_there(small_runs, open_page, monkeypatch):
    from app.backend.measuring import lineup

    at = settled(open_page("molecule", molecule="water", lens="Line-up", lineup=NAMES[1]))
    before = row_of(at, "Set Transformer")
    ask = lineup.answers.ask
    with monkeypatch.context() as late:
        late.setattr(lineup.answers, "ask", lambda questions: (list(questions), {}))
        late.setattr(lineup.answers, "answered", lambda keys: False)
        at.button(key="molecule:g:random").click().run()
        assert not at.exception
        assert row_of(at, "Set Transformer") == before
        assert "is that of before" in said(at)
    assert lineup.answers.ask == ask
    settled(at.run())
    assert row_of(at, "Set Transformer") != before


def test_nonsense_in_the_link_is_told(small_runs, open_page):
    for wrong in ({"lens": "Lineup"}, {"lens": "Line-up", "lineup": "nobody"}):
        at = settled(open_page("molecule", molecule="water", **wrong))
        assert in_address(at, "lens") == "Line-up"
        assert list(wrong.values())[-1] in said(at)


def test_nothing_is_computed_while_the_lenses_are_closed(small_runs, open_page, monkeypatch):
    from app.backend.measuring import faulty, lineup

    for store in (faulty.answers, lineup.answers):
        monkeypatch.setattr(store, "ask", lambda *_: pytest.fail("asked while closed"))
    at = open_page("molecule", molecule="water")
    assert not at.exception


@pytest.mark.parametrize(
    ("targets", "cells"),
    [
        (("homo", "homo"), ["−7126.7 meV", "−7126.7 meV"]),
        (("energy", "homo"), ["–", "−7126.7 meV"]),
        (("energy", "gap"), None),
    ],
)
def test_the_reference_stands_only_under_models_of_its_property(targets, cells) -> None:
    shown = SimpleNamespace(
        molecule=SimpleNamespace(reference=-7126.7),
        squares={str(i): SimpleNamespace(target=target) for i, target in enumerate(targets)},
    )
    rows = lenses._reference(shown, {"0": [], "1": []})
    assert rows == ([] if cells is None else [["HOMO (B3LYP)", *cells]])
    shown.molecule.reference = None
    assert lenses._reference(shown, {"0": [], "1": []}) == []
