"""The data-efficiency experiment as a library call: points, going on, runs of other settings."""

import dataclasses
import json
from pathlib import Path

import pytest

from demetar.core.errors import InputError
from demetar.experiments import efficiency
from demetar.runs import evaluate
from demetar.runs.run import load

TINY = efficiency.Plan(sizes=(10,), seeds=(0,), steps=10, valid=10, test=20, checks=2)


@pytest.mark.slow
def test_a_tiny_experiment_from_start_to_end(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, told = home / "result.json", []
    found = efficiency.run(TINY, out, told.append)
    assert json.loads(out.read_text())["points"] == found["points"]
    by_arm = {p["arm"]: p for p in found["points"]}
    assert set(by_arm) == set(efficiency.ARMS)
    assert by_arm["equivariant"]["delta"] < 1e-5 < by_arm["plain"]["delta"]
    assert by_arm["plain"]["error"] != by_arm["augmented"]["error"]
    assert all(0 < p["error"] < 1 and p["steps"] == 10 for p in found["points"])
    assert found["done"]
    straight, rest = (found["baselines"][name] for name in ("straight on", "at rest"))
    assert straight["error"] < rest["error"]
    assert straight["typical"] < rest["typical"]
    for point in (*found["points"], straight, rest):
        assert 0 < point["typical"] < point["worst"]
        assert point["error"] < point["worst"]
    load_one = load("efficiency-plain-n10-s0")
    whole = evaluate.evaluate(load_one, "test", TINY.test)
    assert by_arm["plain"]["error"] == pytest.approx(whole["value"], rel=1e-6)
    assert told[-1]["arm"] == "equivariant"
    assert load("efficiency-augmented-n10-s0").config["augment"] == "SO(3)"

    def never(*arguments: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(efficiency, "fit", never)
    again = efficiency.run(TINY, out)
    assert again["points"] == found["points"]
    other = dataclasses.replace(TINY, steps=20)
    with pytest.raises(InputError, match="epochs"):
        efficiency.run(other, out)
