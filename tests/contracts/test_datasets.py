"""Every registered data set says where it is from, what it holds, and refuses what it does not."""

import inspect

import e3nn_jax as e3nn
import numpy as np
import pytest

from demetar import models
from demetar.core import registry
from demetar.core.errors import InputError
from demetar.data import sets
from demetar.data.sets import options_of
from demetar.runs import config

NAMES = registry.names("datasets")
DECLARED = (
    "SOURCES", "TARGETS", "UNITS", "LICENCE", "CITATION", "INPUTS", "OUTPUT", "SPLITS",
    "PUBLISHED", "NOTES", "present", "read", "systems", "baselines", "TITLE", "SUMMARY", "OPTIONS", "SIZE",
    "FORCES",
)  # fmt: skip
each_dataset = pytest.mark.parametrize("name", NAMES)


@each_dataset
def test_declares_what_a_data_set_file_has_to(name: str) -> None:
    module = registry.load("datasets", name)
    missing = [attribute for attribute in DECLARED if not hasattr(module, attribute)]
    assert not missing, f"give demetar/data/sets/{name}.py {', '.join(missing)}"
    assert module.__doc__, "open the file with a docstring: what it holds and after which paper"
    assert module.LICENCE, "say in LICENCE under which terms the data may be used"
    assert module.CITATION, "say in CITATION what to cite"
    # somebody's own file has neither a paper nor an address
    assert any(c.isdigit() for c in module.CITATION) or not module.SOURCES, (
        "name the year in CITATION"
    )
    assert set(module.SPLITS) == {"train", "valid", "test"}, (
        "give the splits train, valid and test, and no other"
    )


@each_dataset
def test_says_what_it_is_to_a_reader(name: str) -> None:
    module = registry.load("datasets", name)
    assert 0 < len(module.TITLE) <= 40, "give a TITLE of at most 40 characters"
    assert 2 <= module.SUMMARY.count(". ") + module.SUMMARY.endswith(".") <= 4, (
        "tell in SUMMARY in two to four sentences what the set is"
    )
    assert module.SIZE >= 0, "say in SIZE how many bytes are downloaded, 0 for none"
    parameters = inspect.signature(module.systems).parameters
    for option, values in options_of(module).items():
        assert values, f"list the values of the option {option}"
        assert parameters[option].default == values[0], (
            f"let the usual value of {option} stand first"
        )


@each_dataset
def test_sources_are_fixed(name: str) -> None:
    """Each one by an address and by a checksum or a commit."""
    sources = registry.load("datasets", name).SOURCES
    assert sources or name == "file", (
        "name in SOURCES where the data, or the program that makes them, are from"
    )
    for source in sources:
        assert source["url"].startswith("https://"), f"give {source['url']} by https"
        digest = source.get("sha256") or source.get("commit")
        assert digest, f"give {source['url']} a sha256 or a commit, so that it stays the same"
        assert len(digest) in (40, 64), "give a whole sha256 (64 digits) or commit (40)"
        int(digest, 16)


@each_dataset
def test_targets_have_a_symmetry_type_and_a_unit(name: str) -> None:
    module = registry.load("datasets", name)
    assert module.TARGETS, "name at least one target"
    for target, (irreps, unit) in module.TARGETS.items():
        assert e3nn.Irreps(irreps).dim > 0, f"declare how {target} transforms: irreps such as 1x0e"
        assert unit, f"give the target {target} a unit"
    assert module.UNITS["positions"], "say in UNITS the unit of the positions"


@each_dataset
def test_every_model_that_reads_its_systems_gives_its_output(name: str) -> None:
    """But for lesson data, which the training refuses; others are refused by the model."""
    module = registry.load("datasets", name)
    if module.INPUTS is None:
        assert {sets.output_of(module, t) for t in module.TARGETS} == {None}, (
            "a set without INPUTS is for lessons: leave OUTPUT and OUTPUTS None"
        )
        with pytest.raises(InputError, match="lessons"):
            config.resolve(config.Config(model="egnn", dataset=name))
        return
    reading = [model for model in models.names() if module.INPUTS in models.inputs(model)]
    assert reading, (
        f"give INPUTS that a model reads, not {module.INPUTS!r}: one of {', '.join(models.KINDS)}"
    )
    for model in set(models.names()) - set(reading):
        with pytest.raises(InputError, match=f"inputs among .*got '{module.INPUTS}'"):
            models.create(model, inputs=module.INPUTS)
    for model in reading:
        made = models.create(model, inputs=module.INPUTS, output=module.OUTPUT)
        assert made.config.inputs == module.INPUTS, (
            f"let {model} keep the inputs that it is made with"
        )


@each_dataset
def test_published_numbers_are_of_its_targets(name: str) -> None:
    module = registry.load("datasets", name)
    assert set(module.PUBLISHED) <= set(module.TARGETS), (
        "name in PUBLISHED targets of this set only"
    )
    for numbers in module.PUBLISHED.values():
        assert all(np.isfinite(value) and value > 0 for value in numbers.values()), (
            "give errors as positive, finite numbers"
        )


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
    options = {key: values[0] for key, values in sets.options_of(module).items()}
    assert isinstance(module.present(**options), bool), "let present() answer True or False"
    if getattr(module, "SIZE", 0):
        assert not module.present(**options), (
            "let present() say no in an empty folder: nothing of a download is here yet"
        )
    assert not list(tmp_path.rglob("*")), "let present() look and make nothing"


@each_dataset
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"target": "nothing"}, "target"), ({"split": "nothing"}, "split")],
)
def test_what_it_does_not_have_is_one_sentence(
    name: str, changes: dict, sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    """And it says so before it reads, downloads or makes anything."""
    monkeypatch.setenv("DEMETAR_DATA", str(tmp_path))
    module = registry.load("datasets", name)
    asked = {"split": "test", "target": next(iter(module.TARGETS)), "size": 1, **changes}
    with pytest.raises(InputError, match=sentence) as caught:
        module.systems(**asked)
    assert "nothing" in str(caught.value), "repeat in the sentence what was asked for"
    assert not list(tmp_path.rglob("*")), "refuse before anything is read, downloaded or made"
