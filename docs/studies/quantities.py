"""Total correlation and its kin, entropy and divergence where the truth is known.

Run ``python docs/studies/quantities.py``; ``--problems`` takes some by name. A row is printed for
every problem and seed. Truths are determinants, closed forms, or means over 400,000 samples of a
known density. Of groups they are total correlation, dual total correlation, O-information and
S-information. A problem is met within 0.05 nats, or 3 % of a divergence, with the right sign of the
O-information and, of entropies, a density of later data above that of the best kernels. Seconds are
of the processor, with one thread per library.
"""

import argparse
import time
import warnings

import numpy as np
from printing import print_head, print_row
from scipy import stats
from scipy.special import logsumexp
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_mmg import MMGDivergence, MMGEntropy, MultiInformation
from sklearn_mmg.datasets import ThreeNormals, asinh, half_cube, spiral

MANY = 400_000
QUANTITIES = "total_correlation", "dual_total_correlation", "o_information", "s_information"


def log_determinant(covariance, columns):
    return np.linalg.slogdet(covariance[np.ix_(columns, columns)])[1]


def truths_of_groups(covariance, groups):
    everything = [j for group in groups for j in group]
    joint = log_determinant(covariance, everything)
    rests = [[j for j in everything if j not in group] for group in groups]
    total = 0.5 * (sum(log_determinant(covariance, group) for group in groups) - joint)
    dual = 0.5 * (joint - sum(joint - log_determinant(covariance, rest) for rest in rests))
    return total, dual, total - dual, total + dual


def covariance_of(kind, n_groups, width=2):
    """Of groups of columns that have a common cause, a sum in the last one, or any relation."""
    n = n_groups * width
    if kind == "redundant":
        return np.kron(np.ones((n_groups, n_groups)), np.eye(width)) + np.eye(n)
    if kind == "synergistic":
        mixing = np.eye(n)
        mixing[-width:] = np.kron(np.ones(n_groups), np.eye(width))
        mixing[-width:, -width:] = 0.5 * np.eye(width)
        return mixing @ mixing.T
    factors = np.random.default_rng(1).normal(size=(n, n + 2))
    return factors @ factors.T / n + 0.3 * np.eye(n)


def bend(X, map_name):
    """Bijections of every group of two columns."""
    maps = {"columns": (half_cube(), asinh()), "spirals": (spiral(),)}.get(map_name, ())
    for i in range(0, X.shape[1], 2):
        if maps:
            X[:, i : i + 2] = maps[i // 2 % len(maps)].transform(X[:, i : i + 2])
    return X


def study_groups(name, n, seed):
    """Errors of the four quantities, in their order, and the sign of the O-information."""
    _, kind, n_groups, *bent = name.split()
    covariance = covariance_of(kind, int(n_groups))
    scale = np.sqrt(np.diag(covariance))
    rng = np.random.default_rng(seed)
    X = rng.multivariate_normal(np.zeros(len(scale)), covariance, size=n, method="cholesky") / scale
    groups = np.arange(len(scale)).reshape(-1, 2).tolist()
    names = {f"group {i}": columns for i, columns in enumerate(groups)}
    estimator = MultiInformation(names, random_state=seed).fit(bend(X, *bent or [""]))
    return against(estimator, truths_of_groups(covariance, groups))


def study_three(name, n, seed):
    problem = getattr(ThreeNormals, name.split()[1])()
    X = np.hstack(problem.sample(n, random_state=seed))
    covariance = np.asarray(problem.covariance)
    estimator = MultiInformation(random_state=seed).fit(X)
    return against(estimator, truths_of_groups(covariance, [[0], [1], [2]]))


def against(estimator, truths):
    values = np.array([getattr(estimator, f"{name}_") for name in QUANTITIES])
    errors = np.array([getattr(estimator, f"{name}_se_") for name in QUANTITIES])
    off = values - truths
    sign = np.sign(values[2]) == np.sign(truths[2])
    return np.abs(off).max() < 0.05 and sign, truths, zip(off, errors, strict=True), ""


def mixture(n_dims, k, spread):
    """Log-density of a mixture of three normals, and a function that draws from it."""
    rng = np.random.default_rng(10 + k)
    centres, weights, scale = spread * rng.normal(size=(3, n_dims)), np.array([0.5, 0.3, 0.2]), 0.7

    def log_density(x):
        parts = [stats.norm(c, scale).logpdf(x).sum(axis=1) for c in centres]
        return logsumexp(np.transpose(parts), axis=1, b=weights)

    def draw(n, rng):
        return centres[rng.choice(3, size=n, p=weights)] + scale * rng.normal(size=(n, n_dims))

    return log_density, draw


def sample_with_entropy(name, n, rng):
    many = np.random.default_rng(99)
    if name == "entropy normal 10":
        mixing = np.random.default_rng(5).normal(size=(10, 10))
        truth = 5 * np.log(2 * np.pi * np.e) + np.linalg.slogdet(mixing)[1]
        return rng.normal(size=(n, 10)) @ mixing, truth
    if name == "entropy uniform":
        return rng.uniform(size=(n, 1)) * 3, np.log(3)
    if name == "entropy uniform 3":
        return rng.uniform(size=(n, 3)) * 3, 3 * np.log(3)
    if name == "entropy Student":
        return rng.standard_t(3, size=(n, 1)), float(stats.t(3).entropy())
    if name == "entropy Student 2":
        scale = np.sqrt(rng.chisquare(3, size=(n, 1)) / 3)
        truth = stats.multivariate_t(df=3, shape=np.eye(2)).entropy()
        return rng.normal(size=(n, 2)) / scale, float(truth)
    if name == "entropy mixture 3":
        log_density, draw = mixture(3, 0, 3.0)
        return draw(n, rng), -log_density(draw(MANY, many)).mean()
    angle, radius = rng.uniform(0, 2 * np.pi, n), 1 + 0.1 * rng.normal(size=n)
    truth = stats.norm(scale=0.1).entropy() + np.log(2 * np.pi)
    truth += np.log(1 + 0.1 * many.normal(size=MANY)).mean()
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), float(truth)


def study_entropy(name, n, seed):
    """Error of the entropy, and what the best kernels say of later data."""
    X, truth = sample_with_entropy(name, n, np.random.default_rng(seed))
    later, _ = sample_with_entropy(name, 2000, np.random.default_rng(1000 + seed))
    estimator = MMGEntropy(random_state=seed).fit(X)
    off = estimator.entropy_ - truth
    scaler = StandardScaler().fit(X)
    grid = {"bandwidth": np.geomspace(0.02, 1, 15)}
    kernels = GridSearchCV(KernelDensity(), grid, cv=3).fit(scaler.transform(X[:3000]))
    kernels = kernels.best_estimator_.fit(scaler.transform(X))
    theirs = kernels.score_samples(scaler.transform(later)).mean() - np.log(scaler.scale_).sum()
    ours = estimator.score(later)
    met = abs(off) < 0.05 and ours > theirs
    return met, [truth], [(off, estimator.entropy_se_)], f"{ours:.4f} / {theirs:.4f}"


def study_divergence(name, n, seed):
    rng, n_dims = np.random.default_rng(seed), int(name.split()[-1])
    if "normals" in name:
        design = np.random.default_rng(7)
        a, b = design.normal(size=(2, n_dims, n_dims))
        of_q = np.eye(n_dims) + 0.3 * a @ a.T / n_dims
        of_p = 0.5 * np.eye(n_dims) + 0.3 * b @ b.T / n_dims
        shift = np.full(n_dims, 2 / np.sqrt(n_dims))
        ratio = np.linalg.solve(of_q, of_p)
        truth = np.trace(ratio) + shift @ np.linalg.solve(of_q, shift) - n_dims
        truth = 0.5 * (truth - np.linalg.slogdet(ratio)[1])
        q = rng.multivariate_normal(np.zeros(n_dims), of_q, size=n)
        p = rng.multivariate_normal(shift, of_p, size=n)
    else:
        (log_q, draw_q), (log_p, draw_p) = (mixture(n_dims, k, 1.0) for k in range(2))
        many = draw_p(MANY, np.random.default_rng(99))
        truth = (log_p(many) - log_q(many)).mean()
        q, p = draw_q(n, rng), draw_p(n, rng)
    estimator = MMGDivergence(random_state=seed).fit(np.vstack([q, p]), np.repeat([0, 1], n))
    off = estimator.divergence_ - truth
    met = abs(off) < max(0.05, 0.03 * truth)
    return met, [truth], [(off, estimator.divergence_se_)], ""


KINDS = "redundant", "synergistic", "mixed"
PROBLEMS = (
    {f"groups {kind} {n}": study_groups for n in (3, 5, 10) for kind in KINDS}
    | {f"groups {kind} {n} columns": study_groups for n in (3, 10) for kind in KINDS}
    | {f"groups {kind} 3 spirals": study_groups for kind in KINDS}
    | {f"three {kind}": study_three for kind in ("common_cause", "collider")}
    | {
        f"entropy {kind}": study_entropy
        for kind in (
            *("normal 10", "uniform", "uniform 3", "Student", "Student 2"),
            *("mixture 3", "ring"),
        )
    }
    | {f"divergence normals {n}": study_divergence for n in (1, 5, 20)}
    | {f"divergence mixtures {n}": study_divergence for n in (1, 2, 5)}
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--problems", nargs="*", default=list(PROBLEMS), choices=PROBLEMS)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    errors = "truth", "error ± standard error", "met", "later data: ours / kernels"
    print_head("problem", "seed", *errors, "seconds")
    for name in arguments.problems:
        for seed in range(arguments.seeds):
            start = time.process_time()
            with threadpool_limits(1):
                met, truths, errors, later = PROBLEMS[name](name, arguments.samples, seed)
            seconds = time.process_time() - start
            truth = ", ".join(f"{t:.3f}" for t in truths)
            error = ", ".join(f"{off:+.4f} ± {se:.4f}" for off, se in errors)
            print_row(name, seed, truth, error, "yes" if met else "no", later, f"{seconds:.0f}")


if __name__ == "__main__":
    main()
