"""What a training can be made of: models, data sets, settings, and what is usual. No Streamlit."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from app.jobs import runs
from demetar.core import registry
from demetar.core.errors import InputError
from demetar.data.sets import DataSet, published_of
from demetar.models import inputs
from demetar.runs import config
from demetar.symmetry import groups

UNKNOWN = 100_000  # systems that can be asked for of a file, whose number only reading tells


@functools.cache
def models() -> dict[str, str]:
    """The models' names with their titles."""
    return {name: registry.load("models", name).TITLE for name in registry.names("models")}


@functools.cache
def claim(model: str) -> str:
    """The largest group that a model claims, such as "E(3) x S_n"."""
    return registry.load("models", model).SYMMETRY


def turns(model: str) -> bool:
    """Whether a model claims rotations."""
    return "SO(3)" in groups.load(claim(model)).parts


@functools.cache
def meaning(group: str) -> str:
    """What the elements of a group do in words, from the files of its factors."""
    docs = [registry.load("groups", f).__doc__ or "" for f in groups.load(group).factors]
    return "; ".join(doc.split("\n")[0].partition(": ")[2].rstrip(".") for doc in docs)


@functools.cache
def datasets() -> dict[str, DataSet]:
    """The data sets on which models can be trained."""
    found = {name: registry.load("datasets", name).ABOUT for name in registry.names("datasets")}
    return {name: about for name, about in found.items() if about.inputs is not None}


def most(dataset: str, options: dict[str, str]) -> dict[str, int]:
    """The largest train_size and valid_size with these options; UNKNOWN where only reading tells."""
    splits = datasets()[dataset].sizes(options)
    return {f"{split}_size": splits[split] or UNKNOWN for split in ("train", "valid")}


def missing(dataset: str, options: dict[str, str]) -> int:
    """Bytes that have to be downloaded before a training on this data set can begin; 0 if none."""
    module = registry.load("datasets", dataset)
    return 0 if module.present(**options) else module.ABOUT.size


@functools.cache
def models_for(dataset: str, target: str) -> list[str]:
    """The models that read this data set, give what the target asks for and are trained by descent."""
    module = registry.load("datasets", dataset)
    asked, found = module.ABOUT.targets[target].kind, []
    for name in registry.names("models"):
        model = registry.load("models", name)
        trained = not getattr(model, "FITTED_BY", "")
        if trained and asked in model.OUTPUTS and module.ABOUT.inputs in inputs(name):
            found.append(name)
    return found


@functools.cache
def settings() -> dict[str, Any]:
    """The settings of a training with their defaults."""
    return dataclasses.asdict(config.Config())


def allowed(setting: str) -> tuple[str, ...]:
    """The words that a setting may be, as `config.Config` checks them."""
    return config.allowed(setting)


@functools.cache
def sizes(model: str) -> dict[str, int]:
    """The whole numbers among a model's own settings, such as its width, with their defaults."""
    config = registry.load("models", model).Config()
    every = dataclasses.asdict(config)
    return {k: v for k, v in every.items() if isinstance(v, int) and not isinstance(v, bool)}


def recipe(model: str, dataset: str, target: str) -> dict[str, Any]:
    """The settings of the shipped run of this model on this data set, with its name; {} if none."""
    shipped = [j for j in runs.list_all() if j.state == "shipped"]
    for job in shipped:
        c = job.config
        if (c.get("model"), c.get("dataset"), c.get("target")) == (model, dataset, target):
            if not c.get("data_options"):
                return {k: v for k, v in c.items() if k in settings()} | {"name": job.name}
    return {}


def reads(config: dict[str, Any]) -> str:
    """What a run's model reads: "particles", "atoms", or nothing if its data set is not known.

    Nothing either where the label is the input itself: no page has a prediction to draw.
    """
    try:
        about = registry.load("datasets", str(config.get("dataset"))).ABOUT
    except InputError:
        return ""
    return "" if about.itself else about.inputs or ""


def predicts(config: dict[str, Any]) -> str:
    """What a run's model puts out: "positions", "scalar", "vector" and so on; "" if unknown."""
    try:
        module = registry.load("models", str(config.get("model")))
    except InputError:
        return ""
    return str((config.get("model_config") or {}).get("output", module.Config().output))


def published(config: dict[str, Any]) -> float | None:
    """The number in the paper for a run's model, data set and target, where there is one."""
    try:
        module = registry.load("datasets", str(config.get("dataset")))
    except InputError:
        return None
    found = published_of(module, str(config.get("target")), config.get("data_options"))
    return found.get(str(config.get("model")))
