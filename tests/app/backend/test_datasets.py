"""The Data page and what it shows: systems one by one, spreads, getting a set, sentences."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backend import datasets
from app.jobs import downloads
from demetar.core.disk import write_arrays
from demetar.core.errors import InputError
from demetar.simulation import protocols

VARIANT = (("variant", "clean"),)


@pytest.fixture
def bodies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_page: Any) -> protocols.NBody:
    """The clean N-body set with made-up numbers, the only one in a data folder of its own."""
    rng = np.random.default_rng(0)
    x, v, moved = rng.normal(size=(3, 14_000, 5, 3)).astype(np.float32)
    charges = rng.choice([-1.0, 1.0], (14_000, 5)).astype(np.float32)
    made = protocols.NBody(x, v, charges, x + moved, v)
    write_arrays(tmp_path / "data" / "nbody" / "charged5-clean-seed43.npz", made.arrays())
    monkeypatch.setenv("DEMETAR_DATA", str(tmp_path / "data"))
    datasets.systems.cache_clear()
    datasets.spreads.cache_clear()
    datasets.baselines.cache_clear()
    return made


def sentences(page: Any) -> str:
    boxes = (box.value for kind in (page.info, page.error, page.warning) for box in kind)
    return " ".join(boxes).replace("\\", "")


def words(page: Any) -> str:
    return " ".join(c.value for c in [*page.caption, *page.markdown]).replace("\\", "")


def test_a_system_is_what_the_set_holds(bodies: protocols.NBody) -> None:
    shown = datasets.system("nbody", "valid", "positions", 7, VARIANT)
    x = bodies.positions[10_007].astype(float)
    np.testing.assert_allclose(shown.positions, x - x.mean(0), atol=1e-6)
    np.testing.assert_allclose(shown.velocities, bodies.velocities[10_007], atol=1e-6)
    target = bodies.target_positions[10_007] - x.mean(0)
    np.testing.assert_allclose(shown.ends, target, atol=1e-6)
    assert shown.facts == (("particles", "5", ""),)
    with pytest.raises(InputError, match="0 to 1999"):
        datasets.system("nbody", "valid", "positions", 2_000, VARIANT)


def test_a_spread_is_that_of_the_training_split(bodies: protocols.NBody) -> None:
    (spread,) = datasets.spreads("nbody", "positions", VARIANT)
    moved = np.linalg.norm(bodies.target_positions - bodies.positions, axis=-1)[:10_000]
    assert spread.number == moved.size
    assert spread.mean == pytest.approx(moved.mean(), rel=1e-5)
    assert spread.mad == pytest.approx(np.abs(moved - moved.mean()).mean(), rel=1e-5)
    assert 0.99 * moved.size < spread.counts.sum() <= moved.size


def test_what_is_computed_for_one_visitor_is_kept_for_the_next(bodies: protocols.NBody) -> None:
    first = datasets.systems("nbody", "test", "positions", VARIANT)
    assert datasets.systems("nbody", "test", "positions", VARIANT) is first


def test_the_page_walks_through_systems_and_its_link_shows_the_same(
    bodies: protocols.NBody, open_page: Callable[..., Any]
) -> None:
    page = open_page("data", data="nbody", variant="clean", split="test", index="1999")
    assert not page.exception
    assert not sentences(page)
    assert page.number_input(key="data:index").value == 1999
    step = {button.label: button for button in page.button}
    step["Next"].click().run()
    assert page.query_params["index"] == "0"
    {button.label: button for button in page.button}["Previous"].click().run()
    assert page.query_params["index"] == "1999"
    page.segmented_control(key="data:split").set_value("train").run()
    {button.label: button for button in page.button}["Random"].click().run()
    assert not page.exception
    again = open_page("data", **page.query_params)
    assert again.query_params == page.query_params
    assert again.number_input(key="data:index").value == int(page.query_params["index"])


def test_a_link_to_what_is_not_there_is_told(
    bodies: protocols.NBody, open_page: Callable[..., Any]
) -> None:
    wrong = {
        "data": "nbdy",
        "variant": "cleen",
        "target": "energy",
        "index": "1e9",
        "split": "every",
    }
    for name, word in wrong.items():
        page = open_page("data", **{"data": "nbody", "variant": "clean"} | {name: word})
        assert not page.exception
        assert word in sentences(page)
    page = open_page("data", **wrong)
    assert not page.exception
    assert "for 4 more that are not here" in sentences(page), "one sentence, and none forgotten"


def test_every_set_says_what_it_is_whether_or_not_it_is_here(
    bodies: protocols.NBody, open_page: Callable[..., Any]
) -> None:
    for name in datasets.names():
        page = open_page("data", data=name)
        assert not page.exception, name
        assert not sentences(page), name
        assert datasets.about(name).title in words(page)
        if not datasets.present(
            name, tuple((k, v[0]) for k, v in datasets.about(name).options.items())
        ):
            absent = "No own set yet" if name == "file" else "not on this machine yet"
            assert absent in words(page)


def runs(program: str) -> Callable[..., list[str]]:
    return lambda name, options: [sys.executable, "-c", program]


def until(state: str) -> downloads.Fetch:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = downloads.state("nbody", VARIANT)
        if found is not None and found.state == state:
            return found
        time.sleep(0.05)
    raise AssertionError(f"never {state}: {downloads.state('nbody', VARIANT)}")


def test_getting_a_set_shows_how_far_it_is_and_can_be_stopped(
    bodies: protocols.NBody, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import time; print('\\r 12.5 %  a\\r 40.0 %  1 of 2 MB', end='', flush=True); time.sleep(60)"
    monkeypatch.setattr(downloads, "command", runs(program))
    downloads.start("nbody", VARIANT)
    end = time.monotonic() + 20
    while until("running").share is None and time.monotonic() < end:
        time.sleep(0.05)
    work = until("running")
    assert work.share == pytest.approx(0.4)
    assert work.words == "40.0 %  1 of 2 MB"
    begun = downloads._begun["nbody", VARIANT]
    downloads.start("nbody", VARIANT)  # a second visitor's click
    assert downloads._begun["nbody", VARIANT] is begun
    downloads.stop("nbody", VARIANT)
    assert until("stopped").state == "stopped"


def test_a_set_that_cannot_be_had_is_a_sentence_on_the_page(
    bodies: protocols.NBody, open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import sys; print('demetar: No *network*; do this.', file=sys.stderr); sys.exit(2)"
    monkeypatch.setattr(downloads, "command", runs(program))
    published = (("variant", "published"),)
    page = open_page("data", data="nbody", variant="published")
    assert "not on this machine yet" in words(page)
    {button.label: button for button in page.button}["Generate it"].click().run()
    assert not page.exception
    end = time.monotonic() + 20
    while downloads.state("nbody", published).state == "running" and time.monotonic() < end:  # type: ignore[union-attr]
        time.sleep(0.05)
    page.run()
    assert not page.exception
    assert page.warning[0].value.replace("\\", "") == "No *network*; do this."


def test_the_real_command_refuses_an_unknown_option(
    bodies: protocols.NBody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the page starts is understood by the command line, and its sentence comes back."""
    wrong = (("variant", "nothing"),)
    downloads.start("nbody", wrong)
    end = time.monotonic() + 150
    while downloads.state("nbody", wrong).state == "running" and time.monotonic() < end:  # type: ignore[union-attr]
        time.sleep(0.1)
    found = downloads.state("nbody", wrong)
    assert found is not None
    assert found.state == "failed"
    assert "'nothing'" in found.words
    assert "arguments" not in found.words


def test_a_data_folder_that_cannot_be_written_is_a_sentence(
    bodies: protocols.NBody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DEMETAR_DATA", str(tmp_path / "file"))
    with pytest.raises(InputError, match="DEMETAR_DATA"):
        downloads.start("nbody", (("variant", "unwritable"),))


def test_pixels_are_a_picture_with_its_first_row_on_top() -> None:
    rows, columns = np.indices((2, 3)).reshape(2, -1)
    x = np.stack([columns, -rows, np.zeros(6)], axis=1).astype(float)
    ink = np.arange(6.0)
    order = np.array([3, 1, 5, 0, 2, 4])
    np.testing.assert_array_equal(datasets.pixels(x[order], ink[order]), ink.reshape(2, 3))
    assert datasets.pixels(x[:5], ink[:5]) is None
    assert datasets.pixels(x, None) is None
    assert datasets.pixels(x + np.eye(6, 3), ink) is None
