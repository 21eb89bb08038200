"""Blocks of columns: which are discrete, and how each side is encoded."""

import numpy as np
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from sklearn.utils import check_array

# Fewer samples than this share an order by chance, or by strong but finite dependence.
MIN_SAMPLES_FOR_RANK_TEST = 50


def discrete_mask(discrete_features, X):
    """Boolean mask of the discrete columns, with the rules and errors of scikit-learn.

    Parameters
    ----------
    discrete_features : {"auto"}, bool or array-like
        As in :func:`sklearn.feature_selection.mutual_info_regression`; ``"auto"`` takes the
        columns of a dense `X` as continuous.
    X : ndarray of shape (n_samples, n_features)

    Returns
    -------
    mask : ndarray of shape (n_features,)
    """
    if isinstance(discrete_features, str | bool):
        if isinstance(discrete_features, str) and discrete_features != "auto":
            raise ValueError("Invalid string value for discrete_features.")
        return np.full(X.shape[1], discrete_features is True)
    discrete_features = check_array(discrete_features, ensure_2d=False)
    if discrete_features.dtype != "bool":
        mask = np.zeros(X.shape[1], dtype=bool)
        try:
            mask[discrete_features] = True
        except IndexError as error:
            raise ValueError(
                f"discrete_features must be indices of the {X.shape[1]} columns of X. "
                f"Got {discrete_features.tolist()} instead."
            ) from error
        return mask
    if discrete_features.shape != (X.shape[1],):
        raise ValueError(
            f"discrete_features has shape {discrete_features.shape}, expected ({X.shape[1]},)."
        )
    return discrete_features


class Block:
    """One side of the mutual information, and its encodings.

    Parameters
    ----------
    columns : ndarray of shape (n_samples, n_columns)
    discrete : ndarray of bool of shape (n_columns,)
    """

    def __init__(self, columns, discrete):
        self.discrete = discrete
        self.kind = "continuous"
        if discrete.any():
            self.kind = "discrete" if discrete.all() else "mixed"
            self.one_hot_ = OneHotEncoder(sparse_output=False).fit(columns[:, discrete])
            self.ordinal_ = OrdinalEncoder().fit(columns[:, discrete])
        if self.kind == "discrete":
            self.classes_ = np.unique(self._flat_codes(columns))

    @property
    def n_dims(self):
        """Dimension of the block as something to be denoised."""
        return len(self.classes_) - 1 if self.kind == "discrete" else len(self.discrete)

    @property
    def n_continuous(self):
        """Number of leading continuous columns in :meth:`as_condition`."""
        return int((~self.discrete).sum())

    @property
    def n_discrete(self):
        """Number of discrete columns."""
        return int(self.discrete.sum())

    def as_condition(self, columns):
        """Continuous columns first, then the one-hot codes of the discrete ones."""
        continuous = columns[:, ~self.discrete].astype(float)
        if self.kind == "continuous":
            return continuous
        return np.hstack([continuous, self.one_hot_.transform(columns[:, self.discrete])])

    def as_target(self, columns, seed):
        """What is denoised: class codes of a discrete block, else continuous columns.

        A discrete column of a mixed block gets uniform noise within its code. The code can be
        read off the sum and the noise is independent of all else, so the mutual information is
        unchanged.
        """
        if self.kind == "continuous":
            return columns.astype(float)
        if self.kind == "mixed":
            codes = self.ordinal_.transform(columns[:, self.discrete])
            noise = np.random.default_rng(seed).uniform(size=codes.shape)
            return np.hstack([columns[:, ~self.discrete].astype(float), codes + noise])
        flat = self._flat_codes(columns)
        code = np.searchsorted(self.classes_, flat).clip(max=len(self.classes_) - 1)
        if not np.array_equal(self.classes_[code], flat):
            raise ValueError("Found combinations of discrete values that were not seen in fit.")
        return code

    def _flat_codes(self, columns):
        codes = self.ordinal_.transform(columns[:, self.discrete]).astype(int)
        return np.ravel_multi_index(codes.T, [len(c) for c in self.ordinal_.categories_])


class Sides:
    """Both blocks, and which of them is denoised.

    Parameters
    ----------
    X, y : ndarray of shape (n_samples, n_columns)
    masks : tuple of two ndarrays of bool
        Discrete columns of either.
    denoise : {"auto", "X", "y"}
    seed : int
        Of the noise within discrete codes.
    """

    def __init__(self, X, y, masks, denoise, seed):
        blocks = {"X": Block(X, masks[0]), "y": Block(y, masks[1])}
        self.denoised = denoise
        if denoise == "auto":
            self.denoised = min(blocks, key=lambda side: self._cost(blocks[side]))
        self.target = blocks[self.denoised]
        self.condition = blocks["y" if self.denoised == "X" else "X"]
        self.seed = seed

    @staticmethod
    def _cost(block):
        return block.kind == "mixed", block.n_dims, block.kind == "discrete"

    def encode(self, X, y):
        """What is denoised, and the columns that condition."""
        target, condition = (X, y) if self.denoised == "X" else (y, X)
        return (
            self.target.as_target(target, self.seed),
            self.condition.as_condition(condition),
        )


def identical_ranks(x, y):
    """Whether some column of `x` orders the samples exactly as some column of `y`, or in reverse.

    Columns with ties are left out: a discrete column has a finite entropy. So are small samples.
    """
    n = len(x)
    if n < MIN_SAMPLES_FOR_RANK_TEST:
        return False
    ranks = []
    for block in (x, y):
        order = [np.argsort(np.argsort(c)) for c in block.T if len(np.unique(c)) == n]
        ranks.append({r.tobytes() for r in order} | {(n - 1 - r).tobytes() for r in order})
    return bool(ranks[0] & ranks[1])
