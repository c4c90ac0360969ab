"""The command on a card is the one that was given."""

import dataclasses
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from demetar.cli import command as cli
from demetar.core.errors import InputError
from demetar.runs.card import command, made
from demetar.runs.config import Config, check, resolve, restored
from demetar.training import fit

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"augment": "SE(3)", "schedule": "plateau", "patience": 3, "precision": "bfloat16"},
        {"dataset": "qm9", "target": "U0", "references": "free", "connect": 2.5, "loss": "l2mae"},
        {
            "dataset": "qm9",
            "connect": "bonds",
            "model_config": {"species": [1, 6, 7], "gate": True},
        },
        {"data_options": {"variant": "clean"}, "train_size": 100, "devices": "all", "seed": 4},
    ],
)
def test_the_command_makes_the_same_settings(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, stored = resolve(Config(**{"name": "mine", **changes}))
    given: list[Config] = []
    monkeypatch.setattr(fit, "fit", lambda config, *_: given.append(config) or ROOT)
    words = shlex.split(command(stored))
    args = cli.parser().parse_args(words[1:])
    with pytest.raises(InputError):  # of the status that nobody wrote
        args.call(args)
    assert given == [config]


KNOWN = {field.name for field in dataclasses.fields(Config)}
FOUND = {
    "unit", "rms", "data_sha256", "deviation", "masses", "forces", "packages", "commit", "device", "note",
    "plan",
}  # fmt: skip


def strangers(stored: dict[str, Any]) -> set[str]:
    """What stands in a config.json and is neither a setting nor found out at the start."""
    return set(stored) - KNOWN - FOUND


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("trained/*/config.json")), ids=lambda p: p.parent.name
)
def test_shipped_settings_are_todays(path: Path) -> None:
    stored = json.loads(path.read_text())
    assert strangers(stored) == set()
    check(restored(stored))


def test_settings_of_other_names_and_types_are_seen() -> None:
    assert strangers({"model": "egnn", "decay": True}) == {"decay"}
    with pytest.raises(InputError, match="augment"):
        check(restored({"augment": False}))


def test_a_regression_says_so_and_its_command_is_no_training() -> None:
    asked = {"grid": 24, "readout": "linear", "species": (1, 6, 7, 8, 9)}
    _, stored = resolve(
        Config("wavescatt", "qm9", target="homo", name="w", train_size=9, model_config=asked)
    )
    stored = json.loads(json.dumps(stored))  # as a run folder gives it back
    line = {"step": 1, "epoch": 1.0, "seconds": 600.0, "processor": 600.0, "valid": 123.45}
    said = made(stored | {"device": "cpu"}, [line], 123.45)
    assert "python benchmarks/wavescatt.py --train 9 --model-config grid=24 --save w\n" in said
    assert "demetar train" not in said
    assert "10 processor minutes" in said
    assert "error 123.5" in said
