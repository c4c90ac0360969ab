"""A run from the page in a real Chromium: reload, second browser, restarted server, stop, delete."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from app.jobs import runs

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
PATIENT = 150_000  # milliseconds: a run loads its library and compiles


def stop_of(page: Page) -> Locator:
    """The run's Stop; the header has one for the script."""
    main = page.get_by_test_id("stMainBlockContainer")
    return main.get_by_role("button", name="Stop", exact=True)


def test_a_run_survives_everything_but_its_own_stop(
    open_page, begin_server, home: Path, tmp_path: Path
) -> None:
    server, url = begin_server(ROOT / "streamlit_app.py", tmp_path / "one.log")
    try:
        page = open_page(f"{url}/training")
        page.get_by_label("Epochs", exact=True).fill("5000", timeout=PATIENT)
        page.get_by_label("Epochs", exact=True).press("Enter")
        page.wait_for_timeout(1000)
        page.get_by_role("button", name="Start training").click()
        stop = stop_of(page)
        expect(stop).to_be_visible(timeout=PATIENT)
        chart = page.locator(".js-plotly-plot").first
        expect(chart).to_be_visible(timeout=PATIENT)  # the first evaluation
        name = page.url.partition("?run=")[2]
        folder = home / "runs" / name
        assert folder.is_dir()

        page.reload()
        expect(stop).to_be_visible(timeout=PATIENT)
        second = open_page(page.url)
        expect(stop_of(second)).to_be_visible(timeout=PATIENT)
        expect(second.locator(".js-plotly-plot").first).to_be_visible(timeout=PATIENT)
        expect(second.get_by_role("link", name="Open in N-body")).to_be_visible(timeout=PATIENT)
    finally:
        server.terminate()
        server.wait(20)

    before = runs.read(folder)
    assert before.state == "running"  # it goes on without any server
    server, url = begin_server(ROOT / "streamlit_app.py", tmp_path / "two.log")
    try:
        page = open_page(f"{url}/training?run={name}")
        stop = stop_of(page)
        expect(stop).to_be_visible(timeout=PATIENT)
        assert runs.read(folder).step > before.step
        stop.click()
        expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=PATIENT)
        assert runs.read(folder).state == "stopped"
        assert any((folder / "checkpoints").iterdir())

        with page.expect_download() as download:
            page.get_by_role("button", name="Download", exact=True).click()
        assert download.value.suggested_filename == f"{name}.zip"
        page.get_by_role("button", name="Delete", exact=True).click()
        page.get_by_role("button", name="Delete for good").click()
        expect(page.get_by_text("No run yet")).to_be_visible(timeout=PATIENT)
        assert not (folder).exists()
        assert page.locator('[data-testid="stException"]').count() == 0
    finally:
        server.terminate()
        server.wait(20)
