"""A small page that plays three tracks of five made-up charges."""

import numpy as np
import streamlit as st

from app import viewer

st.set_page_config(layout="wide")
random = np.random.default_rng(3)
start, speed = random.normal(size=(5, 3)), random.normal(size=(5, 3)) * 0.8
time = np.linspace(0, 27, 900)[:, None, None]
charges = np.array([1, -1, 1, -1, 1])
truth = start * np.cos(time) + speed * np.sin(time)
prediction = truth + 0.005 * time * random.normal(size=(5, 3))
rotated = truth + 0.012 * time * random.normal(size=(5, 3))
track = viewer.Track
events = viewer.show(
    [
        viewer.Panel("x", [track(truth, "truth", viewer.GREY, charges=charges)], "the scene"),
        viewer.Panel(
            "g·f(x) and f(g·x)",
            [
                track(truth, "truth", viewer.GREY, charges=charges),
                track(prediction, "g·f(x)", viewer.BLUE, "ghost"),
                track(rotated, "f(g·x)", viewer.VERMILLION, "ring"),
            ],
            caption="Δ 0.031",
        ),
    ],
    key="nbody",
    height=520,
    across="g",
    playback=viewer.Playback(step=0.03, unit="s", autoplay="autoplay" in st.query_params),
)
st.write(events.pick)
