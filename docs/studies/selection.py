"""Selection of columns where the right ones are known.

Run ``python docs/studies/selection.py``; ``--problems`` takes some of them by name and ``--seeds
10`` repeats with other samples. A row is printed for every problem. Seconds are of the processor,
in one process, with one thread per library.
"""

import argparse
import resource
import time
import warnings

import numpy as np
from printing import print_head, print_row, report
from sklearn.datasets import make_classification, make_friedman1
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from sklearn_mmg import MMGMutualInfo, SequentialMutualInfoSelector, SubsetMutualInfo

# How many columns are the right ones; they come first.
SIGNS = {"xor": 2, "parity": 3, "parity of bits": 3, "sign product": 2}
WIDE = {"200 columns": 200, "1,000 columns": 1000}
RINGS = ("ring", "xor of signs", "ring + xor", "ring + xor + sum")


def make_signs(name, rng, n=5000, n_noise=20):
    """Columns of which only the product of the signs tells something."""
    k = SIGNS[name]
    X = rng.normal(size=(n, k + n_noise))
    if name == "parity of bits":
        X = np.sign(X)
    sign = np.sign(X[:, :k].prod(axis=1))
    return X, sign * np.abs(rng.normal(size=n)) if name == "sign product" else sign > 0


def make_rings(name, rng, n=1000, n_noise=100):
    """Problems after Passemiers et al. 2024: sets in two uniform columns each.

    The label says whether a sample is in one of two, or in most of three sets.
    """
    X = rng.uniform(size=(n, 2 * (1 + name.count("+")) + n_noise))
    parts, at = [], 0
    for part in name.split(" + "):
        a, b = X[:, at], X[:, at + 1]
        if part == "ring":
            parts.append(np.abs(np.hypot(a - 0.5, b - 0.5) - 0.35) < 0.115)
        elif part.startswith("xor"):
            parts.append((a > 0.5) != (b > 0.5))
        else:
            parts.append(a + b > 1)
        at += 2
    return X, np.mean(parts, axis=0) >= 0.5, at


def right_set(chosen, right):
    return set(chosen) == set(range(right))


def study_signs(name, seed):
    X, y = make_signs(name, np.random.default_rng(seed))
    chosen = fit(X, y, seed).path_
    return right_set(chosen, SIGNS[name]), chosen, ()


def study_friedman(name, seed):
    X, y = make_friedman1(2000, n_features=55, noise=1.0, random_state=seed)
    chosen = fit(X, y, seed, n_features_to_select=5).path_
    return right_set(chosen, 5), chosen, ()


def study_copies(name, seed):
    rng = np.random.default_rng(seed)
    strong, weak = rng.normal(size=(2, 2000, 1))
    X = np.hstack([np.repeat(strong, 10, axis=1), weak, rng.normal(size=(2000, 9))])
    y = 2 * strong[:, 0] + 0.5 * weak[:, 0] + rng.normal(size=2000)
    chosen = fit(X, y, seed).path_
    return chosen[1:2] == [10] and chosen[0] < 10, chosen, ()


def study_no_signal(name, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(2000, 20))
    y = rng.normal(size=2000) if name == "no signal" else rng.integers(3, size=2000)
    chosen = fit(X, y, seed).path_
    return len(chosen) == 0, chosen, ()


def study_madelon(name, seed):
    """Four of five directions among eight columns, redundant ones standing for what they span."""
    X, y = make_classification(
        2600,
        500,
        n_informative=5,
        n_redundant=15,
        n_clusters_per_class=16,
        flip_y=0.01,
        shuffle=False,
        random_state=seed,
    )
    chosen = fit(X, y, seed, n_features_to_select=8).path_
    informative = [j for j in chosen if j < 20]
    rank = np.linalg.matrix_rank(X[:, informative], tol=1e-6 * len(X)) if informative else 0
    return rank >= 4, chosen, ()


def study_rings(name, seed):
    X, y, right = make_rings(name, np.random.default_rng(seed))
    relevant = np.arange(X.shape[1]) < right
    selector = fit(X, y, seed)
    ours = roc_auc_score(relevant, -selector.ranking_)
    forest = RandomForestClassifier(500, random_state=seed).fit(X, y)
    theirs = roc_auc_score(relevant, forest.feature_importances_)
    return ours >= theirs - 0.02, selector.path_, (ours, theirs)


def study_wide(name, seed):
    """Ten columns in three minutes, and less than 4 GB."""
    X, y = make_friedman1(5000, n_features=WIDE[name], noise=1.0, random_state=seed)
    start = time.process_time()
    chosen = fit(X, y, seed, n_features_to_select=10).path_
    seconds = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    met = (seconds < 180 or WIDE[name] > 200) and memory < 4
    return met, chosen, (seconds, memory)


def study_normal(name, seed):
    """Subsets of ten normal columns within .05 of the truth, and some of a fit of their own."""
    rng = np.random.default_rng(seed)
    covariance = np.cov(rng.normal(size=(11, 16)))
    X = rng.multivariate_normal(np.zeros(11), covariance, size=5000, method="cholesky")
    X, y = X[:, :-1], X[:, -1]
    estimator = SubsetMutualInfo(random_state=seed).fit(X, y)
    subsets = [[j] for j in range(10)] + [list(range(10))]
    subsets += [sorted(rng.permutation(10)[: rng.integers(2, 10)].tolist()) for _ in range(50)]
    values = np.array([estimator.mutual_info(features=s) for s in subsets])
    truths = np.array([normal_truth(covariance, s) for s in subsets])
    own = [MMGMutualInfo(random_state=seed).fit(X[:, s], y).mutual_info_ for s in subsets[9:14]]
    off, apart = np.abs(values - truths).max(), np.abs(values[9:14] - own).max()
    return max(off, apart) < 0.05, f"{len(subsets)} subsets", (off, apart)


def normal_truth(covariance, subset):
    both = [*subset, len(covariance) - 1]
    parts = [np.linalg.slogdet(covariance[np.ix_(i, i)])[1] for i in (subset, both)]
    return 0.5 * (parts[0] + np.log(covariance[-1, -1]) - parts[1])


def fit(X, y, seed, **parameters):
    return SequentialMutualInfoSelector(random_state=seed, **parameters).fit(X, y)


PROBLEMS = (
    dict.fromkeys(SIGNS, study_signs)
    | {"friedman": study_friedman, "copies": study_copies}
    | {"no signal": study_no_signal, "no signal, classes": study_no_signal}
    | {"madelon": study_madelon}
    | dict.fromkeys(WIDE, study_wide)
    | {"normal columns": study_normal}
    | dict.fromkeys(RINGS, study_rings)
)
# What is told of the figures of all samples.
FIGURES = {
    study_wide: (np.max, "at most {:.0f} s, {:.1f} GB"),
    study_normal: (np.max, "at most {:.3f} off, {:.3f} from own fits"),
    study_rings: (np.mean, "mean area {:.3f}, forest {:.3f}"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--problems", nargs="*", default=list(PROBLEMS), choices=PROBLEMS)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    print_head("problem", "met", "figures")
    for name in arguments.problems:
        outcomes, figures = [], []
        for seed in range(arguments.seeds):
            start = time.process_time()
            with threadpool_limits(1):
                met, said, numbers = PROBLEMS[name](name, seed)
            seconds = time.process_time() - start
            outcomes.append(met)
            figures.append(numbers)
            said = f"{said}, {np.round(numbers, 4).tolist()}, {seconds:.0f} s"
            report(f"{name}, seed {seed}: {'yes' if met else 'no'}, {said}")
        summary, words = FIGURES.get(PROBLEMS[name], (np.mean, ""))
        words = words.format(*summary(figures, axis=0))
        print_row(name, f"{sum(outcomes)} of {len(outcomes)}", words)


if __name__ == "__main__":
    main()
