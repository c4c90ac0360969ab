"""The viewer's builder: what is refused, what py3Dmol is told, what reaches the browser."""

import ast
import json
import re
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule

from app.viewer import build, component, follow, scene
from app.viewer.component import Angle, Choice, Drag, Pick, View, read_event
from app.viewer.scene import Arrows, Atoms, Edges, Field, Panel, Particles, Track
from demetar.core.errors import InputError

ETHANOL = molecule("CH3CH2OH")
SPECIES = ETHANOL.get_chemical_symbols()
VIEWER = Path(scene.__file__).parent


def payload(*items, **words):
    return build.panel_payload(Panel("x", list(items), **words))


def methods(found):
    return [call[0] for call in found["calls"]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "make",
    [
        lambda x: Atoms(["H", "H"], x),
        lambda x: Particles(x),
        lambda x: Arrows(x, np.zeros((2, 3))),
        lambda x: Arrows(np.zeros((2, 3)), x),
        lambda x: Edges(x, [0], [1], [0.5]),
        lambda x: Field(x, np.zeros((2, 3)), "left"),
        lambda x: Field(np.zeros((2, 3)), x, "right"),
        lambda x: Track([x], "truth"),
    ],
)
def test_what_is_not_finite_is_refused_in_one_sentence(make, bad):
    x = np.zeros((2, 3))
    x[1] = [0, 0, 0.7]
    make(x)
    x[1, 2] = bad
    with pytest.raises(InputError, match=r"finite .*NaN or infinity"):
        make(x)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Atoms(["H"], [[0, 0]]), "1×3"),
        (lambda: Atoms(["Qq"], [[0, 0, 0]]), "chemical symbols"),
        (lambda: Atoms(["H"], [["a", 0, 0]]), "numbers"),
        (lambda: Atoms(["H"], [[0, 0, 0]], bonds=[(0, 4)]), "one with atom 4"),
        (lambda: Arrows(np.zeros((2, 3)), np.zeros((3, 3))), "2×3"),
        (lambda: Arrows(np.zeros((1, 3)), np.zeros((1, 3)), color="red;x"), "colour"),
        (lambda: Arrows(np.zeros((1, 3)), np.zeros((1, 3)), magnify=np.inf), "finite"),
        (lambda: Edges(np.zeros((2, 3)), [0], [2], [0.5]), "that are there, got one to another"),
        (lambda: Edges(np.zeros((2, 3)), [0], [1, 1], [0.5]), "as many senders"),
        (lambda: Particles(np.zeros((2, 3)), charges=[1.0]), "charges"),
        (lambda: Track(np.zeros((0, 2, 3)), "truth"), "one or more frames"),
        (lambda: Particles(np.zeros((scene.MAX_ATOMS + 1, 3))), "at most"),
        (lambda: Panel("x", rotation=[0, 0, np.nan, 1]), "finite"),
    ],
)
def test_bad_input_says_what_was_expected(make, words):
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        make()
    assert str(caught.value).count("\n") == 0


def test_bonds_of_ethanol_are_its_eight():
    bonds = scene.find_bonds(SPECIES, ETHANOL.positions)
    named = sorted("".join(sorted(SPECIES[i] + SPECIES[j])) for i, j, _ in bonds)
    assert named == sorted(["CC", "CO", "HO", "CH", "CH", "CH", "CH", "CH"])


def test_atoms_reach_the_browser_exactly_with_their_bonds():
    found = payload(Atoms(SPECIES, ETHANOL.positions))
    assert methods(found) == ["addModel", "model.addAtoms", "model.setStyle"]
    (atoms,) = found["calls"][1][1]
    places = np.array([[atom["x"], atom["y"], atom["z"]] for atom in atoms])
    assert np.abs(places - ETHANOL.positions).max() < 1e-6
    assert [atom["elem"] for atom in atoms] == SPECIES
    degree = {symbol: set() for symbol in "CHO"}
    for atom in atoms:
        degree[atom["elem"]].add(len(atom["bonds"]))
    assert degree == {"C": {4}, "H": {1}, "O": {2}}


def test_an_arrow_goes_from_its_origin_by_scale_times_magnify():
    found = payload(Arrows([[1, 2, 3]], [[0, 0, 0.1]], scale=2, magnify=10))
    ((name, (spec,)),) = found["calls"]
    assert name == "addArrow"
    assert spec["start"] == {"x": 1, "y": 2, "z": 3}
    assert spec["end"] == {"x": 1, "y": 2, "z": 5}


def test_a_dashed_arrow_ends_at_the_same_tip():
    found = payload(Arrows([[0, 0, 0]], [[0, 0, 2]], dashed=True))
    assert methods(found).count("addCylinder") >= 2
    assert found["calls"][-1][0] == "addArrow"
    assert found["calls"][-1][1][0]["end"] == {"x": 0, "y": 0, "z": 2}


def test_zero_vectors_draw_nothing_and_settling_ones_are_marked():
    assert payload(Arrows(np.zeros((3, 3)), np.zeros((3, 3))))["calls"] == []
    found = payload(Arrows([[0, 0, 0]], [[0, 0, 1]], settles=True))
    assert [call[2] for call in found["calls"]] == ["settles"]


def test_the_legend_prints_magnification_and_unit():
    arrows = Arrows([[0, 0, 0]], [[0, 0, 1]], label="residual", magnify=1e6)
    assert payload(arrows)["legend"][0]["label"] == "residual ×10⁶"
    arrows = Arrows([[0, 0, 0]], [[0, 0, 1]], label="forces", unit="eV/Å", scale=0.5)
    assert payload(arrows)["legend"][0]["label"] == "forces (1 Å = 2 eV/Å)"


def test_edges_below_the_floor_are_left_out_and_mutual_ones_share_the_rod():
    points = [[0, 0, 0], [2, 0, 0], [0, 2, 0]]
    found = payload(Edges(points, [0, 1, 2, 0], [1, 0, 0, 0], [0.5, 0.2, 0.04, 1.0]))
    rods = [call[1][0] for call in found["calls"]]
    assert [rod["end"] for rod in rods] == [{"x": 1, "y": 0, "z": 0}] * 2
    assert rods[0]["radius"] > rods[1]["radius"]
    assert rods[0]["opacity"] > rods[1]["opacity"]


def test_charges_have_signs_and_colours():
    found = payload(Particles(np.eye(3), charges=[1, -1, 0]))
    assert [mark["sign"] for mark in found["marks"]] == ["+", "−", ""]
    (atoms,) = found["calls"][1][1]
    assert len({atom["color"] for atom in atoms}) == 3


def test_tracks_name_their_model_and_keep_their_frames():
    frames = np.random.default_rng(0).normal(size=(4, 2, 3))
    still = Particles(np.zeros((2, 3)))
    found = payload(still, Track(frames, "truth"), Track(frames, "guess", style="ghost"))
    assert [track["model"] for track in found["tracks"]] == [1, 2]
    assert np.abs(np.array(found["tracks"][0]["frames"]) - frames).max() < 1e-4


def test_words_are_data_never_part_of_a_call():
    hostile = "</script><script>alert(1)</script>`${x}`\u2028\n);"
    found = payload(Atoms(SPECIES, ETHANOL.positions, label=hostile), about=hostile)
    assert found["about"] == hostile
    assert "script" not in json.dumps(found["calls"])


def test_every_call_is_one_that_the_browser_knows():
    items = [
        Atoms(["C", "O"], [[0, 0, 0], [0, 0, 1.1]], bonds=[(0, 1, 2)], ghost=True),
        Particles(np.eye(3), [1, -1, 0]),
        Arrows(np.eye(3), np.eye(3), dashed=True),
        Edges(np.eye(3), [0, 1], [1, 2], [0.5, 0.9]),
        Track(np.zeros((2, 3, 3)), "truth", style="ring"),
    ]
    text = (VIEWER / "js" / "stage.js").read_text()
    known = set(re.findall(r'"(add\w+|setStyle)"', text))
    assert {name.removeprefix("model.") for name in methods(payload(*items))} <= known


def test_the_digest_follows_the_picture_and_not_the_words():
    first = payload(Atoms(SPECIES, ETHANOL.positions), caption="a")
    assert payload(Atoms(SPECIES, ETHANOL.positions), caption="b")["digest"] == first["digest"]
    assert payload(Atoms(SPECIES, ETHANOL.positions + 1e-3))["digest"] != first["digest"]


def test_the_extent_holds_every_panel():
    near, far = Atoms(["H"], [[0, 0, 0]]), Particles([[5, 0, 0], [-5, 0, 0]])
    found = build.extent([Panel("a", [near]), Panel("b", [far])])
    assert found["centre"] == [0, 0, 0]
    assert found["radius"] > 5


@pytest.mark.parametrize("size", [1e-9, 0.02, 1.0, 37.0, 4e5])
def test_arrow_scale_draws_the_longest_within_its_length(size):
    scale = scene.arrow_scale([[0, 0, size], [0, 0, size / 3]], longest=1.5)
    assert 0.5 < size * scale <= 1.5
    assert float(f"{scale:.0e}"[0]) in (1, 2, 5)


def test_magnifier_is_the_smallest_power_of_ten_that_shows():
    assert scene.magnifier([[0, 0, 3e-7]], scale=1.0, visible=0.3) == 1e6
    assert scene.magnifier([[0, 0, 1.0]], scale=1.0) == 1
    assert scene.magnifier([[0, 0, 0.0]], scale=1.0) == 1


PANELS = [Panel("a"), Panel("b")]
Q = [0.0, 0.6, 0.0, 0.8]


@pytest.mark.parametrize(
    ("name", "value", "event"),
    [
        ("drag", {"quaternion": Q, "serial": 3}, Drag((0, 0.6, 0, 0.8), 3)),
        ("view", {"quaternion": Q, "serial": 3}, View((0, 0.6, 0, 0.8), 3)),
        ("pick", {"panel": 1, "atom": 4, "serial": 5}, Pick(1, 4, 5)),
        ("angle", {"degrees": 33.5, "serial": 2}, Angle(33.5, 2)),
        ("angle", {"degrees": 181, "serial": 2}, None),
        ("angle", {"degrees": True, "serial": 2}, None),
        ("choice", {"name": "of", "value": "value", "serial": 2}, Choice("of", "value", 2)),
        ("choice", {"name": "of", "value": 7, "serial": 2}, None),
        ("choice", {"name": "of", "value": "x" * 90, "serial": 2}, None),
        ("drag", None, None),
        ("drag", {"quaternion": [0, 0, 0, float("nan")], "serial": 1}, None),
        ("drag", {"quaternion": [0, 0, 0, 2.0], "serial": 1}, None),
        ("drag", {"quaternion": [0, 0, "0", 1], "serial": 1}, None),
        ("drag", {"quaternion": Q, "serial": "1"}, None),
        ("pick", {"panel": 2, "atom": 0, "serial": 1}, None),
        ("pick", {"panel": 0, "atom": -1, "serial": 1}, None),
    ],
)
def test_what_the_browser_reports_is_checked(name, value, event):
    assert read_event(name, value, PANELS) == event


def test_the_builder_imports_neither_streamlit_nor_jax():
    for file in ("scene.py", "build.py", "checked.py", "told.py"):
        tree = ast.parse((VIEWER / file).read_text())
        names = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        names |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        assert {str(name).split(".")[0] for name in names} <= {
            *("__future__", "re", "json", "hashlib", "collections", "dataclasses", "typing"),
            *("numpy", "ase", "py3Dmol", "app", "demetar"),
        }


def test_the_scripts_are_joined_whole():
    files = {path.stem for path in (VIEWER / "js").glob("*.js")}
    assert files == {*component.MODULES, *follow.MODULES}
    for modules in (component.MODULES, follow.MODULES):
        text = component.bundle(modules)
        assert not re.search(r"^import ", text, flags=re.M)
        assert len(re.findall(r"^export ", text, flags=re.M)) == 1
        declared = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", text, flags=re.M)
        assert len(declared) == len(set(declared))


def test_a_field_is_drawn_in_the_browser_from_the_surface_of_its_atoms():
    vectors = np.array([[0, 0, 2.0], [0, 1, 0]])
    field = Field(
        np.eye(3)[:2], vectors, "residual", radii=[0.3, 0.4], scale=0.7, magnify=1e6, label="far"
    )
    found = payload(Atoms(["H", "O"], np.eye(3)[:2]), field)
    assert "addArrow" not in methods(found)
    (drawn,) = found["fields"]
    assert drawn["vectors"] == vectors.ravel().tolist()
    assert (drawn["role"], drawn["radii"], drawn["magnified"]) == ("residual", [0.3, 0.4], True)
    assert found["magnified"] == "× 10⁶"
    assert found["legend"][0]["label"] == "far"
    other = payload(Atoms(["H", "O"], np.eye(3)[:2]), Field(np.eye(3)[:2], 2 * vectors, "left"))
    assert other["digest"] != found["digest"]
    assert other["magnified"] == ""


def test_the_longest_arrow_is_as_long_as_is_asked():
    vectors = np.array([[0, 3.0, 4.0], [1, 0, 0]])
    assert scene.fitting_scale(vectors) * 5 == pytest.approx(1.4)
    assert scene.fitting_scale(np.zeros((2, 3))) == 1.0


def test_panels_in_columns_are_joined_with_their_neighbours():
    found = component._grid(4, 2, "g", "f")
    assert found.wide == [[0, 1], [2, 3]]
    assert {(a, b) for a, b, _ in found.joins} == {(0, 1), (2, 3), (0, 2), (1, 3)}
    assert component._grid(3, 2, "", "").wide == [[0, 1], [2, None]]
