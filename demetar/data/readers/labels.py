"""What looks like a label in a file, and the sentence about what of it was left out."""

import re
from collections.abc import Sequence

from demetar.core.errors import InputError
from demetar.core.registry import closest
from demetar.data.readers.lines import shown

_WORDS = re.compile(
    r"force|grad|energ|dipole|stress|virial|polari[sz]|hessian|magmom|charge|homo|lumo|\bgap\b",
    re.IGNORECASE,
)
_SHORT = frozenset({"e", "f", "d", "u", "u0", "h", "g", "mu", "alpha", "cv", "zpve", "e0", "q"})
_MOST = 12  # that are listed


def looks_like_label(name: str) -> bool:
    """Whether a key, column or array of that name may be a label: energies, forces, moments, …"""
    return name.lower() in _SHORT or bool(_WORDS.search(name) and "unit" not in name.lower())


def listed(names: Sequence[str]) -> str:
    """Names that a file gives, short and printable, for a message."""
    shorter = [ascii(name)[1:-1] for name in names if len(name) <= 60]
    return ", ".join(shorter[:_MOST]) + (", …" if len(names) > _MOST else "")


def left_out(used: Sequence[str], rest: Sequence[str]) -> tuple[str, ...]:
    """The remark that these parts of a file look like labels and were not read; none without any."""
    if not rest:
        return ()
    return (
        f"Beside {listed(used)}, the file holds what looks like labels and is left out: "
        f"{listed(rest)}; column=… and forces=… say what is meant.",
    )


def absent(option: str, name: str, kind: str, there: Sequence[str]) -> InputError:
    """The error that an option names what the file does not hold, with what it does."""
    hint = closest(name, list(there)) if there else "; leave it out."
    return InputError(
        f"Expected {option}=… to name one of the file's {kind} ("
        f"{listed(there) or 'it has none'}), got {shown(name)}{hint}"
    )
