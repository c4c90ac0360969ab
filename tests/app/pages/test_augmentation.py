"""The part Augmentation of the page Results on a stored result, a damaged one and none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.backend.stored import augmentation
from app.figures.results import augmentation as figures
from app.pages.results import augmentation as part


def made() -> list[dict[str, Any]]:
    """Two data sets, two ways and two seeds; turned examples leave a fifth of Δ."""
    left = {"": 0.2, "SO(3)": 0.04}

    def numbers(delta: float, error: float) -> dict[str, float]:
        return {"SO(3)": delta, "T(3)": 2e-16, "error": error, "error_turned": 2 * error}

    return [
        {
            "set": name,
            "augment": arm,
            "seed": seed,
            "epochs": 60,
            "before": numbers(0.9 + seed / 10, 50.0),
            "after": numbers(delta * (1 + seed), 30.0),
        }
        for name in ("nbody", "rmd17")
        for arm, delta in left.items()
        for seed in (0, 1)
    ]


def store(home: Path, content: Any) -> None:
    path = home / "trained" / "augmentation" / "result.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def words(page: Any) -> str:
    return " ".join(str(m.value) for m in [*page.markdown, *page.caption])


def test_the_part_shows_what_is_stored(home: Path, open_page: Callable[..., Any]) -> None:
    store(home, made())
    page = open_page("results", show="augmentation")
    assert not page.exception
    said = words(page)
    assert "Ethanol: turned examples leave Δ = **0.060**, **5.0 times less** than the 0.30" in said
    assert "medians over 2 seeds, 60 epochs" in said.lower()
    table = page.table[0].value
    assert list(table["data"]) == ["Ethanol"] * 2 + ["Charged bodies"] * 2
    assert list(table["test error"])[::2] == ["30 meV", "30 (scene units)²"]
    assert list(table["on turned systems"])[0] == "60 meV"


def test_the_sentence_says_where_turned_examples_did_not_help() -> None:
    """Not a fixed verdict: with the arms exchanged it says the opposite."""
    other = {"": "SO(3)", "SO(3)": ""}
    rows = [r | {"augment": other[r["augment"]]} for r in made()]
    assert "5.0 times more" in part.reading(rows, "nbody")


@pytest.mark.parametrize(
    "content",
    [
        None,
        {"rows": []},
        [],
        [{"set": "rmd17"}],
        [made()[0] | {"set": "unknown"}],
        [made()[0] | {"after": {"error": 1.0}}],
        [made()[0] | {"before": None}],
        [made()[0] | {"set": ["rmd17"]}, *made()],
        [made()[0] | {"seed": [0]}, *made()],
        [made()[0] | {"after": made()[0]["after"] | {"SO(3)": 0.0}}, *made()],
        [made()[0] | {"after": made()[0]["after"] | {"error": float("nan")}}, *made()],
        [made()[0] | {"before": dict.fromkeys(augmentation.MEASURED, "much")}],
        made()[:2],
    ],
)
def test_no_or_a_damaged_result_says_how_to_make_one(
    content: Any, home: Path, open_page: Callable[..., Any]
) -> None:
    if content is not None:
        store(home, content)
    page = open_page("results", show="augmentation")
    assert not page.exception
    assert "python benchmarks/lieconv.py" in words(page)


def test_the_figure_has_a_mark_for_each_seed_before_and_after() -> None:
    figure = figures.deltas(part.lines(made(), ["rmd17", "nbody"]))
    before, after = figure.data
    assert (before.name, after.name) == ("before training", "after training")
    assert list(after.y) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert list(after.x)[:4] == pytest.approx([0.2, 0.4, 0.04, 0.08])
    assert min(before.x) == pytest.approx(0.9)
    assert len(figure.layout.yaxis.ticktext) == 4
    assert len(figure.layout.xaxis.tickvals) > 2
