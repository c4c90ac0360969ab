"""Files of N-body scenes: right ones exactly, all others with one sentence."""

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demetar.core.errors import InputError
from demetar.data.readers.scenes import read_scene
from tests.support.readers import FUZZ, attempt
from tests.support.structure_files import WATER


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


BODIES = np.arange(15.0).reshape(5, 3)


def scene_refusal(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_scene(data, "scene.npz")
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def test_scene_of_one_frame_and_of_several() -> None:
    alone = read_scene(npz(positions=BODIES), "a.npz")
    assert alone.positions.shape == (1, 5, 3)
    assert (alone.masses == 1).all()
    assert not alone.velocities.any()
    assert not alone.charges.any()
    frames = np.stack([BODIES, BODIES + 1]).astype(np.float32)
    several = read_scene(
        npz(positions=np.asfortranarray(frames), velocities=frames, charges=np.arange(5), x=BODIES),
        "a.npz",
    )
    np.testing.assert_array_equal(several.positions, frames)
    assert several.charges.tolist() == [0, 1, 2, 3, 4]
    assert several.times.tolist() == [0, 1]


def test_scene_from_a_path(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", positions=BODIES)
    assert read_scene(tmp_path / "s.npz").positions.shape == (1, 5, 3)


@pytest.mark.parametrize(
    ("arrays", "word"),
    [
        ({"velocities": BODIES}, "got none"),
        ({"positions": BODIES[:, :2]}, "shape"),
        ({"positions": np.zeros((0, 3))}, "shape"),
        ({"positions": np.float64(3)}, "shape"),
        ({"positions": BODIES * np.nan}, "finite"),
        ({"positions": BODIES * 0}, "bodies 1 and 2"),
        ({"positions": np.arange(153.0).reshape(51, 3)}, "50 bodies"),
        ({"positions": np.zeros((2001, 1, 3))}, "2000 frames"),
        ({"positions": BODIES, "velocities": BODIES[:4]}, "velocities"),
        ({"positions": BODIES, "charges": np.ones((5, 1))}, "charges"),
        ({"positions": BODIES, "masses": np.zeros(5)}, "masses"),
        ({"positions": BODIES, "charges": np.full(5, np.inf)}, "charges"),
        ({"positions": BODIES.astype(str)}, "plain numbers"),
        ({"positions": np.array([{"a": 1}], dtype=object)}, "plain numbers"),
        ({"positions": BODIES.astype(complex)}, "plain numbers"),
    ],
)
def test_each_fault_of_a_scene_is_named(arrays: dict, word: str) -> None:
    assert word in scene_refusal(npz(**arrays))


def member(header: bytes, body: bytes = b"", name: str = "positions.npy") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        magic = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
        archive.writestr(name, magic + header + body)
    return file.getvalue()


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000, 3), }\n",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"9" * 300 + b", 3), }\n",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (-5, -3), }\n",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (5, 3), }\n",
        b"{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (5, 3), }\n",
        b"__import__('os').system('true')\n",
        b"(" * 9000 + b"\n",
        b"\n",
    ],
)
def test_a_lying_array_header_is_refused_without_its_memory(header: bytes) -> None:
    scene_refusal(member(header, BODIES.tobytes()))


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2500000, 3), }\n"
    bomb = member(header, bytes(60_000_000))
    assert len(bomb) < 100_000
    began = time.perf_counter()
    assert "MB unpacked" in scene_refusal(bomb)
    assert time.perf_counter() - began < 0.05


def test_what_is_not_an_archive_is_refused() -> None:
    whole = npz(positions=BODIES)
    for data in (b"", WATER, whole[:-30], whole[:60], b"PK\x03\x04" + bytes(100), bytes(999)):
        scene_refusal(data)


@settings(FUZZ, max_examples=100)
@given(
    edits=st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=4)), min_size=1, max_size=4)
)
def test_any_damage_to_an_archive_gives_a_scene_or_one_sentence(edits: list) -> None:
    data = bytearray(npz(positions=BODIES, charges=np.ones(5)))
    for at, put in edits:
        at %= len(data)
        data[at : at + len(put)] = put
    scene = attempt(read_scene, bytes(data), "a.npz")
    assert scene is None or np.isfinite(scene.positions).all()


def test_arrays_are_measured_together_before_they_are_unpacked() -> None:
    size = 3_000_000  # zeros, 24 MB as float64: two of them are too many for a scene
    small = npz(
        positions=BODIES, velocities=np.zeros(size, np.uint8), masses=np.zeros(size, np.uint8)
    )
    assert len(small) < 20_000
    assert "MB unpacked" in scene_refusal(small)
