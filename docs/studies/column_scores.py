"""Accuracy and time of the column scores beside scikit-learn's, on columns of known truth.

Run ``python docs/studies/column_scores.py``; it takes a minute. ``--seeds 3`` repeats with other
samples. Times are ratios to those of scikit-learn, of processor time in one process with one thread
per library. For blocks of columns, see ``python -m sklearn_mmg.benchmark``.
"""

import argparse
import time

import numpy as np
from printing import print_head, print_row
from scipy.special import ndtr
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from threadpoolctl import threadpool_limits

from sklearn_mmg import mutual_info_mmg
from sklearn_mmg.datasets import AdditiveUniform

CORRELATIONS = (0.0, 0.0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99)


def column_tasks(n_samples, rng):
    """Twenty columns with known mutual information with one standard normal target."""
    y = rng.standard_normal(n_samples)
    columns, truths = [], []

    def add(column, truth):
        columns.append(column)
        truths.append(truth)

    for correlation in CORRELATIONS:
        noise = np.sqrt(1 - correlation**2) * rng.standard_normal(n_samples)
        add(correlation * y + noise, -0.5 * np.log1p(-(correlation**2)))
    for x_map in (np.sinh, ndtr, np.exp, lambda x: x + 0.9 * np.sin(x), np.cbrt):
        add(x_map(0.75 * y + np.sqrt(1 - 0.75**2) * rng.standard_normal(n_samples)), 0.41334)
    # Uniform noise on the uniform that the target maps to.
    for noise in (0.1, 0.75):
        truth = AdditiveUniform(noise).mutual_information
        add(ndtr(y) + rng.uniform(-noise, noise, size=n_samples), truth)
    return np.column_stack(columns), y, np.array(truths)


def timed(function, *args, **kwargs):
    """Result, and seconds of the processor."""
    start = time.process_time()
    result = function(*args, random_state=0, **kwargs)
    return result, time.process_time() - start


def compare(n_samples, n_seeds):
    """A line of the table: ratios of time, and mean errors of the continuous target."""
    seconds, errors = [], []
    for seed in range(n_seeds):
        X, y, truth = column_tasks(n_samples, np.random.default_rng(seed))
        classes = np.digitize(y, [-0.5, 0.5])
        counts = np.round(2 * X.clip(-9, 9)).astype(int)
        ours, theirs = mutual_info_mmg, mutual_info_regression
        runs = [timed(f, X, y) for f in (ours, theirs)]
        errors.append([np.abs(scores - truth).mean() for scores, _ in runs])
        runs += [timed(ours, X, classes, discrete_target=True)]
        runs += [timed(mutual_info_classif, X, classes)]
        runs += [timed(ours, counts, classes, discrete_features=True, discrete_target=True)]
        runs += [timed(mutual_info_classif, counts, classes, discrete_features=True)]
        seconds.append([second for _, second in runs])
    ratios = [np.mean(np.array(seconds)[:, k] / np.array(seconds)[:, k + 1]) for k in (0, 2, 4)]
    error, reference = np.mean(errors, axis=0)
    cells = [f"{n_samples:,}", *(f"{ratio:.2f}" for ratio in ratios)]
    print_row(*cells, f"{error:.4f}", f"{reference:.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 10_000, 100_000])
    arguments = parser.parse_args()
    mutual_info_mmg(*column_tasks(3000, np.random.default_rng(0))[:2])  # tables shared by all
    columns = "samples", "time, continuous", "three classes", "both discrete"
    print_head(*columns, "mean error", "scikit-learn's", words=0)
    with threadpool_limits(1):
        for size in arguments.sizes:
            compare(size, arguments.seeds)


if __name__ == "__main__":
    main()
