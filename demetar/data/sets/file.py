"""Your own labelled file as a data set: extended XYZ, SDF with a CSV of labels, or NPZ.

`path` names the file, `energy_unit` and the other units are asked, never guessed; what is wrong in
it is said by its line. A tenth of the systems each is set aside for validation and test, chosen by
`seed`. Targets: energy (with forces where the file has them), dipole, value (any one number, such as
a column of a table), positions (of N-body systems at a later time). See `demetar.data.readers.labelled`.
"""

import dataclasses

import numpy as np
from ase import units
from ase.data import chemical_symbols

from demetar.core.errors import InputError
from demetar.data.readers.labelled import Labelled
from demetar.data.sets import _frames
from demetar.data.sets._about import SPLITS, DataSet, Facts, Target
from demetar.data.sets._frames import EV, KCAL_PER_MOL
from demetar.data.sets._own_file import parts, place_of, read
from demetar.data.systems import Systems

ABOUT = DataSet(
    title="Your own file",
    summary="Labelled systems from a file of yours: extended XYZ with energies and forces, SDF with a "
    "table of values, or NPZ arrays. Units are asked, never guessed. What is wrong in the file is said "
    "by its line.",
    licence="that of the file",
    citation="whoever made the file",
    inputs="atoms",
    targets={
        "energy": Target("0e", "meV", "scalar"),
        "value": Target("0e", "as stated", "scalar"),
        "dipole": Target("1o", "D", "vector"),
        "positions": Target("1o", "scene units", "positions"),
    },
    forces=True,
    units={"positions": "Å or scene units", "energy": "meV", "forces": "meV/Å", "dipole": "D"},
    options={
        "energy_unit": ("", "meV", "eV", "kcal/mol", "kJ/mol", "hartree"),
        "length_unit": ("", "Å", "nm", "bohr"),
        "dipole_unit": ("", "D", "e·Å", "e·bohr"),
    },
    # The files, which label, its unit, and the draw of the splits.
    free_options=("path", "labels", "column", "forces", "unit", "seed"),
    splits=dict.fromkeys(SPLITS),
    notes={"": "No published number stands beside errors on an own file."},
)
_ENERGY = {
    "meV": 1.0, "eV": EV, "kcal/mol": KCAL_PER_MOL, "kJ/mol": KCAL_PER_MOL / 4.184,
    "hartree": units.Hartree * EV,
}  # fmt: skip
_LENGTH = {"Å": 1.0, "nm": 10.0, "bohr": units.Bohr}
_DIPOLE = {"D": 1.0, "e·Å": 1 / units.Debye, "e·bohr": units.Bohr / units.Debye}
_WRITTEN = {"A": "Å", "angstrom": "Å", "e*A": "e·Å", "e*bohr": "e·bohr", "Hartree": "hartree"}
SMALLEST = 10


def _unit(kind: str, given: str, known: dict[str, float]) -> float:
    given = _WRITTEN.get(given, given)
    if given not in known:
        raise InputError(
            f"Expected the {kind} of the file among {', '.join(known)}, got {given!r}; give {kind}=…, "
            "it is not guessed."
        )
    return known[given]


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a user says of a file: the options of every function here.

    `path`: the file; `labels`: the CSV beside an SDF. `column`: which key, column or array is the
    label, and `forces` which one the forces, if not the usual energy and forces (E and F in NPZ).
    `length_unit` may be left out for XYZ and SDF, which are in Å by definition. `unit` states that
    of a value, `seed` the draw of the splits.
    """

    energy_unit: str = ""
    length_unit: str = ""
    dipole_unit: str = ""
    path: str = ""
    labels: str = ""
    column: str = ""
    forces: str = ""
    unit: str = ""
    seed: str = "0"

    def read(self, target: str) -> Labelled:
        """The file with the labels of a target."""
        return read(self.path, target, self.labels, self.column, self.forces)


def present(**options: str) -> bool:
    """Whether the file is there."""
    path = Asked(**options).path
    return bool(path) and place_of(path).is_file()


def free_atoms(target: str, **options: str) -> dict[int, float] | None:
    """Energies of the file's single atoms in meV by atomic number; None where it has none.

    Raises InputError where an element of its molecules is missing, or one has two energies.
    """
    asked = Asked(**options)
    data, free = parts(asked.path, target, asked.labels, asked.column, asked.forces)
    if not free or data.species is None:
        return None
    found = dict(free)
    lacking = [chemical_symbols[z] for z in np.unique(data.species) if int(z) not in found]
    twice = [chemical_symbols[z] for z, energy in free if found[z] != energy]
    if lacking or twice:
        raise InputError(
            "Expected one single atom of each element in the file as references, got "
            f"{'none of ' + ', '.join(lacking) if lacking else 'several of ' + ', '.join(twice)}; "
            "correct the file or take references=fit."
        )
    scale = _unit("energy_unit", asked.energy_unit, _ENERGY)
    return {z: energy * scale for z, energy in found.items()}


def rows(count: int, split: str, seed: str = "0") -> np.ndarray:
    """The systems of a split: default_rng(seed)'s permutation, first train, then valid, then test."""
    if not seed.isdecimal() or len(seed) > 9:
        raise InputError(f"Expected a seed from 0 on, got {seed!r}; change it.")
    if count < SMALLEST:
        raise InputError(
            f"Expected at least {SMALLEST} systems in a file for training, got {count}; add some."
        )
    tenth = count // 10
    order = np.random.default_rng(int(seed)).permutation(count)
    parts = np.split(order, [count - 2 * tenth, count - tenth])
    return parts[SPLITS.index(split)]


def facts(target: str, **options: str) -> Facts:
    """What a run has to know of a target of the file; raises InputError as `systems` does."""
    _frames.require("target", target, tuple(ABOUT.targets), "a file")
    asked = Asked(**options)
    _, _, stated = _scales(target, asked)
    data = asked.read(target)
    rows(len(data), "train", asked.seed)
    return Facts(
        inputs="particles" if data.species is None else ABOUT.inputs,
        output=ABOUT.targets[target].kind,
        unit=stated,
        forces=data.forces is not None,
        species=None if data.species is None else tuple(np.unique(data.species).tolist()),
    )


def systems(
    split: str,
    target: str = "energy",
    size: int | None = None,
    energy_unit: str = "",
    length_unit: str = "",
    dipole_unit: str = "",
    path: str = "",
    labels: str = "",
    column: str = "",
    forces: str = "",
    unit: str = "",
    seed: str = "0",
) -> Systems:
    """The split as labelled systems: energies in meV, forces in meV/Å, dipoles in D, lengths in Å.

    Molecules are about their centroids. Remarks say what is left out. Raises InputError
    for a unit that is not said and for what is wrong in the file.
    """
    _frames.require("target", target, tuple(ABOUT.targets), "a file")
    _frames.require("split", split, SPLITS, "a file")
    asked = Asked(
        energy_unit, length_unit, dipole_unit, path, labels, column, forces, unit, str(seed)
    )
    length, scale, stated = _scales(target, asked)
    data = asked.read(target)
    chosen = _frames.first(rows(len(data), split, asked.seed), size, f"{split} split of the file")
    return _select(data, chosen, length, scale, stated)


def _scales(target: str, asked: Asked) -> tuple[float, float, str]:
    """Å in a unit of length, the target's unit in the file's, and the target's unit."""
    if target == "positions":
        return 1.0, 1.0, ABOUT.targets[target].unit
    given = asked.length_unit or ("" if asked.path.lower().endswith(".npz") else "Å")
    length = _unit("length_unit", given, _LENGTH)
    if target == "value":
        unit = asked.unit
        if not unit or len(unit) > 20 or not unit.isprintable():
            raise InputError(
                f"Expected the unit of the value in up to 20 letters, got {unit[:30]!r}; give unit=…."
            )
        return length, 1.0, unit
    if target == "dipole":
        return length, _unit("dipole_unit", asked.dipole_unit, _DIPOLE), "D"
    return length, _unit("energy_unit", asked.energy_unit, _ENERGY), "meV"


def _select(data: Labelled, chosen: np.ndarray, length: float, scale: float, unit: str) -> Systems:
    ends = np.cumsum(data.sizes)
    sizes = data.sizes[chosen]
    last = np.cumsum(sizes)
    own = np.arange(last[-1]) + np.repeat(ends[chosen] - last, sizes)

    def take(values: np.ndarray | None, factor: float = 1.0) -> np.ndarray | None:
        return None if values is None else (values[own] * factor).astype(np.float32)

    bodies = data.species is None
    positions = data.positions[own] * length
    if not bodies:  # a molecule that drifted away would lose digits in float32
        centres = np.add.reduceat(positions, last - sizes) / sizes[:, None]
        positions -= np.repeat(centres, sizes, axis=0)
    return Systems(
        sizes=sizes,
        positions=positions.astype(np.float32),
        unit=unit,
        targets=data.label[own] if bodies else data.label[chosen] * scale,
        species=None if data.species is None else data.species[own],
        velocities=take(data.velocities),
        charges=take(data.charges),
        masses=take(data.masses),
        forces=take(data.forces, scale / length),
    )


def published(target: str = "energy", **options: str) -> dict[str, float]:
    """Nothing: no paper knows the file."""
    return {}


def baselines(target: str = "energy", **options: str) -> dict[str, float]:
    """Test errors of what costs nothing: the train mean, forces of zero; for bodies staying (MSE)."""
    train, test = (systems(split, target, None, **options) for split in ("train", "test"))
    if target == "positions":
        return {"static": float(np.mean((test.targets - test.positions) ** 2))}
    difference = test.targets - train.targets.mean(axis=0)
    if target == "dipole":  # a mean direction would not turn with the molecules
        return {"zero": float(np.linalg.norm(test.targets, axis=1).mean())}
    found = {"mean": float(np.abs(difference).mean())}
    if test.forces is not None:
        found["zero forces (meV/Å)"] = float(np.abs(test.forces).mean())
    return found
