"""The mean of x, y and z is taken off each vector."""

from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "A normalisation that centres: over channels or particles it is harmless, over components it is"
    " not."
)
SOURCE = ""
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": True,
    "breaks-C_i": False,
    "breaks-S_n": False,
    "axis-111": True,
    "swaps": True,
}


def switch(part: float = 0.5) -> Hooks:
    """`part`: of the mean over components that is subtracted."""

    def vectors(inside, v):
        return v - part * v.mean(axis=1, keepdims=True)

    return {"vectors": vectors}
