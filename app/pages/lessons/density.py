"""Electron density: a molecule turned, its coefficients turned by D(g), and a model that predicts them."""

from __future__ import annotations

from app.backend import cached
from app.figures import pixels
from app.pages.lessons import _parts, _scenes
from app.pages.lessons._asked import Asked, One, Switch, Whole
from app.ui import layout, rotation, words

TITLE, SHORT, ORDER = "Electron density", "Density", 9
RULE = (
    "ρ(r) = Σ c Y_lm(r − rᵢ) exp(−α |r − rᵢ|²): with the molecule turned by g, the coefficients of degree "
    "l turn by D^l(g)."
)
DO = (
    "turn g. The right cloud has to be the left one, turned; then break it, and it is the cloud of no "
    "molecule."
)
QUESTION = "A molecule is turned. Which of the coefficients of its density stay as they are?"
CHOICES = ("All, they describe the molecule", "None", "Those of the s functions, l = 0")
RIGHT = 2
WHY = (
    "s functions are round: D⁰ = 1. p functions have coefficients that turn like vectors, d functions by "
    "D²: a model has to give 0e, 1o and 2e."
)
USED = ("The layers of this model, TFN, on N-body", "nbody", {"run": "tfn-nbody"})
SOURCE = (
    "J. Rackers et al., Mach. Learn.: Sci. Technol. 2023 (arXiv:2201.03726); B. Dunlap et al., "
    "J. Chem. Phys. 71, 3396 (1979)."
)
MOLECULES = ("water", "ammonia", "methane", "formaldehyde")
SHOWN = ("bonding density", "density")
DARKEST = 0.1  # electrons per bohr³, in sections

ASKED = Asked(
    "density",
    {
        "molecule": One(MOLECULES),
        "index": Whole(0, 4),
        "shown": One(SHOWN),
        "invert": Switch(),
        "broken": Switch(),
    },
    ("x", 60.0),
)


def show() -> list[_parts.Reading]:
    """Two isosurfaces, of x and of g·x; sections through the density of PySCF and of the model."""
    with ASKED.row():
        name = ASKED.menu("molecule", "Molecule", width=130)
        index = ASKED.number("index", "Test geometry", width=110)
        shown = ASKED.buttons(
            "shown",
            "Surface",
            help="The density less that of free atoms at the same places, or the density itself.",
        )
        invert = ASKED.switch("invert", "invert as well")
    with ASKED.row(2):
        g = ASKED.turn()[2]
        mistaken = ASKED.breaks(
            "PySCF's order of m taken for e3nn's",
            "PySCF's d functions have their pole at z, e3nn's at y; p as −1, 0, 1 is y, z, x.",
        )
    of = (name, index)
    dark, still = layout.dark(), (0.0, 0.0, 0.0, 1.0)
    before = cached.lesson("density", "volume", *of, shown, still, False, False)
    after = cached.lesson("density", "volume", *of, shown, g, invert, mistaken)
    agree = "do not fit" if mistaken else "turn along with"
    more = "more (vermillion) and less (blue) than free atoms" if shown == SHOWN[0] else ""
    _parts.scene(
        _scenes.isosurfaces({"x, c": before, "g·x, D(g) c": after}, more),
        "density:surface",
        260,
        f"Surfaces of equal {shown} before and after g: the lobes {agree} the atoms.",
        name,
    )
    plane = cached.lesson("density", "section", *of)
    named = {
        "in a plane, PySCF": plane["PySCF"].clip(-DARKEST, DARKEST),
        "model": plane["model"].clip(-DARKEST, DARKEST),
        "difference × 10": (10 * plane["difference"]).clip(-DARKEST, DARKEST),
    }
    like = dict.fromkeys(named, "in a plane, PySCF")
    _parts.pixels(
        pixels.matrices(named, dark, like=like),
        240,
        "The bonding density in a plane of three atoms: PySCF, model, and ten times their difference.",
    )
    return _readings(of, g, invert, mistaken)


def _readings(of: tuple[str, int], g: rotation.rotations.Quaternion, invert: bool, mistaken: bool):
    kept = cached.lesson("density", "values_turn", *of, g, invert, False)
    lost = cached.lesson("density", "values_turn", *of, g, invert, True) if mistaken else None
    stored = cached.lesson("density", "labels_turn")
    model = cached.lesson("density", "model_turns", *of, g, invert)
    found = cached.lesson("density", "integrated", *of)
    mean = cached.lesson("density", "averages", of[0])
    facts = {
        "PySCF anew at g·x": words.delta(stored["coefficients"]),
        "the same on its own grid": words.delta(stored["own grid"]),
    }
    errors = {
        "misplaced by the model": f"{found['model']:.2f} % (mean of test {mean['model']:.2f} %)",
        "by free atoms": f"{found['free atoms']:.2f} % ({mean['free atoms']:.2f} %)",
        "by the fit itself": f"{found['fit']:.2f} % ({mean['fit']:.2f} %)",
        "electrons": f"{found['N of model']:.4f} of {found['N']:.0f}",
    }
    return [
        _parts.Reading("ρ of D(g) c about g·x against ρ of c about x", kept, lost, facts),
        _parts.Reading("Model: f(g·x) against D(g) f(x)", model["apart"], None, errors),
    ]
