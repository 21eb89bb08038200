"""Mean and variance of a column given another, as complex as held-out evidence has it.

Candidates go from the simplest, which says that the other column tells nothing, to the most
flexible.
"""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cholesky, solve_triangular

N_MEAN_TERMS = (0, 2, 3, 4, 6, 9, 13, 18, 24)  # 1, the condition itself, splines
N_VARIANCE_TERMS = (1, 2, 3, 5, 8, 12)
CLASS_SHRINKAGE = (np.inf, 32.0, 8.0, 2.0, 0.5)  # samples that speak for the mean of all
SMALLEST_VARIANCE = 1e-30
ROUNDING = 1e-11  # of a difference of sums of squares
OUTLIER = 50.0  # variances; a larger square would decide the fit alone
NEWTON_STEPS = 12


def spline_means(
    design: np.ndarray, x: np.ndarray, parts: Sequence[np.ndarray]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Predictions of `x` by the first columns of a `design`, however many.

    Parameters
    ----------
    design : ndarray of shape (n, n_terms)
        A constant, the condition and ever finer splines of it.
    x : ndarray of shape (n,)
        With a standard normal margin.
    parts : list of ndarray of int
        Samples of every fold; the others train.

    Returns
    -------
    evidence : ndarray of shape (n_candidates,)
        Held-out gain in log-density over the margin, summed over all samples. The first candidate
        is the margin itself.
    coefficients : list of ndarray of shape (n_terms, n_candidates)
        Of every fold.
    """
    terms = [k for k in N_MEAN_TERMS if k <= design.shape[1]]
    design = design[:, : terms[-1]]
    rows = [design[part] for part in parts]
    grams = [a.T @ a for a in rows]
    moments = [a.T @ x[part] for a, part in zip(rows, parts, strict=True)]
    squares = [x[part] @ x[part] for part in parts]
    evidence, fitted = np.zeros(len(terms)), []
    for part, gram, moment, square in zip(parts, grams, moments, squares, strict=True):
        n_train = len(x) - len(part)
        others = sum(grams) - gram, sum(moments) - moment, sum(squares) - square
        coefficients = _leading_solutions(*others[:2], n_train, terms)
        variances = _left(*others, coefficients) / np.maximum(n_train - np.array(terms), 1)
        variances[0] = 1.0
        variances = np.maximum(variances, SMALLEST_VARIANCE)
        left = _left(gram, moment, square, coefficients)
        evidence += 0.5 * (square - left / variances - len(part) * np.log(variances))
        fitted.append(coefficients)
    return evidence, fitted


def _leading_solutions(
    gram: np.ndarray, moment: np.ndarray, n_train: int, terms: Sequence[int]
) -> np.ndarray:
    """Penalised least squares on the first few columns, for every number of them."""
    gram = gram.copy()
    gram[np.diag_indices(len(gram))] += np.r_[[1e-9 * n_train] * 2, [1.0] * (len(gram) - 2)]
    # One factorisation for all: the leading block of a triangle is the triangle of the block.
    lower = cholesky(gram, lower=True)
    z = solve_triangular(lower, moment, lower=True)
    coefficients = np.zeros((len(gram), len(terms)))
    for j, k in enumerate(terms[1:], start=1):
        coefficients[:k, j] = solve_triangular(
            lower[:k, :k],
            z[:k],
            lower=True,
            trans="T",  # pyright: ignore[reportArgumentType]  # inferred from the default, 0
        )
    return coefficients


def _left(
    gram: np.ndarray, moment: np.ndarray, square: float | np.ndarray, coefficients: np.ndarray
) -> np.ndarray:
    """Sums of squares that predictions with these coefficients leave."""
    explained = 2 * moment @ coefficients - np.einsum("ij,ij->j", coefficients, gram @ coefficients)
    return np.maximum(square - explained, ROUNDING * square)


def spline_log_variances(
    basis: np.ndarray, weights: np.ndarray, squares: np.ndarray, variance: float
) -> list[np.ndarray]:
    """Log-variances over cells of the condition, by penalised maximum likelihood.

    Parameters
    ----------
    basis : ndarray of shape (n_cells, n_functions)
        Ever finer functions; the first is constant.
    weights, squares : ndarray of shape (n_cells,)
        Number of samples, and sum of their squared residuals.
    variance : float
        Common variance, from which the search starts and to which the penalty pulls.

    Returns
    -------
    coefficients : list of ndarray
    """
    terms = [k for k in N_VARIANCE_TERMS if k <= basis.shape[1]]
    level = np.array([np.log(variance) / basis[0, 0]])
    squares = np.minimum(squares, OUTLIER * variance * np.maximum(weights, 1e-12))
    fitted = [level]
    for k in terms[1:]:
        start = np.zeros(k)
        start[0] = level[0]
        fitted.append(_gamma_regression(basis[:, :k], weights, squares, start))
    return fitted


def _gamma_regression(
    basis: np.ndarray, weights: np.ndarray, squares: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Newton steps, halved where they overshoot, on the convex negative log-likelihood."""
    penalty = np.r_[1e-6, np.ones(len(start) - 1)]

    def loss(theta: np.ndarray) -> float:
        eta = np.clip(basis @ theta, -80, 80)
        return (weights * eta + squares * np.exp(-eta)).sum() + (
            penalty * (theta - start) ** 2
        ).sum()

    theta, value = start, loss(start)
    for _ in range(NEWTON_STEPS):
        excess = squares * np.exp(-np.clip(basis @ theta, -80, 80))
        gradient = basis.T @ (weights - excess) + 2 * penalty * (theta - start)
        # Part of the expected curvature, so that empty cells do not make a step endless.
        curvature = (basis * (excess + 0.01 * weights)[:, None]).T @ basis + 2 * np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        for _ in range(10):
            candidate = loss(theta - step)
            if candidate <= value:
                break
            step = step / 2
        else:
            return theta
        theta, gain, value = theta - step, value - candidate, candidate
        if gain < 1e-3:
            break
    return theta


def class_means(
    codes: np.ndarray, n_classes: int, x: np.ndarray, train: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means of classes, shrunk towards the mean of all by ever less.

    Returns
    -------
    means : ndarray of shape (n_classes, n_candidates)
    variances : ndarray of shape (n_candidates,)
    """
    counts = np.bincount(codes[train], minlength=n_classes)
    sums = np.bincount(codes[train], x[train], minlength=n_classes)
    strength = np.array(CLASS_SHRINKAGE)
    means = sums[:, None] / (np.maximum(counts, 1e-9)[:, None] + strength)
    squares = np.square(x[train, None] - means[codes[train]]).sum(axis=0)
    # Effective number of fitted means.
    spent = (counts[:, None] / (np.maximum(counts, 1e-9)[:, None] + strength)).sum(axis=0)
    variances = squares / np.maximum(train.sum() - spent, 1.0)
    variances[0] = 1.0
    return means, np.maximum(variances, SMALLEST_VARIANCE)


def class_log_variances(
    counts: np.ndarray, squares: np.ndarray, variance: float
) -> list[np.ndarray]:
    """Log-variances of classes, shrunk towards a common one by ever less."""
    return [
        np.log(np.full(len(counts), variance))
        if np.isinf(strength)
        else np.log((squares + (strength + 1) * variance) / (counts + strength + 1))
        for strength in CLASS_SHRINKAGE
    ]
