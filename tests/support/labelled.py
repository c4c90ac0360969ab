"""Small labelled files in each format."""

import io
from typing import Any

import numpy as np

FRAME = b"""2
Properties=species:S:1:pos:R:3:forces:R:3 energy=-1.5 dipole="0.1 0.2 0.3" gap=7
H 0 0 0 0.1 0.2 0.3
O 0 0 0.97 -0.1 -0.2 -0.3
"""
OTHER = FRAME.replace(b"0.97", b"1.02").replace(b"-1.5", b"-1.25")
SDF = b"""first
  made by hand

  2  1  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 H   0  0
    0.0000    0.0000    0.9700 O   0  0
  1  2  1  0
M  END
$$$$
second
  made by hand

  1  0  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 Ne  0  0
M  END
$$$$
"""


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()
