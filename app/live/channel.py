"""The WebSocket route: one computation at a time a visitor, and always for the newest question."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.live import activity, origin, protocol
from app.live.protocol import Question
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
        # Two visitors at once keep two cores busy; XLA takes more threads by itself.
        self._workers = asyncio.Semaphore(2)

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
            await _Visitor(socket, self._workers).serve()
        finally:
            self._open -= 1


class _Visitor:
    def __init__(self, socket: WebSocket, workers: asyncio.Semaphore) -> None:
        self.socket, self.workers = socket, workers
        self.newest: Question | None = None
        self.asked = asyncio.Event()
        self.credit, self.since = protocol.MAX_RATE * protocol.PATIENCE, time.monotonic()

    async def serve(self) -> None:
        answering = asyncio.create_task(self._answer())
        try:
            await self._listen()
        except WebSocketDisconnect:
            pass
        finally:
            answering.cancel()

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
            self.newest = question
            self.asked.set()

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
            try:
                await self._parts(question, view)
            except WebSocketDisconnect:
                return  # the visitor has gone
            except Exception:
                _LOG.exception("a live question failed")
                await self.socket.send_text(protocol.refusal(question.n, "failed"))

    async def _parts(self, question: Question, view: Any) -> None:
        """Sends the parts of an answer one by one, as long as nothing newer is asked."""
        parts: Iterator[tuple[Any, ...]] = view.answer(question.q, question.layers)

        def step() -> tuple[Any, ...] | None:
            with activity.visitor():
                return next(parts, None)

        while self.newest is None or question.judge:
            began = time.perf_counter()
            async with self.workers:
                found = await asyncio.to_thread(step)
            if found is None:
                return
            seconds = time.perf_counter() - began
            await self.socket.send_text(protocol.write(question.n, found[0], seconds, *found[1:]))
