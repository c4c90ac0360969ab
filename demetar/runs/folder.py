"""A run folder on disk: which there are, and what stands in its files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jax
import numpy as np

from demetar.core.disk import home, trained, write_atomically
from demetar.core.errors import InputError


def lines(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a metrics.jsonl."""
    if not path.is_file():
        return []
    found = []
    for text in path.read_text().splitlines():
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def flatten(tree: Any) -> dict[str, np.ndarray]:
    """Parameters as {"layer/kernel": array}."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {"/".join(str(k.key) for k in path): np.asarray(leaf) for path, leaf in leaves}


def save_params(folder: Path, params: Any) -> None:
    """Writes params.npz in one step."""
    import io

    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **flatten(params))
    write_atomically(folder / "params.npz", buffer.getvalue())


def save(folder: str | os.PathLike[str], config: dict[str, Any], params: Any) -> None:
    """Writes config.json and params.npz of a run folder."""
    folder = Path(folder)
    write_atomically(folder / "config.json", (json.dumps(config, indent=1) + "\n").encode())
    save_params(folder, params)


def names() -> list[str]:
    """The names of all runs that have parameters, shipped ones first."""
    return [p.name for p in folders() if (p / "params.npz").is_file()]


def folders() -> list[Path]:
    """All run folders, shipped ones first, each group in alphabetical order."""
    roots = (trained(), home() / "runs")
    return [p.parent for root in roots for p in sorted(root.glob("*/config.json"))]


def read_config(path: Path) -> dict[str, Any]:
    kinds = {"model": str, "model_config": dict, "dataset": str, "target": str, "unit": str}
    advice = "restore the file or train the run again."
    try:
        config = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"Expected JSON in {path}, got something else ({error}); {advice}"
        ) from None
    given = config if isinstance(config, dict) else {}
    if missing := sorted(set(kinds) - set(given)):
        raise InputError(
            f"Expected {', '.join(kinds)} in {path}, got none for {', '.join(missing)}; {advice}"
        )
    wrong = [key for key, kind in kinds.items() if not isinstance(config[key], kind)]
    if not isinstance(config.get("connect"), float | int | None) and config["connect"] != "bonds":
        wrong.append("connect")
    if wrong:
        raise InputError(
            f"Expected a setting of another type for {wrong[0]} in {path}, got "
            f"{config[wrong[0]]!r}; {advice}"
        )
    return config
