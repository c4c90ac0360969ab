"""What every registered data set gives: units, shapes, sizes, disjoint splits, known systems.

Sets that are downloaded come from small archives in the published layout, served on this machine,
in which some systems are the published ones; those that are made here are the real ones.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from demetar.core import registry
from demetar.data.sets import SPLITS
from demetar.data.systems import Systems
from tests.support import miniatures
from tests.support.server import Mirror

# Five systems each as numbers: split, the label, and what identifies the system's first particle.
KNOWN = json.loads(Path(__file__).with_name("known_systems.json").read_text())
Read = Callable[..., Systems]
each_dataset = pytest.mark.parametrize("name", registry.names("datasets"))


@pytest.fixture
def here(mirror: Mirror, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """here(name) -> a function (split, target) that reads the set, from a folder of its own if the
    set is downloaded or somebody's file."""

    def prepare(name: str) -> Read:
        module, options = registry.load("datasets", name), {}
        if module.ABOUT.size:
            miniatures.serve(mirror, monkeypatch)
            monkeypatch.setenv("DEMETAR_DATA", str(tmp_path))
        options = miniatures.place(name, tmp_path)
        usual = known_of(name)["target"]
        return lambda split, target=usual: module.systems(split, target, None, **options)

    return prepare


def known_of(name: str) -> dict:
    """What is known of a set: its usual target, the sizes of its splits and five of its systems."""
    assert name in KNOWN, (
        f"write the usual target, the sizes and five systems of {name} into tests/contracts/"
        "known_systems.json, from the publication and not from the new file"
    )
    return KNOWN[name]


def fingerprints(data: Systems) -> list[str]:
    """A hash of what each system puts before a model."""
    ends = np.cumsum(data.sizes.astype(np.int64))
    given = (data.positions, data.species, data.velocities, data.charges, data.masses)
    arrays = [np.ascontiguousarray(values, np.float32) for values in given if values is not None]
    found = []
    for start, end in zip(ends - data.sizes, ends):
        digest = hashlib.sha1(usedforsecurity=False)
        for values in arrays:
            digest.update(values[start:end].tobytes())
        found.append(digest.hexdigest())
    return found


@each_dataset
def test_splits_have_the_published_sizes_and_share_no_system(name: str, here) -> None:
    read = here(name)
    found = {split: read(split) for split in SPLITS}
    sizes = {split: len(data) for split, data in found.items()}
    assert sizes == KNOWN[name]["sizes"], (
        "make the splits as large as known_systems.json says, or correct it"
    )
    stated = registry.load("datasets", name).ABOUT.splits
    known = {split: sizes[split] if count else None for split, count in stated.items()}
    assert known == stated, "say in ABOUT.splits how many systems each split has"
    hashes = {split: set(fingerprints(data)) for split, data in found.items()}
    for one, other in (("train", "valid"), ("train", "test"), ("valid", "test")):
        assert not hashes[one] & hashes[other], f"let {one} and {other} share no system"


@each_dataset
def test_arrays_have_the_declared_shapes_and_units(name: str, here) -> None:
    read, about = here(name), registry.load("datasets", name).ABOUT
    for target, stated in about.targets.items():
        if name == "file" and target in ("value", "positions"):
            continue  # in files of other kinds: tests/data/sets/test_file.py
        data = read("test", target)
        unit, output, rows = stated.unit, stated.kind, int(data.sizes.sum())
        assert data.unit == unit, f"give {target} the unit that ABOUT.targets declares"
        per_node = output in ("positions", "state", "node_scalar")
        width = {"positions": 3, "vector": 3, "state": 6, "tensor": 6}.get(output or "", 1)
        assert data.targets.shape == (rows if per_node else len(data), width), (
            f"give one row of {width} for each {'particle' if per_node else 'system'} as {target}"
        )
        assert data.positions.shape == (rows, 3), (
            "give a row of three coordinates for each particle"
        )
        assert np.isfinite(data.targets).all(), (
            f"give finite labels of {target}; a missing one is no system"
        )
        assert np.isfinite(data.positions).all(), "give finite positions"
        assert (data.forces is not None) == (about.forces and output == "scalar"), (
            "give forces where ABOUT.forces is true and the target a scalar, and nowhere else"
        )
        if data.forces is not None:
            assert data.forces.shape == (rows, 3), "give a force [3] for each particle"
            assert f"{unit}/Å" in about.units.values(), (
                f"say in ABOUT.units that forces are in {unit}/Å"
            )
        if about.inputs == "atoms":
            assert data.species is not None, (
                "a set of atoms gives species; else declare other inputs"
            )
            assert data.species.shape == (rows,), "give an atomic number for each atom"
            assert data.species.min() >= 1, "give atomic numbers from 1 on; 0 is padding"
        elif (
            about.inputs == "particles" and not about.itself
        ):  # what is its own label need not move
            assert data.velocities is not None, (
                "a set of particles gives velocities; else declare other inputs"
            )
            assert data.velocities.shape == (rows, 3), "give a velocity [3] for each particle"


@each_dataset
def test_five_systems_are_the_known_ones(name: str, here) -> None:
    """Their labels, and the distances from the first particle to the others, to six digits."""
    read = here(name)
    found = {split: read(split) for split in SPLITS}
    assert len(KNOWN[name]["systems"]) == 5, (
        f"write five systems of {name} into known_systems.json, from every split"
    )
    for known in KNOWN[name]["systems"]:
        data, index = found[known["split"]], known["index"]
        where = f"system {index} of {known['split']}"
        start = int(data.sizes[:index].astype(np.int64).sum())
        rows = slice(start, start + int(data.sizes[index]))
        x = np.asarray(data.positions[rows], np.float64)
        distances = np.linalg.norm(x[1:] - x[0], axis=1)
        assert np.allclose(distances, known["distances"], rtol=2e-6, atol=2e-6), (
            f"{where}: give the published positions, in Å or the set's unit, in the published order"
        )
        label = data.targets[rows if data.per_node else index]
        assert np.allclose(np.ravel(label), known["label"], rtol=1e-6, atol=1e-5), (
            f"{where}: give the published label, in the unit of ABOUT"
        )
        if data.species is not None:
            assert data.species[rows].tolist() == known["species"], (
                f"{where}: give the published species, in the order of the positions"
            )
        if data.charges is not None:
            assert np.allclose(data.charges[rows], known["charges"]), (
                f"{where}: give the published charges"
            )
        if data.forces is not None:
            assert np.allclose(data.forces[rows], known["forces"], rtol=1e-5, atol=0.02), (
                f"{where}: give the published forces: minus the gradient, in the label's unit per Å"
            )


@each_dataset
def test_the_same_request_gives_the_same_systems(name: str, here) -> None:
    read = here(name)
    once, again = read("valid"), read("valid")
    assert (once.targets == again.targets).all(), (
        "give the same labels each time: draw from a generator with a fixed seed"
    )
    assert (once.positions == again.positions).all(), (
        "give the same positions each time: draw from a generator with a fixed seed"
    )
