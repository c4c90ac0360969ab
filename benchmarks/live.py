"""From the hand to the picture, in a real Chromium: a synthetic drag of g·x on Molecule or N-body.

Prints, for one model and for two: milliseconds from a pointer event to the pictures that answer it being
in the GPU's memory (readPixels waits for them), from question to answer, answers a second; then from
releasing it to the whole page settled: every number, arrow, curve and the address. On the N-body page also
how many frames a second of a roll-out are drawn, each waited for in the same way.

    python -m benchmarks.live [--page molecule] [--structure ethanol] [--run NAME] [--beside NAME]
    python -m benchmarks.live --structure ethanol qm9-092051 --releases 0 --seconds 5

A structure is a name of the page's own (the second command: 9 atoms and 20, and the ratio of their medians)
or a file, which is opened as a visitor would. Each command takes about a minute; `--gpu-compositing` leaves
the page's compositing to the software GPU.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Error, Page, sync_playwright

from app.backend import cached, molecules, nbody
from benchmarks.latency import FLAGS, serve
from demetar.core.errors import InputError

MEASURING = (
    """element => { const view = element.viewer; view.measuring = true; view.live.taken = []; }"""
)
# Of each page: its parameter for the structure, what it opens with, what its runs read.
PAGES = {
    "molecule": ("molecule", "ethanol", ("egnn-qm9-homo", "set_transformer-qm9-homo"), "atoms"),
    "nbody": ("scene", "nbody-5-published", ("egnn-nbody", "set_transformer-nbody"), "particles"),
}
# Plays a roll-out from its start for five seconds at most; [pictures drawn, ms passed].
PLAYED = """element => new Promise(resolve => {
  const { player, picture } = element.viewer;
  let shown = 0;
  player.seek(0);
  player.redraw = (time, playing) => {
    element.viewer.advance(time, playing);
    picture.stage.finish();
    shown += 1;
    if (!playing) resolve([shown, performance.now() - began]);
  };
  const began = performance.now();
  player.play();
})"""
TAKEN = "element => element.viewer.live.taken"
SETTLED = """element => new Promise(resolve => {
  const view = element.viewer;
  const look = () => {
    if (view.turns.pending) return requestAnimationFrame(look);
    view.picture.stage.finish();
    resolve(performance.now());
  };
  look();
})"""


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used, all threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ready(page: Page) -> None:
    """Waits until the page has measured everything and the channel is open."""
    page.locator(".demetar-viewer.live").first.wait_for(timeout=300_000)
    page.locator(".curve").first.wait_for(timeout=300_000)
    page.wait_for_timeout(2000)


def drag(page: Page, pid: int, seconds: float, rate: float = 60.0) -> dict[str, float]:
    """One long drag in circles at so many events a second."""
    box = page.locator(".card.input").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    viewer = page.locator(".demetar-viewer").first
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 10, y)
    viewer.evaluate(MEASURING)
    used, began, k = cpu(pid), time.monotonic(), 0
    while time.monotonic() < began + seconds:
        k += 1
        page.mouse.move(x + 60 * np.cos(k / 9), y + 40 * np.sin(k / 9))
        time.sleep(max(0.0, began + k / rate - time.monotonic()))
    passed = time.monotonic() - began
    used = cpu(pid) - used
    taken = np.array(viewer.evaluate(TAKEN) or [[np.nan, np.nan]])
    page.mouse.up()
    page.wait_for_timeout(2500)
    pointer, asked = taken[:, 0], taken[:, 1]
    return {
        "pointer to fence, median ms": float(np.median(pointer)),
        "pointer to fence, p95 ms": float(np.percentile(pointer, 95)),
        "question to fence, median ms": float(np.median(asked)),
        "answers a second": len(taken) / passed,
        "CPU ms of the server an answer": 1e3 * used / len(taken),
        "n": len(taken),
    }


def releases(page: Page, pid: int, count: int) -> dict[str, float]:
    """Short drags: from letting go to the settled page."""
    box = page.locator(".card.input").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    viewer = page.locator(".demetar-viewer").first
    found, used = [], 0.0
    for k in range(count):
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 30 + 3 * k, y + 20 - 5 * k, steps=6)
        page.wait_for_timeout(150)
        page.evaluate(
            "() => addEventListener('pointerup', e => { window.let_go = e.timeStamp; },"
            " { once: true, capture: true })"
        )
        before = cpu(pid)
        page.mouse.up()
        at = viewer.evaluate(SETTLED)
        page.wait_for_function("() => !document.querySelector('[data-test-script-state=running]')")
        found.append(max(at, page.evaluate("performance.now()")) - page.evaluate("window.let_go"))
        page.wait_for_timeout(700)
        used += cpu(pid) - before
    return {
        "release to settled, median ms": float(np.median(found)),
        "release to settled, p95 ms": float(np.percentile(found, 95)),
        "CPU ms of the server a release": 1e3 * used / count,
        "releases": count,
    }


def playback(page: Page, url: str) -> dict[str, float]:
    """Frames a second of a roll-out that is played to its end."""
    page.goto(f"{url}?lens=Roll-out&frame=1")
    ready(page)
    shown, passed = page.locator(".demetar-viewer").first.evaluate(PLAYED)
    return {"roll-out, frames a second": 1e3 * shown / passed, "frames": shown}


def checked(arguments: argparse.Namespace) -> None:
    """InputError where a structure or run is not there: the page would show another one instead."""
    own = nbody.shipped() if arguments.page == "nbody" else molecules.gallery()
    for name in arguments.structure:
        if name not in own and not Path(name).is_file():
            raise InputError(
                f"Expected a structure of the page {arguments.page} or a file, got {name!r}; "
                f"take one such as {own[0]}."
            )
    known = [name for names in cached.runs_on(PAGES[arguments.page][3]).values() for name in names]
    for name in (arguments.run, arguments.beside):
        if name not in known:
            raise InputError(
                f"Expected a run that the page {arguments.page} draws, got {name!r}; "
                f"take one of {', '.join(known)}."
            )


def opened(page: Page, url: str, arguments: argparse.Namespace, structure: str, two: bool) -> None:
    """Opens the page at the structure; a file through its Open. Waits until all is measured."""
    query = f"run={arguments.run}&beside={arguments.beside if two else 'none'}"
    own = Path(structure).is_file()
    if not own:
        query += f"&{PAGES[arguments.page][0]}={structure}"
    for _ in range(100):
        try:
            page.goto(f"{url}?{query}")
            break
        except Error:  # the server is not up yet
            time.sleep(0.2)
    ready(page)
    if own:
        page.locator(".st-key-controls [data-testid=stPopover] button").first.click()
        page.locator("input[type=file]").first.set_input_files(structure)
        page.locator(".st-key-controls button", has_text=Path(structure).name).wait_for()
        page.keyboard.press("Escape")
        page.wait_for_timeout(2000)
        ready(page)
    told = page.locator(".stAlert").all_inner_texts()
    if told:
        raise InputError(told[0])


def of_structure(
    page: Page, pid: int, url: str, arguments: argparse.Namespace, structure: str, two: bool
) -> dict[str, float]:
    """All figures of one structure with one model or two."""
    opened(page, url, arguments, structure, two)
    drag(page, pid, 2)
    found = drag(page, pid, arguments.seconds)
    if arguments.releases:
        found |= releases(page, pid, arguments.releases)
    if arguments.page == "nbody" and arguments.releases:
        found |= playback(page, url)
    return {**found, "load": os.getloadavg()[0]}


def main() -> None:
    """Prints one line a figure and a JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--page", choices=PAGES, default="molecule")
    parser.add_argument("--structure", nargs="+", help="names of the page's own, or files")
    parser.add_argument("--run", help="model A")
    parser.add_argument("--beside", help="model B")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--releases", type=int, default=10)
    parser.add_argument("--gpu-compositing", action="store_true")
    arguments = parser.parse_args()
    flags = FLAGS if arguments.gpu_compositing else [*FLAGS, "--disable-gpu-compositing"]
    _, structure, runs, _ = PAGES[arguments.page]
    arguments.structure = arguments.structure or [structure]
    arguments.run, arguments.beside = arguments.run or runs[0], arguments.beside or runs[1]
    try:
        checked(arguments)
        measured(arguments, flags)
    except InputError as error:
        parser.error(str(error))


def measured(arguments: argparse.Namespace, flags: list[str]) -> None:
    """Prints the figures of each structure, with one model and with two."""
    process, url = serve()
    result: dict[str, dict[str, float]] = {}
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
            for two in (False, True):
                for structure in arguments.structure:
                    page = browser.new_page(viewport={"width": 1400, "height": 900})
                    name = f"{Path(structure).name}, {'two models' if two else 'one model'}"
                    result[name] = of_structure(
                        page, process.pid, f"{url}/{arguments.page}", arguments, structure, two
                    )
                    for figure, value in result[name].items():
                        print(f"{name}: {figure} {value:.3g}", flush=True)
                    page.close()
                medians = [r["pointer to fence, median ms"] for r in result.values()]
                if len(arguments.structure) == 2:
                    print(f"second structure : first, {medians[-1] / medians[-2]:.2f}", flush=True)
            browser.close()
    finally:
        process.terminate()
        process.wait(60)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
