"""Labelled files of any bytes: systems, or a sentence."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demetar.core.errors import InputError
from demetar.data.readers import labelled
from demetar.data.readers.labelled import Labelled, read_bodies, read_labelled
from tests.support.labelled import FRAME, OTHER, SDF, npz

PIECES = st.sampled_from(
    [
        b"2\n",
        b"1\n",
        b"0\n",
        b"-1\n",
        b"energy=1",
        b' energy="1 2"',
        b"\n",
        b"H 0 0 0 0 0 0\n",
        b"O 0 0 1 0 0 0\n",
        b"Properties=species:S:1:pos:R:3:forces:R:3",
        b"Properties=",
        b":",
        b"\xff",
        b"\x00",
        b"$$$$\n",
        b"1e400",
        b"_",
        b"gap,name\n",
        b",",
        b'"',
    ]
)
QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def survives(source: bytes, name: str, table: bytes | None = None) -> None:
    """Labelled systems, or InputError with one sentence; never anything else."""
    for read in (
        lambda: read_labelled(source, name, forces="forces", table=table),
        lambda: read_labelled(source, name, "E", 1, "", table),
        lambda: read_bodies(source, name),
    ):
        try:
            found = read()
        except InputError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 600
        else:
            assert isinstance(found, Labelled)
            assert np.isfinite(found.label).all()


@QUICK
@given(st.lists(PIECES, max_size=25), st.sampled_from(labelled.ENDINGS))
def test_any_pieces_give_systems_or_a_sentence(pieces, ending):
    survives(b"".join(pieces), "own" + ending, b"energy\n1\n")


@QUICK
@given(st.binary(max_size=300), st.sampled_from(labelled.ENDINGS), st.binary(max_size=60))
def test_any_bytes_give_systems_or_a_sentence(source, ending, table):
    survives(source, "own" + ending, table)


@QUICK
@given(st.data())
def test_any_change_of_a_right_file_gives_systems_or_a_sentence(data):
    x = np.random.default_rng(0).standard_normal((3, 2, 3))
    right = {
        ".xyz": FRAME + OTHER,
        ".sdf": SDF,
        ".npz": npz(z=np.array([1, 8]), R=x, E=np.zeros(3), F=x, positions=x, target_positions=x),
    }
    ending = data.draw(st.sampled_from(sorted(right)))
    body = bytearray(right[ending])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    survives(bytes(body), "own" + ending, b"name,energy\nfirst,1\nsecond,2\n")


@QUICK
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=2, max_size=2))
def test_numbers_come_back_exactly_or_are_refused(values):
    body = FRAME.replace(b"-1.5", repr(values[0]).encode()) + OTHER
    body = body.replace(b"1.02", repr(values[1]).encode())
    try:
        found = read_labelled(body, "own.xyz")
    except InputError:
        return
    assert found.label[0, 0] == values[0]
    assert found.positions[3, 2] == values[1]
