"""Remarks: heard once each by the innermost listener, warnings without one, never lost."""

import threading
import warnings

import ase
import pytest

from demetar.core.graph import from_atoms
from demetar.core.remarks import Remark, heard, remark


def test_a_listener_hears_each_remark_once_and_at_once():
    told = []
    with heard(told.append) as said:
        remark("one")
        assert told == ["one"]
        remark("two")
        remark("one")
    assert said == told == ["one", "two"]


def _say_and_fail(into: list[str]) -> None:
    with heard(into.append):
        remark("inner")
        raise KeyError


def test_the_innermost_listener_hears_and_the_outer_one_goes_on_after_an_error():
    with heard() as outer:
        with pytest.raises(KeyError):
            _say_and_fail(inner := [])
        remark("outer")
    assert (inner, outer) == (["inner"], ["outer"])


def test_without_a_listener_it_is_a_warning_where_it_was_called():
    with pytest.warns(Remark, match="periodic cell") as caught:
        from_atoms(ase.Atoms("He", cell=[3, 3, 3], pbc=True))
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_atoms(ase.Atoms("He", cell=[3, 3, 3]))


def test_threads_do_not_hear_each_other():
    thread = threading.Thread(target=remark, args=("elsewhere",))
    with heard() as said, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thread.start()
        thread.join()
    assert said == []
    assert [str(w.message) for w in caught] == ["elsewhere"]
