"""An experiment: many runs written down in one TOML file, checked whole before the first begins.

```toml
name = "{model}-nbody-s{seed}"   # one name a run

[base]                           # settings of every run, as `demetar train` takes them
dataset = "nbody"
epochs = 20
model_config.width = 32

[grid]                           # every combination of these
model = ["egnn", "gnn"]
seed = [0, 1, 2]

[[runs]]                         # and these runs beside
model = "linear"
name = "linear-nbody"

[models.gnn]                     # settings of every run of that model
model_config.layers = 2
```

`[[grid]]`, several times, gives the combinations of one after those of the other.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demetar.core import registry
from demetar.core.errors import InputError, reason
from demetar.runs.config import Config, check_type, resolve

TABLES = ("name", "base", "grid", "runs", "models", "resources")
NESTED = ("model_config", "data_options")
RESOURCES = ("cpus", "gpus")
MOST = 10_000  # runs of an experiment


@dataclasses.dataclass(frozen=True)
class Experiment:
    """Runs to train, each with all its settings, and what one of them needs of a machine."""

    name: str
    runs: tuple[Config, ...]
    cpus: float = 1.0
    gpus: float | None = None  # None: one where the cluster has any


def read(path: str | Path) -> Experiment:
    """The experiment in a TOML file, every run of it resolved.

    Raises InputError, naming the run, on an unknown key, a value of another type or out of its
    range, or a name that two runs share.
    """
    content = _content(Path(path))
    template = content.get("name", "")
    base = _flat(_table(content, "base", path))
    own = _models(content, path)
    combinations = _combinations(content, path)
    entries = content.get("runs", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"Expected [[runs]] of {path} to be tables, got {entries!r}; correct it.")
    explicit = [_flat(entry) for entry in entries]
    given = [*combinations, *explicit] or [{}]
    if not base and given == [{}]:
        raise InputError(
            f"Expected [base], [grid] or [[runs]] in {path}, got none of them; say what to train."
        )

    def settled(settings: dict[str, Any]) -> dict[str, Any]:
        model = {**base, **settings}.get("model", Config.model)
        return {**base, **own.get(model, {}), **settings}

    runs = [_config(settled(settings), template, list(settings), path) for settings in given]
    _distinct([run.name for run in runs], path)
    return Experiment(Path(path).stem, tuple(runs), **_resources(content, path))


def _content(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"Expected an experiment as a TOML file at {path}, got {reason(error)}; correct it."
        ) from None
    for key in content:
        if key not in TABLES:
            raise registry.unknown(f"a key of {path}", TABLES, key)
    if not isinstance(content.get("name", ""), str):
        raise InputError(
            f'Expected the name in {path} to be a template such as "{{model}}-s{{seed}}", '
            f"got {content['name']!r}; correct it."
        )
    return content


def _table(content: Mapping[str, Any], key: str, path: str | Path) -> dict[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, dict):
        raise InputError(f"Expected [{key}] of {path} to be a table, got {table!r}; correct it.")
    return table


def _combinations(content: Mapping[str, Any], path: str | Path) -> list[dict[str, Any]]:
    """Every combination of a grid's values, one grid after the other."""
    grids = content.get("grid", [])
    grids = grids if isinstance(grids, list) else [grids]
    found = []
    for grid in grids:
        if not isinstance(grid, dict):
            raise InputError(f"Expected [grid] of {path} to be a table, got {grid!r}; correct it.")
        grid = _flat(grid)
        for key, values in grid.items():
            if not isinstance(values, list) or not values:
                raise InputError(
                    f"Expected a list of values for {key} in [grid] of {path}, got {values!r}; give "
                    "one or more in brackets."
                )
        if len(found) + math.prod(map(len, grid.values())) > MOST:
            raise InputError(
                f"Expected at most {MOST:,} runs in [grid] of {path}, got more; leave values out."
            )
        if grid:
            found += [dict(zip(grid, values)) for values in itertools.product(*grid.values())]
    return found


def _models(content: Mapping[str, Any], path: str | Path) -> dict[str, dict[str, Any]]:
    """What [models.NAME] says of each model."""
    found = {}
    for name, table in _table(content, "models", path).items():
        registry.load("models", name)
        if not isinstance(table, dict):
            raise InputError(
                f"Expected [models.{name}] of {path} to be a table, got {table!r}; correct it."
            )
        found[name] = _flat(table)
    return found


def _flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """{"model_config": {"width": 8}} as {"model_config.width": 8}; other tables stay."""
    found = {}
    for key, value in table.items():
        if key in NESTED and isinstance(value, dict):
            found |= {f"{key}.{inner}": v for inner, v in value.items()}
        else:
            found[key] = value
    return found


def _config(settings: dict[str, Any], template: str, varied: list[str], path: str | Path) -> Config:
    """The resolved settings of one run; what was wrong is told with the run's name."""
    nested: dict[str, Any] = {}
    for key, value in settings.items():
        table, dot, inner = key.partition(".")
        if dot and table in NESTED:
            nested.setdefault(table, {})[inner] = value
        else:
            check_type(key, value, f" in {path}")
            nested[key] = value
    template = template or "-".join(["{model}-{dataset}", *_varied_parts(varied)])
    nested.setdefault("name", _named(template, settings, path))
    try:
        return resolve(Config(**nested))[0]
    except InputError as error:
        raise InputError(f"{str(error).rstrip('.')} (run {nested['name']} of {path}).") from None


def _varied_parts(varied: list[str]) -> list[str]:
    usual = ("model", "dataset", "name")
    return [f"{key.rpartition('.')[2]}{{{key}}}" for key in varied if key not in usual]


def _named(template: str, settings: Mapping[str, Any], path: str | Path) -> str:
    """The template with settings in place of {model}, {seed}, {model_config.width}."""
    usual = {f.name: f.default for f in dataclasses.fields(Config)}

    def value(match: re.Match[str]) -> str:
        key = match[1]
        found = settings.get(key, usual.get(key, dataclasses.MISSING))
        if found is dataclasses.MISSING or found in ("", None):
            raise registry.unknown(
                f"a setting of the runs in the name {template!r} of {path}",
                [*settings, *usual],
                key,
            )
        return found if isinstance(found, str) else json.dumps(found).strip("[]").replace(", ", "_")

    return re.sub(r"\{([^{}]*)\}", value, template)


def _distinct(names: list[str], path: str | Path) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InputError(
            f"Expected one name a run in {path}, got {doubled[0]!r} for "
            f"{names.count(doubled[0])} runs; put every setting that varies into the name, "
            'as in name = "{model}-s{seed}".'
        )


def _resources(content: Mapping[str, Any], path: str | Path) -> dict[str, float]:
    table = _table(content, "resources", path)
    for key, value in table.items():
        if key not in RESOURCES:
            raise registry.unknown(f"a key in [resources] of {path}", RESOURCES, key)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not 0 <= value < math.inf
        ):
            raise InputError(
                f"Expected a number of {key} for a run in [resources] of {path}, got {value!r}; "
                "give 0 or more."
            )
    return {key: float(value) for key, value in table.items()}
