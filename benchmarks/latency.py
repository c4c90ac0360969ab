"""How long a visitor waits when a page opens, a control is used or a lecture goes on, in a real Chromium.

    python -m benchmarks.latency opening [--molecule ethanol] [--times 8]
    python -m benchmarks.latency controls [--molecule ethanol] [--times 20]
    python -m benchmarks.latency lecture [--lecture beginners] [--times 9]

`opening`: from the first request to words, picture and both verdicts; first of a server that was just
started, then of visitors who come to one that runs (each with a browser context of its own, so nothing is
kept). `controls`: one random g after the other, then the angle by the keyboard, each until the script has
answered and the viewer has drawn. `lecture`: from Page Down until the next scene's words stand and nothing
is on its way, each scene having been prepared before. What happens while the hand moves is measured by
benchmarks/live.py.
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
from playwright.sync_api import Browser, Error, Page, sync_playwright

from app.backend import molecules
from app.backend.teaching import lectures

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
# No script runs, nothing is compiled or looked for any more, and the page's first words stand.
QUIET = """() => !document.querySelector('[data-test-script-state=running]') &&
  document.querySelector('.stMain h1, .stMain h2') !== null &&
  !/compiling|measuring …|finding the cause/i.test(document.body.innerText)"""
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


def opening(browser: Browser, url: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Seconds until words, picture and both verdicts: at once after the start, then warm."""
    url = f"{url}/?molecule={arguments.molecule}"
    found = {f"first: {k}": v for k, v in once(browser, url).items()}
    rows = [once(browser, url) for _ in range(arguments.times)]
    for what in rows[0]:
        times = [row[what] for row in rows]
        found[f"warm: {what}, median s"] = float(np.median(times))
        found[f"warm: {what}, largest s"] = max(times)
    return found


def once(browser: Browser, url: str) -> dict[str, float]:
    """One visitor who opens the page."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    found = first_picture(context.new_page(), url)
    context.close()
    return found


def controls(browser: Browser, url: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Milliseconds from a click on Random, and from a key on the angle, to the drawn square."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    first_picture(page, f"{url}/?molecule={arguments.molecule}")
    page.wait_for_timeout(3000)
    result = {}
    for name, key in (("random g", False), ("key on the angle", True)):
        steps(page, 3, key)
        times = steps(page, arguments.times, key)
        result[f"{name}, median ms"] = float(np.median(times))
        result[f"{name}, p95 ms"] = float(np.percentile(times, 95))
    return result


def lecture(browser: Browser, url: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Milliseconds from Page Down to the next scene, all scenes having been shown once to another."""
    found: dict[str, float] = {}
    for visit in ("before", "now"):
        context = browser.new_context(viewport={"width": 1024, "height": 768})
        page = context.new_page()
        arrive(page, f"{url}/lecture?lecture={arguments.lecture}&scene=1")
        times = []
        for scene in range(2, arguments.times + 2):
            page.wait_for_timeout(700)
            began = time.monotonic()
            page.keyboard.press("PageDown")
            page.get_by_text(f"Scene {scene} of").wait_for(timeout=30_000)
            page.wait_for_function(QUIET, timeout=120_000)
            times.append(1e3 * (time.monotonic() - began))
        if visit == "now":
            found = {f"to scene {i}, ms": ms for i, ms in enumerate(times, 2)}
            found |= {"median ms": float(np.median(times)), "largest ms": max(times)}
        context.close()
    return found


def reach(page: Page, url: str) -> None:
    """Opens an address, whether the server is up already or not."""
    for _ in range(200):
        try:
            page.goto(url)
            break
        except Error:
            time.sleep(0.1)


def arrive(page: Page, url: str) -> None:
    """Opens an address, whether the server is up already or not, and waits until it is quiet."""
    reach(page, url)
    page.get_by_text("Scene 1 of").wait_for(timeout=120_000)
    page.wait_for_function(QUIET, timeout=240_000)


def first_picture(page: Page, url: str) -> dict[str, float]:
    """Seconds from the first request to words, to the first picture and to both runs' Δ_EQ."""
    begin = time.monotonic()
    reach(page, url)
    found = {}
    page.wait_for_function(
        "document.querySelector('#root')?.innerText.trim().length > 20", timeout=120_000
    )
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
    """Prints one line of figures and a JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("what", choices=("opening", "controls", "lecture"))
    parser.add_argument("--times", type=int)
    parser.add_argument("--molecule", default="ethanol")
    parser.add_argument("--lecture", default="beginners")
    arguments = parser.parse_args()
    known = {"molecule": molecules.gallery(), "lecture": list(lectures.files())}
    for name, names in known.items():
        if vars(arguments)[name] not in names:
            parser.error(
                f"Expected a {name} that is here, got {vars(arguments)[name]!r}; take one such as {names[0]}."
            )
    measure, times = {"opening": (opening, 8), "controls": (controls, 20), "lecture": (lecture, 9)}[
        arguments.what
    ]
    arguments.times = arguments.times or times
    process, url = serve()
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            result = {**measure(browser, url, arguments), "load": os.getloadavg()[0]}
            print(", ".join(f"{k} {v:.3g}" for k, v in result.items()))
            print(json.dumps(result))
            browser.close()
    finally:
        process.terminate()
        process.wait(60)


if __name__ == "__main__":
    main()
