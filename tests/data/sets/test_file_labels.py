"""An own file whose labels could vanish: options found or refused, words said, single atoms apart."""

import json
from pathlib import Path

import numpy as np
import pytest

from demetar.cli import main
from demetar.core.errors import InputError
from demetar.core.remarks import heard
from demetar.data.sets import file
from demetar.runs.config import Config, resolve
from demetar.training.fit import fit

WATER = np.array([[0, 0, 0.12], [0, 0.76, -0.48], [0, -0.76, -0.48]])
SINGLE = "1\nProperties=species:S:1:pos:R:3:forces:R:3 energy={} config_type=IsolatedAtom\n{} 0 0 0 0 0 0\n"
ATOMS = SINGLE.format(-2040.5, "O") + SINGLE.format(-13.6, "H")


def water(count: int = 12, column: str = "forces", key: str = "energy", at: float = 0.0) -> str:
    rng, lines = np.random.default_rng(0), []
    for i in range(count):
        lines += ["3", f"Properties=species:S:1:pos:R:3:{column}:R:3 {key}={-76 - i / 10}"]
        rows = np.hstack(
            [WATER + 0.05 * rng.standard_normal((3, 3)) + at, rng.standard_normal((3, 3))]
        )
        lines += [
            " ".join([s, *(f"{v:.7f}" for v in row)]) for s, row in zip("OHH", rows, strict=True)
        ]
    return "\n".join(lines) + "\n"


@pytest.fixture
def own(tmp_path: Path):
    def write(text: str) -> dict[str, str]:
        (tmp_path / "own.xyz").write_text(text)
        return {"path": str(tmp_path / "own.xyz"), "energy_unit": "eV"}

    return write


def test_a_misspelt_option_is_refused_by_the_command(own, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("DEMETAR_HOME", str(tmp_path))
    options = [f"{k}={v}" for k, v in own(water(column="REF_forces", key="REF_energy")).items()]
    wrong = [*options, "column=REF_energy", "forces=REF_force"]
    train = ["train", "--model", "egnn", "--dataset", "file", "--data-options"]
    show = ["data", "show", "file", "--json"]
    for arguments in ([*train, *wrong], show + [x for o in wrong for x in ("--option", o)]):
        assert main(arguments) == 2
        said = capsys.readouterr()
        assert "REF_forces" in said.err
        assert "did you mean" in said.err
        assert not said.out
    assert not (tmp_path / "runs").exists()


def test_a_column_that_is_left_out_is_said_by_the_command(own, capsys):
    options = own(water(column="REF_forces")) | {"forces": ""}
    arguments = [x for k, v in options.items() for x in ("--option", f"{k}={v}")]
    assert main(["data", "show", "file", *arguments, "--json"]) == 0
    said = capsys.readouterr()
    assert said.err.startswith("demetar: note: ")
    assert "REF_forces" in said.err
    assert "REF_forces" in json.loads(said.out)["remarks"][0]
    assert main(["data", "show", "file", *arguments]) == 0
    assert "note" not in capsys.readouterr().out
    assert main(["data", "show", "file", *arguments[:-1], "forces=REF_forces", "--json"]) == 0
    said = capsys.readouterr()
    assert not said.err
    assert "remarks" not in json.loads(said.out)
    assert json.loads(said.out)["statistics"]["forces"]["count"] == 90


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        ("dipole", {"forces": "forces", "dipole_unit": "D"}, "beside the target energy only"),
        ("value", {"forces": "forces", "unit": "eV", "column": "energy"}, "energy only"),
        ("positions", {"column": "energy"}, "leave it out"),
        ("positions", {"labels": "own.csv"}, "leave it out"),
        ("energy", {"labels": "own.csv"}, "own.csv"),
    ],
)
def test_options_that_a_target_does_not_read_are_refused(own, target, options, said):
    with pytest.raises(InputError, match=said):
        file.facts(target, **own(water()), **options)


def test_a_remark_is_said_again_for_a_file_that_is_kept(own):
    options = own(water(column="force"))
    for _ in range(2):
        with heard() as said:
            assert not file.facts("energy", **options).forces
        assert "column force" in said[0]


@pytest.mark.parametrize("at", [0.0, 1e4, -9.9e4])
def test_bonds_keep_their_lengths_far_from_the_origin(own, at):
    options = own(water(at=at))
    found = file.systems("train", **options)
    x = found.positions.astype(np.float64).reshape(-1, 3, 3)
    base = file.read(options["path"]).positions.reshape(-1, 3, 3)[file.rows(12, "train")]
    bonds = [np.linalg.norm(y[:, 0] - y[:, 1], axis=-1) for y in (x, base)]
    assert np.abs(bonds[0] - bonds[1]).max() < 1e-6
    assert np.abs(x.mean(axis=1)).max() < 1e-6


def test_bodies_stay_where_they_are(tmp_path):
    x = np.random.default_rng(0).standard_normal((10, 3, 3)) + 5
    np.savez(tmp_path / "b.npz", positions=x, target_positions=x + 1)
    found = file.systems("train", "positions", path=str(tmp_path / "b.npz"))
    assert np.allclose(found.positions.reshape(-1, 3, 3), x[file.rows(10, "train")])


@pytest.mark.parametrize("text", [ATOMS + water(), water() + ATOMS])
def test_single_atoms_are_named_and_not_trained_on(own, text):
    options = own(text)
    with heard() as said:
        parts = [file.systems(split, **options) for split in file.ABOUT.splits]
    assert sum(map(len, parts)) == 12
    assert all((part.sizes == 3).all() for part in parts)
    assert max(part.targets.max() for part in parts) < -70_000
    assert "Of 14 systems 2 are single atoms (O, H: systems 1" in said[0] or "systems 13" in said[0]
    plain = file.systems("train", **own(water()))
    assert np.array_equal(parts[0].targets, plain.targets)
    assert parts[0].forces is not None
    assert plain.forces is not None
    assert np.array_equal(parts[0].forces, plain.forces)
    assert np.array_equal(parts[0].positions, plain.positions)


def test_single_atoms_are_references_where_asked(own):
    assert file.free_atoms("energy", **own(ATOMS + water())) == {8: -2040_500.0, 1: -13_600.0}
    assert file.free_atoms("energy", **own(water())) is None
    with pytest.raises(InputError, match="none of H"):
        file.free_atoms("energy", **own(SINGLE.format(-2040.5, "O") + water()))
    other = SINGLE.format(-13.5, "H").replace(" 0 0 0 0 0 0", " 1 1 1 0 0 0")
    with pytest.raises(InputError, match="several of H"):
        file.free_atoms("energy", **own(ATOMS + other + water()))


def test_a_set_of_single_atoms_alone_is_left_as_it_is(own):
    text = "".join(
        SINGLE.format(i, "Ar").replace(" 0 0 0 0 0 0", f" {i} 0 0 0 0 0") for i in range(12)
    )
    with heard() as said:
        assert len(file.systems("train", **own(text))) == 10
    assert not said


def test_training_takes_the_single_atoms_as_references(own, tmp_path, monkeypatch):
    monkeypatch.setenv("DEMETAR_HOME", str(tmp_path))
    options = own(ATOMS + water(column="forces"))
    config, _ = resolve(
        Config(
            model="egnn",
            dataset="file",
            data_options=options,
            name="own",
            references="free",
            epochs=1,
            batch_size=4,
            model_config={"width": 8, "layers": 1},
        )
    )
    folder = fit(config)
    with np.load(folder / "params.npz") as params:
        assert params["references"][[1, 8]].tolist() == [-13_600.0, -2040_500.0]
