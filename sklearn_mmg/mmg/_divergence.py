"""Kullback-Leibler divergence by denoising."""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from sklearn_mmg._core.folds import gather, held_out_samples
from sklearn_mmg._core.model import Held, Run
from sklearn_mmg._core.parameters import TRAINING, estimator
from sklearn_mmg._core.training import RowLossNet, resolve_device
from sklearn_mmg._estimate import normal_interval, standard_error
from sklearn_mmg.base import all_or_nothing
from sklearn_mmg.diffusion.density import DiffusionDensity
from sklearn_mmg.mmg._densities import CrossFittedDensities
from sklearn_mmg.preprocessing import Transformer, make_transformer


class RatioParts(NamedTuple):
    """Of every sample, and of what class it is."""

    log_ratio: np.ndarray
    # What a sample of the first class adds to the error, as one that the Gaussian of it is
    # fitted on.
    leverage: np.ndarray


class DensityRatio:
    """Densities of two classes, on one scale, and the logarithm of their ratio.

    Parameters
    ----------
    scaler : SmoothGaussianizer, StandardScaler or None
        Unfitted preprocessing of both, which leaves their ratio as it is.
    **density : those of :class:`DiffusionDensity`
    """

    basis_ = None
    deterministic_ = False

    def __init__(self, *, scaler: Transformer | None, **density: Any) -> None:
        self.scaler = scaler
        self.density = density

    def fit(self, x: np.ndarray, codes: np.ndarray, run: Run) -> Self:
        """Fit on `x` of shape (n, d) and `codes`, 0 or 1, of shape (n, 1)."""
        if self.scaler is not None:
            self.scaler.fit(x)
        x, codes = self._scaled(x), codes.ravel()
        if min(np.sum(codes == k) for k in range(2)) < 2:
            raise ValueError(
                "A class of y has fewer than 2 training samples in a fold: use more samples, or "
                "another cv."
            )
        self.densities_ = [
            DiffusionDensity(scaler=None, **self.density).fit(
                x[codes == k], None, run._replace(seed=run.seed + k, label=f"{run.label}, {k}")
            )
            for k in range(2)
        ]
        # Moments of the second class in the white coordinates of the first.
        white = self.densities_[0].coordinates_.transform(x[codes == 1])
        self.mean_, self.moment_ = white.mean(axis=0), white.T @ white / len(white)
        return self

    @property
    def nets_(self) -> list[RowLossNet]:
        """What was trained."""
        return [net for density in self.densities_ for net in density.nets_]

    def _scaled(self, x: np.ndarray) -> np.ndarray:
        return x if self.scaler is None else np.asarray(self.scaler.transform(x))

    def pointwise(self, x: np.ndarray, codes: object, device: str) -> np.ndarray:
        """Log-density in the second class less that in the first; `codes` are ignored."""
        first, second = self._log_densities(x, device)
        return second - first

    def score(self, x: np.ndarray, codes: np.ndarray, device: str) -> np.ndarray:
        """Log-density of every sample in its own class."""
        return np.choose(codes.ravel().astype(int), self._log_densities(x, device))

    def _log_densities(self, x: np.ndarray, device: str) -> list[np.ndarray]:
        x = self._scaled(x)
        return [density.pointwise(x, None, device) for density in self.densities_]

    def hold_out(self, x: np.ndarray, codes: np.ndarray, device: str) -> Held:
        """Values of held-out samples."""
        white = self.densities_[0].coordinates_.transform(self._scaled(x))
        excess = self.moment_ - np.eye(len(self.mean_))
        of_covariance = np.einsum("ni,ij,nj->n", white, excess, white) - np.trace(excess)
        leverage = white @ self.mean_ + 0.5 * of_covariance
        return Held(RatioParts(self.pointwise(x, codes, device), leverage))


@estimator(TRAINING)
class MMGDivergence(CrossFittedDensities):
    """Kullback-Leibler divergence of two samples, by denoising diffusion.

    The divergence of the distribution of one class from that of another is the mean, over the
    samples of the former, of the logarithm of the ratio of their densities. Denoisers learn both
    densities: the divergence is half the area between the errors, on samples of the one, of the
    denoiser of the other and of its own [1]_. Both start from Gaussians with the moments of the
    samples, for which the divergence is exact. Every sample is evaluated by networks that did not
    see it.

    Where samples of the one are far from all samples of the other no method knows the ratio of
    the densities: the estimate rests on how the tails of the density go on.

    Parameters
    ----------
    preprocessing : {"gaussianize", "standardize"} or None, default="standardize"
        Applied to every column of both samples together: the divergence is that of the columns as
        they are. "standardize" leaves normal samples normal; "gaussianize" is for heavy tails.
    n_steps : int, default=None
        Most optimiser steps per network. None is that of :class:`~sklearn_mmg.MMGMutualInfo`.
    n_nodes : int, default=32
        Noisy copies of every evaluated sample, at half as many stratified log-SNR nodes: at each
        the noise is taken with both signs.
    {parameters}

    Attributes
    ----------
    divergence_ : float
        Of the distribution of ``classes_[1]`` from that of ``classes_[0]``, in nats; slightly
        negative values are noise around zero.
    divergence_se_ : float
        Its standard error: the spread of `log_ratios_`, and, of the samples of ``classes_[0]``,
        what they make of a Gaussian.
    log_ratios_ : ndarray of shape (n_held_out,)
        Logarithm of the ratio of the densities at every held-out sample of either class, in the
        order of the samples.
    classes_ : ndarray of shape (2,)
        Labels, in their order.
    models_ : list
        Fitted models, one per fold.
    net_ : skorch.NeuralNet
        Net of the first training.
    history_ : list of list of dict
        Losses of every training, in nats per column, per 20 steps.
    n_iter_ : int
        Number of steps of the longest training.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if `X` has string column names.

    See Also
    --------
    MMGEntropy : Entropy and density of one sample.
    MMGMutualInfo : With the classes as one side, the Jensen-Shannon divergence.

    References
    ----------
    .. [1] Verdu, "Mismatched Estimation and Relative Entropy", IEEE Transactions on Information
       Theory 56(8), 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import MMGDivergence
    >>> rng = np.random.default_rng(0)
    >>> p, q = rng.normal(1.0, size=(1000, 2)), rng.normal(size=(1000, 2))  # 1 nat
    >>> X, y = np.vstack([q, p]), np.repeat([0, 1], 1000)
    >>> divergence = MMGDivergence(n_steps=40, random_state=0).fit(X, y)
    >>> low, high = divergence.divergence_interval()
    >>> bool(low < 1 < high)
    True
    """

    def _new_model(self) -> DensityRatio:
        self.models_: list[DensityRatio]
        return DensityRatio(scaler=make_transformer(self.preprocessing), **self._of_density())

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Estimate the divergence of two classes of samples.

        The order of the labels matters: the divergence is not symmetric, and infinite where samples
        of the second class lie where the first has none.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Continuous columns, the samples of both classes.
        y : array-like of shape (n_samples,)
            Two labels. The divergence is that of the second one, in their order, from the first.
        groups : array-like of shape (n_samples,), default=None
            Samples of one group are never on both sides of a split, and count as one in the
            standard error.

        Returns
        -------
        object
            The fitted estimator.

        Raises
        ------
        ValueError
            For labels that are not two, columns without a density, parameters out of range, or
            too few samples.
        FloatingPointError
            If a training loss becomes non-finite.

        See Also
        --------
        divergence_interval : What the divergence may be.
        score_samples : Log-ratios of other data.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import MMGDivergence
        >>> rng = np.random.default_rng(0)
        >>> X = np.vstack([rng.normal(size=(300, 2)), rng.normal(1.0, size=(300, 2))])  # 1 nat
        >>> y = np.repeat([0, 1], 300)
        >>> divergence = MMGDivergence(n_steps=20, cv=0.3, random_state=0).fit(X, y)
        >>> divergence.classes_
        array([0, 1])
        >>> bool(abs(divergence.divergence_ - 1) < 0.3)
        True
        """
        with all_or_nothing(self):
            values = self._read(X, reset=True)
            codes = self._codes(values, y)
            held, splits, clusters = self._cross_fit(values, codes[:, None].astype(float), groups)
            log_ratio, leverage = (gather(splits, parts) for parts in zip(*held, strict=True))
            codes = codes[held_out_samples(splits)]
            self.log_ratios_ = log_ratio
            self.divergence_ = float(log_ratio[codes == 1].mean())
            self.divergence_se_ = standard_error(_influence(log_ratio, leverage, codes), clusters)
        return self

    def _codes(self, X: np.ndarray, y: ArrayLike) -> np.ndarray:
        if np.ndim(y) == 0 or np.size(y) != np.shape(y)[0]:
            raise ValueError(
                f"y should be a 1d array, got an array of shape {np.shape(y)} instead: it has the "
                "label of every sample of X, which holds both samples, one below the other."
            )
        labels = column_or_1d(y, warn=True)
        check_consistent_length(X, labels)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(
                f"{type(self).__name__} compares two classes of samples, but y has "
                f"{len(self.classes_)}. Only binary classification is supported: leave out the "
                "samples of the others, or join them."
            )
        return codes

    def divergence_interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Normal confidence interval of the divergence.

        It is from the standard error of the held-out log-ratios, and cut at zero.

        Parameters
        ----------
        confidence : float, default=0.95
            Coverage, between 0 and 1. What training has missed is not in it.

        Returns
        -------
        low : float
            Lower end, in nats; not negative.
        high : float
            Upper end, in nats; not negative.

        See Also
        --------
        fit : The estimate.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import MMGDivergence
        >>> rng = np.random.default_rng(0)
        >>> X = np.vstack([rng.normal(size=(300, 2)), rng.normal(1.0, size=(300, 2))])  # 1 nat
        >>> y = np.repeat([0, 1], 300)
        >>> divergence = MMGDivergence(n_steps=20, cv=0.3, random_state=0).fit(X, y)
        >>> low, high = divergence.divergence_interval()
        >>> bool(low < 1 < high)
        True
        """
        check_is_fitted(self)
        low, high = normal_interval(self.divergence_, self.divergence_se_, confidence)
        return max(low, 0.0), max(high, 0.0)

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Logarithm of the ratio of the densities, averaged over the networks of all folds.

        With equal classes a sample above 0 belongs to ``classes_[1]`` more likely than not: it is
        what the best classifier goes by.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data that did not train the estimator.

        Returns
        -------
        ndarray of shape (n_samples,)
            Above 0 where the density of ``classes_[1]`` is the higher one.

        See Also
        --------
        score : Log-density of every sample in its own class, on average.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import MMGDivergence
        >>> rng = np.random.default_rng(0)
        >>> X = np.vstack([rng.normal(size=(300, 2)), rng.normal(1.0, size=(300, 2))])  # 1 nat
        >>> y = np.repeat([0, 1], 300)
        >>> divergence = MMGDivergence(n_steps=20, cv=0.3, random_state=0).fit(X, y)
        >>> first, second = divergence.score_samples([[-1.0, -1.0], [2.0, 2.0]])
        >>> bool(first < 0 < second)
        True
        """
        values, device = self._read(X, reset=False), resolve_device(self.device)
        return np.mean([m.pointwise(values, values, device) for m in self.models_], axis=0)

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Mean log-density of other data, each sample in its class.

        Safe to maximise, in a grid search say, as the divergence itself is not. Compare only
        scores with equal `preprocessing`: it is that of the preprocessed columns.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data that did not train the estimator.
        y : array-like of shape (n_samples,)
            Labels that were fitted.

        Returns
        -------
        float
            In nats.

        See Also
        --------
        score_samples : The log-ratio of every sample, which needs no labels.
        sklearn.model_selection.GridSearchCV : Searches parameters by the score.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import MMGDivergence
        >>> rng = np.random.default_rng(0)
        >>> X = np.vstack([rng.normal(size=(300, 2)), rng.normal(1.0, size=(300, 2))])  # 1 nat
        >>> y = np.repeat([0, 1], 300)
        >>> divergence = MMGDivergence(n_steps=20, cv=0.3, random_state=0).fit(X, y)
        >>> bool(np.isfinite(divergence.score(X[::10], y[::10])))
        True
        """
        values, device = self._read(X, reset=False), resolve_device(self.device)
        labels = column_or_1d(y, warn=True)
        check_consistent_length(values, labels)
        if unknown := sorted(set(labels.tolist()) - set(self.classes_.tolist())):
            raise ValueError(f"y has the label {unknown[0]!r}, which was not in fit.")
        codes = np.searchsorted(self.classes_, labels)
        of_folds = [model.score(values, codes, device) for model in self.models_]
        return float(np.mean(of_folds))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags


def _influence(log_ratio: np.ndarray, leverage: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """What every sample adds to the error of the divergence, in as many parts as samples."""
    influence = np.empty(len(codes))
    for k, values in ((0, -leverage), (1, log_ratio)):
        of_class = values[codes == k]
        influence[codes == k] = (of_class - of_class.mean()) * len(codes) / len(of_class)
    return influence
