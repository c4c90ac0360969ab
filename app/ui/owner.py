"""What only the owner of a shared server sees: the buttons that begin, end and delete."""

import streamlit as st

from app.jobs import permission


def only(what: str) -> bool:
    """True where the visitor may do `what`; else a sentence stands in place of the buttons."""
    if permission.granted():
        return True
    st.caption(f":material/lock: Only the owner of this server {what}.")
    return False
