"""The explorer's pages, found by file name: each has TITLE, ICON, ORDER, SECTION, render()."""

import importlib
import pkgutil
from types import ModuleType
from typing import Any

import streamlit as st

from app.ui import address, layout, memory, style

MOVED = {
    "efficiency": ("results", {"show": "efficiency"}),
    "ablation": ("results", {"show": "ablation"}),
}
LOGO = """<svg xmlns="http://www.w3.org/2000/svg" width="190" height="44" viewBox="0 0 190 44">
<g font-family="system-ui, sans-serif" fill="{text}">
<text x="1" y="21" font-size="22" font-weight="700">Demetar</text>
<text x="1" y="40" font-size="14" opacity=".7">equivariance explorer</text></g></svg>"""


def found() -> dict[str, ModuleType]:
    """The pages by file name, which is also their address, in the order that they state."""
    names = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    return dict(sorted(modules.items(), key=lambda item: (item[1].ORDER, item[0])))


def _moved(name: str, target: Any, values: dict[str, str]) -> Any:
    """A page that only leads on, with what the address says."""
    return st.Page(
        lambda: st.switch_page(target, query_params=st.query_params.to_dict() | values),
        title=target.title,
        url_path=name,
        visibility="hidden",
    )


def navigate(first: str | None = None) -> None:
    """Draws the navigation and the chosen page; `first` is the one without a path of its own."""
    memory.tidy()
    modules = found()
    first = first or next(iter(modules))
    pages, sections = {}, {}
    for name, module in modules.items():
        pages[name] = st.Page(
            address.guarded(name, module.render),
            title=module.TITLE,
            icon=module.ICON,
            url_path="home" if name == first else name,
            default=name == first,
        )
        sections.setdefault(module.SECTION, []).append(pages[name])
    for name, (target, values) in MOVED.items():  # links that were shared go on to lead there
        sections.setdefault("", []).append(_moved(name, pages[target], values))
    # The first page lives at the root; its own name in an address must lead there as well.
    sections.setdefault("", []).append(_moved(first, pages[first], {}))
    st.session_state["pages"] = pages
    st.html(
        f"<style>.stMainBlockContainer{{padding:3.7rem 2.5rem 2rem}}{style.SMALLEST}{style.RAIL}</style>"
    )
    st.logo(LOGO.format(text="#E4E9F0" if layout.dark() else "#1B2430"), size="large")
    st.navigation(sections).run()
