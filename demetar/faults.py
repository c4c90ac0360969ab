"""What ends a training from outside, as a sentence that says what to do."""

from __future__ import annotations

import errno

import jax

from demetar.errors import InputError

RESUME = "the last good checkpoint is intact, go on from it with --resume"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def explained(error: BaseException) -> BaseException:
    """An InputError in place of a fault of disk or device; any other error as it is."""
    first = (str(error) or type(error).__name__).splitlines()[0][:200]
    if isinstance(error, OSError) and error.errno in FULL:
        return InputError(
            f"Expected room on the disk for the run, got '{error.strerror}'; free some space: "
            f"{RESUME}."
        )
    if isinstance(error, jax.errors.JaxRuntimeError):
        if "RESOURCE_EXHAUSTED" in first:
            return InputError(
                f"Expected the batch to fit into the memory of the device, got '{first}'; make "
                f"the batch smaller: {RESUME}."
            )
        return InputError(
            f"Expected the devices of all processes to answer, one was lost ('{first}'); look "
            f"after it: {RESUME}."
        )
    return error
