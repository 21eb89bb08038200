"""Every sample is evaluated by a model that it did not train."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.utils.parallel import Parallel, delayed


def make_splits(cv, n_samples, seed):
    """``(train, test)`` indices of the folds: `cv` of them, or one that holds out a fraction."""
    if isinstance(cv, Integral):
        splitter = KFold(cv, shuffle=True, random_state=seed)
    else:
        splitter = ShuffleSplit(n_splits=1, test_size=cv, random_state=seed)
    return list(splitter.split(np.zeros(n_samples)))


def held_out_order(splits):
    """Indices that put values of shuffled folds, one after the other, in the order of samples."""
    return np.argsort(np.concatenate([test for _, test in splits]))


def cross_fit(new_model, x, y, splits, *, rng, device, n_jobs):
    """Fit a model to each split and evaluate it on the rest.

    Parameters
    ----------
    new_model : callable
        Makes an unfitted model with ``fit(x, y, seed, device, label)`` and ``evaluate(x, y,
        device)``.
    x, y : ndarray of n_samples rows
    splits : list of (train, test)
    rng : RandomState
        Seeds of the fits.
    device : str
    n_jobs : int or None

    Returns
    -------
    fits : list of tuple
        Model, and what its ``evaluate`` made of the test rows, for each split.
    """
    return Parallel(n_jobs=n_jobs)(
        delayed(_fit_and_evaluate)(
            new_model(),
            (x[train], y[train]),
            (x[test], y[test]),
            seed=int(rng.randint(2**31 - 1)),
            device=device,
            label=f"fold {i + 1}/{len(splits)}",
        )
        for i, (train, test) in enumerate(splits)
    )


def _fit_and_evaluate(model, train, test, seed, device, label):
    model.fit(*train, seed, device, label)
    return model, model.evaluate(*test, device)
