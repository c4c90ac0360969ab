"""Every registered data set says where it is from, what it holds, and refuses what it does not."""

import dataclasses
import inspect
from typing import Any

import e3nn_jax as e3nn
import numpy as np
import pytest

from demetar import models
from demetar.core import registry
from demetar.core.errors import InputError
from demetar.data import sets
from demetar.data.sets import DataSet, Target
from demetar.runs import config

NAMES = registry.names("datasets")
FUNCTIONS = ("present", "read", "systems", "baselines", "published")
each_dataset = pytest.mark.parametrize("name", NAMES)


@each_dataset
def test_declares_what_a_data_set_file_has_to(name: str) -> None:
    module = registry.load("datasets", name)
    assert isinstance(module.ABOUT, DataSet), f"give {name}.py its ABOUT = DataSet(…)"
    missing = [function for function in FUNCTIONS if not callable(getattr(module, function, None))]
    assert not missing, f"write the functions {', '.join(missing)} in {name}.py"
    assert module.__doc__, f"let {name}.py begin with what the data set is"
    # somebody's own file has neither a paper nor an address
    dated = any(c.isdigit() for c in module.ABOUT.citation)
    assert dated or not module.ABOUT.sources, "cite the paper with its year"
    assert module.ABOUT.sources or name == "file", "say where the data are from"


@each_dataset
def test_it_is_stated_once(name: str) -> None:
    """No constant beside ABOUT repeats one of its fields, which readers would have to look up too."""
    fields = {field.name.upper() for field in dataclasses.fields(DataSet)}
    own = {
        key
        for key, value in vars(registry.load("datasets", name)).items()
        if key in fields and value is not sets.SPLITS
    }
    assert not own, f"move {', '.join(sorted(own))} into the ABOUT of {name}.py"


@each_dataset
def test_its_functions_take_its_options(name: str) -> None:
    module = registry.load("datasets", name)
    parameters = inspect.signature(module.systems).parameters
    assert set(parameters) == {
        "split",
        "target",
        "size",
        *module.ABOUT.options,
        *module.ABOUT.free_options,
    }, "list every keyword of systems in options or free_options"
    for option, value in module.ABOUT.usual.items():
        assert parameters[option].default == value, "put the usual value first"
    asked = parameters["target"].default
    assert asked in module.ABOUT.targets, "let the usual target be one of ABOUT.targets"
    for function in (module.present, module.baselines, module.published):
        inspect.signature(function).bind(**module.ABOUT.usual)


GOOD: dict[str, Any] = {
    "title": "Toy",
    "summary": "One thing. Another.",
    "licence": "MIT",
    "citation": "A (2026)",
    "units": {"positions": "Å", "forces": "meV/Å"},
    "inputs": "atoms",
    "forces": True,
    "targets": {"energy": Target("0e", "meV", "scalar"), "dipole": Target("1o", "D", "vector")},
    "splits": {"train": 9, "valid": None, "test": 1},
    "options": {"fold": ("1", "2")},
    "splits_with": {"2": {"train": 8}},
    "notes": {"": "Of all.", "2": "Of the second."},
    "sources": ({"url": "https://example.org/toy", "sha256": 64 * "0"},),
}


def test_a_good_description_is_taken_and_tells_sizes_by_option() -> None:
    about = DataSet(**GOOD)
    assert about.usual == {"fold": "1"}, "take the first value of each option as the usual one"
    for options, changed in (
        ({}, {}),
        ({"fold": "1"}, {}),
        ({"fold": "2", "x": None}, {"train": 8}),
    ):
        assert about.sizes(options) == GOOD["splits"] | changed, (
            "count as splits says, and as splits_with says for a value that it names"
        )
    assert about.facts("dipole") == sets.Facts("atoms", "vector", "D", True), (
        "tell of a target what ABOUT states"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"title": ""}, "title"),
        ({"title": 41 * "t"}, "title"),
        ({"summary": "One sentence."}, "summary"),
        ({"licence": ""}, "licence"),
        ({"citation": ""}, "citation"),
        ({"units": {"forces": "meV/Å"}}, "unit of positions"),
        ({"units": {"positions": ""}}, "unit for each"),
        ({"size": -1}, "bytes"),
        ({"units": {"positions": "Å", "forces": "eV/Å"}}, "forces"),
        ({"targets": {"dipole": Target("1o", "D", "vector")}}, "forces"),
        ({"sources": ({"url": "http://example.org", "sha256": 64 * "0"},)}, "https"),
        ({"sources": ({"url": "https://example.org"},)}, "sha256 or commit"),
        ({"sources": ({"url": "https://example.org", "commit": "main"},)}, "sha256 or commit"),
        ({"inputs": "images"}, "inputs"),
        ({"inputs": None}, "without inputs"),
        ({"targets": {}}, "a target"),
        ({"targets": {"x": Target("0e", "", "scalar")}}, "a unit of"),
        ({"targets": {"x": Target("scalar", "D", "scalar")}}, "irreps"),
        ({"targets": {"x": Target("1o", "D", "scalar")}}, "irreps of x that make"),
        ({"targets": {"x": Target("0e", "D", "number")}}, "kind"),
        ({"targets": {"x": Target("0e", "D", None)}}, "kind"),
        ({"options": {"fold": ()}}, "distinct"),
        ({"options": {"fold": ("2", "2")}}, "distinct"),
        ({"options": {"fold": "12"}}, "tuple"),
        ({"free_options": ("fold",)}, "either free"),
        ({"notes": {"3": "Of none."}}, "notes"),
        ({"splits_with": {"3": {"train": 1}}}, "splits_with"),
        ({"splits": {"train": 1, "test": 1}}, "splits"),
        ({"splits": {**GOOD["splits"], "train": 0}}, "number of"),
        ({"splits": {**GOOD["splits"], "train": slice(3)}}, "number of"),
        ({"splits_with": {"2": {"all": 3}}}, "a split among"),
    ],
)
def test_a_description_that_does_not_fit_is_one_sentence(changes: dict, said: str) -> None:
    with pytest.raises(ValueError, match=f"^Expected .*{said}.*, got ") as caught:
        DataSet(**GOOD | changes)
    assert str(caught.value).endswith("."), "say it in a whole sentence"


@each_dataset
def test_targets_turn_as_e3nn_reads_their_irreps(name: str) -> None:
    for target, stated in registry.load("datasets", name).ABOUT.targets.items():
        per = {"1o": 3, "2x1o": 6, "0e": 1}[stated.irreps]
        assert e3nn.Irreps(stated.irreps).dim == per, f"declare how {target} transforms"


@each_dataset
def test_every_model_that_reads_its_systems_gives_its_output(name: str) -> None:
    """But for lesson data, which the training refuses; others are refused by the model."""
    module = registry.load("datasets", name)
    about = module.ABOUT
    if about.inputs is None:
        with pytest.raises(InputError, match="lessons"):
            config.resolve(config.Config(model="egnn", dataset=name))
        return
    reading = [model for model in models.names() if about.inputs in models.inputs(model)]
    assert reading, (
        f"give inputs that a model reads, not {about.inputs!r}: one of {', '.join(models.KINDS)}"
    )
    for model in set(models.names()) - set(reading):
        with pytest.raises(InputError, match=f"inputs among .*got '{about.inputs}'"):
            models.create(model, inputs=about.inputs)
    output = next(iter(about.targets.values())).kind
    able = [m for m in reading if output in registry.load("models", m).OUTPUTS]
    assert able, f"give a target that a model gives, not {output!r}"
    for model in set(reading) - set(able):  # densities and matrices have data of their own
        with pytest.raises(InputError, match="Expected output among"):
            models.create(model, inputs=about.inputs, output=output)
    for model in able:
        made = models.create(model, inputs=about.inputs, output=output)
        assert made.config.inputs == about.inputs, (
            f"let {model} keep the inputs that it is made with"
        )


@each_dataset
def test_published_numbers_are_of_its_targets(name: str) -> None:
    module = registry.load("datasets", name)
    for target in module.ABOUT.targets:
        numbers = sets.published_of(module, target, module.ABOUT.usual)
        assert numbers == module.published(target), "let the usual options be the defaults"
        assert set(numbers) <= set(models.names()), "name models by their files"
        assert all(np.isfinite(value) and value > 0 for value in numbers.values()), (
            "give errors as positive, finite numbers"
        )
    assert sets.published_of(module, "nothing") == {}, "give {} for a target without numbers"


@each_dataset
def test_systems_are_asked_for_by_split_target_and_size(name: str) -> None:
    parameters = inspect.signature(registry.load("datasets", name).systems).parameters
    assert list(parameters)[:3] == ["split", "target", "size"], (
        "begin systems() with split, target, size"
    )
    assert all(p.default is not inspect.Parameter.empty for p in list(parameters.values())[1:]), (
        "give every parameter of systems() after the first a default"
    )


@each_dataset
def test_says_whether_it_is_on_this_machine_and_makes_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    """`present` takes the same options as `systems`; a set that neither ships nor is made is not there."""
    monkeypatch.setenv("DEMETAR_DATA", str(tmp_path))
    module = registry.load("datasets", name)
    options = module.ABOUT.usual
    assert isinstance(module.present(**options), bool), "let present() answer True or False"
    if module.ABOUT.size:
        assert not module.present(**options), (
            "let present() say no in an empty folder: nothing of a download is here yet"
        )
    assert not list(tmp_path.rglob("*")), "let present() look and make nothing"


@each_dataset
@pytest.mark.parametrize(
    ("changes", "sentence"), [({"target": "nothing"}, "target"), ({"split": "nothing"}, "split")]
)
def test_what_it_does_not_have_is_one_sentence(
    name: str, changes: dict, sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    """And it says so before it reads, downloads or makes anything."""
    monkeypatch.setenv("DEMETAR_DATA", str(tmp_path))
    module = registry.load("datasets", name)
    asked = {"split": "test", "target": next(iter(module.ABOUT.targets)), "size": 1, **changes}
    with pytest.raises(InputError, match=sentence) as caught:
        module.systems(**asked)
    assert "nothing" in str(caught.value), "repeat in the sentence what was asked for"
    assert not list(tmp_path.rglob("*")), "refuse before anything is read, downloaded or made"
