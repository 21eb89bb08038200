"""Differential entropy, and densities, by denoising."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp
from sklearn.base import DensityMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from sklearn_mmg._core.folds import gather
from sklearn_mmg._core.model import FoldModel
from sklearn_mmg._core.parameters import TRAINING, estimator
from sklearn_mmg._core.training import resolve_device
from sklearn_mmg._estimate import normal_interval, standard_error
from sklearn_mmg.base import all_or_nothing
from sklearn_mmg.diffusion.density import DiffusionDensity
from sklearn_mmg.diffusion.likeliest import LikeliestDensity
from sklearn_mmg.mmg._densities import SCALERS, CrossFittedDensities
from sklearn_mmg.preprocessing import make_transformer


@estimator(TRAINING)
class MMGEntropy(DensityMixin, CrossFittedDensities):
    """Differential entropy of a block of columns, and its density, by denoising diffusion.

    Half the area under the error curve of a denoiser over log-SNR, less that of a Gaussian, is
    minus the logarithm of a density [1]_, of every sample; the mean is the entropy. A network
    learns what a Gaussian with the moments of the sample leaves over, and cross-fitting evaluates
    every sample by one that did not see it. The density is in the coordinates of the data: the
    volumes of preprocessing and whitening are accounted for.

    Ties are spread evenly over the gap to their neighbours. Of values that were rounded that leaves
    the entropy as it was, and of whole numbers the result is their entropy as classes.

    The estimate is an upper bound of the entropy on average, as the log-density of a model is too
    low, and ``score`` is safe to maximise.

    Parameters
    ----------
    preprocessing : {"auto", "gaussianize", "standardize"} or None, default="auto"
        Applied to every column, fitted on training data. "gaussianize" learns the densities of the
        single columns, whose ends and tails a network finds hard, and leaves it the dependence
        between them; of a single column nothing is left. Where columns depend strongly on each
        other its maps are too rough, and "standardize" is exact for normal columns. "auto" takes
        the one after which a Gaussian gives held-out training samples the higher density, and
        where there is more to learn than a Gaussian the one whose network does.
    n_steps : int, default=None
        Most optimiser steps per network. None is that of :class:`~sklearn_mmg.MMGMutualInfo`.
    n_nodes : int, default=128
        Noisy copies of every evaluated sample, at half as many stratified log-SNR nodes: at each
        the noise is taken with both signs. More than for mutual information, as their number
        decides how exact the density is at a single point.
    {parameters}

    Attributes
    ----------
    entropy_ : float
        Held-out estimate, in nats. It depends on the units of the columns, and may be negative.
    entropy_se_ : float
        Its standard error, by the spread of `log_densities_`.
    log_densities_ : ndarray of shape (n_held_out,)
        Of held-out samples, in their order; minus their mean is `entropy_`.
    models_ : list
        Fitted models, one per fold.
    net_ : skorch.NeuralNet or None
        Net of the first training; None where none was needed.
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
    MMGDivergence : Kullback-Leibler divergence of two samples.
    sklearn.neighbors.KernelDensity : A sum of kernels, for a few columns.

    References
    ----------
    .. [1] Kong, Brekelmans and Ver Steeg, "Information-Theoretic Diffusion", ICLR 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import MMGEntropy
    >>> X = np.random.default_rng(0).exponential(size=(2000, 1))  # 1 nat
    >>> entropy = MMGEntropy(random_state=0).fit(X)
    >>> low, high = entropy.entropy_interval()
    >>> bool(low < 1 < high)
    True
    """

    _parameter_constraints = {"preprocessing": [StrOptions({"auto", *SCALERS}), None]}

    preprocessing: str | None = "auto"
    n_nodes: int = 128

    def _new_model(self) -> FoldModel:
        names = SCALERS if self.preprocessing == "auto" else [self.preprocessing]
        of_density = self._of_density()
        return LikeliestDensity(
            [DiffusionDensity(scaler=make_transformer(name), **of_density) for name in names]
        )

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: None = None, groups: ArrayLike | None = None) -> Self:
        """Estimate the density and the entropy of a sample.

        The entropy is that of the columns as they are given: it changes with their units, unlike
        mutual information.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Continuous columns.
        y : None
            Ignored.
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
            For columns without a density: constants, strings and categories, and linear functions
            of others; for parameters out of range, or too few samples.
        FloatingPointError
            If a training loss becomes non-finite.

        See Also
        --------
        entropy_interval : What the entropy may be.
        score_samples : Log-densities of other data.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import MMGEntropy
        >>> rng = np.random.default_rng(0)
        >>> X = rng.exponential(size=(1000, 1))  # 1 nat
        >>> entropy = MMGEntropy(n_steps=20, cv=0.3, random_state=0).fit(X)
        >>> bool(abs(entropy.entropy_ - 1) < 0.15)
        True
        """
        with all_or_nothing(self):
            columns = self._read(X, reset=True)
            values, splits, clusters = self._cross_fit(columns, None, groups)
            self.log_densities_ = gather(splits, values)
            self.entropy_ = -float(self.log_densities_.mean())
            self.entropy_se_ = standard_error(self.log_densities_, clusters)
            self._warn_of(
                f"Column {label} of X has values that many samples share: its differential entropy "
                "is minus infinity. The estimate is of values that are spread over the gap to "
                "their neighbours: of whole numbers, their entropy as classes."
                for label in self._heavy
            )
        return self

    def entropy_interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Normal confidence interval of the entropy.

        It is from the standard error of the held-out log-densities. Entropies of continuous columns
        may be negative, and so may its ends.

        Parameters
        ----------
        confidence : float, default=0.95
            Coverage, between 0 and 1. What training has missed is not in it.

        Returns
        -------
        low : float
            Lower end, in nats.
        high : float
            Upper end, in nats.

        See Also
        --------
        fit : The estimate.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import MMGEntropy
        >>> rng = np.random.default_rng(0)
        >>> X = rng.exponential(size=(1000, 1))  # 1 nat
        >>> entropy = MMGEntropy(n_steps=20, cv=0.3, random_state=0).fit(X)
        >>> low, high = entropy.entropy_interval()
        >>> bool(low < 1 < high)
        True
        """
        check_is_fitted(self)
        return normal_interval(self.entropy_, self.entropy_se_, confidence)

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Log-density of every sample under the mean of the densities of all folds.

        Low values mark samples that are unlike those of the fit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data that did not train the estimator: those that did come out too high, and
            ``log_densities_`` has their held-out values.

        Returns
        -------
        ndarray of shape (n_samples,)
            In nats.

        See Also
        --------
        score : Their mean.
        sklearn.neighbors.KernelDensity : Has a method of this name and meaning.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import MMGEntropy
        >>> rng = np.random.default_rng(0)
        >>> X = rng.exponential(size=(1000, 1))  # 1 nat
        >>> entropy = MMGEntropy(n_steps=20, cv=0.3, random_state=0).fit(X)
        >>> common, rare = entropy.score_samples([[0.5], [7.0]])
        >>> bool(common > rare)
        True
        """
        values, device = self._read(X, reset=False), resolve_device(self.device)
        of_folds = [model.pointwise(values, values, device) for model in self.models_]
        return logsumexp(of_folds, axis=0) - np.log(len(of_folds))

    def score(self, X: ArrayLike, y: None = None) -> float:
        """Mean log-density of other data, in nats, as of scikit-learn's mixtures.

        Safe to maximise, in a grid search say: no density has a greater mean than the true one, but
        for the error of the sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data that did not train the estimator.
        y : None
            Ignored.

        Returns
        -------
        float
            Minus an upper bound of the entropy, in nats.

        See Also
        --------
        score_samples : Of every sample.
        sklearn.mixture.GaussianMixture : A density with the same kind of score.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import MMGEntropy
        >>> rng = np.random.default_rng(0)
        >>> X = rng.exponential(size=(1000, 1))  # 1 nat
        >>> entropy = MMGEntropy(n_steps=20, cv=0.3, random_state=0).fit(X)
        >>> bool(abs(entropy.score(rng.exponential(size=(1000, 1))) + 1) < 0.15)
        True
        """
        return float(self.score_samples(X).mean())
