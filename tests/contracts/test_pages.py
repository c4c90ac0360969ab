"""Every page, found by its file, at any address: it draws, or says one sentence, and never raises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import pages
from app.pages import lessons
from demetar.core.errors import InputError

NAMES = list(pages.found())
NONSENSE = (
    "",
    "egnn-nbdy",
    "-1",
    "nan",
    "1e999",
    "<script>alert(1)</script>",
    "../../etc",
    "x" * 5000,
)
PARAMETERS = (
    "data",
    "run",
    "beside",
    "scene",
    "molecule",
    "angle",
    "axis",
    "seed",
    "bodies",
    "charges",
    "law",
    "precision",
    "also",
    "metric",
    "of",
    "result",
    "show",
    "fault",
    "model",
    "audit",
    "lesson",
    "lecture",
    "question",
    "lens",
    "lineup",
    "faults",
    "declare",
    "attention",
    "layer",
    "head",
    "feature",
    "channel",
    "dynamics",
    "frame",
    "spectrum",
    "average",
    "draw",
    *{name for values in lessons.values().values() for name in values},
    "nothing of ours",
)


def test_pages_are_found_by_file() -> None:
    shelf = Path(pages.__file__).parent
    found = [*shelf.glob("[!_]*.py"), *(f.parent for f in shelf.glob("[!_]*/__init__.py"))]
    files = {f.stem for f in found}
    assert set(NAMES) == files, (
        "let every file and folder of app/pages that has no leading underscore be a page"
    )
    assert {"nbody", "training"} <= files, "keep the pages nbody and training, or correct this test"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_what_it_is(name: str) -> None:
    module = pages.found()[name]
    assert module.TITLE, "give the page a TITLE"
    assert module.SECTION, "name the SECTION of the navigation in which the page stands"
    assert module.ICON.startswith(":material/"), "give an ICON such as :material/balance:"
    assert isinstance(module.ORDER, int), "give ORDER as an integer: pages stand in that order"
    assert callable(module.render), "give the page a function render() without arguments"
    assert [m.ORDER for m in pages.found().values()].count(module.ORDER) == 1, (
        f"give the page an ORDER of its own; {module.ORDER} is taken"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_page_without_any_run(name: str, open_page: Callable[..., Any]) -> None:
    page = open_page(name)
    assert not page.exception, "draw without any run: say what is missing instead of raising"
    assert not page.error, "draw without any run: missing runs are no error of the reader"
    assert page.main.children, "draw something without any run"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_with_runs(name: str, small_runs: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(name)
    assert not page.exception, "draw with runs of every shipped kind: the page raised"
    assert not page.error, "draw with runs of every shipped kind: the page shows an error"
    assert not page.info, "say nothing about an address that is followed"
    assert page.query_params, "write what is shown into the address, by address.address()"
    again = open_page(name, **page.query_params)  # a link shows the same
    assert again.query_params == page.query_params, (
        "let an address that the page wrote itself show the same page again"
    )
    assert not again.info, "say nothing about an address that the page wrote itself"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_at_addresses_that_make_no_sense(
    name: str, small_runs: Path, open_page: Callable[..., Any]
) -> None:
    for value in NONSENSE:
        page = open_page(name, **dict.fromkeys(PARAMETERS, value))
        assert not page.exception, f"read the address with app.ui.address: {value[:30]!r} raised"
        assert not page.error, f"an address that makes no sense is no error: {value[:30]!r}"
        assert page.info, (
            "say by address.told() that the address was not followed; write the page's parameters into "
            "PARAMETERS of this test"
        )


@pytest.mark.parametrize("name", NAMES)
def test_an_error_of_input_is_a_sentence(
    name: str, open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise InputError("Expected A, got *B*; do C.")

    monkeypatch.setattr(pages.found()[name], "render", broken)
    page = open_page(name)
    assert not page.exception, (
        "let InputError rise from render(): address.guarded shows its sentence"
    )
    assert [e.value.replace("\\", "") for e in page.error] == ["Expected A, got *B*; do C."], (
        "show the sentence as it is, its signs not read as Markdown"
    )
