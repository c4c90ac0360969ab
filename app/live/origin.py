"""Who may open the channel: Streamlit's own checks of Host and Origin, which routes beside it lack."""

from __future__ import annotations

from urllib.parse import urlparse

from starlette.datastructures import Headers
from streamlit.web.server.server_util import is_url_from_allowed_origins
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed


def allowed(headers: Headers) -> bool:
    """Whether the page behind a request is one of this server's, as Streamlit judges its own socket.

    May look the machine's addresses up, which takes time: not for the event loop.
    """
    origin, host = headers.get("origin"), headers.get("host")
    if not is_host_allowed(host):
        return False
    if origin is None:  # no browser: those always send one
        return True
    return urlparse(origin).netloc == host or is_url_from_allowed_origins(origin)
