"""Mutual information of a target with any subset of columns, from one training."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted
from tqdm.auto import tqdm

from sklearn_mmg._atoms import is_discrete_column
from sklearn_mmg._core.cross_fitted import MixedMutualInfo
from sklearn_mmg._core.folds import Split, gather, held_out_samples
from sklearn_mmg._core.model import FoldModel, Held
from sklearn_mmg._core.parameters import DISCRETE, TRAINING, estimator
from sklearn_mmg._core.sides import Sides
from sklearn_mmg._core.training import resolve_device
from sklearn_mmg._estimate import Estimate, standard_error
from sklearn_mmg._feature_groups import Features, column_index, columns_by_group, listed
from sklearn_mmg.diffusion.fold_training import default_steps
from sklearn_mmg.feature_selection._gains import added_in_order, random_orders
from sklearn_mmg.feature_selection._subset_classes import ClassSubsets
from sklearn_mmg.feature_selection._subset_densities import DensitySubsets
from sklearn_mmg.feature_selection._subset_model import SubsetModel

# Every subset has to be learned: half as many steps again as for two of them, within these.
STEPS = 300, 2000


class ShapleyValues(NamedTuple):
    """Shares of columns, or of groups of them, in the mutual information of all."""

    values: np.ndarray  # of shape (n_groups,), in nats
    standard_errors: np.ndarray
    pointwise: np.ndarray  # of shape (n_groups, n_samples): of every sample


@estimator(TRAINING, DISCRETE)
class SubsetMutualInfo(MixedMutualInfo):
    """Mutual information of a target with every subset of columns, from one training.

    A network denoises the target given the columns that a random mask leaves, so that one training
    knows ``I(y; x_S)`` for every subset `S`: half the area between the error curves of the denoiser
    that sees nothing and of the one that sees `S` [1]_. It starts from the closed form of a
    linear-Gaussian model given `S`. Of a discrete target it learns class probabilities. Every
    sample is evaluated by a network that did not see it.

    The value of a subset is the direct form of the identity: where the margin of the target is
    known, as of classes and of a single column, a bound from below. Subsets are compared sample by
    sample.

    Parameters
    ----------
    feature_groups : dict of str to columns, default=None
        Columns that are masked together, such as the codes of one variable, by the name of the
        group. Columns in no group are groups of their own. None means that all are.
    max_groups : int, default=None
        Groups that the network of a fold sees: those that tell most alone or together with one
        other, by the correlations of low-degree functions on the training samples of the fold.
        None is one for every 32 of these, or for every 8 if they are certain to tell something,
        from 16 to 128. The others count as telling nothing.
    n_steps : int, default=None
        Most optimiser steps of a training. None follows the number of samples as
        :class:`~sklearn_mmg.MMGMutualInfo` does, half as many again, from 300 to 2,000.
    n_nodes : int, default=16
        Noisy copies of every evaluated sample of a continuous target. All subsets share them.
    {parameters}

    Attributes
    ----------
    {attributes}
    groups_ : dict of str or int to ndarray
        Columns of every group, in the order of the groups.
    screened_ : ndarray of shape (n_groups,)
        Minus the logarithm of the p-value by which a group is kept for the network, averaged over
        the folds.

    See Also
    --------
    SequentialMutualInfoSelector : Selects columns by these values.
    mutual_info_mmg : Of single columns, faster.
    MMGMutualInfo : Of all columns together, more accurate.

    References
    ----------
    .. [1] Yu et al., "Mutual Information Estimation via the MMSE Gap in Diffusion", 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import SubsetMutualInfo
    >>> rng = np.random.default_rng(0)
    >>> X = rng.choice([-1, 1], size=(1000, 4))
    >>> y = X[:, 0] * X[:, 1] > 0
    >>> subsets = SubsetMutualInfo(cv=0.3, random_state=0).fit(X, y)
    >>> bool(subsets.mutual_info(features=[0]) < 0.05)
    True
    >>> bool(subsets.mutual_info(features=[0, 1]) > 0.6)  # log(2) = 0.693
    True
    """

    _parameter_constraints = {
        "feature_groups": [Mapping, None],
        "max_groups": [Interval(Integral, 1, None, closed="left"), None],
        "n_steps": [Interval(Integral, 1, None, closed="left"), None],
        "n_nodes": [Interval(Integral, 2, None, closed="left")],
    }

    feature_groups: Mapping[str, Features] | None = None
    max_groups: int | None = None
    n_steps: int | None = None
    learning_rate: float = 6e-3
    validation_fraction: float = 0.2
    n_nodes: int = 16

    _trains_on_relations = True

    def _new_sides(self, X: np.ndarray, y: np.ndarray, seed: int) -> Sides:
        features, target = self._masks
        # Between the levels of a column of few there is nothing to be denoised: they are classes.
        masks = features, target | is_discrete_column(y)
        sides = Sides(X, y, masks, "y", seed, crosses=True)
        self.sides_: Sides
        self.models_: list[SubsetModel]
        self.groups_ = columns_by_group(self.feature_groups, X.shape[1], self._names)
        of_column = np.empty(X.shape[1], dtype=int)
        for i, columns in enumerate(self.groups_.values()):
            of_column[columns] = i
        self._group_of_code = of_column[sides.condition.column_of_code]
        return sides

    def _new_model(self) -> SubsetModel:
        target = self.sides_.target
        of_target, of_columns = self.sides_.transformers(self.preprocessing)
        n_steps = self.n_steps or int(np.clip(1.5 * default_steps(target.n_samples_), *STEPS))
        parameters = {
            "settings": replace(self._settings(), optimizer="soap", n_steps=n_steps),
            "group": self._group_of_code,
            "max_groups": self.max_groups,
            "network": {"width": self.width, "depth": self.depth},
        }
        if target.kind == "discrete":
            return ClassSubsets(
                n_classes=target.n_dims + 1, transformers=(None, of_columns), **parameters
            )
        return DensitySubsets(
            normal_margin=self.preprocessing == "gaussianize",
            n_nodes=self.n_nodes,
            transformers=(of_target, of_columns),
            **parameters,
        )

    def _cross_fit(
        self,
        models: Sequence[FoldModel],
        blocks: Sequence[np.ndarray],
        splits: list[Split],
        rng: np.random.RandomState,
        device: str,
    ) -> tuple[list[FoldModel], list[Held]]:
        self._blocks, self._splits = blocks, splits
        return super()._cross_fit(models, blocks, splits, rng, device)

    def _fit(self, X: np.ndarray, y: np.ndarray, groups: ArrayLike | None) -> Estimate:
        # One column may determine the target, and the others still be of interest.
        estimate = super()._fit(X, y, groups)
        self._clusters = estimate.clusters
        self.screened_ = np.mean([model.scores_ for model in self.models_], axis=0)
        return estimate

    def mutual_info(
        self,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        features: Features | None = None,
        return_se: bool = False,
    ) -> float | tuple[float, float]:
        """Mutual information of the target with a subset of columns.

        Nothing is trained again: the network of ``fit`` knows all subsets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), default=None
            Data that did not train the estimator. None is for the fitted sample, each of it
            evaluated by a network that did not see it.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            The target, if there is an `X`.
        features : int, str or list of them, default=None
            Columns by index or name, or names of groups; None is all of them. A column stands for
            its group.
        return_se : bool, default=False
            Whether to return the standard error as well.

        Returns
        -------
        mutual_info : float
            In nats. Slightly negative values are noise around zero.
        standard_error : float
            Only if `return_se`.

        See Also
        --------
        conditional_mutual_info : What a subset tells beyond another one.
        information_shapley : What every column contributes.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import SubsetMutualInfo
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(1000, 3))
        >>> y = X[:, 0] + X[:, 1] + rng.normal(size=1000)
        >>> subsets = SubsetMutualInfo(n_steps=20, cv=0.3, random_state=0).fit(X, y)
        >>> value, error = subsets.mutual_info(features=0, return_se=True)
        >>> bool(abs(value - np.log(3 / 2) / 2) < 3 * error)
        True
        """
        return self._mean(self.pointwise_mi(X, y, features=features), X, return_se)

    def conditional_mutual_info(
        self,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        features: Features,
        given: Features,
        return_se: bool = False,
    ) -> float | tuple[float, float]:
        """What a subset of columns tells of the target beyond another one.

        It is near zero for columns that repeat what is given, and may exceed the mutual information
        where columns tell something only together.

        Parameters
        ----------
        X, y : array-like, default=None
            As in :meth:`mutual_info`.
        features : int, str or list of them
            The subset.
        given : int, str or list of them
            What is known already.
        return_se : bool, default=False
            Whether to return the standard error as well.

        Returns
        -------
        conditional_mutual_info : float
            In nats: a difference of mutual information with two subsets.
        standard_error : float
            Of the differences of pointwise values. Only if `return_se`.

        See Also
        --------
        mutual_info : Without a condition.
        sklearn_mmg.MMGMutualInfo : With ``given``, for one question and more accurate.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import SubsetMutualInfo
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(1000, 3))
        >>> y = X[:, 0] + X[:, 1] + rng.normal(size=1000)
        >>> subsets = SubsetMutualInfo(n_steps=20, cv=0.3, random_state=0).fit(X, y)
        >>> value, error = subsets.conditional_mutual_info(features=0, given=1, return_se=True)
        >>> bool(abs(value - np.log(2) / 2) < 3 * error)
        True
        """
        known = self._mask(given)
        masks = np.array([known | self._mask(features), known])
        both, fewer = self._pointwise(masks, X, y)
        return self._mean(both - fewer, X, return_se)

    def pointwise_mi(
        self,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        features: Features | None = None,
    ) -> np.ndarray:
        """Pointwise mutual information of every sample with a subset of columns.

        Differences of two subsets say what columns add for every single sample.

        Parameters
        ----------
        X, y : array-like, default=None
            As in :meth:`mutual_info`.
        features : int, str or list of them, default=None
            The subset, as in :meth:`mutual_info`.

        Returns
        -------
        ndarray of shape (n_samples,)
            In nats. Of the fitted sample those that some split holds out.

        See Also
        --------
        mutual_info : The mean.
        sklearn_mmg.PointwiseContributionDisplay : What a column adds, as a picture.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import SubsetMutualInfo
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(1000, 3))
        >>> y = X[:, 0] + X[:, 1] + rng.normal(size=1000)
        >>> subsets = SubsetMutualInfo(n_steps=20, cv=0.3, random_state=0).fit(X, y)
        >>> values = subsets.pointwise_mi(features=[0, 1])
        >>> bool(np.isclose(values.mean(), subsets.mutual_info(features=[0, 1])))
        True
        """
        values = self._pointwise(self._mask(features)[None], X, y)[0]
        if features is None and np.isinf(self.mutual_info_):
            return np.full(len(values), np.inf)
        return values

    def information_shapley(
        self,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        n_permutations: int = 16,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> ShapleyValues:
        """Shapley values: the mutual information of all columns, shared out among them.

        The share of a column is what it adds, on average, to those before it in a random order.
        They sum to the mutual information of all columns, and those of columns that tell the same
        are equal. With the logarithmic loss this is SAGE [1]_.

        Parameters
        ----------
        X, y : array-like, default=None
            As in :meth:`mutual_info`.
        n_permutations : int, default=16
            Orders, half of them the reverse of the others.
        random_state : int, RandomState instance or None, default=None
            Of the orders.
        verbose : int, default=0
            With 1 or more, a progress bar over the orders.

        Returns
        -------
        ShapleyValues
            ``values``, ``standard_errors``, by samples and by orders, and ``pointwise``, in the
            order of ``groups_``.

        See Also
        --------
        mutual_info : Of a single subset.
        sklearn_mmg.ColumnInformationDisplay : The shares as a picture.

        References
        ----------
        .. [1] Covert, Lundberg and Lee, "Understanding Global Feature Contributions With Additive
           Importance Measures", 2020.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import SubsetMutualInfo
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(1000, 3))
        >>> y = X[:, 0] + X[:, 1] + rng.normal(size=1000)
        >>> subsets = SubsetMutualInfo(n_steps=20, cv=0.3, random_state=0).fit(X, y)
        >>> shares = subsets.information_shapley(n_permutations=4, random_state=0).values
        >>> bool(np.isclose(shares.sum(), subsets.mutual_info()))
        True
        """
        check_is_fitted(self)
        if not isinstance(n_permutations, Integral) or n_permutations < 1:
            raise ValueError(
                "n_permutations must be an int in the range [1, inf). "
                f"Got {n_permutations!r} instead."
            )
        rng = check_random_state(random_state)
        n_groups = len(self.groups_)
        orders = random_orders(n_groups, n_permutations, rng)
        nothing = np.zeros(n_groups, dtype=bool)
        of_orders = [
            added_in_order(order, nothing, lambda masks: self._pointwise(masks, X, y))
            for order in tqdm(orders, disable=not verbose, unit="order")
        ]
        pointwise = np.mean(of_orders, axis=0)
        means = np.array([added.mean(axis=1) for added in of_orders])
        pairs = means.reshape(-1, 2, n_groups).mean(axis=1) if len(means) % 2 == 0 else means
        of_choice = pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs)) if len(pairs) > 1 else 0.0
        clusters = self._clusters if X is None else None
        of_samples = np.array([standard_error(row, clusters) for row in pointwise])
        return ShapleyValues(pointwise.mean(axis=1), np.hypot(of_samples, of_choice), pointwise)

    @property
    def feature_importances_(self) -> np.ndarray:
        """Shapley values of the columns; a group shares its own evenly.

        Negative ones are 0. They are computed anew at every access; :meth:`information_shapley`
        also has their standard errors.

        See Also
        --------
        information_shapley : With standard errors, and for other data.
        sklearn.feature_selection.SelectFromModel : Selects columns by them.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mmg import SubsetMutualInfo
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(300, 2))
        >>> y = X[:, 0] + rng.normal(size=300)
        >>> subsets = SubsetMutualInfo(n_steps=20, cv=0.3, n_nodes=4, random_state=0).fit(X, y)
        >>> cause, independent = subsets.feature_importances_
        >>> bool(cause > 0.2 > independent)
        True
        """
        check_is_fitted(self)
        shares = self.information_shapley(random_state=0).values
        importances = np.zeros(self.n_features_in_)
        for columns, share in zip(self.groups_.values(), shares, strict=True):
            importances[columns] = max(share, 0.0) / len(columns)
        return importances

    @property
    def _names(self) -> list[str] | None:
        """Names of the columns, if they have any."""
        names = getattr(self, "feature_names_in_", None)
        return None if names is None else names.tolist()

    @property
    def _seen_groups(self) -> np.ndarray:
        """Groups that some network saw; the others have no value in any subset."""
        return np.unique(np.concatenate([model.kept_ for model in self.models_]))

    def _mask(self, features: Features | None) -> np.ndarray:
        """Which groups a subset has."""
        check_is_fitted(self)
        if features is None:
            return np.ones(len(self.groups_), dtype=bool)
        if isinstance(features, np.ndarray) and features.dtype == bool:
            if features.shape != (self.n_features_in_,):
                raise ValueError(
                    f"A mask of features has shape ({self.n_features_in_},). Got {features.shape}."
                )
            features = np.flatnonzero(features)
        mask = np.zeros(len(self.groups_), dtype=bool)
        names = list(self.groups_)
        for feature in listed(features):
            if isinstance(feature, str) and feature in names:
                mask[names.index(feature)] = True
            else:
                column = column_index(feature, self.n_features_in_, self._names)
                mask |= [column in columns for columns in self.groups_.values()]
        return mask

    def _pointwise(
        self,
        masks: np.ndarray,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        rows: np.ndarray | None = None,
        n_nodes: int | None = None,
        permuted: int | None = None,
    ) -> np.ndarray:
        """Values of the samples, of shape (n_masks, n_samples).

        Without `X` those of the fitted sample that are held out, or of these the given `rows`. A
        `permuted` group has the values of other samples.
        """
        device = resolve_device(self.device)
        if X is not None:
            if y is None:
                raise ValueError("y is needed with X: leave out both for the fitted sample.")
            target, columns = self._encode_later(*self._validate_blocks(X, y, reset=False))
            return np.mean([m.values(target, columns, masks, device) for m in self.models_], axis=0)
        if y is not None:
            raise ValueError("X is needed with y: leave out both for the fitted sample.")
        held_out = held_out_samples(self._splits)
        wanted = held_out if rows is None else held_out[rows]
        splits, parts = [], []
        for model, (train, test) in zip(self.models_, self._splits, strict=True):
            test = test[np.isin(test, wanted)]
            if len(test):
                target, columns = (block[test] for block in self._blocks)
                if permuted is not None:
                    others = np.random.default_rng(permuted).permutation(len(test))
                    columns = np.where(self._group_of_code == permuted, columns[others], columns)
                splits.append((train, test))
                parts.append(model.values(target, columns, masks, device, n_nodes))
        return np.array([gather(splits, of_mask) for of_mask in zip(*parts, strict=True)])

    def _mean(
        self, values: np.ndarray, X: ArrayLike | None, return_se: bool
    ) -> float | tuple[float, float]:
        mean = float(values.mean())
        if not return_se:
            return mean
        return mean, standard_error(values, self._clusters if X is None else None)
