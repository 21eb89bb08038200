"""Conditional mutual information where it is known, beside nearest neighbours.

Run ``python docs/studies/conditional.py``; ``--problems`` takes some of them by name. A row is
printed for every problem: the mean error, the largest, how many intervals hold the truth, and the
mean error of nearest neighbours. Seconds are of the processor, with one thread per library.

With ``--wheel``, a file of pgmpy as in ``selection_networks.py``, the last problem is pairs of
nodes of Gaussian Bayesian networks given one to three others. Every second pair is one of
neighbours.
"""

import argparse
import time
import warnings

import numpy as np
from printing import print_head, print_row, report
from selection_networks import blanket, read
from threadpoolctl import threadpool_limits

from sklearn_mmg import KSGMutualInfo, MMGMutualInfo


def normal_blocks(rng, n, sizes):
    """Normal x, y and z with a random covariance, and the mutual information of x and y given z."""
    ends = np.cumsum(sizes)
    covariance = np.cov(np.random.default_rng(1).normal(size=(ends[-1], 2 * ends[-1])))
    x, y, z = np.split(np.arange(ends[-1]), ends[:-1])
    sample = rng.multivariate_normal(np.zeros(ends[-1]), covariance, size=n, method="cholesky")

    def log_determinant(*groups):
        i = np.concatenate(groups)
        return np.linalg.slogdet(covariance[np.ix_(i, i)])[1]

    truth = log_determinant(x, z) + log_determinant(y, z)
    truth = 0.5 * (truth - log_determinant(z) - log_determinant(x, y, z))
    return sample[:, x], sample[:, y], sample[:, z], truth


def normal(rng, n):
    return normal_blocks(rng, n, (3, 3, 2))


def bijections(rng, n):
    """Each block is rotated by its squared norm, and its columns are bent."""
    *blocks, truth = normal_blocks(rng, n, (3, 3, 2))
    for a in blocks:
        angle = 0.3 * (a**2).sum(axis=1)
        cos, sin = np.cos(angle), np.sin(angle)
        a[:, 0], a[:, 1] = cos * a[:, 0] - sin * a[:, 1], sin * a[:, 0] + cos * a[:, 1]
    x, y, z = blocks
    return np.sinh(x), y**3 + y, np.arctan(z), truth


def wide_given(rng, n):
    return normal_blocks(rng, n, (1, 1, 10))


def confounded(rng, n):
    """Both sides follow z, without a common rest."""
    z = rng.normal(size=(n, 1))
    return z + 0.1 * rng.normal(size=(n, 1)), z + 0.1 * rng.normal(size=(n, 1)), z, 0.0


def confounded_by_squares(rng, n):
    z = rng.normal(size=(n, 1))
    x = z**2 + 0.3 * rng.normal(size=(n, 1))
    return x, np.sin(2 * z) + 0.3 * rng.normal(size=(n, 1)), z, 0.0


def xor(rng, n):
    """The sides are independent until it is known whether their signs agree."""
    x, y = rng.normal(size=(2, n, 1))
    return x, y, np.sign(x * y) * np.abs(rng.normal(size=(n, 1))), np.log(2)


def xor_of_classes(rng, n):
    x, y = rng.integers(2, size=(2, n, 1)).astype(str)
    return x, y, (x == y).astype(str), np.log(2)


def discrete_given(rng, n):
    """A class decides the correlation."""
    correlations = np.array([0.9, 0.0, -0.6])
    z = rng.integers(3, size=(n, 1))
    x = rng.normal(size=(n, 1))
    rho = correlations[z]
    y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=(n, 1))
    truth = -0.5 * np.log(1 - correlations**2).mean()
    return x, y, np.array(["a", "b", "c"], dtype=object)[z], truth


PROBLEMS = {
    "normal": normal,
    "bijections": bijections,
    "given ten": wide_given,
    "confounded": confounded,
    "confounded by squares": confounded_by_squares,
    "xor": xor,
    "xor of classes": xor_of_classes,
    "discrete given": discrete_given,
}


def network_triples(wheel, n_triples, n, rng):
    """Two nodes and what is given, and the truth, from the Gaussian networks in turn."""
    networks = [read(wheel, name) for name in ("ecoli70", "magic-niab")]
    for i in range(n_triples):
        network = networks[i % 2]
        names = np.array(list(network.parents))
        y = rng.choice([name for name in names if blanket(network.parents, name)])
        near = sorted(blanket(network.parents, y))
        x = rng.choice(near if i // 2 % 2 else names[names != y])
        given = rng.choice(np.setdiff1d(names, [x, y]), size=rng.integers(1, 4), replace=False)
        given = given.tolist()
        both, alone = (network.mutual_information(y, columns) for columns in ([x, *given], given))
        table = network.sample(n, rng)
        yield f"{x} and {y} given {', '.join(given)}", table[[x, *given]], table[y], both - alone


def study(name, seed, n):
    """Of one of the problems."""
    x, y, z, truth = PROBLEMS[name](np.random.default_rng(seed), n)
    named = z.dtype.kind in "OU"
    X = np.hstack([a.astype(object) for a in (x, z)] if named else [x, z])
    given = list(range(x.shape[1], X.shape[1]))
    return compare(f"{name}, seed {seed}", X, y, given, truth, seed)


def compare(label, X, y, given, truth, seed):
    """Errors of both estimators, and whether the interval holds the truth."""
    start = time.process_time()
    mmg = MMGMutualInfo(given=given, random_state=seed).fit(X, y)
    seconds = time.process_time() - start
    low, high = mmg.mutual_info_interval()
    ksg = KSGMutualInfo(given=given, random_state=seed).fit(X, y).mutual_info_
    report(
        f"{label}: truth {truth:.3f}, {mmg.mutual_info_:.3f} in ({low:.3f}, {high:.3f}), "
        f"neighbours {ksg:.3f}, {seconds:.0f} s"
    )
    return mmg.mutual_info_ - truth, ksg - truth, low <= truth <= high


def summary(name, found):
    """A row of the table."""
    ours, theirs, held = map(np.array, zip(*found, strict=True))
    print_row(
        name,
        *(f"{ours.mean():+.4f}", f"{np.abs(ours).mean():.4f}", f"{np.abs(ours).max():.4f}"),
        *(f"{held.sum()} of {len(held)}", f"{theirs.mean():+.4f}", f"{np.abs(theirs).mean():.4f}"),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--problems", nargs="*", default=list(PROBLEMS), choices=PROBLEMS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--wheel")
    parser.add_argument("--triples", type=int, default=30)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    errors = "mean error", "mean absolute", "largest", "held"
    print_head("problem", *errors, "neighbours: mean error", "mean absolute")
    with threadpool_limits(1):
        for name in arguments.problems:
            seeds = range(arguments.seeds)
            summary(name, [study(name, seed, arguments.samples) for seed in seeds])
        if arguments.wheel:
            rng = np.random.default_rng(0)
            triples = network_triples(arguments.wheel, arguments.triples, arguments.samples, rng)
            found = [
                compare(label, X, y, list(range(1, X.shape[1])), truth, 0)
                for label, X, y, truth in triples
            ]
            summary("Gaussian networks", found)


if __name__ == "__main__":
    main()
