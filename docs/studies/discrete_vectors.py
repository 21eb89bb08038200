"""Mutual information of blocks of discrete columns, where it is known by enumeration.

Run ``python docs/studies/discrete_vectors.py``; ``--problems`` takes some of them by name, and
``--samples`` other sizes. A row of a Markdown table is printed for every problem and size: mean
error over the seeds, the largest, the mean of the standard errors, how many intervals hold the
truth, and seconds of the processor, with one thread per library.
"""

import argparse
import itertools
import time
import warnings

import numpy as np
from printing import print_head, print_row
from scipy.special import xlogy
from threadpoolctl import threadpool_limits

from sklearn_mmg import MMGMutualInfo


def levels_of(n_levels, n_columns):
    """All combinations of levels, in the order of the axes of a table of probabilities."""
    return np.array(list(itertools.product(range(n_levels), repeat=n_columns)))


def information(joint):
    """Mutual information of the two axes of a table of probabilities, in nats."""
    joint = joint / joint.sum()
    outer = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    return float((xlogy(joint, joint) - xlogy(joint, outer)).sum())


def noisy_copies(n_columns, flip=0.1):
    """Independent coins, and each of them again with an error in ten."""
    x = levels_of(2, n_columns)
    differ = (x[:, None] != x[None]).sum(axis=2)
    return x, x, flip**differ * (1 - flip) ** (n_columns - differ)


def neighbours_differ(n_columns, flip=0.1):
    """Columns of y are, but for an error in ten, the exclusive or of two neighbours of x."""
    x = levels_of(2, n_columns)
    target = x ^ np.roll(x, 1, axis=1)
    differ = (target[:, None] != x[None]).sum(axis=2)
    return x, x, flip**differ * (1 - flip) ** (n_columns - differ)


def latent_classes(n_columns, n_classes=4):
    """Four kinds of rows; the columns of a row are independent, with shares of its kind."""
    rng = np.random.default_rng(n_columns)
    x = levels_of(2, n_columns)
    p = rng.uniform(0.1, 0.9, size=(2, n_classes, n_columns))
    of_x, of_y = (np.prod(np.where(x[:, None] == 1, side, 1 - side), axis=2) for side in p)
    return x, x, of_x @ of_y.T / n_classes


def spins(n_columns, coupling=0.6, independent=False):
    """An Ising model with random couplings within both sides and between them."""
    rng = np.random.default_rng(n_columns)
    x = levels_of(2, n_columns)
    s = 2.0 * x - 1
    within = [rng.normal(scale=coupling, size=(n_columns, n_columns)) for _ in range(2)]
    between = rng.normal(scale=coupling, size=(n_columns, n_columns)) / np.sqrt(n_columns)
    energy = [0.5 * np.einsum("ni,ij,nj->n", s, w, s) / np.sqrt(n_columns) for w in within]
    cross = 0.0 if independent else s @ between @ s.T
    return x, x, np.exp(energy[0][:, None] + energy[1] + cross)


def independent_spins(n_columns):
    return spins(n_columns, independent=True, coupling=1.0)


def chain(n_columns, stay):
    """Probabilities of four letters of which each follows the one before."""
    x = levels_of(4, n_columns)
    same = (x[:, 1:] == x[:, :-1]).sum(axis=1)
    p = stay**same * ((1 - stay) / 3) ** (n_columns - 1 - same) / 4
    return x, p


def substituted(n_columns, stay=0.25, change=0.3):
    """Letters, and what substitution makes of them: 3 in 10 become one of the others."""
    x, p = chain(n_columns, stay)
    differ = (x[:, None] != x[None]).sum(axis=2)
    return x, x, p[:, None] * (1 - change) ** (n_columns - differ) * (change / 3) ** differ


def dependent_letters(n_columns):
    """Letters of which each is like the one before in six cases of ten."""
    return substituted(n_columns, stay=0.6)


def independent_letters(n_columns):
    x, p = chain(n_columns, 0.6)
    return x, x, p[:, None] * p


PROBLEMS = {
    **{f"copies {d}+{d}": (noisy_copies, d) for d in (2, 4, 6, 10)},
    **{f"exclusive or {d}+{d}": (neighbours_differ, d) for d in (4, 6, 10)},
    **{f"latent classes {d}+{d}": (latent_classes, d) for d in (2, 4, 6, 10)},
    **{f"spins {d}+{d}": (spins, d) for d in (2, 4, 6, 10)},
    "letters 6+6": (substituted, 6),
    "dependent letters 6+6": (dependent_letters, 6),
    "independent spins 10+10": (independent_spins, 10),
    "independent letters 6+6": (independent_letters, 6),
}


def draw(joint, n, rng):
    """Indices of `n` cells of a table of unnormalised probabilities."""
    cumulative = np.cumsum(joint.ravel())
    cells = np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right")
    return np.unravel_index(cells.clip(max=joint.size - 1), joint.shape)


def study(name, n, seeds, **parameters):
    """A row of the table."""
    make, size = PROBLEMS[name]
    x, y, joint = make(size)
    truth = information(joint)
    found = []
    for seed in seeds:
        rows, columns = draw(joint, n, np.random.default_rng(seed))
        start = time.process_time()
        mmg = MMGMutualInfo(
            discrete_features=True, discrete_target=True, random_state=seed, **parameters
        ).fit(x[rows], y[columns])
        seconds = time.process_time() - start
        low, high = mmg.mutual_info_interval()
        error = mmg.mutual_info_ - truth
        found.append((error, abs(error), mmg.mutual_info_se_, low <= truth <= high, seconds))
    error, absolute, se, held, seconds = np.array(found).T
    print_row(
        *(name, f"{n:,}", f"{truth:.3f}", f"{error.mean():+.4f}", f"{absolute.max():.4f}"),
        *(f"{se.mean():.4f}", f"{int(held.sum())} of {len(held)}", f"{seconds.mean():.0f}"),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--problems", nargs="*", default=list(PROBLEMS), choices=PROBLEMS)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--samples", type=int, nargs="+", default=[10_000])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    errors = "mean error", "largest", "standard error"
    print_head("problem", "samples", "truth", *errors, "held", "seconds")
    with threadpool_limits(1):
        for name, n in itertools.product(arguments.problems, arguments.samples):
            study(name, n, range(arguments.seeds))


if __name__ == "__main__":
    main()
