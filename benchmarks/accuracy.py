"""Accuracy and time of the default parameters on samples with known mutual information.

Run ``python benchmarks/accuracy.py``; it takes about five minutes on two cores and prints one
Markdown row per task. ``--seeds 3`` repeats with other samples. Seconds include everything but the
imports. The truth is used for the report alone.
"""

import argparse
import time

import numpy as np
from scipy.special import ndtr, ndtri

from sklearn_mmg import MMGMutualInfo, mutual_info_mmg
from sklearn_mmg.datasets import (
    half_cube,
    make_additive_uniform,
    make_normal,
    make_student,
    swiss_roll,
    wiggly,
)

N_SAMPLES = 10_000


def mapped(x_map, y_map=None, **normal):
    """A sampler of correlated normals with a map on either side."""

    def sample(n, seed):
        x, y, truth = make_normal(n, random_state=seed, **normal)
        return x_map(x), (y_map or x_map)(y), truth

    return sample


def sparse(n_dims, nats, x_map=lambda x: x):
    """Two correlated pairs among `n_dims`, `nats` in all."""
    return mapped(x_map, n_dims=n_dims, n_pairs=2, correlation=np.sqrt(-np.expm1(-nats)))


def two_normals(weight, low, high):
    """Increasing map of a normal column to a mixture of two unit normals."""
    grid = np.linspace(low - 9, high + 9, 40_001)
    cdf = weight * ndtr(grid - low) + (1 - weight) * ndtr(grid - high)
    inside = (cdf > 1e-14) & (cdf < 1 - 1e-14)
    return lambda x: np.interp(x, ndtri(cdf[inside]), grid[inside])


def wiggly_y(y):
    return y - 0.4 * np.sin(0.4 * y) + 0.17 * np.sin(1.3 * y + 3.5) + 0.02 * np.sin(4.3 * y - 2.5)


MI_SPARSE = 1.0216512475319819  # two pairs of correlation 0.8
TASKS = {  # name: (sampler, largest error in nats, or as a fraction, and in seconds)
    "1v1-normal-0.75": (mapped(lambda x: x), 0.02, 20),
    "half_cube-1v1": (mapped(half_cube), 0.02, 20),
    "wiggly-1v1": (mapped(wiggly, wiggly_y), 0.02, 20),
    "normal_cdf-1v1": (mapped(ndtr), 0.02, 20),
    "1v1-bimodal": (mapped(two_normals(0.3, 0, 5), two_normals(0.5, -1, 3)), 0.02, 20),
    "1v1-additive-0.1": (
        lambda n, seed: make_additive_uniform(n, noise=0.1, random_state=seed),
        0.04,
        40,
    ),
    "student-identity-1-1-1": (lambda n, seed: make_student(n, random_state=seed), 0.04, 40),
    "swissroll_x": (mapped(swiss_roll, ndtr), 0.04, 40),
    "multinormal-sparse-3-3": (sparse(3, MI_SPARSE), 0.04, 40),
    "multinormal-sparse-5-5": (sparse(5, MI_SPARSE), 0.04, 40),
    "multinormal-sparse-25-25": (sparse(25, MI_SPARSE), 0.04, 40),
    "multinormal-dense-25-25": (
        mapped(lambda x: x, n_dims=25, correlation=0.5, dense=True),
        0.04,
        40,
    ),
    "multinormal-dense-50-50": (
        mapped(lambda x: x, n_dims=50, correlation=0.5, dense=True),
        0.15,
        60,
    ),
    **{
        f"{name}sparse 3x3, {nats} nats": (sparse(3, nats, x_map), 0.02 * nats, 30)
        for nats in (5, 10, 15)
        for name, x_map in (("", lambda x: x), ("half_cube ", half_cube))
    },
    "independent 1x1": (mapped(lambda x: x, correlation=0.0), 0.01, 30),
    "independent 5x5": (mapped(lambda x: x, correlation=0.0, n_dims=5), 0.01, 30),
}


def run_tasks(n_seeds):
    """Fit every task with default parameters and print one row each."""
    print("| task | truth | estimate | se | error | bar | seconds | bar |\n" + "|---" * 8 + "|")
    MMGMutualInfo(n_steps=20, cv=0.3).fit(*make_normal(200, random_state=0)[:2])  # imports
    for name, (sample, worst, seconds) in TASKS.items():
        for seed in range(n_seeds):
            X, y, truth = sample(N_SAMPLES, seed)
            start = time.perf_counter()
            mmg = MMGMutualInfo(random_state=seed).fit(X, y)
            elapsed = time.perf_counter() - start
            error = mmg.mutual_info_ - truth
            missed = "" if abs(error) <= worst and elapsed <= seconds else " **missed**"
            print(
                f"| {name} | {truth:.3f} | {mmg.mutual_info_:.3f} | {mmg.mutual_info_se_:.3f} | "
                f"{error:+.3f} | {worst:.2f} | {elapsed:.1f} | {seconds}{missed} |",
                flush=True,
            )


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
    for x_map in (half_cube, ndtr, np.exp, wiggly, np.cbrt):
        add(x_map(0.75 * y + np.sqrt(1 - 0.75**2) * rng.standard_normal(N_SAMPLES)), 0.41334)
    # Uniform noise on the uniform that the target maps to.
    for noise in (0.1, 0.75):
        truth = 1 / (4 * noise) if noise > 0.5 else noise - np.log(2 * noise)
        add(ndtr(y) + rng.uniform(-noise, noise, size=N_SAMPLES), truth)
    return np.column_stack(columns), y, np.array(truths)


def run_columns(n_seeds):
    """Score twenty columns at once and print the worst error and the time."""
    print(
        "\n| mutual_info_mmg, 10,000 x 20 | worst error | mean error | seconds |\n"
        + "|---" * 4
        + "|"
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
    n_seeds = parser.parse_args().seeds
    run_tasks(n_seeds)
    run_columns(n_seeds)
