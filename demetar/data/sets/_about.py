"""What a data set is, as one value that is checked when it is made."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from demetar.core.errors import InputError
from demetar.core.kinds import QUANTITIES

SPLITS = ("train", "valid", "test")
_IRREPS = re.compile(r"(?:(\d+)x)?(\d+[eo])")


def check_size(size: int | None, there: int, what: str) -> None:
    """Raises InputError where more are asked for than there are, or none."""
    if size is not None and not 1 <= size <= there:
        raise InputError(f"Expected 1 to {there} {what}, got {size}; change it.")


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a run has to know of a target: what the model reads and gives, the target's unit, whether
    forces are labelled, and the atomic numbers that occur, if they are not the usual ones."""

    inputs: str | None
    output: str | None
    unit: str
    forces: bool
    species: tuple[int, ...] | None = None


@dataclasses.dataclass(frozen=True)
class Target:
    """A label: how a row of it turns, its unit, and what a model has to give for it.

    irreps as e3nn writes them; kind one of `demetar.core.kinds.QUANTITIES`, None where no model
    learns it.
    """

    irreps: str
    unit: str
    kind: str | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSet:
    """What a data set states about itself, the same for every reader of it.

    size: bytes to download, 0 for nothing. inputs: what a model reads, "particles" or "atoms"; None
    for lessons. targets: a run that names none takes the first. units: of the arrays, `positions`
    among them. splits: systems in train, valid and test with the usual options, None where that is
    unknown before reading; `splits_with` has what a value of an option changes of it. options: the
    values of each keyword of `systems`, the usual one first; `free_options` are those that take any
    text. notes: what has to be said beside numbers, by the value of an option; "" is for all others.
    forces: whether the negative gradient of a scalar target is labelled beside it. itself: whether the label
    is the input, so that a run on it shows a code, no prediction.

    Raises ValueError for what does not fit together.
    """

    title: str
    summary: str
    licence: str
    citation: str
    units: Mapping[str, str]
    targets: Mapping[str, Target]
    splits: Mapping[str, int | None]
    sources: tuple[Mapping[str, Any], ...] = ()
    size: int = 0
    inputs: str | None = None
    forces: bool = False
    itself: bool = False
    options: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    free_options: tuple[str, ...] = ()
    splits_with: Mapping[str, Mapping[str, int | None]] = dataclasses.field(default_factory=dict)
    notes: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        _texts(self)
        _targets(self)
        _options(self)
        _splits(self)

    @property
    def usual(self) -> dict[str, str]:
        """The usual value of each option."""
        return {key: values[0] for key, values in self.options.items()}

    def sizes(self, options: Mapping[str, Any]) -> dict[str, int | None]:
        """How many systems each split has with these options; None where only reading tells."""
        found = dict(self.splits)
        for value in options.values():
            found |= self.splits_with.get(str(value), {})
        return found

    def facts(self, target: str, **options: str) -> Facts:
        """The facts of a target, which no option changes."""
        asked = self.targets[target]
        return Facts(self.inputs, asked.kind, asked.unit, self.forces)


def _must(holds: object, what: str, got: object, do: str) -> None:
    if not holds:
        raise ValueError(f"Expected {what}, got {got!r}; {do}.")


def _texts(about: DataSet) -> None:
    _must(0 < len(about.title) <= 40, "a title of 1 to 40 letters", about.title, "change it")
    sentences = len(re.findall(r"\.(?: |$)", about.summary))
    _must(2 <= sentences <= 4, "a summary of 2 to 4 sentences", about.summary, "change it")
    for name in ("licence", "citation"):
        _must(getattr(about, name), f"a {name}", "", "say it")
    _must("positions" in about.units, "the unit of positions", [*about.units], "add it to units")
    _must(all(about.units.values()), "a unit for each array", about.units, "write 1 for none")
    for source in about.sources:
        digest = str(source.get("sha256") or source.get("commit"))
        _must(source["url"].startswith("https://"), "an https address", source, "change it")
        fixed = re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", digest)
        _must(fixed, "a source with its sha256 or commit", source, "add that")
    _must(about.size >= 0, "a number of bytes as size", about.size, "write 0 for nothing")


def _targets(about: DataSet) -> None:
    known = ("particles", "atoms", None)
    _must(about.inputs in known, f"inputs among {known}", about.inputs, "choose one")
    _must(about.targets, "a target", about.targets, "add one")
    for name, target in about.targets.items():
        _must(target.unit, f"a unit of {name}", "", "write 1 for none")
        terms = [_IRREPS.fullmatch(term.strip()) for term in target.irreps.split("+")]
        _must(all(terms), f"irreps of {name} such as 1o or 2x1o", target.irreps, "change them")
        if about.inputs is None:
            _must(target.kind is None, f"no kind of {name} without inputs", target.kind, "drop it")
            continue
        _must(
            target.kind in QUANTITIES,
            f"a kind of {name} among {', '.join(QUANTITIES)}",
            target.kind,
            "choose one",
        )
        channels = {term[2]: int(term[1] or 1) for term in terms if term}
        asked = QUANTITIES[str(target.kind)].channels
        _must(
            channels == asked, f"irreps of {name} that make {asked}", target.irreps, "change them"
        )
    if about.forces:
        scalars = [t for t in about.targets.values() if t.kind == "scalar"]
        stated = any(f"{t.unit}/Å" in about.units.values() for t in scalars)
        _must(
            stated, "the forces' unit, that of a scalar target in Å", about.units, "add it to units"
        )


def _options(about: DataSet) -> None:
    for key, values in about.options.items():
        distinct = isinstance(values, tuple) and len(set(values)) == len(values) > 0
        _must(distinct, f"a tuple of distinct values of the option {key}", values, "change it")
    twice = set(about.options) & set(about.free_options)
    _must(not twice, "options that are either free or not", sorted(twice), "name each once")
    values = {value for known in about.options.values() for value in known}
    for key in about.notes:
        _must(key in values | {""}, "notes by the value of an option", key, "change the key")
    for key in about.splits_with:
        _must(key in values, "splits_with by the value of an option", key, "change the key")


def _splits(about: DataSet) -> None:
    _must(tuple(about.splits) == SPLITS, f"the splits {SPLITS}", tuple(about.splits), "name those")
    for splits in (about.splits, *about.splits_with.values()):
        for name, count in splits.items():
            _must(name in SPLITS, f"a split among {SPLITS}", name, "change it")
            counts = count is None or (isinstance(count, int) and count > 0)
            _must(counts, f"the number of systems in {name}, or None", count, "change it")
