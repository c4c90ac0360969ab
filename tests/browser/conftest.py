"""Shared by the browser tests: a Streamlit server for any script, Chromium, pages, screenshots."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
SHOTS = Path(__file__).parent / "shots"
APPS = Path(__file__).parent / "apps"
FLAGS = [
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--no-first-run",
]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait(url: str, process: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url + "/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"no answer from {url} within {seconds:.0f} s")


def start_server(script: Path, log: Path, *flags: str) -> tuple[subprocess.Popen[bytes], str]:
    """A running Streamlit server for `script` and its address; the caller stops the process."""
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    command += ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
    command += ["--server.enableStaticServing", "true", "--server.fileWatcherType", "none", *flags]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=script.parent, env=env, stdout=out, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process)
    except RuntimeError as error:
        process.kill()
        raise RuntimeError(f"{error}\n{log.read_text()[-2000:]}") from None
    return process, url


@pytest.fixture
def begin_server() -> Callable[..., tuple[subprocess.Popen[bytes], str]]:
    """begin_server(script, log) -> a server of the test's own and its address."""
    return start_server


@pytest.fixture(scope="session")
def apps() -> Path:
    """The folder of small scripts that exist to be driven by these tests."""
    return APPS


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], str]]:
    """serve(script) -> address; one server a script for the whole session.

    A script under tests/ is copied to a folder of its own beside a copy of static/, since
    Streamlit serves static files only from beside the script it runs.
    """
    running: dict[Path, tuple[subprocess.Popen[bytes], str]] = {}

    def serve(script: Path, *flags: str) -> str:
        if script not in running:
            folder = tmp_path_factory.mktemp(script.stem)
            main = script
            if APPS in script.parents:
                main = Path(shutil.copy(script, folder))
                shutil.copytree(ROOT / "static", folder / "static")
            running[script] = start_server(main, folder / "server.log", *flags)
        return running[script][1]

    yield serve
    for process, _ in running.values():
        process.terminate()
    for process, _ in running.values():
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium with software WebGL and no network habits of its own."""
    path = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def looked_for_the_server(message: ConsoleMessage) -> bool:
    """Streamlit asks for its server below the page's own address first and finds none there."""
    return "404" in message.text and "/_stcore/" in message.location["url"]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """open_page(url, width=, height=, dark=, still=) -> a page that notes requests and errors.

    `page.requested` lists every address asked for; `page.complaints` the console's errors.
    """
    contexts = []

    def open_page(
        url: str,
        width: int = 1400,
        height: int = 900,
        dark: bool = False,
        still: bool = False,
        script: str | None = None,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce" if still else "no-preference",
        )
        contexts.append(context)
        page = context.new_page()
        if script:
            page.add_init_script(script)
        page.requested = []  # type: ignore[attr-defined]
        page.complaints = []  # type: ignore[attr-defined]
        page.on("request", lambda request: page.requested.append(request.url))  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
        page.on(
            "console",
            lambda message: (
                page.complaints.append(message.text)  # type: ignore[attr-defined]
                if message.type == "error" and not looked_for_the_server(message)
                else None
            ),
        )
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def press() -> Callable[[Page, str], None]:
    """press(page, key) presses the key of a button once that button listens.

    Streamlit fetches the script of buttons when the first one is drawn, and until then shows none: what
    stands beside them can be ready long before, and a key pressed then is heard by nobody.
    """
    heard = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"  # effects have run

    def press(page: Page, key: str) -> None:
        expect(page.get_by_label(f"Shortcut {key}", exact=True)).to_be_visible(timeout=60_000)
        page.evaluate(heard)
        page.keyboard.press(key)

    return press


@pytest.fixture
def shoot() -> Callable[[Page, str], Path]:
    """shoot(page, name) -> the PNG written for a reader to look at."""

    def shoot(page: Page, name: str) -> Path:
        SHOTS.mkdir(exist_ok=True)
        path = SHOTS / f"{name}.png"
        page.screenshot(path=path)
        return path

    return shoot


@pytest.fixture(scope="session")
def square(serve: Callable[[Path], str], apps: Path) -> str:
    """The address of molecules in the viewer."""
    return serve(apps / "viewer_square.py")


@pytest.fixture(scope="session")
def nbody(serve: Callable[[Path], str], apps: Path) -> str:
    """The address of a scene in the viewer."""
    return serve(apps / "viewer_nbody.py")
