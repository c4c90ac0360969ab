"""Several chosen runs beside each other, in numbers and in one sentence."""

from typing import Any

import streamlit as st

from app.backend import cached, form
from app.jobs.runs import Job
from app.ui import address, words


def show(jobs: list[Job]) -> None:
    """The sentence and the table; nothing for one run alone."""
    if len(jobs) < 2:
        return
    rows = [_row(job, _least(jobs)) for job in jobs]
    said = [key for key in rows[0] if any(row.get(key, "–") != "–" for row in rows)]
    with st.container(border=True, gap="small"):
        st.markdown(_reading(jobs))
        st.table([{key: row[key] for key in said} for row in rows])


def _least(jobs: list[Job]) -> float | None:
    """The least error, where all errors are of one kind."""
    errors = [job.best for job in jobs]
    alike = len({(job.metric, job.unit, job.config.get("target")) for job in jobs}) == 1
    found = [error for error in errors if error is not None]
    return min(found) if alike and len(found) == len(jobs) and min(found) > 0 else None


def _row(job: Job, least: float | None) -> dict[str, Any]:
    lines = cached.evaluations(job.name)
    epochs = lines[-1]["epoch"] if lines else 0.0
    row = {"run": address.plain(job.name), "best valid": words.number(job.best)}
    if least is not None and job.best is not None:
        row["times the least"] = f"{job.best / least:.2f}"
    row["forces"] = words.number(job.forces)
    row["test"] = words.number(job.test)
    row["published"] = words.number(form.published(job.config))
    if least is None:
        row["error"] = address.plain(f"{job.metric}, {job.unit}") if job.metric else "–"
    for group in ("SO(3)", "C_i"):
        row[address.plain(f"Δ {group}")] = (
            words.delta(job.delta[group]) if group in job.delta else "–"
        )
    row["epochs"] = f"{epochs:.0f}"
    row["time an epoch"] = f"{job.seconds / epochs:.2g} s" if epochs and job.seconds else "–"
    return row


def _reading(jobs: list[Job]) -> str:
    """Which run errs least and by how much, and which Δ_EQ is the least."""
    least = _least(jobs)
    if least is None:
        said = "These runs learn different things, or not all have an error yet."
    else:
        order = sorted(jobs, key=lambda job: job.best or 0.0)
        others = ", ".join(
            f"{address.plain(job.name)} {(job.best or 0.0) / least:.2g} times as much"
            for job in order[1:]
        )
        unit = address.plain(f" {jobs[0].unit}")
        said = (
            f"**{address.plain(order[0].name)}** errs least, {words.number(least)}{unit}; {others}."
        )
    turned = [job for job in jobs if "SO(3)" in job.delta]
    if len(turned) > 1:
        low = min(turned, key=lambda job: job.delta["SO(3)"])
        high = max(turned, key=lambda job: job.delta["SO(3)"])
        said += (
            f" Under rotations Δ\\_EQ is {words.delta(low.delta['SO(3)'])} for {address.plain(low.name)} and "
            f"{words.delta(high.delta['SO(3)'])} for {address.plain(high.name)}."
        )
    return said
