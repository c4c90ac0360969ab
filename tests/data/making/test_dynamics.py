"""Sets made by dynamics: their physics, their files, and every refusal.

ASE's EMT is always there; tblite and PySCF are optional, so small stand-ins with their interface
take their place here.
"""

import dataclasses
import json
import sys
import types

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.calculator import all_changes
from ase.calculators.emt import EMT

from demetar.cli import main
from demetar.core.errors import InputError
from demetar.data.making import dynamics as module
from demetar.data.making.calculators import CALCULATORS
from demetar.data.making.dynamics import Settings, dynamics, write
from demetar.data.sets import file

SMALL = Settings("water", "emt", frames=4, every=2, warmup=3, temperature=300.0)


def test_the_same_seed_gives_the_same_frames_and_another_others():
    one, again = dynamics(SMALL), dynamics(SMALL)
    assert np.array_equal(one.positions, again.positions)
    assert np.array_equal(one.forces, again.forces)
    other = dynamics(dataclasses.replace(SMALL, seed=1))
    assert np.abs(one.positions[-1] - other.positions[-1]).max() > 1e-4
    assert one.positions.shape == (4, 3, 3)
    assert one.dipoles is None


def test_forces_are_minus_the_gradient_of_the_energy():
    made = dynamics(SMALL)

    def energy(x: np.ndarray) -> float:
        atoms = Atoms(made.species.astype(int), x)
        atoms.calc = EMT()
        return atoms.get_potential_energy()

    x, eps = made.positions[-1], 1e-4
    assert energy(x) == pytest.approx(made.energies[-1], abs=1e-10)
    for i in range(3):
        shift = np.zeros((3, 3))
        shift[i, i % 3] = eps
        slope = (energy(x + shift) - energy(x - shift)) / (2 * eps)
        assert made.forces[-1, i, i % 3] == pytest.approx(-slope, abs=1e-5)


def test_time_is_in_femtoseconds_and_momenta_are_thermal(monkeypatch):
    """The integrator gets ASE's units; of 400 starts the mean kinetic energy is that of 300 K."""
    given = {}

    def integrator(atoms, step, **settings):
        given.update(settings, step=step, kinetic=atoms.get_kinetic_energy())
        return types.SimpleNamespace(run=lambda steps: None)

    monkeypatch.setattr(module, "Langevin", integrator)
    monkeypatch.setattr(module, "_labels", lambda atoms, labeller: (0, 0, 0, None))
    kinetic = []
    for seed in range(400):
        dynamics(dataclasses.replace(SMALL, seed=seed, frames=1))
        kinetic.append(given["kinetic"])
    assert given["step"] == pytest.approx(0.5e-15 * units.second)
    assert given["friction"] == pytest.approx(0.01e15 / units.second)
    assert given["temperature_K"] == 300.0
    # what the drift and the rotation carried is given back to the 9 momenta; 2 % is one deviation
    assert np.mean(kinetic) == pytest.approx(0.5 * 9 * units.kB * 300, rel=0.1)


def test_what_is_written_can_be_trained_on(tmp_path, capsys):
    made = dynamics(Settings("water", "emt", frames=12, every=2, warmup=2))
    about = write(made, SMALL, tmp_path / "own")
    for ending, options in ((".xyz", {}), (".npz", {"length_unit": "Å"})):
        options = {"path": str(tmp_path / f"own{ending}"), "energy_unit": "eV", **options}
        parts = [file.systems(split, **options) for split in file.ABOUT.splits]
        found = np.sort(np.concatenate([p.targets[:, 0] for p in parts]))
        assert np.allclose(found, np.sort(made.energies) * 1000, rtol=0, atol=1e-9)
        forces = np.concatenate([p.forces for p in parts])
        assert np.allclose(
            np.sort(forces, axis=None), 1000 * np.sort(made.forces, axis=None), atol=1e-4
        )
    written = json.loads((tmp_path / "own.json").read_text())
    assert written == about
    assert written["units"]["forces"] == "eV/Å"
    assert (written["seed"], written["temperature"], written["step"]) == (0, 300.0, 0.5)


def test_the_command_makes_a_set(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("DEMETAR_DATA", str(tmp_path))
    arguments = ["data", "make", "md", "--molecule", "water", "--calculator", "emt", "--frames", "3",
                 "--every", "1", "--warmup", "1", "--json"]  # fmt: skip
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    about = json.loads(out)
    assert about["systems"] == 3
    assert "100.0 %" in err
    made = sorted(p.name for p in (tmp_path / "made").iterdir())
    assert made == [f"water-emt-500K-seed0.{end}" for end in ("json", "npz", "xyz")]


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--molecule", "ethanool"], "did you mean 'ethanol'"),
        (["--molecule", "absent.xyz"], "structure file"),
        (["--molecule", "water", "--calculator", "emit"], "did you mean 'emt'"),
        (["--molecule", "water", "--label", "emit"], "did you mean 'emt'"),
        (["--molecule", "water", "--frames", "0"], "frames"),
        (["--molecule", "water", "--step", "nan"], "step"),
        (["--molecule", "water", "--temperature", "-1"], "temperature"),
        (["--molecule", "CH3Cl", "--calculator", "emt"], "Cl"),
        (["--molecule", "water", "--calculator", "emt", "--out", "/proc/sys/own"], "--out"),
        ([], "--molecule"),
    ],
)
def test_what_cannot_be_made_is_one_sentence(flags, word, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("DEMETAR_DATA", str(tmp_path))
    assert main(["data", "make", "md", *flags]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert word in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("calculator", "package"), [("gfn2-xtb", "tblite"), ("pbe", "pyscf")])
def test_a_missing_package_is_one_sentence(calculator, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=r'pip install "demetar\[md\]"'):
        dynamics(Settings("water", calculator))


def test_a_molecule_that_flies_apart_is_one_sentence():
    with pytest.raises(InputError, match="flew apart"):
        dynamics(
            Settings("ethanol", "emt", frames=400, every=5, warmup=0, step=5.0, temperature=5_000)
        )


def test_an_interrupt_writes_nothing(monkeypatch):
    def interrupted(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="4 frames, got an interrupt after 1"):
        dynamics(SMALL, interrupted)


class Spring(EMT):
    """A stand-in for tblite's calculator: EMT with a dipole."""

    implemented_properties = [*EMT.implemented_properties, "dipole"]

    def __init__(self, method: str, verbosity: int) -> None:
        assert (method, verbosity) == ("GFN2-xTB", 0)
        super().__init__()

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        self.results["dipole"] = np.array([0.0, 0.1, 0.2])


def test_gfn2_gives_dipoles_too(monkeypatch, tmp_path):
    package = types.ModuleType("tblite")
    package.ase = types.ModuleType("tblite.ase")  # pyright: ignore[reportAttributeAccessIssue]
    package.ase.TBLite = Spring
    monkeypatch.setitem(sys.modules, "tblite", package)
    monkeypatch.setitem(sys.modules, "tblite.ase", package.ase)
    s = Settings("water", "gfn2-xtb", frames=12, every=1, warmup=1)
    write(dynamics(s), s, tmp_path / "own")
    data = file.systems("test", "dipole", path=str(tmp_path / "own.xyz"), dipole_unit="e·Å")
    assert np.allclose(data.targets, np.array([[0.0, 0.1, 0.2]]) / units.Debye)


class _Field:
    """What the calculator uses of PySCF's mean field: a harmonic oscillator about the origin."""

    converged = True

    def __init__(self, mole: dict, xc: str) -> None:
        assert xc == "pbe"
        self.x = np.array([place for _, place in mole["atom"]]) / units.Bohr
        self.grids = types.SimpleNamespace(level=3)

    def density_fit(self, auxbasis: str) -> "_Field":
        assert auxbasis == "def2-universal-jfit"
        return self

    def kernel(self, dm0: np.ndarray | None) -> float:
        self.begun = dm0
        return 0.5 * float((self.x**2).sum())

    def make_rdm1(self) -> np.ndarray:
        return np.eye(2)

    def nuc_grad_method(self) -> types.SimpleNamespace:
        return types.SimpleNamespace(kernel=lambda: self.x)

    def dip_moment(self, mole: dict, density: np.ndarray, unit: str, verbose: int) -> list[float]:
        return [1.0, 0.0, 0.0]


def test_pbe_is_turned_into_the_units_of_ase(monkeypatch):
    """One hartree and bohr: energies and forces of a known oscillator, a dipole of 1 debye."""
    asked = []

    def mole(**settings):
        asked.append(settings)
        return settings

    package = types.ModuleType("pyscf")
    package.gto = types.ModuleType("pyscf.gto")  # pyright: ignore[reportAttributeAccessIssue]
    package.dft = types.ModuleType("pyscf.dft")  # pyright: ignore[reportAttributeAccessIssue]
    package.gto.M, package.dft.KS = mole, _Field
    for name in ("pyscf", "pyscf.gto", "pyscf.dft"):
        part = package if name == "pyscf" else getattr(package, name[6:])
        monkeypatch.setitem(sys.modules, name, part)
    atoms = Atoms("OH", [[0, 0, 0], [0, 0, units.Bohr]])
    atoms.calc = CALCULATORS["pbe"]()
    assert atoms.get_potential_energy() == pytest.approx(0.5 * 27.2114, rel=1e-5)
    assert atoms.get_forces()[1, 2] == pytest.approx(-27.2114 / 0.529177, rel=1e-5)
    assert atoms.get_dipole_moment()[0] == pytest.approx(0.2081943, rel=1e-5)
    assert asked[0]["spin"] == 1
    assert asked[0]["basis"] == "def2-svp"
    monkeypatch.setattr(_Field, "converged", False)
    atoms.rattle(0.1)
    with pytest.raises(InputError, match="converge"):
        atoms.get_potential_energy()


def test_kept_frames_can_be_labelled_by_another_calculator(monkeypatch):
    calls = []

    class Dear(EMT):
        def calculate(self, *arguments, **settings) -> None:
            calls.append(1)
            super().calculate(*arguments, **settings)

    monkeypatch.setitem(CALCULATORS, "pbe", Dear)
    plain = dynamics(SMALL)
    made = dynamics(dataclasses.replace(SMALL, label="pbe"))
    assert np.array_equal(made.positions, plain.positions), "the dynamics stay the cheap one's"
    assert np.allclose(made.energies, plain.energies)
    assert len(calls) == SMALL.frames
