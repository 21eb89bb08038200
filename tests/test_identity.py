"""Every density over log-SNR gives one number, with the exact denoisers of a normal pair."""

import numpy as np
import pytest
from scipy.special import expit

from sklearn_mmg import AdaptiveLogisticSampler, LogisticSampler, ResidualScaleSampler

RHO = 0.9
VARIANCE = 1 - RHO**2
TRUTH = -0.5 * np.log(VARIANCE)
WIDE = dict(clip=40.0)
SAMPLERS = {
    "MMG": LogisticSampler(2.0, 3.0, **WIDE),
    "InfoBridge": LogisticSampler(-np.log(0.5), 1.0, **WIDE),
    "rectified flow": LogisticSampler(0.0, 2.0, **WIDE),
    "adaptive, before it adapts": AdaptiveLogisticSampler(**WIDE),
    "residual scale": ResidualScaleSampler(),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_density_gives_the_value(name):
    distribution = SAMPLERS[name].distribution(np.array([VARIANCE]))
    logsnr = distribution.ppf((np.arange(200_000) + 0.5) / 200_000)
    density = distribution.pdf(logsnr)
    # gamma mmse is a sigmoid, of x alone and given y.
    alone, given = expit(logsnr), expit(logsnr + np.log(VARIANCE))
    value = 0.5 * ((alone - given) / density).mean()
    assert value == pytest.approx(TRUTH, abs=2e-3)


def test_early_end_of_a_window_is_missing():
    distribution = LogisticSampler(0.0, 2.0, clip=1.0).distribution()
    low, high = distribution.grid[[0, -1]]
    logsnr = distribution.ppf((np.arange(200_000) + 0.5) / 200_000)
    gap = expit(logsnr) - expit(logsnr + np.log(VARIANCE))
    value = 0.5 * (gap / distribution.pdf(logsnr)).mean()
    grid = np.linspace(low, high, 10_001)
    inside = 0.5 * np.trapezoid(expit(grid) - expit(grid + np.log(VARIANCE)), grid)
    assert value == pytest.approx(inside, abs=2e-3)
    assert value < TRUTH - 0.1
