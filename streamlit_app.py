"""The explorer: `streamlit run streamlit_app.py`. Every file under app/pages is a page."""

from pathlib import Path

import streamlit as st

icon = str(Path(__file__).parent / "app" / "icon.svg")
st.set_page_config(page_title="Demetar", page_icon=icon, layout="wide")
with st.spinner("Demetar is starting"):  # the first visitor waits for JAX; words come at once
    from app import pages

pages.navigate()
