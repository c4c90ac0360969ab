"""The vocabulary: what every word says, and what is not one."""

import pytest

from demetar.core.errors import InputError
from demetar.diagnosis import faults
from demetar.diagnosis.causes import CAUSES, NOT_KNOWN, SOUND, cause

GROUPS = {"T(3)", "SO(3)", "C_i", "S_n", "C_4"}


def test_every_word_has_a_sentence_and_what_mends_it():
    for word, found in CAUSES.items():
        assert word == found.word
        assert word == word.lower()
        assert " " not in word or word == NOT_KNOWN, f"{word}: a cause is one word"
        assert found.sentence[0].isupper(), f"{word}: begin the sentence with a capital"
        assert found.sentence.endswith("."), f"{word}: end the sentence with a full stop"
        assert found.mends.endswith("."), f"{word}: say what mends it"
        assert set(found.groups) <= GROUPS, f"{word}: groups are {sorted(GROUPS)}"


def test_faults_and_verdict_speak_of_causes():
    assert set(faults.names()) <= set(CAUSES) - {SOUND, NOT_KNOWN}


def test_an_unknown_word_is_answered_with_the_closest():
    with pytest.raises(InputError, match="did you mean 'vector-bias'"):
        cause("vector-bia")
