"""Screenshots of every page in both themes and two widths, of lectures and both squares at 1024 × 768.

Starts the explorer, opens each page by its address in Chromium, waits until nothing is computed any more,
and writes palette PNGs of at most 256 colours, which keeps them all below four megabytes.

    python -m benchmarks.screenshots [--only molecule] [--out docs/screenshots]
"""

import argparse
import io
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Error, sync_playwright

from benchmarks.latency import FLAGS, ROOT, serve

SIZES = {"wide": (1400, 900), "narrow": (800, 900)}
SMALL = (1024, 768)  # of a projector: everything that is needed stands on it
SQUARES = {"molecule-small": "", "nbody-small": "nbody"}
COLOURS = 256
EXACT = 64  # of them are kept as they are: grounds and lines, whose tint a palette would change
# What is worth a picture: the name of the file and the address.
PAGES = {
    "molecule": "", "molecule-rotations": "?lens=All rotations", "molecule-types": "?lens=Types",
    "molecule-consequences": "?lens=Consequences", "molecule-rule": "?faults=vector-bias&axis=x",
    "nbody": "nbody", "why": "why", "yours": "yours", "training": "training", "results": "results",
    "data": "data", "lecture": "lecture", "questions": "questions", "lessons": "lessons",
}  # fmt: skip
SCENES = {
    f"lecture-{name}-{scene}": f"lecture?lecture={name}&scene={scene}"
    for name, scenes in (("beginners", (3, 6)), ("practice", (2,)))
    for scene in scenes
}
# Nothing is on its way any more: no script runs, nothing is compiled, measured or looked for.
QUIET = """() => !document.querySelector('[data-test-script-state=running]') &&
  document.querySelector('.stMain h1, .stMain h2') !== null &&
  document.querySelector('[data-testid=stSkeleton]') === null &&
  !/compiling|measuring …|Measuring what|finding the cause|is starting/i.test(document.body.innerText)"""


def picture(browser: Browser, url: str, size: tuple[int, int], dark: bool, out: Path) -> int:
    """Writes one picture; its bytes."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_function(QUIET, timeout=300_000)
    page.wait_for_timeout(2500)  # edges are smoothed once nothing moves
    page.wait_for_function(QUIET, timeout=300_000)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    _few(image).save(out, optimize=True)
    context.close()
    return out.stat().st_size


def _few(image: Image.Image) -> Image.Image:
    """The picture in COLOURS colours, those that cover most of it exactly."""
    counted = image.getcolors(image.width * image.height) or []
    exact = [c for _, c in sorted(counted, reverse=True)[:EXACT]]
    rest = image.quantize(COLOURS - len(exact), Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette = Image.new("P", (1, 1))
    palette.putpalette(
        [c for color in exact for c in color]
        + (rest.getpalette() or [])[: 3 * (COLOURS - len(exact))]
    )
    return image.quantize(palette=palette, dither=Image.Dither.NONE)


def main() -> None:
    """Prints one line a picture, and the bytes of all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--only", default="", help="what the names of the pictures begin with")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    wanted = [
        (f"{name}-{width}-{theme}", query, size, theme == "dark")
        for name, query in PAGES.items()
        for width, size in SIZES.items()
        for theme in ("light", "dark")
    ]
    wanted += [
        (f"{name}-{theme}", query, SMALL, theme == "dark")
        for name, query in {**SCENES, **SQUARES}.items()
        for theme in ("light", "dark")
    ]
    process, url = serve()
    total = 0
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            for name, query, size, dark in wanted:
                if not name.startswith(arguments.only):
                    continue
                out = arguments.out / f"{name}.png"
                for _ in range(100):
                    try:
                        size_of = picture(browser, f"{url}/{query}", size, dark, out)
                        break
                    except Error as error:
                        if "ERR_CONNECTION_REFUSED" not in str(error):
                            raise
                        time.sleep(0.2)  # the server is not up yet
                total += size_of
                print(f"{out.name}: {size_of / 1000:.0f} kB", flush=True)
            browser.close()
    finally:
        process.terminate()
    print(f"{total / 1e6:.2f} MB in all")


if __name__ == "__main__":
    main()
