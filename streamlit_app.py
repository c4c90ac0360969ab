"""The explorer: `streamlit run streamlit_app.py`. Every file under app/pages is a page."""

import streamlit as st

st.set_page_config(page_title="Demetar", page_icon=":material/rotate_90_degrees_cw:", layout="wide")
with st.spinner("Demetar is starting"):  # the first visitor waits for JAX; words come at once
    from app import pages

pages.navigate()
