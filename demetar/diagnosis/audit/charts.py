"""Figures of an audit as SVG text: no script, no font, nothing loaded from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 460, 260, 66, 42, 26
INK, MARK, SOFT = "#22303c", "#1f6feb", "#c9d1d9"


def chart(
    title: str,
    x: Sequence[float],
    y: Sequence[float],
    x_title: str,
    y_title: str,
    *,
    line: bool = False,
    log_x: bool = False,
    log_y: bool = False,
    bound: Sequence[float] | None = None,
) -> str:
    """One scatter or line as an SVG element; `bound` is a dashed second line.

    Zeros leave a logarithmic axis.
    """
    points = [
        (a, b)
        for a, b in zip(x, y)
        if math.isfinite(a) and math.isfinite(b) and (a > 0 or not log_x) and (b > 0 or not log_y)
    ]
    if not points:
        return f"<p>{escape(title)}: zero throughout.</p>"
    limits = (
        []
        if bound is None
        else [(a, b) for a, b in zip(x, bound) if math.isfinite(b) and (b > 0 or not log_y)]
    )
    across = _axis([p[0] for p in points], log_x, LEFT, WIDTH - 14)
    up = _axis([p[1] for p in [*points, *limits]], log_y, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title, quote=True)}">',
        f'<text x="{LEFT}" y="15" font-weight="600">{escape(title)}</text>',
        *_frame(across, up, x_title, y_title),
    ]
    if limits:
        parts.append(_line([(across.place(a), up.place(b)) for a, b in limits], SOFT, "5 4"))
    places = [(across.place(a), up.place(b)) for a, b in points]
    if line:
        parts.append(_line(places, MARK))
    if not line or len(places) < 20:
        parts += [
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.2" fill="{MARK}" fill-opacity=".6"/>'
            for a, b in places
        ]
    return "\n".join([*parts, "</svg>"])


class _axis:
    """Where a value lies, and four ticks."""

    def __init__(self, values: Sequence[float], log: bool, start: float, end: float) -> None:
        self.log, self.start, self.end = log, start, end
        low, high = min(map(self._of, values)), max(map(self._of, values))
        if high - low < 1e-12 * max(abs(high), 1e-300) or high == low:
            low, high = low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1)
        self.low, self.high = low, high

    def _of(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def place(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (self._of(value) - self.low) / (self.high - self.low) * (
            self.end - self.start
        )

    def ticks(self) -> list[tuple[float, str]]:
        """Pixels and labels."""
        found = []
        for k in range(4):
            at = self.low + (self.high - self.low) * k / 3
            value = 10**at if self.log else at
            found.append((self.start + (self.end - self.start) * k / 3, f"{value:.3g}"))
        return found


def _frame(across: _axis, up: _axis, x_title: str, y_title: str) -> list[str]:
    base = HEIGHT - BOTTOM
    parts = [
        f'<path d="M{LEFT} {TOP}V{base}H{WIDTH - 14}" fill="none" stroke="{INK}"/>',
        f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_title)}</text>',
        f'<text transform="translate(12 {(TOP + base) / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_title)}</text>",
    ]
    parts += [
        f'<text x="{p:.1f}" y="{base + 15}" text-anchor="middle">{label}</text>'
        for p, label in across.ticks()
    ]
    parts += [
        f'<text x="{LEFT - 5}" y="{p + 4:.1f}" text-anchor="end">{label}</text>'
        for p, label in up.ticks()
    ]
    return parts


def _line(places: Sequence[tuple[float, float]], colour: str, dashes: str = "") -> str:
    text = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    style = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline points="{text}" fill="none" stroke="{colour}" stroke-width="1.5"{style}/>'
