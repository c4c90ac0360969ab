"""Time from a control of each lesson, and from Page Down in each lecture of lessons, to the changed page.

Starts the explorer, opens each lesson in a real Chromium and moves each of its sliders, counters and switches
a few times: no two values alike, so that nothing is answered from what was asked before. Wall is from the
key or click to the last change of the document, processor what the server used meanwhile.

    python -m benchmarks.lessons [--repeats 3] [--only density]
    python -m benchmarks.lessons --numbers    # the tables of docs/lessons.md instead
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright

from benchmarks.latency import FLAGS, reach, serve
from benchmarks.screenshots import QUIET
from demetar.core import registry

LESSONS = sorted(p.stem for p in Path("app/pages/lessons").glob("[!_]*.py"))
LECTURES = ("tensors", "representations")
SETTLED = 1500  # ms without a change after which nothing more is expected
WATCH = """() => { window.changed = performance.now();
  new MutationObserver(() => { window.changed = performance.now() })
    .observe(document.querySelector('.stMain'), {subtree: true, childList: true, attributes: true,
      characterData: true}) }"""


def processor(pid: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(pid: int) -> None:
    """Waits until the server has compiled what it prepares for its first visitors."""
    for _ in range(90):
        used = processor(pid)
        time.sleep(2)
        if processor(pid) - used < 0.1:
            return


def opened(page: Page, url: str) -> None:
    """Waits until the page at an address is drawn."""
    reach(page, url)
    page.wait_for_function(QUIET, timeout=300_000)
    page.wait_for_timeout(1500)


def inward(thumb: Locator) -> str:
    """The key that takes a slider to its farther end, so that each stroke changes something."""
    at, low, high = thumb.evaluate("e => [e.value, e.min, e.max].map(Number)")
    return "ArrowRight" if at - low < high - at else "ArrowLeft"


def moves(page: Page) -> Iterator[tuple[str, Callable[[], None]]]:
    """Each slider, counter and switch of the lesson, by what it is called."""
    places = page.locator("[class*=st-key-lessons-inputs]")

    def of(test_id: str) -> Iterator[tuple[str, Locator]]:
        for found in places.locator(f"[data-testid={test_id}]").all():
            yield found.inner_text().split("\n")[0][:36], found

    for label, found in of("stSlider"):
        thumb = found.get_by_role("slider").first
        key = inward(thumb)
        yield label, lambda thumb=thumb, key=key: thumb.press(key)
    for label, found in of("stNumberInput"):
        entry = found.locator("input")
        yield label, lambda entry=entry: entry.press("ArrowUp")
    for label, found in of("stCheckbox"):
        yield label, found.locator("label").first.click


def measured(page: Page, pid: int, act: Callable[[], None]) -> tuple[float, float]:
    """Milliseconds of wall and of the server's processor for one change."""
    used = processor(pid)
    began = page.evaluate("window.changed = performance.now()")
    act()
    page.wait_for_timeout(SETTLED)
    page.wait_for_function(f"performance.now() - window.changed > {SETTLED - 500}", timeout=60_000)
    return page.evaluate("window.changed") - began, 1e3 * (processor(pid) - used)


def numbers(only: str) -> None:
    """Prints what each lesson measures: a row a rule, kept and broken, as in docs/lessons.md."""
    for name in (n for n in LESSONS if n.startswith(only)):
        print(f"\n{name}\n\n| rule | kept | broken |\n|---|---|---|")
        for rule, (kept, broken) in registry.load("lessons", name).numbers().items():
            print(f"| {rule.replace('|', chr(92) + '|')} | {kept:.0e} | {broken:.2g} |")


def told(name: str, found: list[tuple[float, float]]) -> None:
    """One line: medians and the worst."""
    wall, used = zip(*found)
    print(
        f"{name:52} wall {statistics.median(wall):5.0f} ms, worst {max(wall):5.0f}; "
        f"processor {statistics.median(used):4.0f} ms",
        flush=True,
    )


def main() -> None:
    """Prints one line a control and a line a lecture."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--only", default="", help="what the name of a lesson or lecture begins with"
    )
    parser.add_argument("--numbers", action="store_true", help="what is measured, not how fast")
    arguments = parser.parse_args()
    if arguments.numbers:
        numbers(arguments.only)
        return
    process, url = serve()
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            opened(page, f"{url}/lessons")
            idle(process.pid)
            for name in (n for n in LESSONS if n.startswith(arguments.only)):
                opened(page, f"{url}/lessons?lesson={name}")
                page.evaluate(WATCH)
                for label, act in moves(page):
                    measured(page, process.pid, act)  # compiles what is met for the first time
                    found = [measured(page, process.pid, act) for _ in range(arguments.repeats)]
                    told(f"{name}: {label}", found)
            page.set_viewport_size({"width": 1024, "height": 768})
            for name in (n for n in LECTURES if n.startswith(arguments.only)):
                for once in ("first time", "warm"):
                    opened(page, f"{url}/lecture?lecture={name}&scene=1")
                    page.evaluate(WATCH)
                    turn = lambda: page.keyboard.press("PageDown")  # noqa: E731
                    told(f"{name}: {once}", [measured(page, process.pid, turn) for _ in range(9)])
            browser.close()
    finally:
        process.terminate()


if __name__ == "__main__":
    main()
