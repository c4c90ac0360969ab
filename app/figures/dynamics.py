"""Energy and spin of two runs of dynamics over time, each line with its name at its end."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from app.figures import DASHES, color, frame

HUES = ("blue", "vermillion")


def over_time(
    times: Sequence[float], lines: Mapping[str, Sequence[float]], what: str, dark: bool = False
) -> go.Figure:
    """Lines by name against times in fs; `what` stands at the upright axis."""
    figure = frame(dark, 190, "fs", what)
    words = []
    for i, (name, values) in enumerate(lines.items()):
        hue = color(HUES[i % len(HUES)], dark)
        figure.add_trace(
            go.Scatter(
                x=list(times),
                y=list(values),
                name=name,
                mode="lines",
                showlegend=False,
                hovertemplate="%{y:.2g}",
                line={"color": hue, "dash": DASHES[i], "width": 2},
            )
        )
        words.append(
            {
                "x": times[-1],
                "y": values[-1],
                "text": name,
                "showarrow": False,
                "xanchor": "right",
                "yanchor": "bottom" if values[-1] >= max(v[-1] for v in lines.values()) else "top",
                "font": {"size": 12, "color": hue},
            }
        )
    figure.update_layout(annotations=words)
    return figure
