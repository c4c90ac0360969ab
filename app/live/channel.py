"""The WebSocket route: a visitor is answered the newest question; a verdict follows where there is time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.live import origin, protocol
from app.live.protocol import Question
from app.live.scheduler import PAUSE, Scheduler
from app.live.views import views

PATH = "live/square"
FOREIGN, FLOOD, LARGE, FULL = 4403, 4429, 1009, 1013  # codes with which the server closes
_LOG = logging.getLogger(__name__)


def route(base: str = "") -> WebSocketRoute:
    """The route, below the server's base path: routes beside Streamlit do not get it by themselves."""
    base = base.strip("/")
    return WebSocketRoute(f"/{base}/{PATH}" if base else f"/{PATH}", Channel())


class Channel:
    """Answers questions of all visitors; each connection is served by itself."""

    def __init__(self) -> None:
        self._open = 0
        self._scheduler = Scheduler()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serves one connection from its handshake to its end."""
        socket = WebSocket(scope, receive, send)
        # Refused before it is accepted: a foreign page must not learn that there is a channel.
        if not await asyncio.to_thread(origin.allowed, socket.headers):
            return await socket.close(FOREIGN)
        if self._open >= protocol.MAX_CONNECTIONS:
            return await socket.close(FULL)
        await socket.accept()
        self._open += 1
        try:
            await _Visitor(socket, self._scheduler).serve()
        finally:
            self._open -= 1


class _Visitor:
    def __init__(self, socket: WebSocket, scheduler: Scheduler) -> None:
        self.socket, self.scheduler = socket, scheduler
        self.newest: Question | None = None
        self.current: Question | None = None  # what is answered now
        self.asked = asyncio.Event()
        self.verdict: asyncio.Task | None = (
            None  # on the last answer, or on one that is to be judged
        )
        self.judge = False
        self.credit, self.since = protocol.MAX_RATE * protocol.PATIENCE, time.monotonic()

    async def serve(self) -> None:
        answering = asyncio.create_task(self._answer())
        try:
            await self._listen()
        except WebSocketDisconnect:
            pass
        finally:
            answering.cancel()
            if self.verdict:
                self.verdict.cancel()

    def _flooded(self) -> bool:
        now = time.monotonic()
        earned = (now - self.since) * protocol.MAX_RATE
        self.credit = min(self.credit + earned, protocol.MAX_RATE * protocol.PATIENCE) - 1
        self.since = now
        return self.credit < 0

    async def _listen(self) -> None:
        while True:
            message = await self.socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if self._flooded():
                return await self.socket.close(FLOOD)
            if text is None or len(text) > protocol.MAX_BYTES:
                return await self.socket.close(LARGE)
            question = protocol.read(text)
            if question is None:
                await self.socket.send_text(protocol.refusal(None, "question"))
                continue
            if self.verdict and not self.judge:
                self.verdict.cancel()
            if not self._renewed(question):
                self.newest = question
                self.asked.set()

    def _renewed(self, question: Question) -> bool:
        """Whether the question that waits for its turn could be replaced by this one."""
        view = views.find(question.view)
        if view is None or not self.scheduler.renew(self, *_work(question, view)):
            return False
        self.current = question
        return True

    async def _answer(self) -> None:
        while True:
            await self.asked.wait()
            self.asked.clear()
            question, self.newest = self.newest, None
            if question is None:
                continue
            view = views.find(question.view)
            if view is None:
                await self.socket.send_text(protocol.refusal(question.n, "view"))
                continue
            await self._told(question, self._square(question, view))

    async def _told(self, question: Question, saying: Coroutine[Any, Any, None]) -> None:
        try:
            await saying
        except WebSocketDisconnect:
            pass  # the visitor has gone
        except Exception:
            _LOG.exception("a live question failed")
            with contextlib.suppress(WebSocketDisconnect):
                await self.socket.send_text(protocol.refusal(question.n, "failed"))

    async def _square(self, question: Question, view: Any) -> None:
        """Sends what the hand sees; a verdict on it follows unless something newer is asked."""
        began = time.perf_counter()
        item = (view, question.q, question.layers)
        alike = (
            None if question.layers else view.alike
        )  # what a page asks for next is kept one by one
        part, seen = await self.scheduler.square(self, alike, view.squares, item)
        await self._send(question, part, began)
        if self.newest is not None and not question.judge:
            return
        if self.verdict and not self.verdict.done():
            if self.judge and not question.judge:
                return  # one at a time, and that one was promised
            self.verdict.cancel()
        self.judge = question.judge
        judging = self._judged(question, seen)
        self.verdict = asyncio.create_task(self._told(question, judging))

    async def _judged(self, question: Question, seen: Any) -> None:
        began = time.perf_counter()
        alike, pause = (None, 0.0) if question.layers else (seen.view.alike, PAUSE)
        work = alike, seen.view.verdicts, seen
        await self._send(question, await self.scheduler.verdict(self, *work, pause), began)

    async def _send(self, question: Question, part: tuple[Any, ...], began: float) -> None:
        seconds = time.perf_counter() - began
        await self.socket.send_text(protocol.write(question.n, part[0], seconds, *part[1:]))


def _work(question: Question, view: Any) -> tuple[Any, Any, Any]:
    """What is like it, what answers it, what that is given; what a page asks for next is alone."""
    alike = None if question.layers else view.alike
    return alike, view.squares, (view, question.q, question.layers)
