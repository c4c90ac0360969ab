"""The first atom is special."""

from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "The answer depended on which atom came first; GFN-FF asks a map between numberings in the wrong"
    " direction."
)
SOURCE = "https://github.com/openmm/openmm-ml/issues/130"
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": False,
    "breaks-C_i": False,
    "breaks-S_n": True,
    "only-first-atom": True,
}


def switch(size: float = 0.3) -> Hooks:
    """`size`: what is added to the features of each system's first atom."""

    def features(inside, h):
        first = inside.graph.node_slots() == 0
        return h + size * first[:, None].astype(h.dtype)

    return {"features": features}
