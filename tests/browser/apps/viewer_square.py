"""A small page with a commuting square of made-up forces: what the browser tests drive."""

import json

import numpy as np
import streamlit as st
from ase.build import molecule
from scipy.spatial.transform import Rotation

from app import viewer

HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"

st.set_page_config(layout="wide")
state = st.session_state
state.setdefault("g", Rotation.from_rotvec([0.4, 1.0, 0.3]).as_quat().tolist())
state.setdefault("log", [])


def turn(drag: viewer.Drag) -> None:
    after = Rotation.from_quat(drag.quaternion) * Rotation.from_quat(state.g)
    state.g = after.as_quat().tolist()
    state.log.append(["drag", *drag.quaternion])


def take_view(view: viewer.View) -> None:
    state.g = list(view.quaternion)
    state.log.append(["view", *view.quaternion])


state.setdefault("runs", 0)
state.runs += 1
name = st.selectbox("molecule", ["CH3CH2OH", "C6H6", "CH3SiH3"])
st.button("again")
atoms = molecule(name)
x = atoms.positions - atoms.positions.mean(0)
species = atoms.get_chemical_symbols()
f = np.random.default_rng(0).normal(size=x.shape) * 0.4
g = Rotation.from_quat(state.g).as_matrix()
gx, gf = x @ g.T, f @ g.T
other = gf + 0.12 * np.sin(9 * gx)
scale = viewer.arrow_scale(f)
residual = gf - other
arrows = viewer.Arrows
events = viewer.show(
    [
        viewer.Panel("x", [viewer.Atoms(species, x)], "the system", view_button=True),
        viewer.Panel(
            "g·x", [viewer.Atoms(species, gx)], "the input, rotated", input=True, rotation=state.g
        ),
        viewer.Panel(
            "f(x)",
            [viewer.Atoms(species, x), arrows(x, f, label="forces", unit="eV/Å", scale=scale)],
            HOSTILE if "hostile" in st.query_params else "forces, eV/Å",
            caption="E = −4209.63 eV",
            note="max |F| 1.02",
        ),
        viewer.Panel(
            "g·f(x) and f(g·x)",
            [
                viewer.Atoms(species, gx),
                arrows(gx, gf, label="g·f(x)", scale=scale),
                arrows(
                    gx,
                    other,
                    viewer.VERMILLION,
                    "f(g·x)",
                    scale=scale,
                    dashed=True,
                    settles=True,
                ),
            ],
            caption="residual 0.21",
            note="ΔE 3e-6 eV",
            follows=True,
        ),
    ],
    key="square",
    height=760,
    across="g",
    down="f ↓ predict",
    alt="Commuting square of a rotated molecule: the two results differ.",
    on={"drag": turn, "view": take_view},
)
if events.pick:
    state.log.append(["pick", events.pick.panel, events.pick.atom])
st.code(json.dumps({"runs": state.runs, "g": list(state.g), "log": state.log[-5:]}))
