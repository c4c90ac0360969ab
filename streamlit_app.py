"""The explorer: `streamlit run streamlit_app.py`. Its script is explorer.py; before it stands the gate."""

from pathlib import Path

import streamlit as st

from app.server import gate
from app.viewer import fetch

fetch.at_start()
app = st.App(Path(__file__).with_name("explorer.py"), middleware=gate.middleware())
