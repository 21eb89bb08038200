"""Accuracy and time of the column scores on twenty columns with known mutual information.

Run ``python benchmarks/column_scores.py``; it takes half a minute on two cores. ``--seeds 3``
repeats with other samples. For blocks of columns, see ``python -m sklearn_mmg.benchmark``.
"""

import argparse
import time

import numpy as np
from scipy.special import ndtr

from sklearn_mmg import mutual_info_mmg
from sklearn_mmg.datasets import AdditiveUniform

N_SAMPLES = 10_000


def column_tasks(rng):
    """Twenty columns with known mutual information with one standard normal target."""
    y = rng.standard_normal(N_SAMPLES)
    columns, truths = [], []

    def add(column, truth):
        columns.append(column)
        truths.append(truth)

    for correlation in (0.0, 0.0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99):
        noise = np.sqrt(1 - correlation**2) * rng.standard_normal(N_SAMPLES)
        add(correlation * y + noise, -0.5 * np.log1p(-(correlation**2)))
    for x_map in (np.sinh, ndtr, np.exp, lambda x: x + 0.9 * np.sin(x), np.cbrt):
        add(x_map(0.75 * y + np.sqrt(1 - 0.75**2) * rng.standard_normal(N_SAMPLES)), 0.41334)
    # Uniform noise on the uniform that the target maps to.
    for noise in (0.1, 0.75):
        truth = AdditiveUniform(noise).mutual_information
        add(ndtr(y) + rng.uniform(-noise, noise, size=N_SAMPLES), truth)
    return np.column_stack(columns), y, np.array(truths)


def run_columns(n_seeds):
    """Score twenty columns at once and print the worst error and the time."""
    print(
        "| mutual_info_mmg, 10,000 x 20 | worst error | mean error | seconds |\n" + "|---" * 4 + "|"
    )
    for seed in range(n_seeds):
        X, y, truth = column_tasks(np.random.default_rng(seed))
        start = time.perf_counter()
        error = mutual_info_mmg(X, y, random_state=seed) - truth
        elapsed = time.perf_counter() - start
        print(
            f"| seed {seed} | {np.abs(error).max():.3f} (column {np.abs(error).argmax()}) | "
            f"{np.abs(error).mean():.3f} | {elapsed:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    run_columns(parser.parse_args().seeds)
