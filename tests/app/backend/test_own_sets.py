"""Own labelled files: checked when they come, kept with their units, shown, removed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backend import datasets, own_sets
from demetar.core.errors import InputError
from demetar.data.sets import file
from demetar.runs.config import Config, resolve

UNITS = {"energy_unit": "kcal/mol"}


def extxyz(frames: int = 20, broken: bool = False) -> bytes:
    """Water that shakes, with made-up energies and forces."""
    rng = np.random.default_rng(0)
    start = np.array([[0, 0, 0.12], [0, 0.76, -0.48], [0, -0.76, -0.48]])
    lines = []
    for i in range(frames):
        x, f = start + 0.05 * rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
        lines += ["3", f"Properties=species:S:1:pos:R:3:forces:R:3 energy={-10 + 0.5 * i}"]
        for symbol, a, b in zip("OHH", x, f):
            lines.append(" ".join([symbol, *(f"{v:.5f}" for v in (*a, *b))]))
    if broken:
        lines[3] = "O 0.0 zero 0.0 1 2 3"
    return ("\n".join(lines) + "\n").encode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_page: Any) -> Path:
    monkeypatch.setenv("DEMETAR_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "own"


def words(page: Any) -> str:
    boxes = [*page.caption, *page.markdown, *page.error, *page.info]
    return " ".join(box.value for box in boxes).replace("\\", "")


def test_a_good_file_is_kept_and_read_back_in_our_units(folder: Path) -> None:
    kept, count = own_sets.keep("water", {"../../w.extxyz": extxyz()}, "energy", UNITS)
    assert count == 20
    assert kept == own_sets.found()["water"]
    assert {path.name for path in (folder / "water").iterdir()} == {"systems.extxyz", "set.json"}
    options = dict(kept.options)
    assert options == {"path": "own/water/systems.extxyz", "energy_unit": "kcal/mol"}
    train = file.systems("train", "energy", None, **options)
    assert (len(train), train.unit) == (16, "meV")
    assert train.forces is not None
    energies = train.targets[:, 0] / 43.3641
    assert np.allclose((energies + 10) * 2, np.round((energies + 10) * 2), atol=1e-3)
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize(
    ("files", "options", "says"),
    [
        ({"w.xyz": extxyz(broken=True)}, UNITS, "line 4"),
        ({"w.xyz": extxyz()}, {}, "energy_unit"),
        ({"w.xyz": extxyz(5)}, UNITS, "at least 10"),
        ({"w.xyz": b""}, UNITS, "empty"),
        ({"w.pdf": extxyz()}, UNITS, "one file that ends in"),
        ({"a.xyz": extxyz(), "b.xyz": extxyz()}, UNITS, "one file that ends in"),
        ({"w.npz": b"no archive"}, {**UNITS, "length_unit": "Å"}, "NPZ"),
        ({"w.xyz": extxyz()}, {**UNITS, "column": "dftb"}, "dftb"),
    ],
)
def test_a_bad_file_is_a_sentence_and_leaves_nothing(
    folder: Path, files: dict[str, bytes], options: dict[str, str], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        own_sets.keep("water", files, "energy", options)
    assert not own_sets.found()
    assert not list(folder.glob("*")) + list(folder.glob(".new*"))


def test_size_and_names_are_held_to_their_limits(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("", "../x", "a b", "x" * 41, ".x"):
        with pytest.raises(InputError, match="name"):
            own_sets.keep(name, {"w.xyz": extxyz()}, "energy", UNITS)
    monkeypatch.setattr(own_sets, "MAX_BYTES", 100)
    with pytest.raises(InputError, match="MB"):
        own_sets.keep("water", {"w.xyz": extxyz()}, "energy", UNITS)
    monkeypatch.undo()


def test_a_name_is_used_once_and_free_again_when_removed(folder: Path) -> None:
    own_sets.keep("water", {"w.xyz": extxyz()}, "energy", UNITS)
    with pytest.raises(InputError, match="new name"):
        own_sets.keep("water", {"w.xyz": extxyz()}, "energy", UNITS)
    own_sets.remove("water")
    assert not own_sets.found()
    with pytest.raises(InputError, match="own set"):
        own_sets.remove("water")
    (folder / "odd").mkdir()
    (folder / "odd" / "set.json").write_text("[1, 2")
    assert not own_sets.found()


def test_an_sdf_takes_its_values_from_a_table(folder: Path) -> None:
    atom = "{:10.4f}{:10.4f}{:10.4f} {:<3} 0  0\n"
    rows = [
        f"m{i}\n\n\n  2  0  0  0  0  0  0  0  0  0999 V2000\n"
        + atom.format(0, 0, 0, "H")
        + atom.format(0, 0, 0.7 + 0.01 * i, "H")
        + "M  END\n$$$$\n"
        for i in range(12)
    ]
    table = "name,logP\n" + "".join(f"m{i},{0.5 * i}\n" for i in range(12))
    files = {"m.sdf": "".join(rows).encode(), "t.csv": table.encode()}
    kept, count = own_sets.keep("logp", files, "value", {"column": "logP", "unit": "log10"})
    assert count == 12
    shown = datasets.system("file", "train", "value", 0, kept.options)
    assert shown.symbols == ["H", "H"]
    assert shown.facts[-1][2] == "log10"


def test_the_page_takes_a_file_asks_for_its_units_and_shows_it(
    folder: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("data", data="file")
    assert not page.exception
    assert not page.error
    page.file_uploader(key="data:own:files").upload("w.xyz", extxyz(), "chemical/x-xyz")
    page.run()
    page.text_input(key="data:own:name").set_value("water").run()
    page.button(key="data:own:keep").click().run()
    assert not page.exception
    assert "energy_unit" in page.error[0].value.replace("\\", "")
    page.selectbox(key="data:own:energy_unit").set_value("kcal/mol").run()
    page.button(key="data:own:keep").click().run()
    assert not page.exception
    assert not page.error
    assert page.selectbox(key="data:own").value == "water"
    assert page.query_params["own"] == "water"
    assert page.number_input(key="data:index").max == 15
    again = open_page("data", **page.query_params)
    assert not again.info
    assert again.selectbox(key="data:own").value == "water"
    told = open_page("data", data="file", own="wter")
    assert "wter" in words(told)
    again.button(key="data:own:remove").click().run()
    assert not again.exception
    assert not own_sets.found()


def test_the_page_names_what_it_leaves_out_and_takes_its_name(
    folder: Path, open_page: Callable[..., Any]
) -> None:
    data = extxyz().replace(b"forces:R:3", b"REF_forces:R:3").replace(b"energy=", b"E_ref=")
    page = open_page("data", data="file")
    page.file_uploader(key="data:own:files").upload("w.xyz", data, "chemical/x-xyz")
    page.run()
    page.selectbox(key="data:own:energy_unit").set_value("kcal/mol")
    page.text_input(key="data:own:column").set_value("E_ref")
    page.text_input(key="data:own:forces").set_value("REF_force")
    page.text_input(key="data:own:name").set_value("water").run()
    page.button(key="data:own:keep").click().run()
    assert "REF_forces" in page.error[0].value.replace("\\", "")
    page.text_input(key="data:own:forces").set_value("").run()
    page.button(key="data:own:keep").click().run()
    assert not page.exception
    assert not page.error
    (said,) = (box.value.replace("\\", "") for box in page.info)
    assert "column REF_forces" in said
    options = (("column", "E_ref"), ("energy_unit", "kcal/mol"), ("path", "own/water/systems.xyz"))
    assert own_sets.found()["water"].options == options
    own_sets.remove("water")
    own_sets.keep("water", {"w.xyz": data}, "energy", {**dict(options[:2]), "forces": "REF_forces"})
    assert not open_page("data", data="file", own="water").info


def test_a_kept_set_can_be_trained_on(
    folder: Path, open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.jobs import training

    page = open_page("training")
    assert "Your own file" not in page.selectbox(key="training:dataset").options
    own_sets.keep("water", {"w.xyz": extxyz()}, "energy", UNITS)
    begun: list[dict[str, Any]] = []
    monkeypatch.setattr(
        training, "start", lambda settings: begun.append(settings) or settings["name"]
    )
    page = open_page("training")
    page.selectbox(key="training:dataset").set_value("file").run()
    assert page.selectbox(key="training:file:own").value == "water"
    page.button(key="training:start").click().run()
    assert not page.exception
    (settings,) = begun
    assert settings["name"] == f"{settings['model']}-file-energy-water"
    assert settings["data_options"] == dict(own_sets.found()["water"].options)
    config, stored = resolve(Config(**settings))
    assert stored["unit"] == "meV"
    assert config.model_config["output"] == "scalar"
