"""The command on a card is the one that was given."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from demetar.cli import command as cli
from demetar.runs.card import command
from demetar.runs.config import Config, resolve, restored
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
    with pytest.raises(FileNotFoundError):  # of the status that nobody wrote
        args.call(args)
    assert given == [config]


def test_settings_of_earlier_runs_are_understood() -> None:
    stored = {"model": "egnn", "augment": True, "decay": False, "unit": "meV"}
    config = restored(stored)
    assert (config.augment, config.schedule) == ("SO(3)", "constant")
    assert restored({"augment": False, "decay": True}) == Config()
