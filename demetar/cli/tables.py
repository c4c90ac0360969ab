"""Rows in aligned columns, as a person reads them in a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A line of titles and one line a row, each column as wide as its widest cell.

    On a terminal that is too narrow, lines end with "…"; a file or a pipe gets them whole.
    """
    lines = [titles, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(titles))]
    texts = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines
    ]
    if sys.stdout.isatty():
        room = shutil.get_terminal_size().columns
        texts = [text if len(text) <= room else text[: room - 1] + "…" for text in texts]
    return "\n".join(texts)


def size(number: int) -> str:
    """A number of bytes as megabytes or gigabytes; "–" for none."""
    if number <= 0:
        return "–"
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{max(number / 1e6, 0.1):.3g} MB"
