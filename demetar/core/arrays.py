"""The arrays of annotations: numpy's on the host, jax's inside a compiled function.

`Float[Array, "nodes 3"]` of jaxtyping names their axes: a name stands for one length within a call.
The tests check each call against them; outside the tests an annotation costs nothing.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import numpy as np

if TYPE_CHECKING:
    # Of a union a static checker asks that each operation suits both: .at is jax's, writing numpy's.
    Array: TypeAlias = Any
else:
    Array: TypeAlias = jax.Array | np.ndarray
