"""All models at the same cost: errors against Δ_EQ and against cost, own and published numbers."""

from typing import Any

import streamlit as st

from app.backend.stored import results as backend
from app.figures.results import equal as figures
from app.ui import address, layout, words

CHART: dict[str, Any] = {"config": {"displayModeBar": False}}
NO_RESULT = (
    "The runs of the experiments make it: `demetar sweep experiments/equal_cost_nbody.toml` and its "
    "siblings, then `python benchmarks/results.py --write`."
)


def begun() -> bool:
    """Whether any run has finished."""
    result = backend.stored()
    if result is None:
        return False
    every = (backend.rows(result, place) for place in backend.places(result))
    return any(backend.finished(row) for rows in every for row in rows)


def render() -> dict[str, Any]:
    """The part; what its address has to say."""
    st.caption(
        "How far does each model get at the same cost, and how well does it keep its symmetry? Every "
        "training has the same number of processor seconds, without compilation; a tenth of them "
        "chooses the learning rate."
    )
    result = backend.stored()
    places = backend.places(result)
    address.from_address("set", "results:set", places, places[0], "data set")
    costs = list(backend.COSTS)
    address.from_address("cost", "results:cost", costs, costs[0], "cost")
    address.told()
    titles = {p: result["places"][p]["title"] if result else p for p in places}
    chosen = st.segmented_control(
        "Data set",
        places,
        key="results:set",
        required=True,
        format_func=titles.__getitem__,
        label_visibility="collapsed",
        disabled=result is None,
    )
    if result is None:
        with st.container(border=True):
            st.markdown("**No result here**")
            st.markdown(NO_RESULT)
        return {"set": chosen, "cost": st.session_state["results:cost"]}
    cost = _shown(result, str(chosen))
    return {"set": chosen, "cost": cost}


def _shown(result: dict[str, Any], place: str) -> str:
    about, rows = result["places"][place], backend.rows(result, place)
    done = [r for r in rows if backend.finished(r)]
    st.markdown(reading(done, about))
    unit = f"test {about['metric']}, {about['unit']}"
    cost = _figures(done, about, unit) if done else st.session_state["results:cost"]
    _table(rows, about, unit)
    waiting = [r["title"] for r in rows if not backend.finished(r)]
    if waiting:
        st.caption(f"Not yet run: {', '.join(waiting)}.")
    st.caption(_how(about, result["made"]))
    return cost


def _figures(done: list[dict[str, Any]], about: dict[str, Any], unit: str) -> str:
    """Both figures; the cost that is shown."""
    dark, (left, right) = layout.dark(), layout.side_by_side(1, 1, least=460)
    best = done[0]["title"]
    with left:
        st.markdown("**Error against the equivariance error**")
        st.caption(
            "Left is better turned, low is more accurate. Both precisions of one model are joined."
        )
        st.plotly_chart(
            figures.deltas(done, about["baselines"], unit, dark),
            key="results:deltas",
            alt=f"Test error against Δ_EQ under rotations in float64 and float32; least error: {best}.",
            **CHART,
        )
    with right:
        st.markdown("**Error against cost**")
        cost = st.segmented_control(
            "Cost",
            list(backend.COSTS),
            key="results:cost",
            required=True,
            format_func=figures.COSTS.__getitem__,
            label_visibility="collapsed",
        )
        st.plotly_chart(
            figures.costs(done, about["baselines"], unit, str(cost), dark),
            key="results:costs",
            alt=f"Test error against {figures.COSTS[str(cost)]}; least error: {best}.",
            **CHART,
        )
    return str(cost)


def reading(done: list[dict[str, Any]], about: dict[str, Any]) -> str:
    """What the numbers say, as far as they carry."""
    if not done:
        return f"Nothing has been run yet: {about['minutes']:.0f} processor minutes a model are planned."
    best, others = done[0], [r for r in done if not figures.turns(r)]
    exact = [r for r in done if figures.turns(r)]
    said = (
        f"After {about['minutes']:.0f} processor minutes **{best['title']}** errs least: "
        f"**{error(best['test'], about)}** {about['unit']}."
    )
    if exact and others:
        said += (
            f" Of the models that claim rotations the best errs by {error(exact[0]['test'], about)}, of "
            f"those that do not by {error(others[0]['test'], about)} ({others[0]['title']}): "
            f"{others[0]['test']['mean'] / exact[0]['test']['mean']:.1f} times as much."
        )
    said += parity(done, about)
    if all(r["seeds"] < 2 for r in done):
        said += " One seed each: differences below the spread of seeds say nothing."
    return said


def parity(done: list[dict[str, Any]], about: dict[str, Any]) -> str:
    """What it costs a model to claim mirror images too, where both ways of it have run."""
    said = ""
    for full in (r for r in done if r["claim"].startswith("E(3)")):
        for proper in done:
            if proper["model"] != full["model"] or not proper["claim"].startswith("SE(3)"):
                continue
            times = full["seconds_a_step"] / proper["seconds_a_step"]
            said += (
                f" With parity in its irreps {full['title'].partition(' (')[0]} takes {times:.2f} times as "
                f"long a step ({full['epochs']:.0f} epochs instead of {proper['epochs']:.0f}) and errs by "
                f"{error(full['test'], about)} instead of {error(proper['test'], about)} {about['unit']}"
            )
            if full["forces"] and proper["forces"]:
                forces = (error(r["forces"], about, 1) for r in (full, proper))
                said += ", in forces by {} instead of {} meV/Å".format(*forces)
            said += "."
    return said


def error(cell: dict[str, Any] | None, about: dict[str, Any], decimals: int | None = None) -> str:
    """An error with its spread over seeds, where there is one."""
    if cell is None:
        return "–"
    places = decimals if decimals is not None else 4 if about["metric"] == "MSE" else 1
    spread = "" if cell["std"] is None else f" ± {cell['std']:.{places}f}"
    return f"{cell['mean']:.{places}f}{spread}"


def _table(rows: list[dict[str, Any]], about: dict[str, Any], unit: str) -> None:
    forces = any(r.get("forces") for r in rows) or any(
        (r["published"] or {}).get("forces") for r in rows
    )
    st.markdown("**All numbers**: measured here, and published on another split and budget")
    st.dataframe(
        [_row(r, about, unit, forces) for r in rows],
        hide_index=True,
        key="results:table",
        alt="Errors, costs and equivariance errors of every model, with published numbers beside.",
        column_config={
            "model": st.column_config.TextColumn(
                width=158
            ),  # its width alone cuts the longest name
            "published": st.column_config.TextColumn(
                help="What the paper reports; its split and budget stand right of it."
            ),
            "published on": st.column_config.TextColumn(width=264),
        },
    )


def _row(r: dict[str, Any], about: dict[str, Any], unit: str, forces: bool) -> dict[str, str]:
    paper = r["published"] or {"value": None, "forces": None, "on": ""}
    ran = backend.finished(r)
    row = {
        "model": r["title"],
        "claims": r["claim"].replace(" x ", " × "),
        f"here: {unit}": error(r["test"], about) if ran else "not yet run",
    }
    if forces:
        row["here: forces, meV/Å"] = error(r["forces"], about, 1) if ran else ""
    row["published"] = "–" if paper["value"] is None else f"{paper['value']:g}"
    if forces:
        row["published forces"] = "–" if paper["forces"] is None else f"{paper['forces']:g}"
    row |= {
        "published on": paper["on"],
        "seeds": f"{r['seeds']} of {r['asked']}",
        "parameters": f"{r['parameters']:,.0f}" if ran else "",
        "s a step": words.number(r["seconds_a_step"]) if ran else "",
        "epochs": words.number(r["epochs"]) if ran else "",
        "processor s": f"{r['processor']:,.0f}" if ran else "",
    }
    for group, dtype in (("SO(3)", "float32"), ("SO(3)", "float64"), ("C_i", "float64")):
        row[f"Δ {group} {dtype}"] = words.small(r["delta"][group][dtype]) if ran else ""
    return row


def _how(about: dict[str, Any], made: str) -> str:
    simple = ", ".join(f"{address.plain(k)} {v:.4g}" for k, v in about["baselines"].items())
    return (
        f"Trivial predictors, test {about['metric']}: {simple}. {about['split']}. "
        "Processor seconds are those of the training process while it makes batches and steps, on one "
        "core; the trials of three learning rates are in them, compilation, reading and evaluation are "
        "not. The number of steps is planned from the measured cost of one, and the cosine ends with "
        "it: on a busy machine a run may spend more than was planned, so the table says what it spent. "
        "Δ_EQ is the median over 4 test systems and 8 elements of each "
        "group, the largest of any output; of an energy that is its gradient. "
        f"{address.plain(about['note'])} Made {made} by `python benchmarks/results.py --write`."
    )
