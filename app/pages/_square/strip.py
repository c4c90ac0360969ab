"""The strip of lenses below a square, one open at a time, and the lenses that both pages have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import streamlit as st

from app import viewer
from app.backend import cached, molecules
from app.figures import BANDS, layers
from app.pages._square.picture import HUES
from app.ui import address, layout, readouts, rotation, words

PLAIN = {"displayModeBar": False}


class Strip(NamedTuple):
    """The names of the lenses, and the session's keys of the open one: the tabs' own, and one that stays."""

    names: Sequence[str]
    lens: str
    opened: str

    def from_address(self, first: str | None = None) -> None:
        """Takes the open lens from the address with which the page was opened, else `first`."""
        s = st.session_state
        if self.lens not in s and self.opened in s:
            s[self.lens] = s[self.opened]
        if first is not None and address.arriving("lens") is None:
            s[self.lens] = first
        address.from_address("lens", self.lens, self.names, first or self.names[0], "lens")

    @property
    def now(self) -> str:
        """The open lens."""
        s = st.session_state
        return str(s.get(self.lens) or s.get(self.opened, self.names[0]))

    def in_address(self) -> str | None:
        """What the address says of the open lens."""
        return None if self.now == self.names[0] else self.now

    def show(self, shown: Any, draw: Sequence[Callable[[Any], None]]) -> None:
        """The tabs, and what is in the open one; nothing where a scene hides them."""
        if layout.hides("lenses"):
            return
        wanted = st.session_state.get(self.lens)
        first = wanted if wanted in self.names else self.names[0]
        tabs = st.tabs(self.names, key=self.lens, on_change="rerun", default=first)
        for tab, name, lens in zip(tabs, self.names, draw, strict=True):
            if tab.open or (tab.open is None and name == self.names[0]):
                st.session_state[self.opened] = name
                with tab:
                    lens(shown)


def bands(precision: str, short: Mapping[str, str]) -> list[dict[str, Any]]:
    """What rounding explains in each precision, that of the page marked."""
    own = short[precision]
    return [{"name": n, "low": low, "high": high, "own": n == own} for n, low, high, _ in BANDS]


def curve(
    key: str,
    follows: str,
    shown: Any,
    found: Mapping[str, Sequence[float]],
    now: Callable[[str], float],
    **look: Any,
) -> None:
    """Δ of each run against the angle, with marks that follow the hand; `now` is a run's value at g."""
    curves = [
        {
            "label": shown.labels[n],
            "color": HUES[i],
            "dashed": i == 1,
            "values": found[n],
            "value": now(n),
        }
        for i, n in enumerate(shown.names)
        if n in found
    ]
    worst = ", ".join(f"{shown.labels[n]} {words.delta(max(v))}" for n, v in found.items())
    viewer.follower(
        "curve",
        follows,
        key,
        height=158,
        degrees=shown.turn[1],
        angles=list(molecules.ANGLES),
        curves=curves,
        alt=f"Error against the angle; the worst over 180°: {worst}.",
        **look,
    )
    st.caption(
        "How far both ways are apart after a turn by each angle about the axis. In the band of a precision "
        "its rounding explains it. Move the angle: the marks follow."
    )


def along(
    shown: Any, found: Mapping[str, Sequence[float]], show: Callable[[float], str] = words.delta
) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the facts beside the curve: median, worst and what each model claims."""
    worst = {n: max(range(len(v)), key=v.__getitem__) for n, v in found.items()}
    rows = [
        ["median", *(show(sorted(v)[len(v) // 2]) for v in found.values())],
        [
            "worst",
            *(
                f"{show(v[worst[n]])} at {molecules.ANGLES[worst[n]]:.0f}°"
                for n, v in found.items()
            ),
        ],
        ["claims", *(words.claims(shown.squares[n].claims) for n in found)],
    ]
    heads = [f"about {rotation.axis_text(shown.turn[0])}", *(shown.labels[n] for n in found)]
    return heads, rows


def inside(shown: Any, key: str) -> None:
    """Δ of every layer, and the first that is not rounding by a second precision."""
    left, right = layout.side_by_side(2, 1)
    found = {shown.labels[n]: s.layers for n, s in shown.squares.items()}
    with left:
        st.plotly_chart(
            layers.by_layer(found, layout.dark()),
            key=key,
            config=PLAIN,
            alt="Error of every layer, from input to output.",
        )
        st.caption(
            "How far both ways are apart in what each layer hands on. The first layer above the bands is "
            "where symmetry is lost."
        )
    with right:
        worst = [words.delta(max((d for *_, d in rows), default=0.0)) for rows in found.values()]
        judged = [shown.verdicts.get(name) for name in shown.squares]
        rows = [
            ["first bad layer", *("–" if v is None else v.broken or "none" for v in judged)],
            ["worst of all", *worst],
        ]
        for kind in sorted({kind for found_rows in found.values() for _, kind, _ in found_rows}):
            cells = [[d for _, k, d in found_rows if k == kind] for found_rows in found.values()]
            rows.append([f"worst {kind}", *(words.delta(max(c)) if c else "–" for c in cells)])
        readouts.table(["at this g", *found], rows)


WAITED = {
    "square": "both ways", "verdict": "a second precision", "curve": "the curve", "rollout": "the roll-out",
    "orbit": "all rotations",
}  # fmt: skip


@st.fragment(run_every=0.5)
def wait(begun: list[tuple], what: str) -> None:
    """Looks twice a second whether the functions for this size are compiled, then draws again."""
    names = ", ".join(dict.fromkeys(key[1] for key in begun))
    st.caption(
        f":material/hourglass_top: compiling {WAITED[begun[0][0]]} of {names} for {what} of this size"
    )
    if cached.compiled(begun):
        st.rerun()
