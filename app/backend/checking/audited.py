"""What audits of well-known calculators found, as `benchmarks/audits.py` stored it. No Streamlit."""

from __future__ import annotations

import functools
import json
from typing import Any

from demetar.core.disk import PROJECT
from demetar.core.errors import InputError

FOLDER = PROJECT / "docs" / "audits"


@functools.cache
def known() -> dict[str, dict[str, Any]]:
    """The stored audits by name of the model; each with package, version, command and rows."""
    found = {}
    for file in sorted(FOLDER.glob("*.json")):
        try:
            stored = json.loads(file.read_text("utf-8"))
            found[str(stored["model"])] = stored
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"Expected a stored audit in {file.name}, got {type(error).__name__}; write it anew by "
                "python benchmarks/audits.py."
            ) from None
    return found
