"""The pytest plugin: the fixture `equivariance`, which is demetar.testing.assert_equivariant."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="session")
def equivariance() -> Any:
    """`equivariance(f, graph, group="O(3)")` passes if f commutes with the group up to rounding."""
    from demetar.testing import assert_equivariant

    return assert_equivariant
