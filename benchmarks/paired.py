"""Pairs of errors, compared: change with its interval, exact sign-flip test, Holm's correction."""

import numpy as np
from scipy import stats


def paired(a: np.ndarray, b: np.ndarray) -> dict | None:
    """b against a, paired, on the logarithm of the errors; None below two pairs.

    `change` exp(mean d) − 1 with its 95 % interval by Student's t; `p` of the exact two-sided
    sign-flip test of mean d = 0 (all 2^n assignments); `dz` mean d / its standard deviation.
    """
    d = np.log(b) - np.log(a)
    n = len(d)
    if n < 2:
        return None
    test = stats.permutation_test(
        (d,),
        lambda x, axis: np.mean(x, axis=axis),
        permutation_type="samples",
        n_resamples=2**n,
        vectorized=True,  # all of them: exact
    )
    spread = d.std(ddof=1)
    reach = stats.t.ppf(0.975, n - 1) * spread / np.sqrt(n)
    return {
        "pairs": n,
        "change": float(np.expm1(d.mean())),
        "interval": [float(np.expm1(d.mean() - reach)), float(np.expm1(d.mean() + reach))],
        "p": float(test.pvalue),
        "dz": float(d.mean() / spread) if spread else None,
    }


def holm(p: list[float]) -> list[float]:
    """Holm's adjusted p: the family-wise error rate stays below the level (Holm 1979)."""
    order = np.argsort(p)
    raised = np.maximum.accumulate([(len(p) - i) * p[k] for i, k in enumerate(order)])
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(raised, 1)
    return [float(value) for value in adjusted]
