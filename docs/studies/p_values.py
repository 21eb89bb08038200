"""Whether p-values of `permutation_test` are uniform where there is nothing to find.

Run ``python docs/studies/p_values.py``; ``--cases`` takes some by name, and ``--repetitions`` sets
how many samples are drawn. A row of a Markdown table is printed for every case: the shares of
p-values up to 5 and 20 %, and the p-value of a test that they are uniform (Kolmogorov and Smirnov).
Seconds are of the processor, with one thread per library.
"""

import argparse
import time
import warnings

import numpy as np
from printing import print_head, print_row
from scipy.stats import kstest
from threadpoolctl import threadpool_limits

from sklearn_mmg import KSGMutualInfo, MMGMutualInfo, mutual_info_test
from sklearn_mmg.inspection import permutation_test

QUICK = {"n_steps": 30, "batch_size": 64, "cv": 0.3, "n_nodes": 4}


def independent(rng):
    """A bent column and a normal one beside a heavy-tailed column."""
    x = rng.normal(size=(200, 2))
    return np.column_stack([np.exp(x[:, 0]), x[:, 1]]), rng.standard_t(3, size=200)


def confounded(rng):
    """Columns that depend on each other by a category alone, which is the second of X."""
    z = rng.integers(3, size=200)
    return np.column_stack([z + rng.normal(size=200), z]), z - rng.normal(size=200)


def in_groups(rng):
    """Forty short series, each of one level."""
    groups = np.repeat(np.arange(40), 5)
    x, y = (rng.normal(size=40)[groups] + 0.5 * rng.normal(size=200) for _ in range(2))
    return x[:, None], y, groups


def of_permutations(estimator):
    def p_value(seed, X, y, groups=None):
        test = permutation_test(
            estimator, X, y, groups=groups, n_permutations=99, random_state=seed
        )
        return test.pvalue

    return p_value


def of_columns(seed, X, y):
    return mutual_info_test(X[:, :1], y, random_state=seed).pvalues[0]


GIVEN = {"given": 1, "discrete_features": [1]}
CASES = {
    "MMG, independent": (independent, of_permutations(MMGMutualInfo(random_state=0, **QUICK))),
    "KSG, independent": (independent, of_permutations(KSGMutualInfo())),
    "MMG, given a category": (
        confounded,
        of_permutations(MMGMutualInfo(random_state=0, **QUICK, **GIVEN)),
    ),
    "KSG, series": (in_groups, of_permutations(KSGMutualInfo())),
    "column score": (independent, of_columns),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=CASES)
    parser.add_argument("--repetitions", type=int, default=200)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    print_head("case", "up to 5 %", "up to 20 %", "uniform?", "seconds")
    for name in arguments.cases:
        draw, p_value = CASES[name]
        start = time.process_time()
        with threadpool_limits(1):
            p = np.array(
                [
                    p_value(seed, *draw(np.random.default_rng(seed)))
                    for seed in range(arguments.repetitions)
                ]
            )
        seconds = time.process_time() - start
        few, some = np.mean(p <= 0.05), np.mean(p <= 0.2)
        uniform = kstest(p, "uniform").pvalue
        print_row(name, f"{few:.3f}", f"{some:.3f}", f"{uniform:.3f}", f"{seconds:.0f}")


if __name__ == "__main__":
    main()
