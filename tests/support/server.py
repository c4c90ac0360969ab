"""A small HTTP server on this machine that holds files, and can misbehave as real ones do."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Mirror:
    """Files by path, and how they are served: each attribute is one way to misbehave."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []  # path and Range of every request
        self.ranges = True  # answer Range requests with the rest alone
        self.stop_after: int | None = None  # bytes of each body after which the line goes dead
        self.status: int | None = None  # answer everything with this
        self.declared: int | None = None  # a Content-Length that is not true
        self.gate: threading.Event | None = None  # wait here after `stop_after` bytes, then go on
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        """No one answers at the address afterwards."""
        self.server.shutdown()
        self.server.server_close()


def _handler(mirror: Mirror) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing is written between the tests' own lines."""

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            mirror.asked.append((self.path, asked))
            body = mirror.files.get(self.path.lstrip("/"))
            if mirror.status or body is None:
                self.send_error(mirror.status or 404)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and mirror.ranges else 0
            if start and start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(mirror.declared or len(body) - start))
            self.end_headers()
            self._send(body[start:])

        def _send(self, body: bytes) -> None:
            if mirror.stop_after is None:
                with contextlib.suppress(OSError):
                    self.wfile.write(body)
                return
            self.wfile.write(body[: mirror.stop_after])
            self.wfile.flush()
            if mirror.gate is not None:
                mirror.gate.wait(30)
                with contextlib.suppress(OSError):  # who asked may have gone
                    self.wfile.write(body[mirror.stop_after :])
            else:
                self.close_connection = True

    return Handler
