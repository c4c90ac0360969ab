"""What a scene of a lecture may say of each page: the parameters of its address, and what can be hidden."""

from __future__ import annotations

from app.backend import cached, molecules, nbody
from app.backend.checking import audited, diagnosis
from app.backend.measuring import metrics
from app.backend.measuring.beyond import typed
from app.backend.stored import results as stored
from app.backend.teaching import ahead, questions
from app.backend.teaching.lectures import Between, Direction, Known, OneOf, Showable, SomeOf, Values
from app.pages import lessons, results
from app.pages.molecule import lenses, state
from app.pages.nbody import lenses as lenses_of_bodies
from app.pages.nbody import state as bodies
from app.pages.results import ablation, efficiency
from app.ui import rotation
from demetar.core.errors import InputError

LENSES = lenses.NAMES
# What is kept in the session and not in the address: where the page looks for it, and its default.
KEPT = {"molecule": {"lens": (state.LENS, LENSES[0])}}
# What a page opens with. It is set, never deleted: a browser keeps the value of a widget whose state was
# deleted here, and sends it back with the next click.
OPENS_WITH = {
    "molecule": {**state.DEFAULTS, "molecule:spectrum": False},
    "nbody": {
        **bodies.DEFAULTS,
        bodies.LENS: lenses_of_bodies.NAMES[0],
        bodies.OPENED: lenses_of_bodies.NAMES[0],
    },
    "lessons": lessons.opens_with(),
}
# What can be hidden, by page; "*" on every page. CSS selectors below the scene.
CONTROLS = {
    "*": {"heading": "h1.demetar", "sentence": "p.demetar", "controls": ".st-key-controls"},
    "molecule": {
        "tools": ".st-key-tools",
        "square": ".st-key-molecule-viewer",
        "lenses": ".st-key-molecule-lens",
        "tabs": ".st-key-molecule-lens [role=tablist]",
    },
    "nbody": {
        "tools": ".st-key-tools",
        "square": ".st-key-nbody-viewer",
        "lenses": ".st-key-nbody-lens",
        "tabs": ".st-key-nbody-lens [role=tablist]",
    },
    "why": {"faults": ".stExpander", "downloads": ".stDownloadButton"},
    "lessons": lessons.PARTS,
}  # fmt: skip


def known() -> Known:
    """Every page that can be a scene, as things stand now."""
    atoms, particles = cached.runs_on("atoms"), cached.runs_on("particles")
    of_lessons = lessons.values()
    turn = {"angle": Between(0.0, 180.0), "axis": Direction(tuple(rotation.AXES))}
    precision = {"precision": OneOf(state.PRECISIONS)}
    parameters = {
        "molecule": {
            "molecule": OneOf(molecules.gallery()),
            "run": OneOf([*atoms["turns"], *atoms["rigid"]]),
            "beside": OneOf([*atoms["turns"], *atoms["rigid"], state.ALONE]),
            "also": SomeOf(tuple(state.EXTRAS)),
            "of": OneOf(tuple(state.VALUES)),
            "metric": OneOf(tuple(metrics.NAMES)),
            "lens": OneOf(LENSES),
            "faults": SomeOf(tuple(diagnosis.switches())),
            "lineup": SomeOf((*atoms["turns"], *atoms["rigid"])),
            "declare": OneOf(tuple(typed.WRONG)),
            "dynamics": Between(0, 2**31 - 1),
            "seed": Between(0, 2**31 - 1),
            **turn,
            **precision,
        },
        "nbody": {
            "scene": OneOf([*nbody.shipped(), nbody.GENERATED]),
            "run": OneOf([*particles["turns"], *particles["rigid"]]),
            "beside": OneOf([*particles["turns"], *particles["rigid"], bodies.ALONE]),
            "also": SomeOf(bodies.EXTRAS),
            "metric": OneOf(tuple(bodies.METRICS)),
            "lens": OneOf(lenses_of_bodies.NAMES),
            "frame": Between(0, bodies.MOST_FRAMES),
            "law": OneOf(bodies.LAWS),
            "bodies": Between(1, bodies.MOST_BODIES),
            "charges": OneOf(nbody.CHARGES),
            "seed": Between(0, 2**31 - 1),
            **turn,
            **precision,
        },
        "why": {
            "run": OneOf(
                [ahead.SMALL, *(n for k in (atoms, particles) for v in k.values() for n in v)]
            ),
            "fault": OneOf([ahead.SOUND, *diagnosis.switches()]),
            "molecule": OneOf(molecules.gallery()),
            "scene": OneOf(nbody.shipped()),
        },
        "questions": {"question": OneOf(tuple(questions.BY_KEY))},
        "results": _of_results(),
        "yours": _of_audits(),
        "data": {},
        "training": {},
        "lessons": {"lesson": OneOf(tuple(of_lessons))},
    }
    further = {"lessons": {"lesson": of_lessons}}
    return {
        page: Showable(
            of_page, tuple(CONTROLS["*"] | CONTROLS.get(page, {})), further.get(page, {})
        )
        for page, of_page in parameters.items()
    }


def _of_results() -> dict[str, Values]:
    """What the address of the page Results may say, but for what depends on the stored numbers."""
    return {
        "show": OneOf(tuple(results.PARTS)),
        "of": OneOf(tuple(ablation.QUESTIONS)),
        "quantity": OneOf(ablation.QUANTITIES),
        "result": OneOf(tuple(efficiency.SHOWN)),
        "cost": OneOf(stored.COSTS),
    }


def _of_audits() -> dict[str, Values]:
    try:
        known = audited.known() or {}
    except InputError:
        return {}
    names = [f"{model} on {row['name']}" for model, found in known.items() for row in found["rows"]]
    return {"audit": OneOf(names)}


def selector(page: str, control: str) -> str:
    """The CSS selector of what can be hidden of a page."""
    return (CONTROLS["*"] | CONTROLS.get(page, {}))[control]
