"""What a change does to the estimates, on tasks of known mutual information."""

import numpy as np

from sklearn_mmg import MMGMutualInfo
from sklearn_mmg.datasets import load_task

TASKS = (
    "1v1-additive-0.1",
    "1v1-normal-0.75",
    "multinormal-dense-5-5-0.5",
    "spiral-multinormal-sparse-3-3-2-2.0",
    "student-identity-2-2-1",
    "zero-inflated-poisson-0.15",
)


def track_mean_absolute_error():
    """With default parameters; the noise of the samples is part of it, and always the same."""
    errors = []
    for name in TASKS:
        task = load_task(name)
        X, y = task.sample(1000, random_state=0)
        mmg = MMGMutualInfo(random_state=0).fit(X, y)
        errors.append(abs(mmg.mutual_info_ - task.mutual_information))
    return np.mean(errors)


track_mean_absolute_error.unit = "nats"
track_mean_absolute_error.timeout = 600
