"""How fast the Training page answers while a run trains on the same cores, in a real Chromium.

Starts the explorer on an empty project folder, starts a run from the page, waits for its first
curves, and then asks many times for another quantity along x (a full rerun of the page, with all
figures drawn again) while the live update goes on; then presses Stop. Prints milliseconds from the
click to the redrawn axis, median and 95th percentile, and the time from Stop to the ended process
and to the page that says so.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Error, Page, sync_playwright

from app.jobs import runs, training
from demetar.core.disk import data_root

ROOT = Path(__file__).resolve().parents[1]
AXES = {"steps": "step", "epochs": "epoch", "minutes": "minutes of training"}


def serve(home: Path) -> tuple[subprocess.Popen, str]:
    """A running explorer for that project folder, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app.py")]
    command += ["--server.port", str(port), "--server.headless", "true"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "DEMETAR_HOME": str(home)}
    env["DEMETAR_DATA"] = str(data_root().resolve())
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    return process, f"http://localhost:{port}/training"


def opened(page: Page, url: str) -> None:
    """Opens the page as soon as the server is up."""
    for _ in range(600):
        try:
            page.goto(url)
            return
        except Error:
            time.sleep(0.1)


def clicks(page: Page, count: int) -> list[float]:
    """Milliseconds from a click on another quantity along x to the redrawn first figure."""
    found = []
    for i in range(count):
        label = list(AXES)[i % 3]
        begin = time.monotonic()
        page.get_by_role("radio", name=label).or_(
            page.get_by_role("button", name=label, exact=True)
        ).first.click()
        page.locator(".js-plotly-plot .xtitle").first.filter(has_text=AXES[label]).wait_for()
        page.wait_for_function(
            "text => document.querySelector('.js-plotly-plot .xtitle')?.textContent === text",
            arg=AXES[label],
        )
        found.append(1e3 * (time.monotonic() - begin))
        page.wait_for_timeout(600)
    return found


def stopping(page: Page, folder: Path) -> dict[str, float]:
    """Seconds from a click on Stop to the run's ended process, and to the page that says so."""
    begin = time.monotonic()
    main = page.get_by_test_id("stMainBlockContainer")  # the header has a Stop for the script
    main.get_by_role("button", name="Stop", exact=True).click()
    while runs.read(folder).live:
        time.sleep(0.01)
    ended = time.monotonic() - begin
    page.get_by_role("button", name="Resume").wait_for()
    return {"stop to ended, s": ended, "stop to page, s": time.monotonic() - begin}


def main() -> None:
    """Prints one line of figures and a JSON document."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--clicks", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, sync_playwright() as play:
        process, url = serve(Path(place))
        try:
            browser = play.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.set_default_timeout(240_000)
            opened(page, url)
            epochs = page.get_by_label("Epochs", exact=True)
            epochs.fill("20000")
            epochs.press("Enter")
            page.wait_for_timeout(2000)
            page.get_by_role("button", name="Start training").click()
            page.locator(".js-plotly-plot").first.wait_for()
            clicks(page, 6)
            times = clicks(page, arguments.clicks)
            result = {
                "answer, median ms": float(np.median(times)),
                "answer, p95 ms": float(np.percentile(times, 95)),
                **stopping(page, next((Path(place) / "runs").glob("egnn-*"))),
                "load": os.getloadavg()[0],
            }
            print(", ".join(f"{k} {v:.3g}" for k, v in result.items()))
            print(sorted(map(round, times)))
            print(json.dumps(result))
            browser.close()
        finally:
            os.environ["DEMETAR_HOME"] = place
            for job in runs.list_all():
                if job.live:
                    training.stop(job.name)
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
