"""The explorer's window: fake browsers on PATH, a fake server, and machines without a screen."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.server import window

SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
port = int(sys.argv[sys.argv.index("--server.port") + 1])
HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it, a display, and nobody's environment."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("DISPLAY", ":7")
    for name in ("CI", "SSH_CONNECTION", "BROWSER", "STREAMLIT_SERVER_HEADLESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(window, "PLACES", ())
    return folder


def program(folder: Path, name: str, code: int = 0, stays: bool = False) -> Path:
    """A browser of that name that writes down how it was called; the file that it writes."""
    said = folder / f"{name}.called"
    body = f"import sys, time\nopen({str(said)!r}, 'w').write(' '.join(sys.argv[1:]))\n"
    body += f"time.sleep({20 if stays else 0})\nsys.exit({code})\n"
    (folder / name).write_text(f"#!{sys.executable}\n{body}")
    (folder / name).chmod(0o755)
    return said


def text(said: Path) -> str:
    end = time.monotonic() + 20
    while not (said.exists() and said.read_text()) and time.monotonic() < end:
        time.sleep(0.02)
    return said.read_text()


@pytest.mark.parametrize("name", ["chromium", "google-chrome", "microsoft-edge"])
def test_a_window_of_its_own(path: Path, name: str, monkeypatch) -> None:
    said = program(path, name)
    monkeypatch.setattr(window.webbrowser, "open", lambda url: pytest.fail("not this one"))
    window.show("http://localhost:8501/")
    assert text(said).split()[0] == "--app=http://localhost:8501/"


def test_a_window_that_stays_is_left_alone(path: Path, monkeypatch) -> None:
    said = program(path, "chromium", stays=True)
    monkeypatch.setattr(window.webbrowser, "open", lambda url: pytest.fail("not this one"))
    window.show("http://localhost:8501/")
    assert "--app=" in text(said)


def test_a_browser_that_cannot_start_gives_way(path: Path, monkeypatch) -> None:
    broken, works = program(path, "chromium", code=1), program(path, "microsoft-edge")
    monkeypatch.setattr(window.webbrowser, "open", lambda url: pytest.fail("not this one"))
    window.show("http://localhost:8501/")
    assert text(broken)
    assert text(works)


def test_without_them_the_default_browser(path: Path, monkeypatch, capsys) -> None:
    opened = []
    monkeypatch.setattr(window.webbrowser, "open", lambda url: opened.append(url) or True)
    window.show("http://localhost:8501/")
    assert opened == ["http://localhost:8501/"]
    monkeypatch.setattr(window.webbrowser, "open", lambda url: False)
    window.show("http://localhost:8501/")
    assert capsys.readouterr().out == "Open http://localhost:8501/ in a browser.\n"


def test_who_gets_a_window(path: Path, monkeypatch) -> None:
    port = ["--server.port", "8612"]
    assert window.plan(port) == (port, {}, "http://localhost:8612/")
    rest, _, url = window.plan([])
    assert url == f"http://localhost:{rest[1]}/"
    assert (
        window.plan(["--server.port=8612", "--server.baseUrlPath=x"])[2]
        == "http://localhost:8612/x"
    )
    for arguments in (
        ["--server.headless", "true"],
        ["--server.headless=true"],
        ["--server.address", "0.0.0.0"],
    ):
        assert window.plan(arguments) == (arguments, {}, None)
    monkeypatch.setenv("CI", "true")
    assert window.plan(port) == (port, {}, None)
    monkeypatch.delenv("CI")
    monkeypatch.setattr(window.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert window.plan(port) == (port, {}, None)


def test_sharing_opens_the_server_and_no_window(path: Path) -> None:
    everywhere = ["--server.address", "0.0.0.0"]
    assert window.plan(["--share"]) == (everywhere, {"DEMETAR_SHARE": "1"}, None)
    behind = ["--server.address", "127.0.0.1"]  # a proxy on this machine
    assert window.plan(["--share", *behind]) == (behind, {"DEMETAR_SHARE": "1"}, None)


def test_the_window_comes_when_the_server_answers_and_its_end_is_the_servers(
    path: Path, tmp_path: Path
) -> None:
    said = program(path, "chromium")
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "streamlit.py").write_text(SERVER)
    code = "import sys, os; sys.path.insert(0, os.environ['ROOT']); from app.server import window; "
    code += "window.PLACES = (); sys.exit(window.main([]))"
    root = str(Path(__file__).resolve().parents[3])
    env = {"PATH": str(path), "DISPLAY": ":7", "PYTHONPATH": str(tmp_path / "fake"), "ROOT": root}
    process = subprocess.Popen([sys.executable, "-c", code], env=env)
    try:
        assert text(said).startswith("--app=http://localhost:85")
    finally:
        process.terminate()
        assert process.wait(20) != 0
    time.sleep(0.2)
    port = int(text(said).split()[0].rsplit(":", 1)[1].strip("/"))
    with window.socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0  # nobody is left
