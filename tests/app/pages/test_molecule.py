"""The molecule page without a browser: its sentences, its address, its runs, undo."""

import pytest
from streamlit.testing.v1 import AppTest

from app.ui import words
from tests.support.molecule_page import facts, headline, sentences
from tests.support.pages import settled


def test_two_runs_stand_side_by_side_under_a_sentence(small_runs, open_page):
    at = open_page("molecule")
    assert not at.exception
    assert at.selectbox(key="molecule:run").value == "egnn-qm9-homo"
    assert at.selectbox(key="molecule:beside").value == "set_transformer-qm9-homo"
    assert "EGNN</b> answers with the same arrows either way." in headline(at)
    assert "Set Transformer</b> does not: its arrows differ by" in headline(at)
    assert "turns, mirrors, shifts, order" in facts(at)
    assert "order only" in facts(at)
    assert at.query_params["molecule"] in ("ethanol", ["ethanol"])


def test_one_model_alone(small_runs, open_page):
    at = open_page("molecule", molecule="water", beside="none")
    assert not at.exception
    assert not sentences(at)
    assert "Set Transformer" not in headline(at)
    assert at.query_params["beside"] in ("none", ["none"])


def test_any_two_runs_can_stand_beside_each_other(small_runs, open_page):
    at = open_page(
        "molecule", molecule="water", run="set_transformer-qm9-homo", beside="egnn-qm9-homo"
    )
    assert not sentences(at)
    assert at.selectbox(key="molecule:run").value == "set_transformer-qm9-homo"


def test_link_restores_what_it_says(small_runs, open_page):
    at = open_page(
        "molecule", molecule="water", angle="90.125", axis="x", also="invert", metric="mae"
    )
    assert not at.exception
    assert at.selectbox(key="molecule:name").value == "water"
    assert at.session_state["molecule:g:angle"] == 90.125
    assert at.session_state["molecule:also"] == ["invert"]
    assert at.session_state["molecule:metric"] == "mae"
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
        metric="mood",
    )
    assert not at.exception
    (said,) = (box.value.replace("\\", "") for box in at.info)  # one sentence, whatever is wrong
    assert said.startswith("The link asks for ")
    assert said.endswith(", and for 6 more that are not here.")
    assert at.selectbox(key="molecule:name").value == "water"
    assert at.selectbox(key="molecule:run").value == "egnn-qm9-homo"
    assert at.session_state["molecule:g:angle"] == 60
    assert at.session_state["molecule:precision"] == "float64"  # the closest
    assert at.session_state["molecule:metric"] == "l2"
    assert at.session_state["molecule:also"] == []


def test_no_run_at_all_is_a_sentence(home, open_page):
    at = open_page("molecule")
    assert not at.exception
    assert "no run" in sentences(at)


@pytest.mark.parametrize(
    ("metric", "precision"),
    [
        ("l2", "float64"),
        ("spread", "bfloat16"),
        *((m, "float32") for m in ("l2", "largest", "mae", "spread")),
    ],
)
def test_every_metric_and_every_precision(small_runs, open_page, metric, precision):
    at = open_page("molecule", molecule="water", metric=metric, precision=precision, of="gradient")
    assert not at.exception
    assert "does not" in headline(at)


def test_undo_goes_back_step_by_step_and_reset_to_the_start(small_runs, open_page):
    at = open_page("molecule", molecule="water", angle="30", axis="z")
    assert at.button(key="molecule:undo").disabled
    shown = [headline(at)]
    for seed in range(2):
        settled(at.button(key="molecule:g:random").click().run())
        shown.append(headline(at))
        assert at.session_state["molecule:g:seed"] == seed + 1
    assert len({at.session_state["molecule:g:angle"], 30.0}) == 2
    settled(at.button(key="molecule:undo").click().run())
    assert headline(at) == shown[1]
    settled(at.button(key="molecule:undo").click().run())
    assert headline(at) == shown[0]
    assert at.session_state["molecule:g:angle"] == 30.0
    assert at.button(key="molecule:undo").disabled
    settled(at.button(key="molecule:reset").click().run())
    assert at.selectbox(key="molecule:name").value == "ethanol"
    assert at.session_state["molecule:g:angle"] == 60.0
    settled(at.button(key="molecule:undo").click().run())
    assert at.selectbox(key="molecule:name").value == "water"


def test_no_more_than_twenty_steps_are_kept(small_runs, open_page):
    at = open_page("molecule", molecule="water", beside="none")
    for _ in range(23):
        at.button(key="molecule:g:random").click().run()
    assert len(at.session_state["molecule:past"]) == 20


def test_the_idea_in_five_steps(small_runs, open_page):
    at = open_page("molecule", molecule="water")
    settled(at.button(key="molecule:begin idea").click().run())
    assert "This g moves nothing" in headline(at)
    for step in range(1, 5):
        settled(at.button(key="molecule:idea next").click().run())
        assert any(f"{step + 1} of 5" in m.value for m in at.markdown)
    assert "does not" in headline(at)
    at.button(key="molecule:idea close").click().run()
    assert not any("of 5:" in m.value for m in at.markdown)


def lens(at: AppTest, name: str) -> AppTest:
    at.session_state["molecule:lens"] = name
    return settled(at.run())


def test_attention_of_either_run_can_be_chosen(small_runs, open_page):
    at = lens(open_page("molecule", molecule="water"), "Attention")
    assert not at.exception
    assert at.radio(key="molecule:layer").options == ["EGNN", "Set Transformer"]
    settled(at.radio(key="molecule:layer").set_value("Set Transformer").run())
    assert not at.exception
    assert "|A(g·x) − A(x)|" in facts(at)
    assert "most sensitive atom" in facts(at)


def test_the_worst_rotation_is_one_click_away(small_runs, open_page):
    at = lens(open_page("molecule", molecule="water"), "All rotations")
    assert not at.exception
    worst = facts(at).split("worst</th>")[1].split("<td")[2].split(">")[1].split("<")[0]
    settled(at.button(key="molecule:worst:Set Transformer").click().run())
    assert not at.exception
    lens(at, "Angle")
    percent = headline(at).split("differ by ")[1].split(" %")[0]
    assert float(percent) == pytest.approx(100 * float(worst), rel=0.06)  # two digits each


@pytest.mark.parametrize("name", ["Layers", "Features"])
def test_every_lens_opens(small_runs, open_page, name):
    at = lens(open_page("molecule", molecule="water"), name)
    assert not at.exception


@pytest.mark.parametrize(
    ("lens_of", "key", "parameter", "says"),
    [
        ("All rotations", "molecule:spectrum", "spectrum", "on"),
        ("Line-up", "molecule:symmetrise", "average", "set_transformer-qm9-homo"),
    ],
)
def test_what_a_switch_shows_is_in_the_link(small_runs, open_page, lens_of, key, parameter, says):
    at = settled(open_page("molecule", molecule="water", lens=lens_of))
    assert parameter not in at.query_params
    settled(at.toggle(key=key).set_value(True).run())
    assert at.query_params[parameter] in (says, [says])
    fresh = settled(
        open_page("molecule", **{k: str(at.query_params[k]) for k in ("lens", parameter)})
    )
    assert fresh.toggle(key=key).value
    lens(at, "Angle")  # closed, it is still in the link
    assert at.query_params[parameter] in (says, [says])
    settled(at.button(key="molecule:reset").click().run())
    assert parameter not in at.query_params


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (7.64e-7, "7.6·10⁻⁷"),
        (0.94123, "0.94"),
        (0.01, "0.010"),
        (0.0099, "9.9·10⁻³"),
        (1.44, "1.4"),
        (12.3, "12"),
        (float("inf"), "–"),
        (1e-16, "1.0·10⁻¹⁶"),
        (0.999, "1.0"),
    ],
)
def test_errors_are_read_in_two_digits(value, text):
    assert words.delta(value) == text


def test_formula_and_claims_in_words():
    assert words.formula(["C", "C", "O", *"HHHHHH"]) == "C₂H₆O"
    assert words.formula(["O", "H", "H"]) == "H₂O"
    assert words.claims("SE(3) x S_n") == "turns, shifts, order"
    assert words.apart(1.07) == "110 %"
    assert words.apart(0.0004) == "4.0·10⁻⁴ of their length"
