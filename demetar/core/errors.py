"""The one exception that a user, not a programmer, is meant to read."""


class InputError(ValueError):
    """Bad input from outside: a file, flag, run name, checkpoint or link.

    Its message is one sentence that says what was expected, what came and what to do. The command
    line prints it and exits with 2; a page shows it in place of a result. Anything else that is
    raised is a defect of this library.
    """
