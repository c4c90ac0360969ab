"""Writes the molecules and scenes that come with Demetar: `python data/samples/make.py`.

Needed once, by maintainers; needs the extra `qm9`.
"""

import ase
import ase.io
import numpy as np
from ase.collections import g2

from demetar.data.samples import FOLDER, SCENES
from demetar.data.sets import _qm9_archive, qm9
from demetar.simulation.scene import scene

DISTINCT_FORMULAS = 250
NAMED = {
    "methane": "C",
    "ammonia": "N",
    "water": "O",
    "acetylene": "C#C",
    "hydrogen-cyanide": "C#N",
    "formaldehyde": "C=O",
    "ethane": "CC",
    "methanol": "CO",
    "propyne": "CC#C",
    "acetonitrile": "CC#N",
    "acetaldehyde": "CC=O",
    "formamide": "NC=O",
    "propane": "CCC",
    "ethanol": "CCO",
    "dimethyl-ether": "COC",
    "cyclopropane": "C1CC1",
    "oxirane": "C1CO1",
    "acetone": "CC(C)=O",
    "acetamide": "CC(N)=O",
    "urea": "NC(N)=O",
    "isobutane": "CC(C)C",
    "isopropanol": "CC(C)O",
    "butadiyne": "C#CC#C",
    "cyanogen": "N#CC#N",
    "glyoxal": "O=CC=O",
    "butane": "CCCC",
    "ethylene-glycol": "OCCO",
    "cyclobutane": "C1CCC1",
    "pyrrole": "N1C=CC=C1",
    "imidazole": "N1C=CN=C1",
    "furan": "O1C=CC=C1",
    "neopentane": "CC(C)(C)C",
    "benzene": "C1=CC=CC=C1",
    "pyridine": "C1=CC=NC=C1",
    "cyclohexane": "C1CCCCC1",
    "cyclopentane": "C1CCCC1",
    "tetrafluoromethane": "FC(F)(F)F",
    "glycerol": "OCC(O)CO",
    "uracil": "O=C1NC=CC(=O)N1",
    "diethyl-ether": "CCOCC",
    "toluene": "CC1=CC=CC=C1",
    "phenol": "OC1=CC=CC=C1",
    "aniline": "NC1=CC=CC=C1",
    "fluorobenzene": "FC1=CC=CC=C1",
    "benzaldehyde": "O=CC1=CC=CC=C1",
    "benzonitrile": "N#CC1=CC=CC=C1",
    "phenylacetylene": "C#CC1=CC=CC=C1",
    "indole": "N1C=CC2=C1C=CC=C2",
    "furfural": "O=CC1=CC=CO1",
    "ethyl-acetate": "CCOC(C)=O",
    "nonane": "CCCCCCCCC",
    "beta-alanine-zwitterion": "[NH3+]CCC([O-])=O",
}
G2 = {
    "g2-water": "H2O",
    "g2-ammonia": "NH3",
    "g2-methane": "CH4",
    "g2-ethylene": "C2H4",
    "g2-benzene": "C6H6",
    "g2-ethanol": "CH3CH2OH",
    "g2-acetic-acid": "CH3COOH",
    "g2-pyridine": "C5H5N",
    "g2-furan": "C4H4O",
    "g2-formic-acid": "HCOOH",
    "g2-hydrogen-peroxide": "H2O2",
    "g2-carbon-dioxide": "CO2",
}
SCENE_STEPS, SCENE_EVERY = 4_100, 20


def _line(atoms: ase.Atoms) -> str:
    """The molecule as one frame of an extended-XYZ file, with the digits that QM9's float32 has."""
    facts = " ".join(f'{key}="{value}"' for key, value in atoms.info.items())
    rows = "".join(
        f"{symbol:2} {x:12.7f} {y:12.7f} {z:12.7f}\n"
        for symbol, (x, y, z) in zip(atoms.symbols, atoms.positions, strict=True)
    )
    return f"{len(atoms)}\nProperties=species:S:1:pos:R:3 {facts}\n{rows}"


def _qm9_molecules() -> list[ase.Atoms]:
    """The named molecules, then the first test molecule of each of 250 more sum formulas."""
    data = _qm9_archive.arrays()
    smiles = data["smiles"].tobytes().decode().split("\n")
    row_of = {text: row for row, text in enumerate(smiles)}
    split = np.empty(len(smiles), object)
    for part in qm9.ABOUT.splits:
        split[qm9.rows("cormorant", part)] = part
    chosen = {row_of[text]: name for name, text in NAMED.items()}
    found, formulas = [], set()
    others = (row for row in qm9.rows("cormorant", "test") if row not in chosen)
    for row in [*chosen, *others]:
        one = qm9.select(data, np.array([row]), "homo")
        atoms = ase.Atoms(one.species, one.positions)
        formula = atoms.get_chemical_formula()
        if row not in chosen and (formula in formulas or len(formulas) >= DISTINCT_FORMULAS):
            continue
        if row not in chosen:
            formulas.add(formula)
        atoms.info = {
            "name": chosen.get(row, f"qm9-{one.index[0]:06d}"),
            "source": "QM9",
            "smiles": smiles[row],
            "qm9_index": int(one.index[0]),
            "homo_meV": round(float(one.targets[0]), 3),
            "split": split[row],
        }
        found.append(atoms)
    return found


def main() -> None:
    """Write every sample file anew; needs the extra `qm9`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    g2_molecules = []
    for name, key in G2.items():
        atoms = g2[key]
        atoms.info = {"name": name, "source": "ASE g2"}
        g2_molecules.append(atoms)
    for file, molecules in (("qm9.xyz", _qm9_molecules()), ("g2.xyz", g2_molecules)):
        (FOLDER / file).write_text("".join(map(_line, molecules)))
    for name, settings in SCENES.items():
        made = scene(**settings, steps=SCENE_STEPS, every=SCENE_EVERY)
        np.savez_compressed(FOLDER / f"{name}.npz", **vars(made))


if __name__ == "__main__":
    main()
