"""The explorer: `streamlit run streamlit_app.py`. Every file under app/pages is a page."""

import sys
from contextlib import nullcontext
from pathlib import Path

import streamlit as st

icon = str(Path(__file__).parent / "app" / "icon.svg")
st.set_page_config("Demetar", icon, layout="wide", initial_sidebar_state=230)
# The first visitor waits for JAX: words come at once.
with nullcontext() if "app.pages" in sys.modules else st.spinner("Demetar is starting"):
    from app import pages

pages.navigate()
