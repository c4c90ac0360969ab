"""The configuration of a run: everything that decides it, checked before anything is read."""

from __future__ import annotations

import dataclasses
import os
import platform
import re
import subprocess
import typing
from importlib.metadata import version
from pathlib import Path
from types import NoneType, UnionType
from typing import Any

import jax

from demetar import models
from demetar.core import registry
from demetar.core.disk import CHECKOUT
from demetar.core.errors import InputError, quoted
from demetar.core.numerics import PRECISIONS
from demetar.data import on_device
from demetar.data.sets import checked_options, facts_of
from demetar.data.standardise import REFERENCES
from demetar.symmetry import groups


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything that decides a run; stored as config.json before the first step."""

    model: str = "egnn"
    dataset: str = "nbody"
    target: str = ""  # the data set's first target if empty
    name: str = ""  # "<model>-<dataset>[-<target>]" if empty
    model_config: dict[str, Any] = dataclasses.field(default_factory=dict)
    data_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    connect: float | str | None = None  # None: all pairs; "bonds": bonded pairs; cutoff in Å
    references: str = "none"  # what atoms contribute to an energy: "none", "free" or "fit"
    train_size: int | None = None
    valid_size: int | None = None
    epochs: int = 100
    budget: float = 0.0  # processor seconds, which then decide the epochs; 0: none
    learning_rates: list[float] = dataclasses.field(default_factory=list)  # tried in its tenth
    batch_size: int = 100
    loss: str = ""  # "mse", "mae" or "l2mae"; the usual one of the output if empty
    energy_weight: float = 1.0  # of the target, where forces are labelled
    force_weight: float = 80.0  # Liao, Smidt, "Equiformer", ICLR 2023, appendix E, use 1 : 80
    learning_rate: float = 5e-4
    warmup: float = 0.01  # share of the steps
    schedule: str = "cosine"  # to zero; or "constant"; or "plateau": halved when valid stands still
    plateau_patience: int = 5  # evaluations without a new best before the rate is halved
    patience: int = 0  # evaluations without a new best that end the run; 0: never
    weight_decay: float = 1e-12
    clip: float = 10.0  # largest global norm of the gradient
    ema: float = 0.999
    augment: str = ""  # group whose random elements act on every training system, such as "SO(3)"
    precision: str = "float32"  # in which the model computes; "bfloat16" keeps float32 weights
    devices: str = "one"  # or "all": a batch is dealt out over them
    keep_data: str = "auto"  # on the "device" where it has memory of its own to spare, or "host"
    evaluate_every: int = 5  # epochs
    steps_per_call: int = 0  # steps inside one compiled call; 0: by their work, at most an epoch
    checkpoint_seconds: float = 60.0
    seed: int = 0


POSITIVE = (
    "epochs", "batch_size", "learning_rate", "clip", "evaluate_every", "checkpoint_seconds",
    "energy_weight", "force_weight", "plateau_patience",
)  # fmt: skip
SIZES = ("train_size", "valid_size")
NOT_NEGATIVE = ("patience", "seed", "steps_per_call", "weight_decay", *SIZES)
KINDS = {
    int: "a whole number", float: "a number", str: "a text", bool: "true or false", dict: "a table",
    list: "a list",
}  # fmt: skip
LONGEST_NAME = 100  # characters: a folder's name, with room for what is written beside it
SHARES = ("warmup", "ema")
LOSSES = ("mse", "mae", "l2mae")
DEVICES = ("one", "all")
PACKAGES = ("jax", "flax", "optax", "numpy")  # whose versions a run writes down
CHOICES = {
    "references": REFERENCES, "loss": ("", *LOSSES), "schedule": ("cosine", "constant", "plateau"),
    "precision": PRECISIONS, "devices": DEVICES,
    "keep_data": on_device.CHOICES,
}  # fmt: skip


def allowed(setting: str) -> tuple[str, ...]:
    """The words that a setting may be; an augmentation is by a group that leaves labels as they are."""
    return ("", *groups.rigid()) if setting == "augment" else CHOICES[setting]


def check_type(key: str, value: Any, where: str = "") -> None:
    """Raises InputError unless `key` is a setting and the value of its type."""
    hints = typing.get_type_hints(Config)
    if key not in hints:
        raise registry.unknown(f"a setting{where}", hints, key)
    kinds = typing.get_args(hints[key]) if isinstance(hints[key], UnionType) else (hints[key],)
    wanted = [typing.get_origin(kind) or kind for kind in kinds]
    fits = isinstance(value, tuple(wanted)) or (float in wanted and isinstance(value, int))
    if isinstance(value, dict):
        fits = fits and all(isinstance(inner, str) for inner in value)
    if not fits or (isinstance(value, bool) and bool not in wanted):
        named = " or ".join(KINDS[kind] for kind in wanted if kind is not NoneType)
        raise InputError(f"Expected {named} for {key}{where}, got {quoted(value)}; correct it.")
    if isinstance(value, int) and not abs(value) < 2**31:
        raise InputError(f"Expected {key}{where} below 2^31, got {quoted(value)}; lower it.")


def check(config: Config) -> None:
    """Raises InputError on a value of another type or out of its range, or a name that is no folder's."""
    for field in dataclasses.fields(config):
        check_type(field.name, getattr(config, field.name))
    for key in POSITIVE:
        value = getattr(config, key)
        if not 0 < value < float("inf"):
            raise InputError(f"Expected a positive number for {key}, got {value}; raise it.")
    for key in NOT_NEGATIVE:
        value = getattr(config, key)
        if value is not None and not int(key in SIZES) <= value < float("inf"):
            least = int(key in SIZES)
            raise InputError(f"Expected {key} of {least} or more, got {value}; raise it.")
    for key in SHARES:
        value = getattr(config, key)
        if not 0 <= value < 1:
            raise InputError(f"Expected {key} from 0 to below 1, got {value}; change it.")
    for key in (*CHOICES, "augment"):
        choices = allowed(key)
        value = getattr(config, key)
        if value not in choices:
            named = ", ".join(c or "nothing" for c in choices)
            raise InputError(f"Expected {key} among {named}, got {quoted(value)}; choose one.")
    _check_budget(config)
    connect_setting(config.connect)
    fits = re.fullmatch(r"(?![.-])[\w.+-]*", config.name) and len(config.name) <= LONGEST_NAME
    if not fits or len(config.name.encode()) > 2 * LONGEST_NAME:
        raise InputError(
            f"Expected a name of at most {LONGEST_NAME} letters, digits and . _ + - that begins with "
            f"neither . nor -, got {quoted(config.name)}; the run becomes a folder of that name."
        )


def _check_budget(config: Config) -> None:
    if not 0 <= config.budget < float("inf"):
        raise InputError(f"Expected a budget of 0 seconds or more, got {config.budget}; raise it.")
    if config.learning_rates and not config.budget:
        raise InputError(
            f"Expected a budget beside learning_rates, got {config.learning_rates} and none; give "
            "one of them as learning_rate, or a budget."
        )
    if config.budget and config.schedule == "plateau":
        raise InputError(
            "Expected the schedule cosine or constant with a budget, got 'plateau', whose end is "
            "not known beforehand; choose another."
        )
    for rate in config.learning_rates:
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < 1e6:
            raise InputError(f"Expected positive learning_rates, got {rate!r}; correct it.")


def connect_setting(given: Any) -> float | str | None:
    """How systems are connected: None (all pairs), "bonds", or a cutoff in Å as a float.

    Takes a number written as text too. Raises InputError on anything else.
    """
    if given is None or given == "bonds":
        return given
    try:
        cutoff = float("nan") if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        cutoff = float("nan")
    if not 0 < cutoff < float("inf"):
        raise InputError(
            "Expected connect to be left out (all pairs), 'bonds' or a cutoff in Å above 0, got "
            f"{quoted(given)}; choose one."
        )
    return cutoff


def resolve(config: Config) -> tuple[Config, dict[str, Any]]:
    """The configuration with its defaults filled in, and the content of config.json.

    Raises InputError on an unknown model, data set, target or setting.
    """
    check(config)
    dataset = registry.load("datasets", config.dataset)
    targets = dataset.ABOUT.targets
    target = config.target or next(iter(targets))
    if target not in targets:
        raise registry.unknown(f"a target of {config.dataset}", targets, target)
    if targets[target].kind is None:
        raise InputError(
            f"Expected a data set of particles or atoms, got {config.dataset}, which is for "
            "lessons; choose another."
        )
    options = checked_options(dataset, config.data_options)
    facts = facts_of(dataset, target, options)
    settings: dict[str, Any] = {"inputs": facts.inputs, "output": facts.output}
    if facts.species and hasattr(registry.load("models", config.model).Config, "species"):
        settings["species"] = facts.species
    settings |= config.model_config
    usual = next(iter(targets.values())).kind
    alike = [name for name, t in targets.items() if t.kind == usual]
    suffix = "" if alike == [target] else f"-{target}"
    name = config.name or f"{config.model}-{config.dataset}{suffix}"
    models.create(config.model, **settings)
    edges = getattr(registry.load("models", config.model), "CONNECT", {})
    connect = edges.get(settings["inputs"]) if config.connect is None else config.connect
    connect = connect_setting(connect)
    if isinstance(connect, float) and models.has(config.model, "cutoff"):
        settings = {"cutoff": connect, **settings}  # the model's envelope ends where the edges do
    config = dataclasses.replace(
        config,
        target=target,
        name=name,
        model_config=settings,
        data_options=options,
        connect=connect,
    )
    stored = dataclasses.asdict(config) | {
        "unit": facts.unit,
        "deviation": {},
        "forces": facts.forces and settings["output"] == "scalar",
        "packages": {p: version(p) for p in PACKAGES},
        "commit": _commit(),
        "device": f"{jax.devices()[0].device_kind}, {os.cpu_count()} cores, {platform.machine()}",
    }
    return config, stored


def restored(stored: dict[str, Any]) -> Config:
    """The configuration that config.json holds, as it was resolved; InputError for a bad value."""
    known = {f.name for f in dataclasses.fields(Config)}
    config = Config(**{k: v for k, v in stored.items() if k in known})
    check(config)
    return config


def _commit() -> str:
    if not CHECKOUT:  # the folder may lie in a project that has nothing to do with this one
        return ""
    asked, here = ["git", "rev-parse", "HEAD"], Path(__file__).parent
    try:
        found = subprocess.run(asked, cwd=here, capture_output=True, text=True, check=False)
    except OSError:  # a machine without git
        return ""
    return found.stdout.strip()
