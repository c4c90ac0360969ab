"""At most so many neighbours are kept, those that come first or are nearest."""

import jax.numpy as jnp

from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "Lists cut at k neighbours: by the order in which they are found, or by distance where several"
    " are equally far."
)
SOURCE = "https://github.com/pyg-team/pytorch_geometric/issues/1867"
FINGERPRINT = {"breaks-T": False, "breaks-S_n": True, "only-large": True}


def switch(limit: int = 3, by: str = "order") -> Hooks:
    """`limit`: neighbours that are kept; `by` their 'order' in the list, or their 'distance'."""

    def envelope(inside, fade, d):
        receivers = inside.graph.receivers
        same = (receivers[:, None] == receivers[None]) & inside.graph.edge_mask[None]
        place = jnp.arange(len(receivers))
        before = place[None] < place[:, None]
        if by == "distance":
            length = d[:, 0]
            nearer = length[None] < length[:, None]
            before = nearer | ((length[None] == length[:, None]) & before)
        return jnp.where(((same & before).sum(1) < limit)[:, None], fade, 0)

    return {"envelope": envelope}
