"""Who owns a shared server: whoever opened the link that its terminal shows.

The secret stands behind the link's #, which browsers send to nobody: no log, proxy or other site sees
it. The page there takes it out of the address, hands it in once, and gets a cookie that scripts cannot
read and other sites cannot send. Both are new with every start of the server.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

import streamlit as st

MOST = 200  # bytes of what is handed in
_SCRIPT = """
const secret = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
fetch(location.pathname, { method: "POST", body: secret }).then((answer) => {
  if (answer.ok) location.replace("./");
  else document.querySelector("p").textContent =
    "This is not the link that this server showed last: take the one in its terminal.";
});
"""
PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Demetar</title>'
    f"<p>Asking the server</p><script>{_SCRIPT}</script></html>"
).encode()
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "content-security-policy": f"default-src 'none'; connect-src 'self'; "
    f"script-src 'sha256-{_SCRIPT_HASH}'; frame-ancestors 'none'",
}


class Owner:
    """The secret of this start of the server, and the cookie that its owner's browser holds."""

    def __init__(self) -> None:
        self.secret = secrets.token_urlsafe(24)
        self.name = f"demetar_owner_{secrets.token_hex(4)}"  # cookies know no ports
        self.value = secrets.token_urlsafe(24)

    def knows(self, handed_in: bytes) -> bool:
        """Whether that is the secret; takes as long for a good guess as for a bad one."""
        return hmac.compare_digest(handed_in, self.secret.encode())

    def keep(self, link: str, place: Path) -> Path:
        """The file, which nobody else on this machine can read, with the link in it."""
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)  # one with other permissions, or a link to elsewhere
        with os.fdopen(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(f"{link}\n")
        return place

    def cookie(self, path: str, secure: bool) -> str:
        """The header that gives the browser its cookie."""
        flags = "; Secure" if secure else ""
        return f"{self.name}={self.value}; Path={path}; HttpOnly; SameSite=Strict{flags}"

    def asks(self) -> bool:
        """Whether the visitor whose page is being drawn is the owner."""
        held = st.context.cookies.get(self.name, "")
        return hmac.compare_digest(held.encode(), self.value.encode())
