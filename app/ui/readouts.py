"""What the pages say in large: Δ_EQ with its run, and facts by name."""

import html
from collections.abc import Mapping, Sequence

import streamlit as st

from app.figures import color, explained
from app.ui.layout import dark


def delta(value: float, name: str, precision: str, claims: str = "") -> None:
    """A Δ_EQ in large digits, with the run's name and claim and whether rounding explains it."""
    small = value <= explained(precision)
    shown = f"{value:.1e}" if value else "0"
    hue = color("green" if small else "vermillion", dark())
    why = f"{precision} rounding" if small else "structural"
    detail = f" · claims {html.escape(claims)}" if claims else ""
    st.html(
        f"<div style='font-size:2rem;font-weight:700;line-height:1.2;color:{hue}'>{shown}</div>"
        f"<div style='font-size:.85rem;opacity:.75'>{html.escape(name)} · {why}{detail}</div>"
    )


def facts(rows: Mapping[str, str]) -> None:
    """Short facts, a name and a value a row, without the weight of a table."""
    cells = "".join(
        f"<tr><th scope='row' style='text-align:left;font-weight:400;opacity:.7;padding:.15rem .8rem "
        f".15rem 0;vertical-align:top;white-space:nowrap'>{html.escape(name)}</th>"
        f"<td style='padding:.15rem 0'>{html.escape(value)}</td></tr>"
        for name, value in rows.items()
    )
    st.html(f"<table style='font-size:.9rem;border-collapse:collapse'>{cells}</table>")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A quiet table: names on the left, a column a model, numbers on the right."""
    line = "border-bottom:1px solid color-mix(in srgb,currentColor 14%,transparent)"
    quiet = "font-weight:400;color:color-mix(in srgb,currentColor 68%,transparent)"

    def cell(tag: str, text: str, first: bool, style: str) -> str:
        side = "left" if first else "right"
        return f"<{tag} style='text-align:{side};padding:5px 0 5px 10px;{style}'>{html.escape(text)}</{tag}>"

    head = "".join(cell("th", text, i == 0, f"{line};{quiet}") for i, text in enumerate(heads))
    body = "".join(
        "<tr>"
        + "".join(
            cell("th" if i == 0 else "td", text, i == 0, f"{line};{quiet if i == 0 else ''}")
            for i, text in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    st.html(
        "<table style='width:100%;border-collapse:collapse;font-size:13px;"
        f"font-variant-numeric:tabular-nums'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
