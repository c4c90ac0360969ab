"""How a lecture looks: nothing but the scene, large, with one line at the foot."""

from __future__ import annotations

import html

import streamlit as st

from app.backend.teaching.lectures import Scene
from app.figures import color
from app.pages.lecture.parameters import selector
from app.ui import layout

LARGE = 1.38  # 13 to 18 pixels, 32 to 44
AROUND = 164  # pixels of title, sentence and foot; more for what a scene leaves of the page's head
HEAD = {"heading": 44, "sentence": 36, "controls": 62}
INPUTS = 30, 200  # what a lesson has around its charts without its inputs, and with them
WIDE, LINE = 88, 29  # letters of a sentence in a line at 1024 pixels, and what a line more takes
LESS = {"why": 1.12, "lessons": 1.0}  # so that all of it stands on 1024 x 768
# Plotly measures its place in pixels of the screen and draws in pixels of the scene: a scaled chart would
# be cut at the right, and answer beside the pointer.
CHART = ".st-key-scene .stPlotlyChart"
# What stands beside the charts of a lesson, which is not scaled as a whole.
LESSON = (
    ".st-key-scene .st-key-lessons-numbers{zoom:1.3}"
    ".st-key-scene [class*=st-key-lessons-inputs]{zoom:1.08}"
)
CSS = """
section[data-testid="stSidebar"],[data-testid="stExpandSidebarButton"],header.stAppHeader
{display:none!important}
.stMainBlockContainer.stMainBlockContainer{padding:14px 20px 46px!important;max-width:none}
.stMain .stVerticalBlock{gap:8px}
h1.lecture{font-size:34px;font-weight:650;line-height:1.2;margin:0;padding:0;letter-spacing:0}
p.lecture{font-size:22px;line-height:1.3;margin:2px 0 0;
color:color-mix(in srgb,currentColor 76%,transparent)}
.st-key-scene h1.demetar{font-size:24px}
.st-key-scene p.demetar{font-size:16px;margin:0}
.st-key-scene .st-key-head{padding-left:0!important}
.st-key-foot{position:fixed;left:0;right:0;bottom:0;z-index:90;padding:3px 20px 5px;
border-top:1px solid color-mix(in srgb,currentColor 14%,transparent)}
.st-key-foot button{min-height:30px;padding:2px 8px}
.st-key-notes{position:fixed;left:20px;right:20px;bottom:50px;z-index:91;width:auto!important;
font-size:18px;padding:10px 16px;border-radius:10px;
border:1px solid color-mix(in srgb,currentColor 30%,transparent);max-height:38vh;overflow:auto}
"""


def screen(scene: Scene) -> None:
    """The style of this scene: what is hidden, how large the type is."""
    ground = color("ground", layout.dark())
    hidden = ",".join(
        f".st-key-scene {part}"
        for control in scene.hide
        for part in selector(scene.page, control).split(",")
    )
    rules = [CSS, LESSON, f".st-key-foot,.st-key-notes{{background:{ground}}}"]
    if hidden:
        rules.append(f"{hidden}{{display:none!important}}")
    zoom = LESS.get(scene.page, LARGE) if scene.large else 1.0
    rules.append(f".st-key-scene{{zoom:{zoom};{_room(scene, zoom)}}}{CHART}{{zoom:{1 / zoom:.6f}}}")
    st.html(f"<style>{''.join(rules)}</style>")


def _room(scene: Scene, zoom: float) -> str:
    """What a square may take of the screen, so that nothing of it lies below the edge.

    Around it: the scene's own words and the foot, and what is not hidden of the page's head.
    """
    around = AROUND + sum(size for part, size in HEAD.items() if part not in scene.hide)
    around += LINE * (len(scene.sentence) // WIDE)
    sizes = {"screen": f"calc(100vh / {zoom})", "around": f"{around / zoom:.0f}px"}
    sizes |= {"least": "240px", "over": "0px"}
    if scene.page == "lessons":
        inputs = INPUTS[0 if "inputs" in scene.hide else 1]
        sizes["lessons"] = f"{around / zoom + inputs:.0f}px"
    if scene.page == "molecule":  # elsewhere the bar below a square plays it
        sizes["extra"] = "none"
    return ";".join(f"--demetar-{name}:{value}" for name, value in sizes.items())


def words(scene: Scene) -> None:
    """The title of a scene, and what to look at."""
    sentence = f"<p class='lecture'>{html.escape(scene.sentence)}</p>" if scene.sentence else ""
    st.html(f"<h1 class='lecture'>{html.escape(scene.title)}</h1>{sentence}")
