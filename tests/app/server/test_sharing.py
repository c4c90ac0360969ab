"""A shared server, really running: foreign names, visitors who try everything, the owner's link."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from app.jobs import runs, training
from tests.support.visitor import Visitor

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Server(NamedTuple):
    port: int
    log: Path
    home: Path

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def link(self) -> str:
        """The owner's link, which stands in a file of its own where nobody sees a terminal."""
        return (self.home / "runs" / ".owner").read_text().strip()


@contextlib.contextmanager
def serving(home: Path, log: Path, *flags: str) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app.py")]
    command += ["--server.port", str(port), *flags]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "DEMETAR_HOME": str(home)}
    env["DEMETAR_DATA"] = str(home / "data")  # empty: the Data page offers to get what it shows
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
    found = Server(port, log, home)
    try:
        end = time.monotonic() + 90
        while asked(found, "GET", "/_stcore/health") != 200:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        yield found
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def shared(small_runs: Path, tmp_path: Path) -> Iterator[Server]:
    with serving(small_runs, tmp_path / "server.log", "--server.address", "0.0.0.0") as server:
        yield server


@pytest.fixture
def own(small_runs: Path, tmp_path: Path) -> Iterator[Server]:
    with serving(small_runs, tmp_path / "server.log") as server:
        yield server


def asked(server: Server, method: str, path: str, body: bytes = b"", **headers: str) -> int:
    """The status of an answer; 0 if nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    with contextlib.closing(connection), contextlib.suppress(OSError):
        connection.putrequest(method, path, skip_host="host" in headers)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        return connection.getresponse().status
    return 0


def upgraded(server: Server, host: str, origin: str | None, path: str = "/_stcore/stream") -> int:
    """The status of a WebSocket's handshake, 101 where it is opened."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + "A" * 22 + "=="]
    lines += ["Sec-WebSocket-Protocol: streamlit", *([f"Origin: {origin}"] if origin else [])]
    with socket.create_connection(("127.0.0.1", server.port), 30) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(line.recv(200).split()[1])


def cookie(server: Server) -> str:
    """What the owner's browser holds after it has opened the link."""
    path, _, secret = server.link.partition("#")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", "/" + path.rsplit("/", 1)[1], secret)
        answer = connection.getresponse()
        assert answer.status == 204
        given = answer.getheader("set-cookie") or ""
    assert {"HttpOnly", "SameSite=Strict"} <= set(given.split("; "))
    return given.split(";")[0]


def begin(home: Path, name: str, epochs: int = 5000) -> None:
    """A run that trains, begun as in a terminal."""
    sizes = {"width": 8, "layers": 1}
    training.start(
        {
            "model": "egnn",
            "dataset": "nbody",
            "train_size": 20,
            "valid_size": 10,
            "batch_size": 10,
            "epochs": epochs,
            "name": name,
            "model_config": sizes,
        }
    )
    end = time.monotonic() + 120
    while not runs.metrics(home / "runs" / name):
        assert time.monotonic() < end, (home / "runs" / name / "log.txt").read_text()
        time.sleep(0.2)


@pytest.mark.parametrize("kind", ["own", "shared"])
def test_foreign_names_and_pages_get_no_answer(kind: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(kind)
    here = f"localhost:{server.port}"
    for host in (
        "evil.example",
        f"evil.example:{server.port}",
        "localhost.evil.example",
        "x@localhost",
        "",
    ):
        assert asked(server, "GET", "/", host=host) in (400, 421), host
        assert asked(server, "PUT", "/_stcore/upload_file/a/b", b"x", host=host) in (400, 421), host
        assert upgraded(server, host, f"http://{host}") in (400, 403), host
    for origin in ("http://evil.example", "http://localhost:1", "null", "http://0.0.0.0"):
        assert upgraded(server, here, origin) == 403, origin
    assert upgraded(server, here, f"http://{here}") == 101
    assert asked(server, "GET", "/", host=here) == 200
    # a PUT without the token that only the page's own origin can read
    assert asked(server, "PUT", "/_stcore/upload_file/a/b", b"x", host=here) == 403


def test_a_shared_server_answers_to_its_own_names(shared: Server) -> None:
    name = socket.gethostname().lower()
    assert asked(shared, "GET", "/", host=f"{name}:{shared.port}") == 200
    assert upgraded(shared, f"{name}:{shared.port}", f"http://{name}:{shared.port}") == 101


def test_a_server_of_ones_own_has_no_owner_and_hides_nothing(own: Server) -> None:
    assert not (own.home / "runs" / ".owner").exists()
    with Visitor(own.url) as visitor:
        visitor.open("training")
        assert visitor.find("button", "Start training")
        assert "Only the owner" not in visitor.words()


def test_only_the_link_of_this_start_makes_an_owner(shared: Server) -> None:
    link, said = shared.link, shared.log.read_text()
    secret = link.partition("#")[2]
    assert len(secret) >= 32
    assert secret not in said  # what is printed into a file is a log
    assert (shared.home / "runs" / ".owner").stat().st_mode & 0o077 == 0
    for guess in (b"", b"x" * len(secret), secret[:-1].encode(), b"\xff" * 10_000):
        assert asked(shared, "POST", "/owner", guess, host=f"localhost:{shared.port}") == 403
    name, _, _ = cookie(shared).partition("=")
    for held in (f"{name}=", f"{name}=x", f"{name}={secret}", "owner=1", f"{name}=\u00e9"):
        with Visitor(shared.url, cookie=held.encode().decode("latin-1")) as visitor:
            visitor.open("training")
            assert "Only the owner" in visitor.words(), held


def test_a_visitor_changes_nothing_by_any_route(shared: Server) -> None:
    begin(shared.home, "done", epochs=2)
    begin(shared.home, "theirs")
    with Visitor(shared.url, cookie=cookie(shared)) as owner:  # learns what the buttons are called
        owner.open("training", "run=theirs,done")
        ids = {one.label: one.id for one in owner.shown("button")}
        assert {"Stop", "Pause", "Delete"} <= set(ids)
        owner.open("efficiency", "result=here")
        ids |= {one.label: one.id for one in owner.shown("button")}
        owner.open("data", "data=nbody")
        ids |= {one.label: one.id for one in owner.shown("button")}
    with Visitor(shared.url) as visitor:
        for page, query in (
            ("training", "run=theirs,done"),
            ("efficiency", "result=here"),
            ("data", "data=nbody"),
            ("data", "data=file"),
        ):
            visitor.open(page, query)
            assert "Only the owner of this server" in visitor.words(), page
            labels = {one.label for one in visitor.shown("button")}
            assert not labels & {
                "Start training",
                "Add to the queue",
                "Stop",
                "Pause",
                "Delete",
                "Resume",
                "Generate it",
                "Get it",
                "Check and keep",
            }, page
            for widget in ids.values():  # a button that the page does not show
                visitor.press_id(widget)
        assert not visitor.errors
    assert runs.read(shared.home / "runs" / "theirs").state == "running"
    names = {path.name for path in (shared.home / "runs").iterdir() if path.name[0] != "."}
    assert names == {"theirs", "done"}
    assert not (shared.home / "runs" / ".efficiency").exists()


def test_the_owner_does_everything(shared: Server) -> None:
    begin(shared.home, "mine")
    with Visitor(shared.url, cookie=cookie(shared)) as owner:
        owner.open("training", "run=mine")
        assert "Only the owner" not in owner.words()
        owner.press("Stop")
        assert runs.read(shared.home / "runs" / "mine").state == "stopped"
        owner.press("Delete")
        owner.press("Delete for good")
    assert not (shared.home / "runs" / "mine").exists()


def test_a_visitor_explores(shared: Server) -> None:
    with Visitor(shared.url) as visitor:
        for page in ("molecule", "nbody"):
            visitor.open(page)
            assert visitor.shown("bidi_component"), page
            assert not visitor.errors, page


def test_uploads_are_bounded(shared: Server) -> None:
    here = f"localhost:{shared.port}"
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/_stcore/health", headers={"host": here})
        token = re.findall("_streamlit_xsrf=([^;]+)", str(connection.getresponse().headers))[0]
    edge = b"--e\r\nContent-Disposition: form-data; name=f; filename=a.xyz\r\n\r\n"
    body = edge + b"x" * (9 * 2**20) + b"\r\n--e--\r\n"
    headers = {"host": here, "cookie": f"_streamlit_xsrf={token}", "x-xsrftoken": token}
    headers["content-type"] = "multipart/form-data; boundary=e"

    def put(visitor: Visitor, number: int) -> int:
        path = f"/_stcore/upload_file/{visitor.session}/{number}"
        return asked(shared, "PUT", path, body, **headers)

    with Visitor(shared.url) as visitor, Visitor(shared.url) as other:
        visitor.open("nbody")
        other.open("nbody")
        answers = [put(visitor, number) for number in range(9)]
        assert answers == [204] * 8 + [413]  # 72 MB are over 64
        assert put(other, 0) == 204
        headers["x-xsrftoken"] = token.replace(token.split("|")[2][:8], "0" * 8)
        assert put(other, 1) == 403
