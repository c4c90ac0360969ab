"""The script behind the explorer: every file under app/pages is a page. Started by streamlit_app.py."""

import sys
from contextlib import nullcontext
from pathlib import Path

import streamlit as st

icon = str(Path(__file__).parent / "app" / "icon.svg")
st.set_page_config("Demetar", icon, layout="wide", initial_sidebar_state=184)
# The first visitor may be earlier than the warm-up: words come at once.
with nullcontext() if "app.pages" in sys.modules else st.spinner("Demetar is starting"):
    from app import pages

pages.navigate()
