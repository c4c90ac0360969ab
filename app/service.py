"""The one file that sees both the library and Streamlit: cached by plain values, nothing drawn.

Arrays that come out are host numpy and shared between visitors: nobody writes to them.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import jobs, runs
from demetar import registry, train
from demetar.errors import InputError

# ---- training ---------------------------------------------------------------------------------

Job = runs.Job


def all_jobs() -> list[Job]:
    """Every run, newest first, shipped ones last; read from the folders each time."""
    return runs.list_all()


def job(name: str) -> Job:
    """One run; InputError with the closest name if there is none."""
    return runs.read(runs.find(name))


def evaluations(name: str) -> list[dict[str, Any]]:
    """The lines of a run's metrics so far."""
    return runs.metrics(runs.find(name))


def start(settings: dict[str, Any]) -> str:
    """The name of the run that a process of its own now trains."""
    return jobs.start(settings)


def stop(name: str) -> str:
    """The state in which the run ended."""
    return jobs.stop(name)


def resume(name: str) -> None:
    """Goes on with an interrupted run."""
    jobs.resume(name)


def free_name(wanted: str) -> str:
    """The name itself or the next free one like it."""
    return runs.free_name(wanted)


def estimate(settings: dict[str, Any]) -> tuple[float, str]:
    """Seconds that a run may take on this machine, and from what that was guessed."""
    return runs.estimate(settings)


@st.cache_data(show_spinner=False)
def models() -> dict[str, str]:
    """The models' names with their titles."""
    return {name: registry.load("models", name).TITLE for name in registry.names("models")}


@st.cache_data(show_spinner=False)
def claim(model: str) -> str:
    """The largest group that a model claims, such as "E(3) x S_n"."""
    return registry.load("models", model).SYMMETRY


@st.cache_data(show_spinner=False)
def datasets() -> dict[str, dict[str, str]]:
    """The data sets' names with their targets and the targets' units."""
    found = {name: registry.load("datasets", name) for name in registry.names("datasets")}
    return {name: {t: u for t, (_, u) in m.TARGETS.items()} for name, m in found.items()}


def reads(config: dict[str, Any]) -> str:
    """What a run's model reads: "particles", "atoms", or nothing if its data set is not known."""
    try:
        return registry.load("datasets", str(config.get("dataset"))).INPUTS
    except InputError:
        return ""


def published(config: dict[str, Any]) -> float | None:
    """The number in the paper for a run's model, data set and target, where there is one."""
    try:
        module = registry.load("datasets", str(config.get("dataset")))
    except InputError:
        return None
    options = config.get("data_options")
    changed = isinstance(options, dict) and options.get("variant", "published") != "published"
    found = getattr(module, "PUBLISHED", {}).get(str(config.get("target")), {})
    return None if changed else found.get(str(config.get("model")))


def default_settings() -> dict[str, Any]:
    """The settings that training would take by itself."""
    return {f.name: f.default for f in train.Config.__dataclass_fields__.values()}
