"""Names and addresses of this machine; which of them only this machine itself can reach."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
from pathlib import Path

LOCAL = ("localhost", "127.0.0.1", "::1")
ANY = ("0.0.0.0", "::")  # where a server listens, never what it is called


def is_local(address: str | None) -> bool:
    """Whether only this machine reaches a server that listens there; None listens everywhere."""
    if not address:
        return False
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(address.strip("[]").partition("%")[0]).is_loopback
    return address.lower().rstrip(".") == "localhost"


def own() -> list[str]:
    """What other machines may call this one: its names and the addresses of its interfaces.

    A name that somebody else's DNS gives to this machine is not among them: DNS rebinding needs one.
    """
    name = socket.gethostname().lower()
    found = [name, socket.getfqdn().lower(), *([] if "." in name else [f"{name}.local"])]
    with contextlib.suppress(OSError):
        found += [str(entry[4][0]) for entry in socket.getaddrinfo(name, None)]
    for family, outside in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((outside, 9))  # sends nothing: asks which interface would be taken
            found.append(probe.getsockname()[0])
    found += _interfaces()
    return sorted({one.partition("%")[0].rstrip(".") for one in found if one} - {*LOCAL, *ANY})


def _interfaces() -> list[str]:
    """The IPv4 addresses that Linux holds for its own; nothing elsewhere."""
    with contextlib.suppress(OSError):
        table = Path("/proc/net/fib_trie").read_text()
        return re.findall(r"-- (\d+\.\d+\.\d+\.\d+)\s+/32 host LOCAL", table)
    return []
