"""A run folder on disk: which there are, and what stands in its files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jax
import numpy as np

from demetar.core.disk import content, home, parsed, trained, write_atomically
from demetar.core.errors import InputError, quoted, reason
from demetar.runs.config import restored

STATES = ("running", "finished", "paused", "stopped", "failed")
NUMBERS = ("step", "epoch", "train_loss", "valid")  # of every line of metrics


def _unsound(line: Any) -> str:
    """What a line of metrics is instead of an object with finite steps and its numbers; "" if sound."""
    if not isinstance(line, dict):
        return f"{type(line).__name__} {quoted(line)}"
    for key in NUMBERS:
        value = line.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{quoted(value)} as {key}"
    return "" if 0 <= line["step"] < 2**31 else f"step {quoted(line['step'])}"


def _read_lines(path: Path) -> tuple[list[dict[str, Any]], str]:
    """The sound lines of a metrics.jsonl, and a sentence about the first other one, if any.

    A last line without its end is still being written, or was when its process was killed.
    """
    if not path.is_file():
        return [], ""
    try:
        texts = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        return [], f"Expected to read {path}, got '{reason(error)}'; see to its rights."
    found, said = [], ""
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            wrong = _unsound(line)
        except (ValueError, RecursionError):
            line, wrong = None, quoted(text)
        if not wrong:
            found.append(line)
        elif not said and number < len(texts):
            said = (
                f"Expected an evaluation in line {number} of {path}, got {wrong}; remove that line."
            )
    return found, said


def lines(path: Path) -> list[dict[str, Any]]:
    """The sound lines of a metrics.jsonl."""
    return _read_lines(path)[0]


def sound(path: Path) -> None:
    """Raises InputError about the first line of a metrics.jsonl that is no evaluation."""
    if wrong := _read_lines(path)[1]:
        raise InputError(wrong)


def fault(folder: Path) -> str:
    """A sentence about the first damaged file of a run folder; "" where all of them are sound.

    Parameters and checkpoints are looked at when they are read.
    """
    if (folder / "config.json").exists():
        try:
            restored(read_config(folder / "config.json"))
        except InputError as error:
            return str(error)
    if (folder / "status.json").exists() and (wrong := _unknown_status(folder / "status.json")):
        return (
            f"Expected the status of a run in {folder / 'status.json'}, got {wrong}; remove the file "
            "or resume the run."
        )
    return _read_lines(folder / "metrics.jsonl")[1]


def _unknown_status(path: Path) -> str:
    try:
        found = parsed(path)
    except InputError:
        return "no JSON"
    if not isinstance(found, dict):
        return quoted(found)
    if found.get("state") not in STATES:
        return f"the state {quoted(found.get('state'))}"
    for key in ("step", "steps", "pid", "started", "heartbeat"):
        value = found.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
            return f"{quoted(value)} as {key}"
    return ""


def state(folder: Path) -> str:
    """The state that a run's status tells, "" where there is none or it is damaged."""
    found = content(folder / "status.json").get("state")
    return found if found in STATES else ""


def flatten(tree: Any) -> dict[str, np.ndarray]:
    """Parameters as {"layer/kernel": array}."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {"/".join(str(k.key) for k in path): np.asarray(leaf) for path, leaf in leaves}


def save_params(folder: Path, params: Any) -> None:
    """Writes params.npz in one step, into a folder that is there."""
    import io

    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **flatten(params))
    write_atomically(folder / "params.npz", buffer.getvalue(), parents=False)


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
    """The settings in a config.json; InputError where they are not such."""
    kinds = {"model": str, "model_config": dict, "dataset": str, "target": str, "unit": str}
    advice = "restore the file or train the run again."
    config = parsed(path)
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
            f"{quoted(config[wrong[0]])}; {advice}"
        )
    return config
