"""Curves of training runs on log axes: a run has one colour and one dash in every figure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from app.figures import DASHES, ORDER, bands, bounds, color, frame, level, log_ticks

SYMBOLS = ("circle", "diamond", "square", "x", "triangle-up", "star")  # one for each group
X_TITLES = {"epoch": "epoch", "step": "step", "minutes": "minutes of training"}
HEIGHT = 265
MOST = 400  # points of a curve: more are not seen, and slow a page that draws them again and again
Span = tuple[float, float]


class Series(NamedTuple):
    """A run's evaluations, and its place among the colours and dashes."""

    name: str
    place: int
    lines: Sequence[Mapping[str, Any]]
    batch: int = 1


class View(NamedTuple):
    """What part is shown: the quantity along x, shares of its extent, decades of y (None: all)."""

    x: str = "epoch"
    span: Span = (0.0, 1.0)
    decades: Span | None = None


def thinned(lines: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """At most MOST of the lines at even distances, and always the last."""
    step = max(1, -(-len(lines) // MOST))
    return tuple(lines[(len(lines) - 1) % step :: step])


def style(place: int, dark: bool) -> tuple[str, str]:
    """Colour and dash of the run at that place."""
    return color(ORDER[place % len(ORDER)], dark), DASHES[place % len(DASHES)]


def groups(runs: Sequence[Series]) -> list[str]:
    """The groups whose Δ_EQ was measured in any of these runs."""
    return sorted({g for run in runs for line in run.lines for g in _deltas(line)})


def loss(
    runs: Sequence[Series],
    view: View,
    error: str,
    levels: Mapping[str, float],
    dark: bool,
) -> go.Figure:
    """Training loss (thin) and validation error (with marks), named `error`.

    `levels` are drawn as horizontal lines with their names: what the paper reports.
    """
    figure = _figure(runs, view, dark)
    several = len(runs) > 1
    for run in runs:
        if not several:
            _draw(figure, run, view, "train loss", lambda line: line["train_loss"], dark, thin=True)
        _draw(
            figure,
            run,
            view,
            run.name if several else f"valid {error}",
            lambda line: line["valid"],
            dark,
        )
        if any(line.get("forces") is not None for line in run.lines):
            _draw(
                figure,
                run,
                view,
                f"{run.name}, forces" if several else "valid forces, per Å",
                lambda line: line.get("forces"),
                dark,
                symbol="x",
                listed=not several,
            )
        if several:
            _draw(
                figure,
                run,
                view,
                f"{run.name}, train",
                lambda line: line["train_loss"],
                dark,
                thin=True,
                listed=False,
            )
    for name, value in levels.items():
        level(figure, value, f"{name} {value:g}", dark)
    return _log(figure, view, list(levels.values()))


def delta(
    runs: Sequence[Series], view: View, chosen: Sequence[str], dark: bool, key: str = "delta"
) -> go.Figure:
    """A number of the chosen groups, with a mark for each group.

    `key` "delta": Δ_EQ, with what each precision can explain; "share": the part of the loss that
    averaging over the group would remove.
    """
    figure = _figure(runs, view, dark)
    every = [d for run in runs for line in run.lines for d in _deltas(line, key).values()]
    low, high = view.decades or bounds(every, 1e-9 if key == "delta" else 1e-3, 1.0)
    low = max(low, -17.0)
    if key == "delta":
        bands(figure, low, high, dark)
    for run in runs:
        for group in chosen:
            _draw(
                figure,
                run,
                view,
                f"{run.name} · {group}",
                lambda line, g=group: _above(_deltas(line, key).get(g), 10**low),
                dark,
                listed=False,
                symbol=_symbol(runs, group),
                hover="%{y:.2g}",
            )
    for group in chosen:  # the legend: a mark for each group, whatever the run
        marker = {"size": 7, "symbol": _symbol(runs, group), "color": color("grey", dark)}
        figure.add_trace(go.Scatter(x=[None], y=[None], name=group, mode="markers", marker=marker))
    figure.update_layout(yaxis={"type": "log", "range": [low, high], **log_ticks(low, high)})
    return figure


def _symbol(runs: Sequence[Series], group: str) -> str:
    return SYMBOLS[groups(runs).index(group) % len(SYMBOLS)]


def rate(runs: Sequence[Series], view: View, dark: bool) -> go.Figure:
    """The learning rate."""
    figure = _figure(runs, view, dark)
    for run in runs:
        _draw(
            figure, run, view, run.name, lambda line: line.get("learning_rate"), dark, listed=False
        )
    return _log(figure, view)


def speed(runs: Sequence[Series], view: View, dark: bool) -> go.Figure:
    """Training systems a second between one evaluation and the next."""
    figure = _figure(runs, view, dark)
    for run in runs:
        at = {line["step"]: line.get("systems_per_second") for line in run.lines}
        at = at if any(at.values()) else _speeds(run)
        _draw(
            figure,
            run,
            view,
            run.name,
            lambda line, at=at: at.get(line["step"]),
            dark,
            listed=False,
        )
    return _log(figure, view)


def waste(runs: Sequence[Series], view: View, dark: bool) -> go.Figure:
    """Padding (marked) and waiting for input (thin) as shares of the work and of the time."""
    figure = _figure(runs, view, dark)
    shares = {"padding": _padding, "input wait": lambda line: line.get("input_wait")}
    for run in runs:
        for name, share in shares.items():
            _draw(
                figure,
                run,
                view,
                name if len(runs) == 1 else f"{run.name}, {name}",
                share,
                dark,
                thin=name == "input wait",
                listed=len(runs) == 1,
            )
    return _log(figure, view)


def _padding(line: Mapping[str, Any]) -> float | None:
    """The larger of the shares of padding among nodes and among edges."""
    found = line.get("padding")
    shares = found.values() if isinstance(found, Mapping) else [found]
    return max((share for share in shares if isinstance(share, int | float)), default=None)


def _deltas(line: Mapping[str, Any], key: str = "delta") -> dict[str, float]:
    found = line.get(key)
    if not isinstance(found, Mapping):
        return {}
    return {g: d for g, d in found.items() if isinstance(d, int | float)}


def _above(value: float | None, floor: float) -> float | None:
    return None if value is None else max(value, floor)


def _speeds(run: Series) -> dict[int, float]:
    found, before = {}, {"step": 0, "seconds": 0.0}
    for line in run.lines:
        steps = line["step"] - before["step"]
        seconds = line.get("seconds", 0.0) - before.get("seconds", 0.0)
        if steps > 0 and seconds > 0:
            found[line["step"]] = steps * run.batch / seconds
        before = line
    return found


def _along(run: Series, view: View) -> list[float | None]:
    if view.x == "minutes":
        return [line.get("seconds", 0.0) / 60 for line in run.lines]
    return [line[view.x] for line in run.lines]


def _figure(runs: Sequence[Series], view: View, dark: bool) -> go.Figure:
    figure = frame(dark, HEIGHT, X_TITLES[view.x])
    every = [x for run in runs for x in _along(run, view) if x is not None and np.isfinite(x)]
    if every:
        end = max(every) or 1.0
        low, high = (share * end for share in view.span)
        room = 0.02 * (high - low)
        figure.update_xaxes(range=[low - room, high + room])
    figure.update_layout(hovermode="closest", margin={"t": 4})
    return figure


def _draw(
    figure: go.Figure,
    run: Series,
    view: View,
    name: str,
    value: Callable[[Mapping[str, Any]], float | None],
    dark: bool,
    thin: bool = False,
    listed: bool = True,
    symbol: str = "circle",
    hover: str = "%{y:.3g}",
) -> None:
    hue, dash = style(run.place, dark)
    y = [value(line) for line in run.lines]
    marked = not thin and len(y) < 60
    figure.add_trace(
        go.Scatter(
            x=_along(run, view),
            y=y,
            name=name,
            showlegend=listed,
            legendgroup=run.name,
            mode="lines+markers" if marked else "lines",
            opacity=0.6 if thin else 1.0,
            line={"color": hue, "dash": dash, "width": 1.2 if thin else 2.2},
            marker={"size": 6, "symbol": symbol},
            hovertemplate=f"{view.x} %{{x:.4g}}: {hover}",
        )
    )


def _log(figure: go.Figure, view: View, more: Sequence[float] = ()) -> go.Figure:
    """The y axis as a log axis with round numbers, over the chosen decades or all that is drawn."""
    drawn = [y for trace in figure.data for y in trace.y if y is not None]  # pyright: ignore
    found = np.log10([y for y in [*drawn, *more] if np.isfinite(y) and y > 0] or [1.0])
    low, high = view.decades or (float(found.min()) - 0.12, float(found.max()) + 0.12)
    marks = [m * 10.0**k for k in range(-18, 12) for m in (1, 2, 5)]
    marks = [m for m in marks if low <= np.log10(m) <= high]
    marks = marks if len(marks) <= 6 else [m for m in marks if f"{m:e}"[0] == "1"]
    figure.update_yaxes(
        type="log", range=[low, high], tickvals=marks, ticktext=[_short(m) for m in marks]
    )
    return figure


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
