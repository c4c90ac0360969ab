"""The explorer: `streamlit run streamlit_app.py`. A script, beside it the live channel, and a warm-up."""

from pathlib import Path

import streamlit as st

from app.live import channel, warm

app = st.App(
    Path(__file__).with_name("explorer.py"),
    routes=[channel.route(st.get_option("server.baseUrlPath"))],
    lifespan=warm.lifespan,
)
