"""Which tests one worker takes together, and in which order, where several share the work.

What is compiled, trained or begun for one test serves those beside it: two workers that take turns in a
file do it twice.
"""

import pytest

# Longest first, so that workers end together; in which file the time goes is said by `--durations`.
LONG = ("tests/app", "tests/contracts", "tests/browser", "tests/training", "tests/experiments")


def group(item: pytest.Item) -> str:
    """The tests of a mark, of a model in the contracts, else of a file."""
    mark = item.get_closest_marker("xdist_group")
    if mark is not None:
        return str(mark.args[0])
    file, _, _ = item.nodeid.partition("::")
    if file.startswith("tests/contracts/"):
        given = getattr(item, "callspec", None)
        name = given.params.get("name") if given else None
        if isinstance(
            name, str
        ):  # its small run and its programs, in both files of model contracts
            return f"contract of {name.partition(':')[0]}"
    return file


def rank(item: pytest.Item) -> int:
    """Where its room stands in LONG, after all that share the explorer in one Chromium."""
    if group(item) == "browser":
        return -1
    return next((i for i, top in enumerate(LONG) if item.nodeid.startswith(top)), len(LONG))


def arrange(items: list[pytest.Item]) -> None:
    """Marks each test with its group and puts long rooms first."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(group(item)))
    items.sort(key=rank)
