"""The explorer: `streamlit run streamlit_app.py`. A script, the live channel, the gate before both."""

from pathlib import Path

import streamlit as st

from app.live import channel, warm
from app.server import gate
from app.viewer import fetch

fetch.at_start()
app = st.App(
    Path(__file__).with_name("explorer.py"),
    routes=[channel.route(st.get_option("server.baseUrlPath"))],
    middleware=gate.middleware(),
    lifespan=warm.lifespan,
)
