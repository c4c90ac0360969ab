"""The owner's link in a real Chromium: it makes an owner, leaves no trace, and helps nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.timeout(600),
]
PATIENT = 150_000
SENTENCE = "Only the owner of this server starts, stops and deletes runs"


def test_the_link_makes_an_owner_and_leaves_no_trace(
    open_page, begin_server, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shoot
) -> None:
    monkeypatch.setenv("DEMETAR_SHARE", "1")
    server, url = begin_server(ROOT / "streamlit_app.py", tmp_path / "server.log")
    try:
        secret = (home / "runs" / ".owner").read_text().strip().partition("#")[2]
        page = open_page(f"{url}/owner#{secret}")
        page.wait_for_url(f"{url}/", timeout=PATIENT)
        page.goto(f"{url}/training")
        start = page.get_by_role("button", name="Start training")
        expect(start).to_be_visible(timeout=PATIENT)
        page.reload()
        expect(start).to_be_visible(timeout=PATIENT)
        assert secret not in page.content()
        assert secret not in page.evaluate("JSON.stringify(performance.getEntries())")
        assert secret not in page.evaluate("document.cookie + JSON.stringify(localStorage)")
        assert not [asked for asked in page.requested if secret in asked.partition("#")[0]]
        page.go_back()
        page.go_back()
        assert secret not in page.url

        visitor = open_page(f"{url}/training")
        expect(visitor.get_by_text(SENTENCE)).to_be_visible(timeout=PATIENT)
        expect(visitor.get_by_role("button", name="Start training")).to_have_count(0)
        shoot(visitor, "training-visitor")
        visitor.goto(f"{url}/owner#{secret[:-1]}")
        expect(visitor.get_by_text("This is not the link")).to_be_visible(timeout=PATIENT)
        assert visitor.url == f"{url}/owner"
    finally:
        server.terminate()
        server.wait(20)
