"""The array types of annotations."""

from typing import Any, TypeAlias

Array: TypeAlias = Any  # numpy before, jax inside a compiled function
