"""Garbage of all visitors, collected together."""

import gc
import threading
import time

EVERY = 10.0  # seconds
_lock = threading.Lock()
_last = time.monotonic()


def tidy() -> bool:
    """Collects the cycles that scripts left behind, at most once in EVERY; whether it did.

    Streamlit would after each run of the script (`runner.postScriptGC`): with JAX loaded it looks at
    half a million objects each time, which was 38 % of what a change on the N-body page cost.
    """
    global _last
    with _lock:
        if time.monotonic() - _last < EVERY:
            return False
        _last = time.monotonic()
    gc.collect()
    return True
