"""Time from releasing a control of the molecule page to the redrawn square, in a real Chromium.

Starts the explorer, waits until both runs are compiled, then asks for one random g after the other
and moves the angle by the keyboard, and waits each time until the script has answered and the viewer
has drawn the new panels. What happens while the hand moves is measured by benchmarks/live.py.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Error, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
DRAWN = "element => element.viewer?.redrawn ?? 0"  # how long the last drawing took: never twice the same


def serve() -> tuple[subprocess.Popen, str]:
    """A running explorer and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app.py")]
    command += ["--server.port", str(port), "--server.headless", "true"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    return process, f"http://localhost:{port}"


def drawn_after(page: Page, old: float, seconds: float = 120.0) -> float:
    """The viewer's mark of a drawing later than the one marked `old`."""
    viewer = page.locator(".demetar-viewer").first
    viewer.wait_for(timeout=1e3 * seconds)
    end = time.monotonic() + seconds
    while (now := viewer.evaluate(DRAWN)) == old:
        if time.monotonic() > end:
            raise TimeoutError(f"nothing was drawn within {seconds} s")
        time.sleep(0.005)
    viewer.evaluate("element => element.viewer.picture.stage.finish()")  # the pixels are there, too
    return now


def first_picture(page: Page, url: str) -> dict[str, float]:
    """Seconds from the first request to words, to the first picture and to both runs' Δ_EQ."""
    begin = time.monotonic()
    for _ in range(100):
        try:
            page.goto(url)
            break
        except Error:  # the server is not up yet
            time.sleep(0.1)
    found = {}
    page.get_by_text("Demetar").first.wait_for(timeout=120_000)
    found["words"] = time.monotonic() - begin
    drawn_after(page, 0.0)
    found["picture"] = time.monotonic() - begin
    page.locator(".why[data-word=rounding]").wait_for(timeout=240_000)
    page.locator(".why[data-word=structure]").wait_for(timeout=240_000)
    found["both runs"] = time.monotonic() - begin
    return found


def steps(page: Page, count: int, key: bool) -> list[float]:
    """Milliseconds from a key on the angle, or from a click on Random, to the drawn square."""
    slider = page.locator(".turn input")
    slider.focus()
    place = page.get_by_role("button", name="Random").bounding_box()
    assert place is not None
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    found = []
    for i in range(count):
        old = page.locator(".demetar-viewer").first.evaluate(DRAWN)
        begin = time.monotonic()
        page.keyboard.press(("ArrowLeft", "ArrowRight")[i % 2]) if key else page.mouse.click(x, y)
        drawn_after(page, old, 30)
        found.append(1e3 * (time.monotonic() - begin))
        page.wait_for_timeout(700)
    return found


def main() -> None:
    """Prints one line a figure and a JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--molecule", default="ethanol")
    arguments = parser.parse_args()
    process, url = serve()
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            result = first_picture(page, f"{url}/?molecule={arguments.molecule}")
            page.wait_for_timeout(3000)
            for name, key in (("random g", False), ("key on the angle", True)):
                steps(page, 5, key)
                times = steps(page, arguments.steps, key)
                result[f"{name}, median ms"] = float(np.median(times))
                result[f"{name}, p95 ms"] = float(np.percentile(times, 95))
            result["load"] = os.getloadavg()[0]
            print(", ".join(f"{k} {v:.3g}" for k, v in result.items()))
            print(json.dumps(result))
            browser.close()
    finally:
        process.terminate()


if __name__ == "__main__":
    main()
