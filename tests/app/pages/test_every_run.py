"""Every shipped run opens on the page that offers it, with every structure that it reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backend import cached, form, molecules
from app.backend.measuring import square
from app.jobs import runs
from app.ui import words
from demetar.core.disk import PROJECT
from demetar.core.errors import InputError
from demetar.core.graph import from_atoms
from demetar.lessons import autoencoders
from demetar.runs import run as run_files

SHIPPED = [p.parent.name for p in sorted((PROJECT / "trained").glob("*/config.json"))]
PAGES = {"particles": "nbody", "atoms": "molecule"}


@pytest.fixture
def shipped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project itself as home: its own runs, whose folders nobody writes to here."""
    monkeypatch.setenv("DEMETAR_HOME", str(PROJECT))


def inputs_of(name: str) -> str:
    return form.reads(runs.read(PROJECT / "trained" / name).config)


def offered(inputs: str) -> set[str]:
    found = cached.runs_on(inputs)
    return {*found["turns"], *found["rigid"]}


PREDICT = [name for name in SHIPPED if inputs_of(name)]
IN_LESSONS = [name for name in SHIPPED if not inputs_of(name)]  # their label is their input


def test_every_shipped_run_is_offered_by_a_page(shipped: None) -> None:
    shown = {autoencoders.RUN, autoencoders.PLAIN_RUN, autoencoders.MOLECULES_RUN}
    missed = set(SHIPPED) - offered("particles") - offered("atoms") - shown
    assert not missed, "a shipped run nobody can open"


@pytest.mark.parametrize("name", IN_LESSONS)
def test_a_run_of_a_lesson_opens_there_and_on_the_training_page(
    name: str, shipped: None, open_page: Callable[..., Any]
) -> None:
    for page in (open_page("lessons", lesson="autoencoders"), open_page("training", run=name)):
        assert not page.exception, f"{name} crashes a page: {[e.value for e in page.exception]}"
        assert not page.error, f"{name} cannot be shown: {[e.value for e in page.error]}"


@pytest.mark.parametrize("name", PREDICT)
def test_a_shipped_run_opens_on_its_page(
    name: str, shipped: None, open_page: Callable[..., Any]
) -> None:
    page = open_page(PAGES[inputs_of(name)], run=name, beside="none")
    assert not page.exception, f"{name} crashes its page: {[e.value for e in page.exception]}"
    assert not page.error, f"{name} cannot be shown: {[e.value for e in page.error]}"
    chosen = [box.value for box in page.selectbox]
    assert name in chosen, f"the page shows {chosen} where {name} was asked for"


@pytest.mark.parametrize("name", [n for n in SHIPPED if inputs_of(n) == "atoms"])
def test_a_run_reads_a_structure_of_the_gallery_or_says_why_not(name: str, shipped: None) -> None:
    run, read = run_files.load(name), 0
    for structure in molecules.gallery():
        atoms = molecules.molecule(molecules.Source(structure))
        try:
            run.prepare(from_atoms(atoms))
            read += 1
        except InputError as error:
            assert str(error).startswith("Expected"), f"{structure}: {error}"
    assert read, f"no structure of the gallery can be shown with {name}"


@pytest.mark.parametrize("structure", ["water", "ethanol"])
def test_forces_stand_in_for_the_gradient(structure: str, shipped: None) -> None:
    """A run that was trained on forces draws ∂f/∂x = −F, at both ends of the square."""
    run = run_files.load("invariant_attention-rmd17-ethanol-gaussian")
    atoms = molecules.molecule(molecules.Source(structure))
    element = molecules.Element((0.1, 0.2, 0.3, 0.927))
    found = square.square(run, atoms, element, "float32")
    graph = from_atoms(atoms)
    np.testing.assert_allclose(found.first["gradient"], -run(graph)["forces"], rtol=1e-3, atol=1e-2)
    assert found.first["gradient"].shape == (len(atoms), 3)


def test_slopes_that_are_all_zero_are_no_success(shipped: None) -> None:
    """A model that reads no positions has nothing that could differ; one whose Δ is small has."""
    atoms, g = molecules.molecule(molecules.Source("ethanol")), molecules.Element((0, 0, 0.6, 0.8))
    words_of = {
        n: square.judged(cached.run(n), atoms, g).word
        for n in ("linear-qm9-homo", "egnn-qm9-homo", "gnn-qm9-homo")
    }
    assert words_of["linear-qm9-homo"] == {"value": "rounding", "gradient": "zero"}
    assert words_of["egnn-qm9-homo"]["gradient"] == "rounding"
    told = [
        {"label": n, "color": "", "word": w["gradient"], "delta": 0.5} for n, w in words_of.items()
    ]
    said = re.sub("<.*?>", "", words.headline(told))
    assert said == (
        "linear-qm9-homo's arrows are all zero: nothing can differ. egnn-qm9-homo answers with the "
        "same arrows either way. gnn-qm9-homo does not: its arrows differ by 50 %."
    )
