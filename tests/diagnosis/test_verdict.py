"""Rules: each can decide, says why in words, and none hides another."""

from demetar.diagnosis.causes import CAUSES, NOT_KNOWN, SOUND
from demetar.diagnosis.verdict import BAD, MADE, MARKS, RULES, decide, open_causes


def test_rules_use_known_words_and_marks():
    for word, needs in RULES:
        assert word in CAUSES
        assert set(needs) <= set(MARKS), f"{word}: say in MARKS what {set(needs) - set(MARKS)} mean"


def test_every_rule_decides_where_its_marks_stand_alone():
    for word, needs in RULES:
        marks = {m: True for m, value in needs.items() if value}
        assert decide(marks)[0] == word, f"an earlier rule hides {word}, {needs}"


def test_no_marks_are_sound_and_a_strange_one_is_not_known():
    assert decide({})[0] == SOUND
    word, sentence, _ = decide({"gradient-right-somewhere": True, "axes-law": True})
    assert word == NOT_KNOWN
    assert "another order of the axes fits exactly" in sentence


def test_marks_that_sound_functions_may_have_are_not_held_against_them():
    harmless = {m: True for m in MARKS if m not in BAD and m != "stairs"}  # float32 alone has these
    assert decide({"stairs": True})[0] == SOUND, "what computes in float32 as it should"
    assert decide(harmless)[0] == SOUND
    assert "float32-twin" in harmless, "also a function of whole numbers answers alike"


def test_the_sentence_says_what_excludes_the_runner_up():
    marks = {"breaks-SO": True, "breaks-C_i": True, "axis-111": True, "swaps": True}
    word, sentence, runner = decide(marks)
    assert (word, runner) == ("vector-bias", "mean-subtraction")
    assert "mean-subtraction is excluded, as inversion breaks" in sentence
    assert sentence.count(".") == 1


def test_left_out_evidence_leaves_earlier_causes_open():
    marks = {"breaks-SO": True, "breaks-C_i": True}
    assert open_causes(marks, []) == []
    open_ = open_causes(marks, ["turns that hold"])
    assert "vector-bias" in open_
    assert "parity" not in open_, "what was measured against a cause still excludes it"
    assert open_causes({"differs-at-once": True}, MADE) == [], (
        "what is decided before stays decided"
    )
