"""Autoencoders: harmonics that turn, a code that stays, symmetric inputs, frames, and the training."""

from pathlib import Path

import jax
import numpy as np
import pytest

from app.pages.lessons import autoencoders as page
from demetar.core.errors import InputError
from demetar.lessons import _descent, autoencoders
from demetar.lessons import _digits as digits
from demetar.lessons import _harmonics as harmonics
from demetar.lessons.cnn import turn


def some(count: int = 4) -> np.ndarray:
    return harmonics.analysed(harmonics.images("valid")[0][:count])


def test_harmonics_turn_with_the_grid_and_nearly_with_splines() -> None:
    images = harmonics.images("valid")[0][:4]
    quarter = harmonics.analysed(np.rot90(images, 1, (1, 2)))
    np.testing.assert_allclose(quarter, harmonics.turned(some(), 90), atol=1e-12)
    wrong = harmonics.turned(some(), -90)
    assert np.abs(quarter - wrong).max() > 0.1, "the direction of the turn is told apart"
    splines = harmonics.analysed(np.stack([turn(x, 30) for x in images]))
    far = np.linalg.norm(splines - harmonics.turned(some(), 30)) / np.linalg.norm(some())
    assert 1e-6 < far < 0.01


def test_harmonics_hold_most_of_a_digit() -> None:
    images = harmonics.images("valid")[0][:4]
    missed = (harmonics.drawn(some()) - images)[:, harmonics.disc()]
    share = np.linalg.norm(missed) / np.linalg.norm(images[:, harmonics.disc()])
    assert 0 < share < 0.2
    np.testing.assert_allclose(harmonics.analysed(harmonics.drawn(some())), some(), atol=1e-10)


def test_harmonics_are_of_unit_length_on_the_disc() -> None:
    """A coefficient's square is the picture's sum of squares, to what the grid of pixels rounds."""
    c = np.zeros((1, *harmonics.mask().shape), complex)
    for place in ((0, 1), (1, 0), (3, 1)):
        one = np.copy(c)
        one[0][place] = 1
        assert (harmonics.drawn(one) ** 2).sum() == pytest.approx(1, abs=0.02), place


@pytest.mark.parametrize("degrees", [37.0, 90.0, 200.0])
def test_random_weights_already_keep_the_rules(degrees: float) -> None:
    """The symmetry is the architecture's, not the training's; a map that mixes orders breaks it."""
    params, c = digits.fresh("equivariant"), some()
    with jax.enable_x64(True):
        one, other = (digits.encoded(params, x) for x in (c, harmonics.turned(c, degrees)))
        np.testing.assert_allclose(other[0], one[0], atol=1e-12)
        phase = np.exp(-1j * np.radians(degrees))
        np.testing.assert_allclose(other[1], one[1] * phase, atol=1e-12)
        plain = digits.fresh("plain")
        asked = (c, harmonics.turned(c, degrees))
        made = [np.asarray(digits.rebuilt("plain", plain, x)) for x in asked]
    assert np.abs(harmonics.turned(made[0], degrees) - made[1]).max() > 1e-2


@pytest.mark.parametrize("way", autoencoders.WAYS)
def test_quarter_turns_are_exact_either_way(way: str) -> None:
    found = autoencoders.digit(5, 90.0, way)
    assert max(found["code"], found["angle"], found["rebuilt"]) < 1e-12
    assert min(found["without ψ"], found["plain"], found["plain code"]) > 0.05


def test_pixels_cost_other_angles_less_than_the_resampler_does() -> None:
    curves = autoencoders.by_angle(5)
    other = np.array(autoencoders.ANGLES) % 90 != 0
    assert curves["x̂, in harmonics"].max() < 1e-12
    assert curves["x̂, on pixels"][~other].max() < 1e-12
    assert curves["x̂, on pixels"][other].min() > 1e-6
    assert curves["resampler"][other].min() > 1e-4
    assert curves["plain autoencoder"][1:].min() > 1e-2


@pytest.mark.parametrize("fold", [2, 3, 4])
def test_a_symmetric_digit_has_no_angle(fold: int) -> None:
    whole, folded = autoencoders.digit(3, 37.0), autoencoders.digit(3, 37.0, fold=fold)
    assert folded["length"] < 1e-12 < 1e-3 < whole["length"]
    assert folded["code"] < 1e-12, "the code needs no angle"
    c = autoencoders.picture(3, fold)
    np.testing.assert_allclose(harmonics.turned(c, 360 / fold), c, atol=1e-12)


def test_a_trained_digit_is_rebuilt_and_not_just_the_mean() -> None:
    found = autoencoders.errors()
    assert found["band limit"] > 0
    for kind in _descent.KINDS:
        assert 0 < found[f"test, {kind}"] < 0.25 * found["test, mean picture"]
    known = autoencoders.latent()
    assert known["places"].shape == (500, 2)
    assert 0.5 < known["nearest"] < 1
    assert known["lengths"][0] < np.median(known["lengths"]), "a 0 has hardly a direction"


G = (0.3, -0.5, 0.1, 0.806)


def test_a_cloud_keeps_its_rules_and_the_plain_run_breaks_them() -> None:
    found = autoencoders.cloud("chiral 1", 0.1, 3, G)
    assert max(found["code"], found["frame"], found["rebuilt"]) < 1e-12
    plain = autoencoders.plain_cloud("chiral 1", 0.1, 3, G)
    assert min(plain, found["without ψ"], found["mirror"]) > 1e-2
    np.testing.assert_allclose(found["x̂(g·x)"], found["g·x̂(x)"], atol=1e-12)
    for before, after in (("x̂(x)", "g·x̂(x)"), ("x", "g·x")):
        lengths = [np.linalg.norm(found[name], axis=1) for name in (before, after)]
        np.testing.assert_allclose(*lengths, atol=1e-10, err_msg="the same points, in one order")


def test_symmetric_shapes_have_no_frame() -> None:
    """The line, the square and the corner: their stabilisers leave no two independent vectors."""
    for name in ("line", "square", "corner"):
        found = autoencoders.cloud(name, 0.0, 1, G)
        assert abs(found["volume"]) < 1e-6, name
        assert max(found["code"], found["rebuilt"]) < 1e-9, (
            f"{name}: softened, it fades and keeps the rule"
        )
    assert autoencoders.cloud("L", 0.0, 1, G)["volume"] > 1e-3


def test_training_goes_on_where_it_stopped_and_writes_what_the_lesson_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {
        split: tuple(a[:12] for a in harmonics.images(split))
        for split in ("train", "valid", "test")
    }
    monkeypatch.setattr(harmonics, "images", few.__getitem__)
    monkeypatch.setattr(_descent, "EVERY", 1)
    heard: list[tuple] = []

    def stopped(kind: str, done: int, steps: int) -> None:
        heard.append((kind, done))
        if kind == "plain" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _descent.train(tmp_path, 3, told=stopped)
    assert not (tmp_path / _descent.PARAMS).exists()
    found = _descent.train(tmp_path, 3, told=lambda *a: heard.append(a[:2]))
    assert [n for kind, n in heard if kind == "equivariant"] == [1, 2, 3], "it is not begun again"
    assert heard[-1][0] == "plain"
    assert heard[-1][1] == 3
    assert {p.name for p in tmp_path.iterdir()} == {_descent.PARAMS, _descent.RESULTS}
    params = _descent.read(tmp_path / _descent.PARAMS)
    assert found["parameters"] == {k: sum(v.size for v in p.values()) for k, p in params.items()}
    start = _descent.pictures("test")
    fresh = {k: v.astype(np.float32) for k, v in digits.fresh("equivariant").items()}
    assert found["test, equivariant"] < float(digits.error("equivariant", fresh, start).mean())


def test_damaged_parameters_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / _descent.PARAMS
    with pytest.raises(InputError, match="Expected the autoencoders .*demetar lesson"):
        _descent.read(path)
    np.savez(path, allow_pickle=False, **{"plain/code0": np.zeros((2, 2))})
    with pytest.raises(InputError, match="Expected the parameters of both autoencoders"):
        _descent.read(path)


def test_the_page_offers_what_there_is() -> None:
    assert page.SHAPES == autoencoders.SHAPES
    assert page.MOLECULES == autoencoders.MOLECULES
    assert page.WAYS == autoencoders.WAYS
    assert tuple(page.SHAKES) == autoencoders.SHAKES
    assert tuple(map(float, page.ANGLES)) == autoencoders.ANGLES
    assert len(page.LETTERS) == len(page.SHAPES)
