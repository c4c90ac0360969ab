"""Every page, found by its file, at any address: it draws, or says one sentence, and never raises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import pages
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
    "data", "run", "beside", "scene", "molecule", "angle", "axis", "seed", "bodies", "charges", "law",
    "precision", "also", "result", "nothing of ours",
)  # fmt: skip


def test_pages_are_found_by_file() -> None:
    files = {f.stem for f in Path(pages.__file__).parent.glob("[!_]*.py")}
    assert set(NAMES) == files
    assert {"nbody", "training"} <= files


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_what_it_is(name: str) -> None:
    module = pages.found()[name]
    assert module.TITLE
    assert module.SECTION
    assert module.ICON.startswith(":material/")
    assert isinstance(module.ORDER, int)
    assert callable(module.render)
    assert [m.ORDER for m in pages.found().values()].count(module.ORDER) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_page_without_any_run(name: str, open_page: Callable[..., Any]) -> None:
    page = open_page(name)
    assert not page.exception
    assert not page.error
    assert page.main.children, "an empty page"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_with_runs(name: str, small_runs: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(name)
    assert not page.exception
    assert not page.error
    assert not page.info
    assert page.query_params, "the address does not say what is shown"
    again = open_page(name, **page.query_params)  # a link shows the same
    assert again.query_params == page.query_params
    assert not again.info


@pytest.mark.parametrize("name", NAMES)
def test_a_page_at_addresses_that_make_no_sense(
    name: str, small_runs: Path, open_page: Callable[..., Any]
) -> None:
    for value in NONSENSE:
        page = open_page(name, **dict.fromkeys(PARAMETERS, value))
        assert not page.exception, value
        assert not page.error, value
        assert page.info, "nothing says that the address was not followed"


@pytest.mark.parametrize("name", NAMES)
def test_an_error_of_input_is_a_sentence(
    name: str, open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise InputError("Expected A, got *B*; do C.")

    monkeypatch.setattr(pages.found()[name], "render", broken)
    page = open_page(name)
    assert not page.exception
    assert [e.value.replace("\\", "") for e in page.error] == ["Expected A, got *B*; do C."]
