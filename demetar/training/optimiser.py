"""Learning rates and the optimiser; what changes them when the validation error stands still."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import optax

from demetar.core.arrays import Array
from demetar.runs.config import Config


def optimiser(config: Config, steps: int) -> optax.GradientTransformation:
    """AdamW (Loshchilov, Hutter, ICLR 2019) with clipping by the global norm and the schedule."""
    return optax.chain(
        optax.clip_by_global_norm(config.clip),
        optax.adamw(schedule(config, steps), weight_decay=config.weight_decay),
    )


def schedule(config: Config, steps: int) -> Callable[[Array], Array]:
    """The learning rate by step: linear warm-up, then a cosine to zero or a constant.

    "plateau" is constant here; `Patience` gives the factor that comes on top.
    """
    warm = max(1, int(config.warmup * steps))
    if config.schedule != "cosine":
        return optax.linear_schedule(config.learning_rate / warm, config.learning_rate, warm)
    return optax.warmup_cosine_decay_schedule(
        config.learning_rate / warm, config.learning_rate, warm, max(steps, warm + 1)
    )


@dataclasses.dataclass
class Patience:
    """The best validation error so far, and what has to follow when it does not fall.

    `factor` multiplies the learning rate: with the schedule "plateau" it halves after every
    `plateau_patience` evaluations in a row without a new best. `over` is true after `patience` of
    them (0: never).
    """

    plateau_patience: int = 0  # 0: the factor stays 1
    patience: int = 0
    best: float = float("inf")
    since_best: int = 0
    since_change: int = 0
    factor: float = 1.0

    def hear(self, error: float) -> bool:
        """Whether this is strictly the best error so far."""
        better = error < self.best
        self.best = error if better else self.best
        self.since_best = 0 if better else self.since_best + 1
        self.since_change = 0 if better else self.since_change + 1
        if self.plateau_patience and self.since_change >= self.plateau_patience:
            self.factor, self.since_change = self.factor / 2, 0
        return better

    @property
    def over(self) -> bool:
        """Whether the training should end here."""
        return bool(self.patience) and self.since_best >= self.patience
