"""Data efficiency: how many examples symmetry is worth. A stored result, and a small one made here."""

from typing import Any

import streamlit as st

from app.figures.results import efficiency
from app.jobs import efficiency as jobs
from app.ui import address, layout, owner, words
from demetar.core.errors import InputError

SHOWN = {"stored": "Stored result", "here": "Made here, small"}
OVER = {"typical": "median test system", "error": "mean over test systems"}
ARMS = ("equivariant", "augmented", "plain")


def render() -> dict[str, Any]:
    """The part: the question, the two figures with their reading, the experiment made here."""
    st.caption(
        "How many examples is symmetry worth? Five charged bodies, where will they be? Three "
        "networks of the same width and depth learn it from n systems: one that knows nothing of "
        "rotations, the same one shown its examples turned at random, and an equivariant one."
    )
    address.from_address("result", "efficiency:result", list(SHOWN), "stored", "result")
    address.told()
    with st.container(horizontal=True, vertical_alignment="center"):
        shown = st.segmented_control(
            "Result",
            list(SHOWN),
            key="efficiency:result",
            required=True,
            format_func=SHOWN.__getitem__,
            label_visibility="collapsed",
        )
    if shown == "here":
        live = jobs.state().name == "training"
        _controls(live)
        st.fragment(_here, run_every=2 if live else None)(live)
    else:
        result = jobs.stored()
        if result is None:
            st.caption("No stored result lies in this project folder. Make a small one here.")
        else:
            _result(result)
    return {"result": shown}


def _controls(live: bool) -> None:
    """Start and Stop of the small experiment; outside the fragment, so that they act at once."""
    if not owner.only("trains networks here"):
        return
    if live:
        if st.button("Stop", icon=":material/stop:", key="efficiency:stop"):
            with st.spinner("Stopping"):
                jobs.stop()
            st.rerun()
        return
    known = jobs.here() is not None
    label = "Train again" if known else "Train nine small networks"
    if st.button(label, icon=":material/play_arrow:", key="efficiency:start", type="primary"):
        try:
            jobs.start()
        except InputError as error:
            st.error(address.plain(str(error)))
        else:
            st.rerun()
    st.caption(
        "Three ways to learn, 10, 100 and 1,000 systems, one seed, 400 steps each: up to three "
        "minutes on two cores when nothing else runs. The order is that of the stored result; the "
        "errors are larger, since the training is shorter."
    )


def _here(drawn_live: bool) -> None:
    state = jobs.state()
    if (state.name == "training") != drawn_live:
        st.rerun()
    if state.name == "training":
        done = f"{state.done} of {state.of} networks, now {state.words}" if state.of else "loading"
        st.progress(state.done / max(state.of, 1), f"{done} · {words.duration(state.seconds)}")
    elif state.name in ("failed", "stopped"):
        st.caption(address.plain(f"The experiment was not finished: {state.words}."))
    result = jobs.here()
    if result is not None:
        _result(result)


def _result(result: dict[str, Any]) -> None:
    """Both figures, what they say in words, and the numbers."""
    points, dark = result["points"], layout.dark()
    over = st.session_state.get("efficiency:over") or "typical"
    words = _reading(points, over)
    st.markdown(words)
    st.segmented_control(
        "Error",
        list(OVER),
        key="efficiency:over",
        default="typical",
        required=True,
        format_func=OVER.__getitem__,
        label_visibility="collapsed",
    )
    grid = st.grid(2, min_column_width=340, gap="medium")
    left, right = grid.cell(), grid.cell()
    with left:
        st.caption(f"Test squared error, {OVER[over]}, {result.get('unit', '')}")
        st.plotly_chart(
            efficiency.errors(points, over, _levels(result, over), dark),
            key="efficiency:errors",
            alt=words.replace("*", "") or "Test error against the number of training systems.",
            config={"displayModeBar": False},
        )
    with right:
        st.caption("Equivariance error Δ_EQ under rotations, median over held-out systems")
        st.plotly_chart(
            efficiency.deltas(points, dark),
            key="efficiency:deltas",
            alt="Δ_EQ against the number of training systems: " + _reading_delta(points),
            config={"displayModeBar": False},
        )
    st.table(_table(points, over))
    st.caption(_how(result))


def _levels(result: dict[str, Any], over: str) -> dict[str, float]:
    known = result.get("baselines")
    found = known.items() if isinstance(known, dict) else ()
    return {name: v[over] for name, v in found if isinstance(v, dict) and over in v}


def _table(points: list[dict[str, Any]], over: str) -> list[dict[str, str]]:
    """Median test error and Δ_EQ by n, with the range over the seeds."""
    rows = []
    for n in sorted({p["n"] for p in points}):
        row = {"systems": f"{n:,}"}
        for arm in ARMS:
            for key, name in ((over, "error"), ("delta", "Δ_EQ")):
                found = [s for s in efficiency.summary(points, arm, key) if s[0] == n]
                row[f"{arm}, {name}"] = _cell(found[0], key) if found else "–"
        rows.append(row)
    return rows


def _cell(found: tuple[int, float, float, float], key: str) -> str:
    _, middle, least, most = found
    if key == "delta":
        return words.delta(middle)
    spread = "" if least == most else f" ({least:.2g} to {most:.2g})"
    return f"{middle:.3g}{spread}"


def _reading(points: list[dict[str, Any]], over: str) -> str:
    """What the figure says, from its numbers."""
    errors = {
        arm: {s[0]: s[1] for s in efficiency.summary(points, arm, over)}
        for arm in efficiency.STYLES
    }
    sizes = sorted(set.intersection(*(set(found) for found in errors.values())))
    if not sizes:
        return ""
    n = sizes[len(sizes) // 2]
    best = min(errors, key=lambda arm: errors[arm][n])
    others = ", ".join(
        f"{arm} **{errors[arm][n] / errors[best][n]:.1f} times** its error"
        for arm in errors
        if arm != best
    )
    words = f"With {n:,} systems the {best} network errs least: {others}."
    goal = errors["plain"][sizes[-1]]
    enough = {arm: [m for m in sizes if errors[arm][m] <= goal] for arm in errors}
    reached = [f"{arm} **{m[0]:,}**" for arm, m in enough.items() if m and m[0] < sizes[-1]]
    if reached:
        words += (
            f" What plain reaches with {sizes[-1]:,} systems takes {' and '.join(reached)} systems."
        )
    far = max(points, key=lambda p: p["error"] / max(p["typical"], 1e-12))
    if over == "error" and far["error"] > 100 * far["typical"]:
        words += (
            f" Means can be those of one system: {far['arm']}, n = {far['n']:,}, seed {far['seed']} "
            f"errs by {far['worst']:.2g} on one close encounter and by {far['typical']:.2g} on the "
            "median system."
        )
    return words


def _reading_delta(points: list[dict[str, Any]]) -> str:
    parts = []
    for arm in ARMS:
        found = efficiency.summary(points, arm, "delta")
        if found:
            ends = (f"{words.delta(point[1])} at {point[0]}" for point in (found[0], found[-1]))
            parts.append(f"{arm} {', '.join(ends)}")
    return "; ".join(parts) + "."


def _how(result: dict[str, Any]) -> str:
    plan = result.get("plan") or {}
    seeds = len(plan.get("seeds", ()))
    return (
        f"Clean force law, {plan.get('steps', 0):,} steps "
        f"of at most {plan.get('batch', 0)} systems for every n, {seeds} "
        f"seed{'s' if seeds != 1 else ''} (line: median; shade: range), the "
        f"checkpoint with the least error on {plan.get('valid', 0)} validation systems, width 64, "
        "4 layers. Dotted: straight on with the velocity for the time that fits best, and at rest. "
        f"{address.plain(str(result.get('note', '')))} Again from a shell: `demetar efficiency`."
    )
