"""Which tests one worker takes together, and in which order, where several share the work.

What is compiled, trained or begun for one test serves those beside it: two workers that take turns in a
file do it twice. pytest-xdist's own mark for groups is not read here: version 3.8 passes it on in an
attribute that pytest 9 no longer looks at, so that every test was a group of its own.
"""

from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

MODELS = {p.stem for p in (Path(__file__).parents[2] / "demetar" / "models").glob("*.py")}
# One explorer and one Chromium; the efficiency experiment times a stop, not beside a second Chromium.
BROWSER = (
    "tests/browser/test_data.py", "tests/browser/test_explorer.py", "tests/browser/test_names.py",
    "tests/browser/test_training.py", "tests/app/jobs/test_efficiency.py",
)  # fmt: skip
# Longest first, so that workers end together; where the time goes is said by `--durations`.
LONG = ("tests/app", "tests/contracts", "tests/browser", "tests/training", "tests/experiments")


def group(test: str) -> str:
    """The tests that share a worker: those of a model in the contracts, of a server, else of a file."""
    file, _, case = test.partition("::")
    if file in BROWSER:
        return "browser"
    if file.startswith("tests/contracts/"):  # a model's small run and programs serve two files
        words = case.partition("[")[2].rstrip("]").replace(":", "-").split("-")
        for model in MODELS.intersection(words):
            return f"contracts of {model}"
    if file.startswith("tests/browser/test_viewer"):  # one server of its apps
        return "viewer"
    return file


def rank(item: pytest.Item) -> int:
    """Where its room stands in LONG, after all that share the explorer in one Chromium."""
    if group(item.nodeid) == "browser":
        return -1
    return next((i for i, top in enumerate(LONG) if item.nodeid.startswith(top)), len(LONG))


class Sharing(LoadScopeScheduling):
    """Hands whole groups to workers."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
