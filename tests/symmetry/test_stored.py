"""Traces of earlier processes: read where all is the same, and only there; nothing damaged is read."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core.graph import Graph
from demetar.core.kinds import POSITIONS
from demetar.core.output import Output, Value
from demetar.models import egnn
from demetar.runs.config import Config, resolve
from demetar.runs.prediction import prediction
from demetar.runs.run import Run, template
from demetar.symmetry import comparison, stored
from demetar.symmetry.equivariance import measure


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where traces are kept, all of them, for this test."""
    monkeypatch.setattr(stored, "WORTH", -1.0)
    before = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    yield tmp_path / "traces"
    jax.config.update("jax_compilation_cache_dir", before)


def kept(times: list[int], factor: float = 2.0, name: str = "twice") -> stored.Kept:
    """As a new process has it: x → factor · x by that name, which notes when it is traced."""

    def function(x: Any) -> Any:
        times.append(1)
        return {"y": factor * x}

    return stored.Kept(jax.jit(function), name)


def test_a_later_process_reads_what_an_earlier_one_traced(folder: Path) -> None:
    times: list[int] = []
    x = np.arange(3, dtype=np.float32)
    first, second = (kept(times)(x)["y"] for _ in range(2))
    assert len(times) == 1, "the second one has traced, too"
    np.testing.assert_array_equal(first, 2 * x)
    np.testing.assert_array_equal(second, 2 * x)
    assert kept(times).lower(x).compile().memory_analysis() is not None
    assert len(times) == 1


@pytest.mark.parametrize("what", ["name", "shape", "type", "structure", "precision", "source"])
def test_nothing_is_read_where_anything_differs(
    what: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[int] = []
    x: Any = np.arange(4, dtype=np.float32)
    kept(times)(x)
    name = "thrice" if what == "name" else "twice"
    if what == "shape":
        x = x[:3]
    if what == "type":
        x = x.astype(np.int32)
    if what == "source":
        monkeypatch.setattr(stored, "_versions", lambda: ("of another day",))
    if what == "structure":
        other = stored.Kept(jax.jit(lambda x: times.append(1) or 3.0 * x[0]), name)
        np.testing.assert_array_equal(other([x]), 3 * x)
    else:
        other = jax.default_matmul_precision("highest")
        with other if what == "precision" else contextlib.nullcontext():
            kept(times, 3.0, name)(x)
    assert len(times) == 2, f"a trace of another {what} was read"


def test_a_damaged_trace_is_made_anew(folder: Path) -> None:
    times: list[int] = []
    x = np.arange(3, dtype=np.float32)
    kept(times)(x)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    for broken in (b"", whole[:-5], whole[:40] + bytes([whole[40] ^ 1]) + whole[41:]):
        file.write_bytes(broken)
        for _ in range(2):  # traced and written, then read
            np.testing.assert_array_equal(kept(times)(x)["y"], 2 * x)
    assert len(times) == 4


def test_no_more_files_than_that_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "KEPT", 3)
    for length in range(1, 8):
        kept([])(np.zeros(length, np.float32))
    assert len(list(folder.iterdir())) == 3


def test_what_has_no_name_is_not_kept(folder: Path, scene: Graph) -> None:
    def still(graph: Graph) -> Output:
        return Output({"positions": Value(jnp.asarray(graph.positions), POSITIONS)})

    measure(still, scene, "SO(3)", samples=2)
    assert not folder.exists()


ATOMS = {"inputs": "atoms", "output": "scalar"}


def run_of(**settings: Any) -> Run:
    config = Config(
        model="egnn", dataset="qm9", target="homo", model_config={"width": 8, "layers": 1}
    )
    _, known = resolve(dataclasses.replace(config, **settings))
    made = Run(known["name"], known, None)
    return dataclasses.replace(made, params=template(made))


def test_a_run_answers_the_same_from_a_trace(folder: Path, molecule: Graph) -> None:
    """Its numbers, its layers' names and kinds; the function is a new one, as in a new process."""
    run = run_of()
    found = []
    for _ in range(2):
        comparison.compiled.cache_clear()
        comparison._shapes.clear()
        found.append(measure(run, molecule, "O(3)", samples=3))
        files = len(list(folder.iterdir()))
    assert files == 2, "the shapes and one comparison"
    first, second = found
    assert first.kinds == second.kinds
    assert [x.name for x in first.layers] == [x.name for x in second.layers]
    for name in first.delta:
        np.testing.assert_array_equal(first.delta[name], second.delta[name])
        np.testing.assert_array_equal(first.rebuilt[name], second.rebuilt[name])
    for a, b in zip(jax.tree.leaves(first.trace), jax.tree.leaves(second.trace), strict=True):
        np.testing.assert_array_equal(a, b)


def test_names_say_all_that_is_computed() -> None:
    """Model, its settings, target and unit: of two runs that differ in one, each traces for itself."""
    wide = {"model_config": {"width": 16, "layers": 1}}
    settings: list[dict[str, Any]] = [{}, wide, {"target": "gap"}, {"model": "gnn"}]
    names = [stored.name_of(run_of(**s).function) for s in settings]
    assert len(set(names)) == len(names)
    assert all(names)
    # Whatever is made of a function has no name of its own, nor has a model from elsewhere.
    function = run_of().function
    assert not stored.name_of(lambda params, graph: function(params, graph))

    class Elsewhere(egnn.Model):
        pass

    assert not stored.name_of(prediction(Elsewhere(egnn.Config(**ATOMS)), "homo", "meV"))
