"""Why Δ_EQ of a function is what it is: gathers evidence and lets the marks decide.

    d = demetar.diagnose(f, graph)
    d.cause, d.sentence        # "vector-bias", "A bias is added to vectors, …"

`f` is a run, or any function of a Graph that returns an Output, a dict of arrays or an array; it need not be
one that JAX can trace. What is cheap and tells most comes first; what does not fit into the time is left
out and named.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.numerics import configure
from demetar.core.remarks import following
from demetar.diagnosis.asked import Asked, Overtime, Progress
from demetar.diagnosis.causes import CAUSES, NOT_KNOWN, SOUND
from demetar.diagnosis.evidence.aimed import aimed
from demetar.diagnosis.evidence.gradients import gradients
from demetar.diagnosis.evidence.groups import groups
from demetar.diagnosis.evidence.growth import growth
from demetar.diagnosis.evidence.laws import laws
from demetar.diagnosis.evidence.layers import layers
from demetar.diagnosis.evidence.orientation import COST, orientation
from demetar.diagnosis.evidence.precision import precision
from demetar.diagnosis.evidence.rebuilt import rebuilt
from demetar.diagnosis.evidence.repeatability import repeatability
from demetar.diagnosis.evidence.smoothness import smoothness
from demetar.diagnosis.evidence.stairs import stairs
from demetar.diagnosis.evidence.turns import turns
from demetar.diagnosis.moves import Ruler, crooked
from demetar.diagnosis.record import Diagnosis, Evidence
from demetar.diagnosis.verdict import decide, open_causes
from demetar.symmetry import groups as shelf

SECONDS = 30.0
LETTERS = {
    "breaks-T": {"t3", "se3", "e3", "sim3"}, "breaks-SO": {"so3", "o3", "se3", "e3", "sim3"},
    "breaks-C_i": {"ci", "o3", "e3", "sim3", "oh"}, "breaks-S_n": {"sn"},
}  # fmt: skip
NAMES = {"breaks-T": "T(3)", "breaks-SO": "SO(3)", "breaks-C_i": "inversion", "breaks-S_n": "S_n"}
NEEDED = {
    "precision ladder",
    "aimed elements",
    "gradient",
    "smoothness",
}  # to call a function sound
FIRST = [
    "rounding inside",
    "groups",
    "precision ladder",
    "aimed elements",
    "gradient",
    "smoothness",
]
LATER = 1200  # evaluations after the groups
ASPECTS = {  # marks that say more about a group and mean nothing without it
    "breaks-T": {"breaks-T-along-111"},
    "breaks-SO": {"aimed", "not-finite", "axes-law", "still-law", "float32-sized"},
    "breaks-S_n": {"only-first-atom", "only-large", "special-S_n", "edge-order", "rows-elsewhere"},
}


def diagnose(
    f: Any,
    graph: Graph,
    group: str | None = None,
    seconds: float = SECONDS,
    progress: Progress | None = None,
) -> Diagnosis:
    """The cause of f's Δ_EQ at one system, with the evidence for it.

    `group` is what f is held to: by default what a run claims, else E(3) x S_n. `progress(fraction, text)`
    is called a few times a second; where it answers False the diagnosis ends with `Stopped`. Without
    it, whoever follows long work (`demetar.core.remarks.followed`) is told. Raises
    InputError, in a sentence, for a batch and for a function that fails, gives no numbers or rows of a
    shape that its kinds exclude.
    """
    configure()
    if graph.n_graphs > 1:
        raise InputError(
            f"Expected one system, got a batch of {graph.n_graphs}; diagnose them one by one."
        )
    if len(graph.species) < 2:
        raise InputError(
            "Expected a system of at least two particles, got one; choose a larger one, on which "
            "symmetries can break."
        )
    if not callable(f):
        raise InputError(
            f"Expected a run or a function of a graph, got {type(f).__name__}; pass what predicts."
        )
    claimed = shelf.load(group or getattr(f, "symmetry", None) or "E(3) x S_n")
    gathering = _Gathering(Asked(f, graph, seconds, progress or _followed))
    gathering.all()
    return _concluded(gathering, claimed, explicit=group is not None)


def _followed(fraction: float, text: str) -> None:
    following()(f"diagnosis, {text}", round(100 * fraction), 100)


class _Gathering:
    """Evidence as it comes in."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.evidence: list[Evidence] = []
        self.marks: dict[str, bool] = {}
        self.left_out: list[str] = []
        self.ruler: Ruler

    def take(
        self,
        name: str,
        measure: Callable[[], Evidence],
        cost: int,
        fraction: float,
        compiled: int = 0,
    ) -> None:
        """Adds one piece of evidence, if its planned evaluations and compilations fit into the time.

        What takes longer than was planned is given up where the time ends.
        """
        if not self.asked.affordable(cost, compiled):
            self.left_out.append(name)
            return
        self.asked.tell(fraction, name)
        before, began = self.asked.evaluations, time.monotonic()
        try:
            found = measure()
        except InputError as error:  # where f cannot be asked in this way, the rest still counts
            found = Evidence(name, f"It could not be taken: {error}", {}, {})
        except Overtime:
            self.left_out.append(name)
            return
        found = dataclasses.replace(
            found, evaluations=self.asked.evaluations - before, seconds=time.monotonic() - began
        )
        self.evidence.append(found)
        self.marks |= found.marks

    def all(self) -> None:
        """Takes every piece that can still say something, the cheap ones first."""
        asked = self.asked
        self.take("repeatability", lambda: repeatability(asked), 60, 0.0)
        if self.marks.get("differs-at-once") or self.marks.get("differs-after-another"):
            return
        asked.tell(0.03, "compiling")
        try:
            asked.compile()
            self._finite()
            self.ruler = Ruler(asked)
        except Overtime:
            self.left_out += FIRST
            return
        self._groups()
        self._deeper(any(self.marks.get(k) for k in LETTERS))
        asked.tell(1.0, "verdict")

    def _groups(self) -> None:
        """What tells which symmetries hold, and how high the steps of outputs are beside which it is told."""
        asked, ruler = self.asked, self.ruler
        self.take("rounding inside", lambda: stairs(asked, ruler), 60, 0.06)
        if self.left_out:  # without the height of the steps nothing else can be judged
            self.left_out += FIRST[1:]
            return
        self._grained()
        self.take("groups", lambda: groups(asked, ruler), 100, 0.1)
        if "groups" in self.left_out:
            self.left_out += FIRST[2:]
            return
        ladder = ("float32", "bfloat16") if asked.affordable(LATER, 4) else ("float32",)
        self.take("precision ladder", lambda: precision(asked, ruler, ladder), 30, 0.2, len(ladder))
        self.take("aimed elements", lambda: aimed(asked, ruler), 45, 0.3)

    def _deeper(self, broken: bool) -> None:
        """What tells why one breaks; of what breaks none, whether it is smooth."""
        if set(self.left_out) & {"rounding inside", "groups"}:
            return
        asked, ruler, n = self.asked, self.ruler, len(self.asked.graph.species)
        if broken:
            self.take("other laws", lambda: laws(asked, ruler), 12, 0.35)
        if self.marks.get("breaks-SO") or self.marks.get("breaks-C_i"):
            self.take("turns that hold", lambda: turns(asked, ruler), 120, 0.4)
        self.take("graph built again", lambda: rebuilt(asked, ruler), 20 if asked.rule else 0, 0.5)
        slopes = 12 * n + 2
        brief = not broken and not asked.affordable(slopes + 700)
        self.take("gradient", lambda: gradients(asked, ruler, brief), 20 if brief else slopes, 0.55)
        if self.marks.get("breaks-SO"):
            self.take("orientation spectrum", lambda: orientation(asked, ruler), COST, 0.6)
        if not broken:
            self.take(
                "smoothness", lambda: smoothness(asked, ruler, brief), 300 if brief else 700, 0.6
            )
        self.take("growth", lambda: growth(asked, ruler), 9, 0.95)
        self.take("layers", lambda: layers(asked), 4, 0.97, 1)

    def _grained(self) -> None:
        """Tells the ruler how high the steps are: what they explain is held against nothing else."""
        found, unit = self.evidence[-1].numbers, self.ruler.unit
        if found.get(
            "outputs"
        ):  # where one is rounded, others may be below what is seen of motions
            self.ruler.grain = {k: height / unit[k] for k, height in found["height"].items()}

    def _finite(self) -> None:
        """Refuses a function that gives no number here and at a crooked copy either."""
        rows = self.asked.one(crooked(self.asked))
        bad = [k for k, v in rows.items() if not np.isfinite(v).all()]
        if bad:
            raise InputError(
                f"Expected finite numbers, got NaN or infinity in {', '.join(bad)}, also with the "
                "particles moved a little; check the function at this system."
            )
        self.marks["not-finite-here"] = not all(
            np.isfinite(v).all() for v in self.asked.first.values()
        )


def _concluded(found: _Gathering, claimed: shelf.Group, explicit: bool) -> Diagnosis:
    marks = dict(found.marks)
    if marks.pop("not-finite-here", False):
        marks["not-finite"] = True
    broken = {k for k in LETTERS if marks.get(k)}
    foreign = {k for k in LETTERS if not LETTERS[k] & set(claimed.factors)}
    told = ""
    design = broken & foreign and not broken - foreign
    for letter in foreign:
        marks[letter] = False
        marks |= dict.fromkeys(ASPECTS.get(letter, ()), False)
    if found.left_out:
        told = f"Not looked at for lack of time: {', '.join(found.left_out)}."
    if broken & foreign:
        names = " and ".join(NAMES[k] for k in LETTERS if k in broken & foreign)
        told = f"It claims {claimed.name} only, and breaks {names}. {told}".strip()
    word, sentence, runner = decide(marks, told)
    could = [c for c in open_causes(marks, found.left_out) if c != word] if word != SOUND else []
    if could:
        word, runner = NOT_KNOWN, None
        sentence = f"Something breaks, and what was left out tells what: {', '.join(could)}? {told}"
    if word == SOUND and set(found.left_out) & NEEDED and not design:
        word, runner = NOT_KNOWN, None
        sentence = f"What was looked at shows no fault, and not all was. {told}"
    if word == SOUND and design and not explicit and "breaks-SO" in broken:
        word, runner = "unconstrained", None
        sentence = f"{CAUSES[word].sentence} {told}"
    asked = found.asked
    return Diagnosis(
        word,
        sentence,
        tuple(found.evidence),
        asked.evaluations,
        asked.elapsed(),
        runner,
        CAUSES[word].mends,
        tuple(found.left_out),
    )
