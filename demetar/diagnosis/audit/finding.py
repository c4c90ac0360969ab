"""What one check found: a value, the limit that precision sets to it, and what it was read from."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Finding:
    """One row of an audit.

    `value` and `limit` in `unit`; `broken` where the value is above what the calculator's own precision
    explains. `tags` carry what the decision reads, `data` what a figure shows: plain JSON both.
    """

    name: str
    title: str
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    broken: bool = False
    detail: str = ""
    tags: dict[str, Any] = dataclasses.field(default_factory=dict)
    data: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def excess(self) -> float:
        """The value over its limit; 0 where there is none of them."""
        return (self.value or 0.0) / self.limit if self.limit else 0.0

    def line(self) -> str:
        """One line a reader understands."""
        size = "" if self.value is None else f" {self.value:.3g} {self.unit}"
        bound = "" if self.limit is None else f" (precision explains {self.limit:.2g})"
        return f"{self.title}:{size}{bound}{'; ' + self.detail if self.detail else ''}"
