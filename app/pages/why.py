"""Why not 10⁻⁷?: asks for the cause of a model's Δ_EQ and shows the evidence that decided it."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from app.backend import cached, molecules, nbody
from app.backend.checking import diagnosis
from app.ui import address, layout, readouts, style, words

TITLE, ICON, ORDER, SECTION = "Why not 10⁻⁷?", ":material/troubleshoot:", 22, "Check"
RUN, NAME, SCENE, FAULT = "why:run", "why:molecule", "why:scene", "why:fault"
SOUND = "no fault"
SMALL = "a small model with a fault of your choice"
FIRST = {"run": "gnn-nbody", "molecule": "ethanol", "scene": "nbody-5-published"}


def render() -> None:
    """The page: what is asked, the verdict in a word and a sentence, the evidence in a table."""
    style.picture_page()
    st.html(
        "<h1 class='demetar'>Why not 10⁻⁷?</h1><p class='demetar'>Why a model's Δ_EQ is what it is: "
        "symmetries one by one, precisions, gradients, layers; then one word, and what speaks against "
        "the next best one.</p>"
    )
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom", gap="small"):
        key, ask, subject = _asked()
        pressed = st.button(
            "Find the cause",
            type="primary",
            icon=":material/troubleshoot:",
            key="why:ask",
            help="Up to half a minute on two cores; choosing something else ends it.",
        )
    address.told()
    found = diagnosis.known(key)
    if found is None and pressed:
        found = _with_progress(ask)
    if found is None:
        st.markdown(f"**{subject}** has not been asked yet. The answer takes up to half a minute.")
        _vocabulary(expanded=True)
        return
    _shown(subject, found)
    _vocabulary()


def _asked() -> tuple[tuple, Any, str]:
    """What is asked: its key, what answers it, and its name in a heading."""
    known = cached.runs_on("atoms"), cached.runs_on("particles")
    atoms, particles = ([*k["turns"], *k["rigid"]] for k in known)
    runs = [SMALL, *atoms, *particles]
    address.from_address("run", RUN, runs, FIRST["run"], "run")
    name = str(st.selectbox("Model", runs, key=RUN, width=330))
    fault = SOUND
    if name == SMALL:
        options = [SOUND, *diagnosis.switches()]
        address.from_address("fault", FAULT, options, "vector-bias", "fault")
        fault = str(st.selectbox("Fault", options, key=FAULT, width=210))
    if name in particles:
        address.from_address("scene", SCENE, nbody.shipped(), FIRST["scene"], "scene")
        source: Any = nbody.Source(
            str(st.selectbox("Scene", nbody.shipped(), key=SCENE, width=190))
        )
    else:
        address.from_address("molecule", NAME, molecules.gallery(), FIRST["molecule"], "molecule")
        source = molecules.Source(
            str(st.selectbox("Molecule", molecules.gallery(), key=NAME, width=190))
        )
    of = {"scene": source.name} if name in particles else {"molecule": source.name}
    address.address(run=name, fault=fault if name == SMALL else None, **of)
    if name == SMALL:
        chosen = () if fault == SOUND else (fault,)
        key: tuple = ("small", chosen, source)
        return key, lambda p: diagnosis.of_small(key, chosen, source, p), f"{fault}, {source.name}"
    key = ("run", name, cached.stamp(name), source)
    run = cached.run(name)
    return key, lambda p: diagnosis.of_run(key, run, source, p), f"{name}, {source.name}"


def _with_progress(ask: Any) -> diagnosis.Found:
    bar = st.progress(0.0, "compiling")

    def progress(fraction: float, text: str) -> bool:
        bar.progress(
            min(max(fraction, 0.0), 1.0), text
        )  # ends this run if something else is chosen
        return True

    found = ask(progress)
    bar.empty()
    return found


def _shown(subject: str, found: diagnosis.Found) -> None:
    left, right = layout.side_by_side(1, 2)
    with left.container(border=True):
        st.caption(subject)
        sign = "✓" if found.cause == "sound" else "✗"
        st.html(
            f"<div style='font-size:26px;font-weight:700;line-height:1.2'>{sign} {found.cause}</div>"
        )
        st.markdown(address.plain(words.written(found.sentence)))
        if found.mends and found.cause != "sound":
            st.markdown(f"**What mends it.** {address.plain(found.mends)}")
        facts = {"evaluations": f"{found.evaluations:,}", "seconds": f"{found.seconds:.1f}"}
        if found.runner_up and found.cause != "sound":
            facts = {"next best": f"{found.runner_up}: {found.other}"} | facts
        if found.left_out:
            facts["left out"] = ", ".join(found.left_out)
        readouts.facts(facts)
        with st.container(horizontal=True):
            st.download_button(
                "Report",
                found.report,
                "diagnosis.md",
                "text/markdown",
                icon=":material/description:",
                help="All that is shown here, as Markdown.",
            )
            st.download_button(
                "JSON",
                json.dumps(found.document, indent=1),
                "diagnosis.json",
                "application/json",
                icon=":material/data_object:",
                help="Every mark and every number that was measured.",
            )
    with right.container(border=True):
        st.markdown("**Evidence**, in the order in which it was taken")
        _evidence(found.evidence)


def _evidence(evidence: list[dict[str, Any]]) -> None:
    lines = "".join(
        "<tr><th scope='row'>{}</th><td>{}</td><td class='n'>{}</td></tr>".format(
            words.html.escape(e["name"]),
            words.html.escape(words.written(e["sentence"])),
            e["evaluations"],
        )
        for e in evidence
    )
    st.html(
        "<style>table.why{border-collapse:collapse;width:100%;font-size:14px;line-height:1.35}"
        "table.why th,table.why td{text-align:left;vertical-align:top;padding:5px 10px 5px 0;"
        "border-bottom:1px solid color-mix(in srgb,currentColor 14%,transparent)}"
        "table.why th{font-weight:600;white-space:nowrap}table.why thead th{font-weight:400;opacity:.7}"
        "table.why .n{text-align:right;font-variant-numeric:tabular-nums}</style>"
        "<table class='why'><thead><tr><th>evidence</th><th>what was found</th><th class='n'>evaluations"
        f"</th></tr></thead><tbody>{lines}</tbody></table>"
    )


def _vocabulary(expanded: bool = False) -> None:
    with st.expander("The faults that can be switched on, and where they happened", expanded):
        for word, fault in diagnosis.switches().items():
            link = f" [Report]({fault.source})." if fault.source else ""
            report = f" {address.plain(fault.report)}" if fault.report else ""
            st.markdown(f"**{word}** {address.plain(fault.sentence)}{report}{link}")
