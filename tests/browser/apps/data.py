"""The Data page alone, on a small made-up N-body set in a folder beside this script."""

import os
from pathlib import Path

import numpy as np
import streamlit as st

from app import pages
from demetar.core.disk import write_arrays
from demetar.simulation import protocols

os.environ["DEMETAR_DATA"] = str(Path(__file__).parent / "data")

st.set_page_config("Demetar", str(Path(pages.__file__).parents[1] / "icon.svg"), layout="wide")
file = Path(__file__).parent / "data" / "nbody" / "charged5-clean-seed43.npz"
if not file.is_file():
    rng = np.random.default_rng(0)
    x, v, moved = rng.normal(size=(3, 14_000, 5, 3)).astype(np.float32)
    charges = rng.choice([-1.0, 1.0], (14_000, 5)).astype(np.float32)
    write_arrays(file, protocols.NBody(x, v, charges, x + moved, v).arrays())
pages.navigate("data")
