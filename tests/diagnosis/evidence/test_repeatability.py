"""Repeatability: the same call, and calls in between."""

import numpy as np

from demetar.diagnosis.asked import Asked
from demetar.diagnosis.evidence.repeatability import repeatability
from tests.support import plain, strangers


def marks(f):
    return repeatability(Asked(f, plain.molecules()["ethanol"])).marks


def test_a_sound_function_repeats():
    assert not any(marks(plain.sound).values())


def test_noise_is_seen_at_once_and_a_memory_after_another_call():
    assert marks(strangers.noisy())["differs-at-once"]
    assert marks(strangers.late()) == {"differs-at-once": False, "differs-after-another": True}


def test_one_answer_for_everything_is_stale():
    assert marks(strangers.remembering())["differs-after-another"]


def test_a_constant_scalar_is_not_stale():
    assert not any(marks(lambda graph: {"energy": np.float64(3.0)}).values())
