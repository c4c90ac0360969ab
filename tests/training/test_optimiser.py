"""Learning rates: warm-up, cosine, constant, plateau; when a training has waited enough."""

import pytest

from demetar.runs.config import Config
from demetar.training.optimiser import Patience, schedule


def test_the_learning_rate_warms_up_and_decays() -> None:
    rates = [float(schedule(Config(learning_rate=1.0, warmup=0.1), 100)(i)) for i in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == pytest.approx(1)
    assert rates[55] == pytest.approx(0.5, abs=0.02)
    assert rates[100] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kind", ["constant", "plateau"])
def test_other_schedules_stay_where_they_are(kind: str) -> None:
    rate = schedule(Config(learning_rate=1.0, warmup=0.1, schedule=kind), 100)
    assert float(rate(0)) == pytest.approx(0.1)
    assert float(rate(10)) == float(rate(99)) == 1


def test_a_plateau_halves_the_rate_again_and_again() -> None:
    patience = Patience(plateau_patience=2)
    factors = []
    for error in (5.0, 4.0, 4.0, 4.1, 3.0, 3.0, 3.0, 3.0, 3.0):
        patience.hear(error)
        factors.append(patience.factor)
    assert factors == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]
    assert not patience.over


def test_only_a_strictly_better_error_is_news() -> None:
    patience = Patience(patience=3)
    heard = [patience.hear(e) for e in (2.0, 2.0, 1.0, 1.5)]
    assert heard == [True, False, True, False]
    assert patience.best == 1.0
    assert not patience.over
    patience.hear(1.0)
    assert not patience.over
    patience.hear(float("nan"))
    assert patience.over
    assert patience.best == 1.0
    assert patience.factor == 1
