"""Starts the explorer and opens its window: `python app/server/window.py [ARGUMENTS]`. Standard library.

The window is that of an installed Chromium, Chrome or Edge without tabs and address bar; else the page
comes up in the default browser; where nobody sits in front of the screen (SSH, CI, no display,
`--server.headless true`, a shared server) only the address is printed.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PORT = 8501  # where Streamlit begins to look for a free one
PATIENCE = 120.0  # seconds until a server has to answer
NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    *("chrome", "microsoft-edge", "microsoft-edge-stable", "msedge"),
)
MAC = "/Applications/{0}.app/Contents/MacOS/{0}"
PLACES = (
    *(MAC.format(name) for name in ("Google Chrome", "Chromium", "Microsoft Edge")),
    *(
        os.path.join(os.environ.get(folder, ""), *path)
        for folder in ("ProgramFiles", "ProgramFiles(x86)", "LocalAppData")
        for path in (
            ("Google", "Chrome", "Application", "chrome.exe"),
            ("Microsoft", "Edge", "Application", "msedge.exe"),
        )
    ),
)


def has_display():
    """True where a window can open in front of the person who typed the command."""
    if os.environ.get("CI"):
        return False
    if sys.platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def option(arguments, name, usual=""):
    """The value of one of Streamlit's options as given on the command line or in the environment."""
    found = os.environ.get("STREAMLIT_" + name.replace(".", "_").upper(), usual)
    for i, argument in enumerate(arguments):
        key, equals, value = argument.partition("=")
        if key == "--" + name:
            following = arguments[i + 1] if i + 1 < len(arguments) else ""
            found = value if equals else following if following[:1] != "-" else "true"
    return found


def free_port():
    """The first port from 8501 on that nobody listens at."""
    for port in range(PORT, PORT + 100):
        with socket.socket() as probe:
            if os.name != "nt":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return PORT


def plan(arguments):
    """Streamlit's arguments, what its environment has beside ours, and the address to open or None."""
    rest = [argument for argument in arguments if argument != "--share"]
    environment = {}
    if "--models" in rest[:-1]:  # a folder whose Python files the page Your model may run
        at = rest.index("--models")
        environment["DEMETAR_MODELS"] = os.path.abspath(rest[at + 1])
        rest[at : at + 2] = []
    if "--share" in arguments:
        environment["DEMETAR_SHARE"] = "1"
        if not option(rest, "server.address"):
            rest += ["--server.address", "0.0.0.0"]
    address = option(rest, "server.address", "localhost")
    headless = option(rest, "server.headless").lower() in ("true", "1", "yes")
    if "--share" in arguments or address not in ("localhost", "127.0.0.1", "::1") or headless:
        return rest, environment, None
    if not has_display():
        return rest, environment, None
    if not option(rest, "server.port"):
        rest += ["--server.port", str(free_port())]
    host = "[::1]" if address == "::1" else address
    path = option(rest, "server.baseUrlPath").strip("/")
    return rest, environment, f"http://{host}:{option(rest, 'server.port')}/{path}"


def answers(url, process):
    """True once the server answers; False if it has ended or takes too long."""
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(url.rstrip("/") + "/_stcore/health", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def show(url):
    """Opens a window of its own, else the default browser's; says so where neither can be had."""
    found = [shutil.which(name) for name in NAMES] + [p for p in PLACES if os.path.isfile(p)]
    for browser in filter(None, found):
        try:
            window = subprocess.Popen(
                [browser, "--app=" + url, "--no-first-run"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C ends the server, not a browser with other pages
            )
            code = window.wait(3)
        except OSError:
            continue
        except subprocess.TimeoutExpired:
            code = 0  # it stays
        if code == 0:  # or handed the address to a browser that runs already
            return
    try:
        opened = webbrowser.open(url)
    except webbrowser.Error:
        opened = False
    if not opened:
        print("Open " + url + " in a browser.", flush=True)


def main(arguments):
    """Streamlit's exit code; 130 after Ctrl-C."""
    rest, environment, url = plan(arguments)
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app.py"), *rest]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    for name in ("SIGTERM", "SIGHUP"):  # whoever ends this program means the server
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: process.terminate())
    try:
        if url and answers(url, process):
            show(url)
        return process.wait()
    except KeyboardInterrupt:
        try:
            process.wait(10)  # it had the same signal
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
