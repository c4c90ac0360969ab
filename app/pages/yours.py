"""Your model: audits a calculator from a folder of this machine, and shows what audits found elsewhere."""

from __future__ import annotations

import html
from typing import Any

import streamlit as st

from app.backend import molecules
from app.backend.checking import audited
from app.jobs import audits, permission
from app.ui import address, layout, readouts, style, words
from demetar.core.errors import InputError

TITLE, ICON, ORDER, SECTION = "Your model", ":material/fact_check:", 24, "Check"
WHAT, NAME, SECONDS, KNOWN = "yours:what", "yours:molecule", "yours:seconds", "yours:known"
MINE = """from ase.calculators.emt import EMT


def make():
    return EMT()"""


def render() -> None:
    """The page: one's own calculators first, then the stored audits of well-known ones."""
    style.picture_page()
    st.html(
        "<h1 class='demetar'>Your model</h1><p class='demetar'>An audit asks a calculator some hundred "
        "questions: symmetry, forces against the energy, jumps, memory, periodic images. It ends with one "
        "word and the smallest structure that shows it.</p>"
    )
    told = st.container()
    own: dict[str, str] = {}
    if permission.shared():
        st.info(
            "This server is shared, so it runs nobody's code; start Demetar on your own machine."
        )
    elif audits.folder() is None:
        _how()
    else:
        own = _own()
    address.address(**own, **_elsewhere())
    with told:
        address.told()


def _how() -> None:
    with st.container(border=True):
        st.markdown(
            "**To audit a calculator of yours**, write a file with a function that makes it and start the "
            "explorer with its folder, or use the command."
        )
        left, right = layout.side_by_side(1, 1, least=320)
        left.code(MINE, language="python")
        right.code(
            "demetar app --models FOLDER\ndemetar audit FOLDER/mine.py:make ethanol.xyz --report out.html",
            language="bash",
            wrap_lines=True,
        )


def _own() -> dict[str, str]:
    names = audits.found()
    if not names:
        st.info(f"There is no function or class in the Python files of {audits.folder()} yet.")
        return {}
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom", gap="small"):
        address.from_address("model", WHAT, names, names[0], "model")
        what = str(st.selectbox("Calculator, or what makes one", names, key=WHAT, width=320))
        address.from_address("molecule", NAME, molecules.gallery(), "ethanol", "molecule")
        name = str(st.selectbox("Structure", molecules.gallery(), key=NAME, width=190))
        seconds = float(st.number_input("Seconds at most", 10, 3600, 115, key=SECONDS, width=150))
        work = audits.state(what, name)
        if work is not None and work.state == "running":
            if st.button("Stop", icon=":material/stop:", key="yours:stop"):
                audits.stop(what, name)
                st.rerun()
        elif st.button("Audit", type="primary", icon=":material/fact_check:", key="yours:ask"):
            audits.start(what, name, molecules.molecule(molecules.Source(name)), seconds)
            st.rerun()
    shown = {"model": what, "molecule": name}
    if work is None:
        return shown
    if work.state == "running":
        st.fragment(_watched, run_every=1)(what, name)
    elif work.state == "failed" or work.document is None:
        st.error(address.plain(work.words), icon=":material/error:")
    else:
        _shown(work.document, f"{what}, {name}", work.report)
    return shown


def _watched(what: str, name: str) -> None:
    work = audits.state(what, name)
    if work is None or work.state != "running":
        st.rerun()
    st.markdown(f":material/hourglass_top: {address.plain(work.words) or 'starting'}")


def _elsewhere() -> dict[str, str]:
    try:
        stored = audited.known()
    except InputError as error:
        st.warning(address.plain(str(error)))
        return {}
    if not stored:
        return {}
    st.markdown("**Audits of well-known calculators**, measured by the same command")
    rows = [
        (model, f"{found['package']} {found['version']}", row["name"], row["cause"], row)
        for model, found in stored.items()
        for row in found["rows"]
    ]
    options = [
        f"{model} on {row[2]}" for model, row in zip([r[0] for r in rows], rows, strict=True)
    ]
    readouts.table(
        ("calculator", "package", "structure", "what was found"), [row[:4] for row in rows]
    )
    address.from_address("audit", KNOWN, options, options[0], "audit")
    chosen = str(st.selectbox("Look closer", options, key=KNOWN, width=380))
    _shown(rows[options.index(chosen)][4], chosen, "")
    return {"audit": chosen}


def _shown(found: dict[str, Any], subject: str, report: str) -> None:
    left, right = layout.side_by_side(1, 2)
    with left.container(border=True):
        st.caption(address.plain(subject))
        sign = "✓" if found["cause"] == "sound" else "✗"
        st.html(
            f"<div style='font-size:26px;font-weight:700'>{sign} {html.escape(found['cause'])}</div>"
        )
        st.markdown(address.plain(words.written(found["sentence"])))
        if found.get("mends") and found["cause"] != "sound":
            st.markdown(f"**What mends it.** {address.plain(found['mends'])}")
        small = found.get("smallest")
        facts = {"evaluations": f"{found['evaluations']:,}", "seconds": f"{found['seconds']:.0f}"}
        if found.get("runner_up") and found.get("excluded"):
            facts = {"not": f"{found['runner_up']}: {words.written(found['excluded'])}"} | facts
        if small:
            facts["smallest"] = f"{small['formula']}, {small['atoms']} atoms"
        readouts.facts(facts)
        if report:
            st.download_button(
                "Report", report, "audit.html", "text/html", icon=":material/description:"
            )
    with right.container(border=True):
        st.markdown("**Evidence**")
        readouts.table(
            ("check", "found", "its own precision explains", "unit", ""),
            [
                (
                    e["title"],
                    _number(e["value"]),
                    _number(e["limit"]),
                    e["unit"] or "",
                    "✗" if e["broken"] else "✓",
                )
                for e in found["evidence"]
            ],
        )


def _number(value: float | None) -> str:
    return (
        "–" if value is None else words.delta(abs(value)) if abs(value) < 100 else f"{value:,.0f}"
    )
