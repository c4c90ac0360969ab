"""Audits of real calculators, one process a model; results as JSON under docs/audits/.

python benchmarks/audits.py                    every model that is installed (pip install 'demetar[audit]')
python benchmarks/audits.py gfnff tblite-gfn2  these ones

Weights come inside the packages; nothing is downloaded. A model whose package is missing is said and left
out. `--seconds` bounds each structure.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.build import bulk, molecule

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "audits"


def bromochlorofluoromethane() -> Atoms:
    """CHFClBr, the smallest chiral molecule with tetrahedral carbon (Å)."""
    ways = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]
    lengths = (1.09, 1.37, 1.77, 1.94)
    places = [[x * r / 3**0.5 for x in way] for way, r in zip(ways, lengths)]
    return Atoms("CHFClBr", [[0, 0, 0], *places])


STRUCTURES: dict[str, Callable[[], Atoms]] = {
    "ethanol": lambda: molecule("CH3CH2OH"),
    "acetamide": lambda: molecule("CH3CONH2"),
    "water": lambda: molecule("H2O"),
    "CHFClBr": bromochlorofluoromethane,
    "Si8": lambda: bulk("Si", cubic=True),
    "NaCl8": lambda: bulk("NaCl", "rocksalt", a=5.64, cubic=True),
    "NaCl2": lambda: bulk("NaCl", "rocksalt", a=5.64),
    "Cu4": lambda: bulk("Cu", cubic=True),
}


def gfnff() -> Any:
    """GFN-FF by its ASE calculator."""
    from gfnff import GFNFF  # pyright: ignore

    return GFNFF()


def tblite(method: str) -> Callable[[], Any]:
    """GFN1-xTB or GFN2-xTB."""

    def make() -> Any:
        from tblite.ase import TBLite  # pyright: ignore

        return TBLite(method=method, verbosity=0)

    return make


def stillinger_weber() -> Any:
    """Stillinger-Weber silicon of matscipy."""
    from matscipy.calculators.manybody import Manybody  # pyright: ignore
    from matscipy.calculators.manybody.explicit_forms import StillingerWeber  # pyright: ignore
    from matscipy.calculators.manybody.explicit_forms.stillinger_weber import (  # pyright: ignore
        Stillinger_Weber_PRB_31_5262_Si as parameters,
    )

    return Manybody(**StillingerWeber(parameters))


def emt() -> Any:
    """ASE's effective medium theory."""
    from ase.calculators.emt import EMT

    return EMT()


def chgnet() -> Any:
    """CHGNet 0.3.0."""
    from chgnet.model.dynamics import CHGNetCalculator  # pyright: ignore

    return CHGNetCalculator(use_device="cpu")


def sevennet() -> Any:
    """SevenNet-0."""
    from sevenn.calculator import SevenNetCalculator  # pyright: ignore

    return SevenNetCalculator("7net-0", device="cpu")


def so3lr(double: bool) -> Callable[[], Any]:
    """SO3LR by so3krates-torch, in float32 or float64."""

    def make() -> Any:
        from so3krates_torch.calculator.so3 import SO3LRCalculator  # pyright: ignore

        kind = "float64" if double else "float32"
        return SO3LRCalculator(device="cpu", default_dtype=kind, calculate_stress=False)

    return make


def ani(double: bool) -> Callable[[], Any]:
    """ANI-1x by torchani.neurochem, in float32 or float64."""

    def make() -> Any:
        import torch  # pyright: ignore
        from torchani import neurochem  # pyright: ignore

        folder = Path(neurochem.__file__).parent.parent / "resources" / "ani-1x_8x"
        given = [folder / n for n in ("rHCNO-5.2R_16-3.5A_a4-8.params", "sae_linfit.dat")]
        consts = neurochem.Constants(str(given[0]))
        from torchani import AEVComputer, utils  # pyright: ignore
        from torchani.ase import Calculator  # pyright: ignore
        from torchani.nn import Sequential  # pyright: ignore

        nets = neurochem.load_model_ensemble(consts.species, str(folder / "train"), 8)
        shifter = neurochem.load_sae(str(given[1]))
        model = Sequential(AEVComputer(**consts), nets, shifter)
        if double:
            model = model.to(torch.float64)
        _ = utils
        return Calculator(consts.species, model)

    return make


def diep() -> Any:
    """DIEP, trained on MatPES r2SCAN."""
    from diep.pretrained import make_calculator  # pyright: ignore

    return make_calculator()


MOLECULES, CRYSTALS = ("ethanol", "acetamide", "water"), ("Si8", "NaCl8")
# name -> (package, factory, structures)
MODELS: dict[str, tuple[str, Callable[[], Any], tuple[str, ...]]] = {
    "emt": ("ase", emt, ("Cu4",)),
    "stillinger-weber": ("matscipy", stillinger_weber, ("Si8",)),
    "gfnff": ("gfnff", gfnff, MOLECULES),
    "tblite-gfn2": ("tblite", tblite("GFN2-xTB"), (*MOLECULES[:2], "NaCl2")),
    "tblite-gfn1": ("tblite", tblite("GFN1-xTB"), ("ethanol", "NaCl2")),
    "chgnet": ("chgnet", chgnet, CRYSTALS),
    "sevennet-0": ("sevenn", sevennet, ("CHFClBr", "ethanol", "Si8")),
    "so3lr-float32": ("so3krates-torch", so3lr(False), ("ethanol", "water")),
    "so3lr-float64": ("so3krates-torch", so3lr(True), ("water", "ethanol")),
    "ani1x-float32": ("torchani", ani(False), ("ethanol",)),
    "ani1x-float64": ("torchani", ani(True), ("ethanol",)),
    "diep": ("diep", diep, ("ethanol", "Si8")),
}


def one(name: str, seconds: float, only: str = "") -> None:
    """Audits one model on its structures in this process and writes its JSON."""
    from demetar.diagnosis.audit import audit, report

    warnings.simplefilter("ignore")
    package, made, structures = MODELS[name]
    rows = []
    calculator = made()
    for structure in [s for s in structures if s in only.split(",") or not only]:
        found = audit(calculator, STRUCTURES[structure](), seconds=seconds)
        row = report.document(found)
        for finding in row["evidence"]:
            finding.pop("data")
            finding["tags"] = {k: v for k, v in finding["tags"].items() if k in KEPT}
        rows.append({"name": structure, **row})
        print(
            f"{name:18} {structure:10} {found.cause:22} {found.evaluations} evaluations, "
            f"{found.seconds:.0f} s: {found.sentence[:200]}",
            flush=True,
        )
        stored(name, package, rows)


def stored(name: str, package: str, rows: list[dict[str, Any]]) -> None:
    """Writes what there is of a model, after each structure; others that are there of this version stay."""
    FOLDER.mkdir(exist_ok=True)
    file, version = FOLDER / f"{name}.json", importlib.metadata.version(package)
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    known = {r["name"]: r for r in before.get("rows", ()) if before.get("version") == version}
    known |= {r["name"]: r for r in rows}
    result = {
        "model": name,
        "package": package,
        "version": version,
        "python": platform.python_version(),
        "command": f"python benchmarks/audits.py {name}",
        "rows": [known[k] for k in MODELS[name][2] if k in known],
    }
    file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


KEPT = (
    "word",
    "relative",
    "energy",
    "force",
    "where",
    "pairs",
    "first",
    "seen",
    "wrong",
    "wobble",
    "value",
)


def main() -> int:
    """Runs each model in a process of its own; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help=", ".join(MODELS))
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--structures", default="", help="these alone, with commas between")
    parser.add_argument("--here", action="store_true", help="in this process")
    args = parser.parse_args()
    unknown = [m for m in args.models if m not in MODELS]
    if unknown:
        parser.error(f"expected models among {', '.join(MODELS)}, got {', '.join(unknown)}")
    failed = []
    for name in args.models or MODELS:
        package = MODELS[name][0]
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            print(f"{name}: {package} is not installed, left out", flush=True)
            continue
        if args.here:
            one(name, args.seconds, args.structures)
            continue
        command = [sys.executable, __file__, name, "--here", "--seconds", str(args.seconds)]
        command += ["--structures", args.structures]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
