"""The explorer: `streamlit run streamlit_app.py`. Every file under app/pages is a page.

The server imports this file once and finds `app`; then it runs the file for every visitor.
"""

import sys
from contextlib import nullcontext
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

if get_script_run_ctx(suppress_warning=True) is None:
    from app.server import gate
    from app.viewer import fetch

    fetch.at_start()
    app = st.App(Path(__file__).resolve(), middleware=gate.middleware())
else:
    icon = str(Path(__file__).parent / "app" / "icon.svg")
    st.set_page_config("Demetar", icon, layout="wide", initial_sidebar_state=230)
    # The first visitor waits for JAX: words come at once.
    with nullcontext() if "app.pages" in sys.modules else st.spinner("Demetar is starting"):
        from app import pages

    pages.navigate()
