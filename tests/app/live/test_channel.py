"""The live channel over a real server: who may open it, what it answers, and that floods end."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from app.backend import molecules
from app.backend.measuring import moving, square
from app.live import origin, protocol
from demetar.runs.run import load

ROOT = Path(__file__).parents[3]
# A page that opens a view and says its token, in place of the Molecule page.
SCRIPT = """
import streamlit as st
from app.backend import molecules
from app.backend.measuring import moving
from app.live.views import views
from demetar.runs.run import load

if "token" not in st.session_state:
    runs = tuple(load(f"{name}-qm9-homo") for name in ("egnn", "set_transformer"))
    atoms = molecules.molecule(molecules.Source("water"))
    element = molecules.Element((0.0, 0.0, 0.0, 1.0))
    st.session_state.token = views.open(moving.View(runs, atoms, "float32", element))
open("TOKEN", "w").write(st.session_state.token)
"""
APP = """
from pathlib import Path
import streamlit as st
from app.live import channel, warm
app = st.App(Path(__file__).with_name("script.py"),
             routes=[channel.route(st.get_option("server.baseUrlPath"))], lifespan=warm.lifespan)
"""


@pytest.fixture(scope="module")
def server(small_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address and token of a server below a base path, whose page has opened a view."""
    folder = tmp_path_factory.mktemp("live")
    token = folder / "token"
    (folder / "script.py").write_text(SCRIPT.replace("TOKEN", str(token)))
    (folder / "start.py").write_text(APP)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(folder / "start.py")]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    command += ["--server.headless", "true", "--server.baseUrlPath", "below"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "DEMETAR_HOME": str(small_home)}
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        command, cwd=folder, env={**env, "DEMETAR_WARM": "0"}, stdout=log, stderr=log
    )
    address = f"127.0.0.1:{port}/below"
    try:
        _until(lambda: urllib.request.urlopen(f"http://{address}/_stcore/health", timeout=2))
        _visit(address)
        _until(lambda: token.read_text()[23])
        yield address, token.read_text()
    finally:
        process.terminate()
        process.wait(10)


def _until(done: Any, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            return done()
        except (OSError, IndexError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _visit(address: str) -> None:
    """Runs the page's script once, as a browser's first message does."""
    from streamlit.proto.BackMsg_pb2 import BackMsg

    message = BackMsg()
    message.rerun_script.query_string = ""
    with connect(f"ws://{address}/_stcore/stream", subprotocols=["streamlit"]) as page:  # type: ignore[list-item]
        page.send(message.SerializeToString())
        for _ in range(3):
            page.recv(timeout=60)


def _open(address: str, origin: str | None = None) -> Any:
    return connect(f"ws://{address}/live/square", origin=origin, open_timeout=20)  # type: ignore[arg-type]


def _ask(n: int, view: str, q: Any = (0.0, 0.0, 0.6, 0.8), **more: Any) -> str:
    return json.dumps({"n": n, "view": view, "q": list(q), **more})


def _answer(channel: Any) -> dict[str, Any]:
    return json.loads(channel.recv(timeout=120))


def test_the_answer_is_that_of_the_library(server: tuple[str, str], small_home: Path) -> None:
    address, token = server
    q = Rotation.from_rotvec([0.4, -1.0, 0.3]).as_quat()
    with _open(address, f"http://{address.split('/')[0]}") as channel:
        channel.send(_ask(7, token, q, layers=True))
        first, second = _answer(channel), _answer(channel)
    assert [(a["n"], a["part"]) for a in (first, second)] == [(7, "square"), (7, "verdict")]
    atoms = molecules.molecule(molecules.Source("water"))
    x, y, z, w = q
    for row, verdict, name in zip(
        first["models"], second["models"], ("egnn", "set_transformer"), strict=True
    ):
        run = load(small_home / "trained" / f"{name}-qm9-homo")
        own = square.square(run, atoms, molecules.Element((x, y, z, w)), "float32")
        right = np.array(row["right"]).reshape(-1, 3)
        top = np.abs(own.right["gradient"]).max()
        np.testing.assert_allclose(right, own.right["gradient"], atol=2e-4 * top)
        np.testing.assert_allclose(
            np.array(row["residual"]).reshape(-1, 3),
            own.left["gradient"] - own.right["gradient"],
            atol=0.02 * np.abs(own.left["gradient"] - own.right["gradient"]).max() + 2e-6 * top,
        )
        assert len(row["layers"]) == len(own.layers)
        expected = "rounding" if name == "egnn" else "structure"
        assert verdict["word"]["gradient"] == expected
    assert first["models"][0]["delta"]["gradient"] < 1e-5 < 1e-2
    assert first["models"][1]["delta"]["gradient"] > 1e-2


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://127.0.0.1.evil.example", "null", "https://a@127.0.0.2"],
)
def test_a_foreign_page_is_refused_before_it_is_accepted(
    server: tuple[str, str], origin: str
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        _open(server[0], origin)
    assert caught.value.response.status_code == 403


def test_an_unknown_token_is_told_and_the_channel_stays(server: tuple[str, str]) -> None:
    address, token = server
    with _open(address) as channel:
        channel.send(_ask(1, "x" * 24))
        assert _answer(channel) == {"n": 1, "error": "view"}
        channel.send("nonsense")
        assert _answer(channel) == {"n": None, "error": "question"}
        channel.send(_ask(2, token))
        assert _answer(channel)["n"] == 2


@pytest.mark.parametrize("message", ["x" * (protocol.MAX_BYTES + 1), b"\x00\x01"])
def test_what_is_too_large_or_binary_ends_the_channel(
    server: tuple[str, str], message: str | bytes
) -> None:
    with _open(server[0]) as channel:
        channel.send(message)
        with pytest.raises(ConnectionClosed) as caught:
            channel.recv(timeout=20)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1009


def test_a_flood_ends_the_channel_and_a_hand_does_not(server: tuple[str, str]) -> None:
    address, token = server
    with _open(address) as channel:
        for n in range(60):  # as fast as a mouse
            channel.send(_ask(n, token))
            time.sleep(1 / 120)
        while True:
            if _answer(channel)["n"] == 59:
                break
    with _open(address) as channel, pytest.raises(ConnectionClosed) as caught:
        _flood(channel)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 4429


def _flood(channel: Any) -> None:
    for n in range(20_000):
        channel.send(_ask(n, "x"))
    while True:
        channel.recv(timeout=20)


def test_the_newest_question_wins(server: tuple[str, str]) -> None:
    """Of many asked at once few are answered, one after the other, and the last is among them."""
    address, token = server
    with _open(address) as channel:
        channel.send(_ask(0, token))
        _answer(channel), _answer(channel)
        for n in range(1, 201):
            channel.send(_ask(n, token))
        seen = []
        while not seen or seen[-1] != 200:
            answer = _answer(channel)
            if answer["part"] == "square":
                seen.append(answer["n"])
    assert seen == sorted(seen)
    assert len(seen) < 100


def test_no_more_than_a_bounded_number_of_visitors(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.live.channel import FULL, Channel

    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 0)
    monkeypatch.setattr(origin, "allowed", lambda headers: True)  # has tests of its own
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "headers": [(b"host", b"localhost")], "path": "/live/square"}
    with ThreadPoolExecutor(1) as pool:  # a browser of other tests may keep a loop in this thread
        pool.submit(asyncio.run, Channel()(scope, receive, send)).result()
    assert [(m["type"], m["code"]) for m in sent] == [("websocket.close", FULL)]


def test_an_answer_is_computed_part_by_part(small_home: Path) -> None:
    """Nothing is computed for a part that nobody takes: a newer question may have come."""
    run = load(small_home / "trained" / "egnn-qm9-homo")
    atoms = molecules.molecule(molecules.Source("water"))
    view = moving.View((run,), atoms, "float32", molecules.Element((0.0, 0.0, 0.0, 1.0)))
    parts = view.answer((0.0, 0.0, 0.0, 1.0), False)
    part, rows = next(parts)
    assert part == "square"
    assert rows[0]["delta"]["gradient"] == 0
    part, verdicts = next(parts)
    assert (part, verdicts[0]["word"]["gradient"]) == ("verdict", "still")
    assert next(parts, None) is None


def test_views_that_are_alike_are_answered_together_as_each_alone(small_home: Path) -> None:
    """Five visitors with one run at one molecule, one of them with the inversion: no digit differs."""
    run = load(small_home / "trained" / "egnn-qm9-homo")
    atoms = molecules.molecule(molecules.Source("water"))
    still = molecules.Element((0.0, 0.0, 0.0, 1.0))
    own = [moving.View((run,), atoms, "float32", still._replace(invert=k == 3)) for k in range(5)]
    turns = [tuple(q) for q in Rotation.random(5, rng=np.random.default_rng(0)).as_quat().tolist()]
    assert len({view.alike for view in own}) == 1
    together = moving.View.squares([(v, q, False) for v, q in zip(own, turns, strict=True)])
    verdicts = moving.View.verdicts([seen for _, seen in together])
    alone = [list(v.answer(q, False)) for v, q in zip(own, turns, strict=True)]
    assert [[part, v] for (part, _), v in zip(together, verdicts, strict=True)] == alone
    assert len({str(square) for square, _ in alone}) == 5
    moved = atoms.copy()
    moved.positions[0, 0] += 1e-9
    others = [
        moving.View((run,), moved, "float32", still),
        moving.View((run,), atoms, "float64", still),
        moving.View((run,), atoms, "float32", still._replace(renumber=1)),
        moving.View((run, run), atoms, "float32", still),
    ]
    assert not {view.alike for view in others} & {own[0].alike}
