"""Workers take whole groups of tests, however many there are."""

import pytest

from tests.support.sharing import group

SEEN: list[str] = []


@pytest.mark.parametrize("turn", range(4))
def test_tests_of_a_file_run_in_one_worker(turn: int, request: pytest.FixtureRequest) -> None:
    """Each finds those before it in this process: a scheduler that deals tests out breaks that."""
    mine = [item.name for item in request.session.items if item.path == request.path]
    assert SEEN == mine[: mine.index(request.node.name)], "start with `--dist loadgroup`"
    SEEN.append(request.node.name)


def test_a_model_is_one_group_in_both_files_of_contracts() -> None:
    here = "tests/contracts/test_models.py::test_x[egnn-atoms-float32]"
    there = "tests/contracts/test_symmetric_inputs.py::test_y[float32-egnn:e3-atoms]"
    other = "tests/contracts/test_models.py::test_x[schnet-atoms-float32]"
    assert group(here) == group(there) == "contracts of egnn"
    assert group(other) != group(here)
    assert group("tests/core/test_edges.py::test_z[egnn]") == "tests/core/test_edges.py"


def test_files_that_drive_one_server_are_one_group() -> None:
    files = [f"tests/browser/test_{name}.py::test_x" for name in ("viewer", "viewer_drawn", "data")]
    assert group(files[0]) == group(files[1]) != group(files[2])
