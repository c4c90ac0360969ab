"""Pages without a browser: how a test waits for what they compute in the background."""

from __future__ import annotations

import time
from typing import Any

from app.backend import cached


def settled(page: Any, seconds: float = 150.0) -> Any:
    """The page, drawn again until nothing is compiling; not while something is: drawing costs, too."""
    end = time.monotonic() + seconds
    while any("compiling" in c.value for c in page.caption) and time.monotonic() < end:
        time.sleep(0.2)
        while cached.busy() and time.monotonic() < end:
            time.sleep(0.05)
        page.run()
    return page
