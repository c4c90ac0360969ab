"""Models, groups and data sets are found by the names of their files, and nothing else is."""

import importlib
from pathlib import Path

import pytest

from demetar import models
from demetar.core import registry
from demetar.core.errors import InputError

KINDS = tuple(registry.SHELVES)


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_is_registered(kind: str) -> None:
    folder = Path(importlib.import_module(registry.SHELVES[kind]).__file__ or "").parent
    files = {p.stem for p in folder.glob("*.py") if not p.stem.startswith("_")}
    assert set(registry.names(kind)) == files
    assert registry.names(kind) == sorted(files)
    for name in files:
        assert registry.load(kind, name).__name__ == f"{registry.SHELVES[kind]}.{name}"


@pytest.mark.parametrize(
    ("kind", "name", "hint"),
    [("models", "engn", "egnn"), ("groups", "so33", "so3"), ("datasets", "qm8", "qm9")],
)
def test_a_miss_is_answered_with_the_closest(kind: str, name: str, hint: str) -> None:
    with pytest.raises(InputError, match=f"got '{name}'; did you mean '{hint}'") as caught:
        registry.load(kind, name)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    "name", ["", "nothing-like-it", "../errors", "__init__", "egnn.Model", "/etc/passwd", "os"]
)
def test_no_other_module_is_imported(name: str) -> None:
    with pytest.raises(InputError, match="choose one of them|did you mean"):
        registry.load("models", name)


def test_the_closest_of_nothing_is_no_guess() -> None:
    assert registry.closest("anything", []) == "; choose one of them."
    assert registry.closest("egn", ["egnn", "gnn"]) == "; did you mean 'egnn'?"


def test_a_model_is_made_with_its_settings() -> None:
    model = models.create("egnn", width=8, layers=1, species=[1, 6])
    assert (model.config.width, model.config.layers) == (8, 1)
    assert model.config.species == (1, 6), "lists of a JSON file become hashable"
    assert model == models.create("egnn", width=8, layers=1, species=(1, 6))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"widht": 8}, "did you mean 'width'"),
        ({"inputs": "molecules"}, "inputs among particles, atoms"),
        ({"output": "forces"}, "output among"),
        ({"width": 0}, "width"),
        ({"width": "wide"}, "width"),
        ({"layers": -1}, "layers"),
        ({"layers": 1.5}, "layers"),
        ({"gate": "yes"}, "gate"),
        ({"species": 6}, "species"),
        ({"species": []}, "species"),
        ({"species": ["H"]}, "species"),
    ],
)
def test_a_bad_setting_is_one_sentence(settings: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        models.create("egnn", **settings)


def test_heads_have_to_divide_the_width() -> None:
    for name in ("demetar", "set_transformer"):
        with pytest.raises(InputError, match="heads"):
            models.create(name, width=10, heads=4)
