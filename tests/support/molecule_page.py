"""What the molecule page says, and where."""

from streamlit.testing.v1 import AppTest


def sentences(at: AppTest) -> str:
    """Everything the page says in boxes."""
    return " ".join(box.value for kind in (at.info, at.error, at.warning) for box in kind)


def headline(at: AppTest) -> str:
    """The sentence above the picture."""
    return next(h.proto.body for h in at.get("html") if "demetar'>Turn first" in h.proto.body)


def facts(at: AppTest) -> str:
    """The table beside the chart."""
    return next(h.proto.body for h in at.get("html") if "<table" in h.proto.body)
