"""The part of the Data page with numbers: how labels are spread, which errors are to beat, sources."""

from typing import Any

import streamlit as st

from app.backend import datasets, laws
from app.figures import data as figures
from app.jobs import runs
from app.ui import address, layout


def show(about: Any, options: datasets.Options, target: str) -> None:
    """Histograms of the labels; what is published and what costs nothing."""
    left, right = layout.side_by_side(1, 1, least=320)
    spreads = datasets.spreads(about.name, target, options)
    if datasets.facts(about.name, target, options).output is None:
        spreads = ()  # classes have no mean
    with left:
        if spreads:
            _spread(spreads[0], "data:spread:0")
        origin(about)
    with right:
        _errors(about, options, target)
        for i, spread in enumerate(spreads[1:], 1):
            _spread(spread, f"data:spread:{i}")


def _spread(spread: Any, key: str) -> None:
    far = abs(spread.mean) > 100 * spread.std > 0  # then the axis shows the difference
    label = f"{spread.label} from its mean" if far else spread.label
    zero = spread.mean if far else 0.0
    unit = f", {spread.unit}" if spread.unit else ""
    numbers = f"mean {_number(spread.mean)}, standard deviation {_number(spread.std)}, mean "
    numbers += f"deviation {_number(spread.mad)} {spread.unit}"
    with st.container(border=True):
        st.caption(f"Training split, {spread.number:,} values of {spread.label}: {numbers}")
        st.plotly_chart(
            figures.histogram(
                spread.counts,
                spread.edges - zero,
                spread.mean - zero,
                spread.mad,
                label + unit,
                layout.dark(),
            ),
            key=key,
            config={"displayModeBar": False},
            alt=f"Histogram of {spread.label}: {numbers}.",
        )


def _errors(about: Any, options: datasets.Options, target: str) -> None:
    """Test errors on one axis; baselines of another unit, which say so in brackets, below it."""
    facts = datasets.facts(about.name, target, options)
    metric = "MSE" if facts.output in ("positions", "state") else "MAE"
    unit = f"({facts.unit})²" if metric == "MSE" else facts.unit
    if facts.output is None:
        metric, unit = "share of wrong answers", "from 0 to 1"
    trivial = datasets.baselines(about.name, target, options)
    found = [(f"{n} (trivial)", "trivial", v) for n, v in trivial.items() if "(" not in n]
    papers = datasets.published(about.name, target, options)
    found += [(name, "published", value) for name, value in papers.items()]
    found += [(f"run {n}", "run here", v) for n, v in _own(about, options, target)]
    shown = [row for row in found if row[2] > 0]
    law = laws.laws().get(dict(options).get("variant", ""))
    floor = law.floor if law and law.floor > 1e-12 and target == "positions" else 0.0
    other = [f"{name}: {_number(value)}" for name, value in trivial.items() if "(" in name]
    with st.container(border=True):
        st.caption(f"Test {metric}: what is published, what costs nothing, and the runs here")
        st.plotly_chart(
            figures.errors(shown, f"test {metric}, {unit}", floor, layout.dark()),
            key="data:errors",
            config={"displayModeBar": False},
            alt="Errors, smallest first: "
            + ", ".join(f"{n} {v:.3g}" for n, _, v in sorted(shown, key=lambda row: row[2])),
        )
        if floor:
            st.caption("No predictor that turns exactly gets into the shaded part; see below.")
        if other:
            st.caption(address.plain("Trivial as well: " + ", ".join(other)))


def _own(about: Any, options: datasets.Options, target: str) -> list[tuple[str, float]]:
    """The runs here on these data, with their test errors."""
    usual = {key: values[0] for key, values in about.options.items()}
    wanted = {key: value for key, value in options if value != usual.get(key)}
    found = []
    for job in runs.list_all():
        config = job.config
        same = config.get("dataset") == about.name and config.get("target") == target
        if same and job.test is not None and (config.get("data_options") or {}) == wanted:
            found.append((job.name, job.test))
    return found


def _number(value: float) -> str:
    if abs(value) < 1e-6:
        return "0"
    return (f"{value:,.1f}" if abs(value) >= 1e4 else f"{value:,.4g}").replace("-", "−")


def origin(about: Any) -> None:
    """How to cite the set, and its sources; nothing for own files."""
    if not about.sources:
        return
    with st.container(border=True):
        st.caption("Cite as")
        st.code(about.citation, language=None, wrap_lines=True)
        with st.expander("Sources and checksums"):
            st.dataframe(list(about.sources), hide_index=True, alt="Addresses and checksums.")
