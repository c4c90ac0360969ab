"""The one exception that a user, not a programmer, is meant to read, and sentences said often."""

from typing import Any

LONGEST = 60  # characters of what came that a sentence repeats


class InputError(ValueError):
    """Bad input from outside: a file, flag, run name, checkpoint or link.

    Its message is one sentence, "Expected …, got …; do …". The command line prints it and exits with
    2; a page shows it in place of a result. Anything else that is raised is a defect of this library.
    """


def quoted(value: Any) -> str:
    """What came, in quotes, on one line and cut where it is long."""
    text = str(value)
    return repr(text if len(text) <= LONGEST else text[:LONGEST] + "…")


def reason(error: BaseException | str) -> str:
    """Why something failed, on one short line, without the period."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    first = " ".join(str(text).split())
    return (first if len(first) <= 200 else first[:200] + "…").rstrip(".")


def refused(doing: str, error: OSError, do: str) -> InputError:
    """The error that the system let no file be written or read: Expected `doing`, got why; `do`."""
    return InputError(f"Expected {doing}, got '{reason(error)}'; {do}.")


def damaged(path: Any, what: str, error: BaseException | str) -> InputError:
    """The error that a file of the data folder holds something other than `what`."""
    return InputError(f"Expected {what} at {path}, got {reason(error)}; remove it and ask again.")
