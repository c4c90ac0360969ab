"""Stands before every request and WebSocket: names, origins, bounds, and the owner's link.

A server that only this machine reaches answers to `localhost` alone. Everything else is shared: a
server with another `--server.address`, with further `--server.allowedHosts`, or with DEMETAR_SHARE
set (`--share`). It answers to this machine's own names and those in `server.allowedHosts`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, runtime
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from app.jobs import permission
from app.server import hosts
from app.server.owner import HEADERS, MOST, PAGE, Owner
from demetar.core.disk import home

VISITORS = 400  # WebSockets at a time
UPLOADED = 64 * 2**20  # bytes that one visitor's files may take
ALL_UPLOADED = 512 * 2**20  # and those of all


def middleware() -> list[Middleware]:
    """The gate as `st.App` takes it, after deciding whether this server is shared."""
    allowed = list(config.get_option("server.allowedHosts") or ())
    address = config.get_option("server.address")
    foreign = [name for name in allowed if not hosts.is_local(name)]
    if not (os.environ.get("DEMETAR_SHARE") or foreign or not hosts.is_local(address)):
        permission.share(None)
        return [Middleware(Gate, owner=None)]
    owner = Owner()
    permission.share(owner.asks)
    own = [] if hosts.is_local(address) else [*hosts.own(), *([address] if address else [])]
    known = {*allowed, *hosts.LOCAL, *own} - {*hosts.ANY}
    config.set_option("server.allowedHosts", sorted(known))
    if not config.is_manually_set("browser.serverAddress"):  # or Streamlit asks the internet for it
        config.set_option("browser.serverAddress", min(known - {*hosts.LOCAL}, default="localhost"))
    return [Middleware(Gate, owner=owner)]


class Gate:
    """An ASGI application before another one; `owner` is None where the server is one's own."""

    def __init__(self, app: ASGIApp, owner: Owner | None) -> None:
        self.app, self.owner = app, owner
        self.connected = 0
        self.base = "/" + str(config.get_option("server.baseUrlPath") or "").strip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, self._told(send))
            return
        why = self._refusal(scope)
        if why:
            await _refuse(scope, send, *why)
        elif self.owner and scope["path"] == f"{self.base.rstrip('/')}/owner":
            await self._owner(scope, receive, send)
        elif scope["type"] == "websocket":
            self.connected += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.connected -= 1
        else:
            await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and sentence where this request is not answered."""
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        host, client = headers.get("host"), scope.get("client")
        if not is_host_allowed(host):
            return 421, (
                f"Demetar does not answer to the name {(host or '')[:100]!r}. If it should, start it "
                "with --server.allowedHosts and that name.\n"
            )
        if self.owner is None and client and not hosts.is_local(client[0]):
            return 403, "This Demetar is not shared: its owner has to start it with --share.\n"
        if scope["type"] == "websocket":
            origin = headers.get("origin")
            if origin and urlsplit(origin).netloc != host:
                if origin not in (config.get_option("server.corsAllowedOrigins") or ()):
                    return 403, "A page of another site asked; it gets no answer.\n"
            if self.connected >= VISITORS:
                return 503, "As many visitors as may are here already; come back later.\n"
        if self.owner and scope.get("method") == "PUT" and _full(scope["path"]):
            return 413, "The files uploaded so far take all the room there is; remove some.\n"
        return None

    async def _owner(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The page behind the owner's link, and the cookie for whoever hands in its secret."""
        assert self.owner
        if scope["type"] != "http" or scope["method"] not in ("GET", "POST"):
            await _refuse(scope, send, 405, "Open the owner's link in a browser.\n")
        elif scope["method"] == "GET":
            await _answer(send, 200, PAGE, HEADERS)
        elif self.owner.knows(await _body(receive)):
            cookie = self.owner.cookie(self.base, scope.get("scheme") == "https")
            await _answer(send, 204, b"", {"set-cookie": cookie, "cache-control": "no-store"})
        else:
            await _refuse(scope, send, 403, "That is not this server's secret.\n")

    def _told(self, send: Send) -> Send:
        """`send` that says in the terminal where visitors and the owner go, once it listens."""

        async def tell(message: Message) -> None:
            if self.owner and message["type"] == "lifespan.startup.complete":
                print("\n".join(self._addresses(self.owner)), flush=True)
            await send(message)

        return tell

    def _addresses(self, owner: Owner) -> Iterable[str]:
        scheme = "https" if config.get_option("server.sslCertFile") else "http"
        tail = f":{config.get_option('server.port')}{self.base.rstrip('/')}"
        names = [n for n in config.get_option("server.allowedHosts") if not n.startswith("*")]
        yield "\n  Shared: visitors look, measure and upload for themselves; nothing else."
        for name in [n for n in names if n not in hosts.LOCAL] or ["localhost"]:
            yield f"  Visitors: {scheme}://{f'[{name}]' if ':' in name else name}{tail}/"
        link = f"{scheme}://localhost{tail}/owner#{owner.secret}"
        if not sys.stdout.isatty():  # what is printed now ends in a log
            link = f"in {owner.keep(link, home() / 'runs' / '.owner')}"
        yield f"  Owner, who starts, stops and deletes (keep it to yourself):\n    {link}\n"


def _full(path: str) -> bool:
    """Whether this upload's session, or all together, hold as many bytes as they may."""
    parts = path.split("/_stcore/upload_file/")
    if len(parts) != 2 or not runtime.exists():
        return False
    held: dict[str, Any] = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
    sizes = {
        session: sum(len(file.data) for file in list(files.values()))
        for session, files in list(held.items())
    }
    mine = sizes.get(parts[1].split("/")[0], 0)
    return mine >= UPLOADED or sum(sizes.values()) >= ALL_UPLOADED


async def _body(receive: Receive) -> bytes:
    """What was sent, but for whatever is longer than a secret can be."""
    found, more = b"", True
    while more and len(found) <= MOST:
        message = await receive()
        found += message.get("body", b"")
        more = message.get("more_body", False)
    return found[: MOST + 1]


async def _refuse(scope: Scope, send: Send, status: int, sentence: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: HTTP 403
    else:
        await _answer(
            send, status, sentence.encode(), {"content-type": "text/plain; charset=utf-8"}
        )


async def _answer(send: Send, status: int, body: bytes, headers: dict[str, str]) -> None:
    pairs = [(key.encode(), value.encode()) for key, value in headers.items()]
    pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
