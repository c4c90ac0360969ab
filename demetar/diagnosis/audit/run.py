"""The audit of one calculator at one structure, its checks one after another within a budget."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import ase
import numpy as np

from demetar.core.errors import InputError
from demetar.diagnosis.audit import shrink
from demetar.diagnosis.audit.decide import decide
from demetar.diagnosis.audit.decision import Decision
from demetar.diagnosis.audit.evidence import (
    aimed,
    cells,
    crowd,
    gradient,
    groups,
    laws,
    noise,
    repeat,
    surface,
)
from demetar.diagnosis.audit.evidence.scene import Scene, rattled
from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.audit.load import as_calculator
from demetar.diagnosis.audit.probe import Probe, Refused, Spent
from demetar.diagnosis.causes import cause

SECONDS = 115.0
Tell = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Audit:
    """What an audit found. `cause` is a word of demetar.diagnosis.causes, `sentence` says it with numbers.

    `findings` in the order of the checks; `decided` names the one that decided, `runner_up` the next
    likely word and `excluded` what speaks against it; `smallest` is the smallest structure that shows
    it; `complete` is False where the budget or Ctrl-C ended it.
    """

    cause: str
    sentence: str
    findings: tuple[Finding, ...]
    evaluations: int
    seconds: float
    decided: str
    runner_up: str
    excluded: str
    smallest: dict[str, Any] | None
    complete: bool
    calculator: str
    formula: str
    atoms: int
    refusals: tuple[str, ...] = ()

    @property
    def evidence(self) -> tuple[Finding, ...]:
        """The findings, under the name that a diagnosis has for them."""
        return self.findings

    def __getitem__(self, name: str) -> Finding:
        """The finding of that name."""
        return {f.name: f for f in self.findings}[name]

    def report(self, form: str = "markdown") -> str:
        """The audit as "markdown", "html" (one file, nothing loaded from elsewhere) or "json"."""
        from demetar.diagnosis.audit import report

        return report.write(self, form)


def planned(atoms: ase.Atoms) -> int:
    """About how many evaluations a whole audit of a sound calculator takes."""
    count = len(atoms)
    return 600 + 6 * min(count, gradient.MOST_ATOMS) + (330 if atoms.pbc.any() else 220)


def audit(
    calculator: Any,
    atoms: ase.Atoms,
    *,
    seconds: float = SECONDS,
    evaluations: int | None = None,
    seed: int = 0,
    say: Tell | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> Audit:
    """What is wrong with an ASE calculator, or a factory of it, at one structure, in one word.

    Symmetry of all outputs, forces against the energy, smoothness, determinism, periodic images, larger
    systems, within `seconds` or a number of `evaluations`. `say` hears the plan in one sentence before it
    starts, `tell` (done, of) its course. Ctrl-C ends it with what there is. Raises InputError if the
    calculator cannot tell the energy of the structure.
    """
    made, factory = as_calculator(calculator)
    if len(atoms) == 0:
        raise InputError("Expected a structure with atoms, got none; give at least one.")
    probe = Probe(made, factory)
    _begin(probe, atoms, seconds, evaluations, say)
    probe.tell = tell
    found: dict[str, Finding] = {}
    scene, complete = None, True
    try:
        scene = _scene(probe, atoms, seed, found)
        if scene is not None:
            for stage in _stages(scene, found):
                try:
                    for finding in stage():
                        found[finding.name] = finding
                except Refused:
                    continue
    except (Spent, KeyboardInterrupt):
        complete = False
    decision = decide(found)
    small = _smallest(scene, found, decision, complete)
    return Audit(
        decision.word,
        decision.sentence,
        tuple(found.values()),
        probe.evaluations,
        round(probe.elapsed, 3),
        decision.decided,
        decision.runner_up,
        decision.excluded,
        small,
        complete,
        type(made).__name__,
        atoms.get_chemical_formula(),
        len(atoms),
        tuple(dict.fromkeys(probe.refusals))[:10],
    )


def _begin(
    probe: Probe, atoms: ase.Atoms, seconds: float, evaluations: int | None, say: Tell | None
) -> None:
    """Asks once, sets what the probe may spend by what that took, and says so."""
    first = time.monotonic()
    probe.explore(atoms)
    each, count = time.monotonic() - first, planned(atoms)
    probe.most = evaluations or 5 * count  # a fault that is found is looked at more closely
    probe.thrifty, probe.seconds = each * count > 2 * seconds, seconds
    if say is not None:
        say(
            f"About {count} evaluations of {len(atoms)} atoms, at most {probe.most} or {seconds:.0f} s; "
            f"the first took {1e3 * each:.3g} ms. Ctrl-C gives what there is."
        )


def _smallest(
    scene: Scene | None, found: dict[str, Finding], decision: Decision, complete: bool
) -> Any:
    """The smallest structure that shows it; where no time is left for that, the one that was asked."""
    if scene is None or decision.decided not in found or not found[decision.decided].broken:
        law = decision.decided == "force-law"
        if scene is None or not law:
            return None
    asked = shrink.told(scene.generic) if shrink.tried(decision.decided) else None
    if not complete or (asked is not None and len(scene.generic) <= 2):
        return asked
    try:
        return shrink.smallest(scene, found[decision.decided])
    except (Spent, Refused, KeyboardInterrupt):
        return asked


def _scene(probe: Probe, atoms: ase.Atoms, seed: int, found: dict[str, Finding]) -> Scene | None:
    """The scene; None where the given structure gives no numbers at all."""
    generic = rattled(atoms, seed)
    given, base = _asked(probe, atoms), _asked(probe, generic)
    if base is None or not base.finite:
        raise InputError(
            f"Expected finite energy and forces of {atoms.get_chemical_formula()} moved by {0.06} Å, got "
            f"{'none' if base is None else base.energy}; give a structure that this calculator can do."
        )
    if given is not None and not given.finite:
        found["finite"] = Finding(
            "finite",
            "Numbers at all",
            float("nan"),
            None,
            "eV",
            True,
            "the structure as given has none",
        )
    for finding in repeat.repeat(probe, generic):
        found[finding.name] = finding
    if any(f.broken and not f.tags.get("far_only") for f in found.values()):
        return None  # whatever else is asked, the answers are not of one function
    precision = noise.precision(
        probe, generic, np.random.default_rng([seed, 1]), found["history"].tags["memory"]
    )
    found["noise"] = noise.told(precision, probe)
    if precision.word == "low":
        found["repeat"] = repeat.seldom(probe, generic, None, found["repeat"])
        if found["repeat"].broken:
            return None
    return Scene(probe, atoms, generic, probe(generic), precision, seed)


def _asked(probe: Probe, atoms: ase.Atoms) -> Any:
    try:
        return probe(atoms)
    except Refused:
        return None


def _stages(scene: Scene, found: dict[str, Finding]) -> Any:
    """The checks, in the order of what they cost and what hides what."""

    def broken(name: str) -> bool:
        return name in found and found[name].broken

    if scene.periodic:
        yield lambda: cells.images(scene)
    for check in (
        groups.translations,
        groups.permutations,
        groups.turns,
        groups.inversion,
        aimed.aimed,
    ):
        yield lambda check=check: check(scene)
    if broken("rotation") and (broken("image") or not broken("translation")):
        yield lambda: laws.stabiliser(scene)
    yield lambda: gradient.balance(scene)
    yield lambda: gradient.steps(scene)
    yield lambda: gradient.atoms(scene)
    wrong = broken("gradient-atoms") or broken("gradient")
    if wrong and "gradient-atoms" in found and not found["rotation"].tags["energy"]:
        yield lambda: [gradient.law(scene, found["gradient-atoms"])]
    yield lambda: gradient.stress(scene)
    yield lambda: surface.roughness(scene)
    yield lambda: surface.continuity(scene)
    turned = broken("rotation") and found["rotation"].tags["generic"]
    if not turned or broken("permutation"):  # of the atoms alone: a crowd would say no more
        yield lambda: crowd.crowd(scene)
    yield lambda: crowd.copies(scene)
    yield lambda: cells.other_cells(scene) if scene.periodic else []
    yield lambda: crowd.dynamics(scene)


def mends(found: Audit) -> str:
    """What mends the cause that an audit found."""
    return cause(found.cause).mends
