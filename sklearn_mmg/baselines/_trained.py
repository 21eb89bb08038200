"""What every baseline that trains a network shares; a subclass adds its objective."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sklearn_mmg._cross_fitting import (
    CV_CONSTRAINTS,
    cross_fit,
    gather,
    held_out_samples,
    make_splits,
    standard_error,
)
from sklearn_mmg.base import LINEAR_RELATION, BaseMutualInfo
from sklearn_mmg.preprocessing import make_transformer

# What the docstrings of all subclasses say in the same words.
SHARED_DOCS = {
    "{training_parameters}": """preprocessing : str or transformer, default="gaussianize"
        Map of the columns of either side, fitted on training data: "gaussianize",
        "standardize" or a transformer. The default is that of
        :class:`~sklearn_mmg.MMGMutualInfo`, so that a comparison is one of objectives.
    width : int, default={width}
        Units of the networks.
    depth : int, default={depth}
        Residual blocks of the networks.
    n_steps : int, default={n_steps}
        At most, for every fold.
    batch_size : int, default={batch_size}
        Joint samples of a step.
    learning_rate : float, default={learning_rate}
        Of Adam, after a short warm-up and with cosine decay.
    cv : int, float, splitter or iterable, default=3
        Folds of the cross-fitting, the fraction of a single held-out part, or splits as in
        :class:`~sklearn_mmg.MMGMutualInfo`.
    early_stopping : bool, default=True
        Keep the weights with the best bound on a validation part of the training data, which is
        neither trained on nor evaluated.
    validation_fraction : float, default=0.1
        Of the training data.
    device : str, default="auto"
        A torch device; "auto" takes a GPU if there is one.
    random_state : int, RandomState instance or None, default=None
    n_jobs : int, default=None
        Folds at the same time, through joblib.
    verbose : int, default=0
        Progress bars if positive.""",
    "{discrete}": """discrete_features : {"auto", "from_dtype"}, bool or array-like, default="auto"
        Which columns of `X` are discrete: a bool for all, a mask, indices, or names of columns of
        a data frame. "auto" takes strings, booleans and categories as discrete, and numbers as
        continuous; "from_dtype" is the same.
    discrete_target : {"auto", "from_dtype"}, bool or array-like, default="auto"
        The same for `y`.""",
    "{attributes}": """mutual_info_ : float
        Held-out estimate, in nats.
    mutual_info_se_ : float
        Its standard error: the spread of the held-out values, and that of the mean over
        independent pairs where there is one.
    pointwise_mi_ : ndarray of shape (n_held_out,)
        Held-out values whose mean is ``mutual_info_``, in nats, in the order of the samples.
    net_ : skorch net
        Of the first fold.
    history_ : list of list of dict
        Training and validation losses, per fold and epoch.
    n_iter_ : int
        Steps of the longest training.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if `X` has string column names.""",
}

# Parameters that mean the same for all, but for which a subclass may have a better default.
DEFAULTS_OF_THEIR_OWN = ("width", "depth", "n_steps", "batch_size", "learning_rate")

# The constructors of scikit-learn store their arguments and do nothing else: those of dataclasses.
estimator_with_parameters = dataclass(kw_only=True, eq=False, repr=False)


@estimator_with_parameters
class TrainedMutualInfo(BaseMutualInfo):
    """Cross-fitted estimator with one trained model per fold.

    A subclass implements ``_new_model``, which makes an unfitted model with

    - ``fit(x, y, seed, device, label)``, which leaves the trained net in ``net_``;
    - ``evaluate(x, y, device)``: the values of held-out samples, and the variance of what they
      have in common beyond the samples themselves, such as a mean over independent pairs;
    - ``pointwise(x, y, device)``: the values of later data;
    - ``score(x, y, device)``, where there is something safe to maximise: one value per sample;
    - ``deterministic_``, where it can tell that one side determines the other.

    Its docstring may have the placeholders of `SHARED_DOCS`.
    """

    _parameter_constraints = {
        "preprocessing": [
            StrOptions({"gaussianize", "standardize"}),
            HasMethods(["fit", "transform"]),
        ],
        "width": [Interval(Integral, 1, None, closed="left")],
        "depth": [Interval(Integral, 1, None, closed="left")],
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "cv": CV_CONSTRAINTS,
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "device": [str],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    preprocessing: object = "gaussianize"
    width: int = 64
    depth: int = 2
    n_steps: int = 1000
    batch_size: int = 256
    learning_rate: float = 2e-3
    cv: object = 3
    early_stopping: bool = True
    validation_fraction: float = 0.1
    device: str = "auto"
    random_state: object = None
    n_jobs: object = None
    verbose: int = 0

    _tolerance = 0.0  # nats of the best held-out bound that the weights may lack

    def __init_subclass__(cls):
        super().__init_subclass__()
        doc = cls.__doc__ or ""
        for place, text in SHARED_DOCS.items():
            doc = doc.replace(place, text)
        for name in DEFAULTS_OF_THEIR_OWN:
            doc = doc.replace(f"{{{name}}}", repr(getattr(cls, name)))
        cls.__doc__ = doc

    @abstractmethod
    def _new_model(self):
        """Unfitted model of one fold."""

    def fit(self, X, y, groups=None):
        """Train on every fold and estimate the mutual information of the sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One block.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The other block.
        groups : array-like of shape (n_samples,), default=None
            Samples of one group are never on both sides of a split, and count as one in the
            standard error.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            For data that is not finite and numeric, parameters out of range, or fewer than 6
            training or 2 test samples in a fold.
        FloatingPointError
            If a training loss becomes non-finite.
        """
        self._validate_params()
        with self._all_or_nothing():
            return self._fit(X, y, groups)

    def _fit(self, X, y, groups):
        from sklearn_mmg.neural.training import resolve_device

        X, y = self._validate_blocks(X, y, reset=True)
        rng = check_random_state(self.random_state)
        seed = int(rng.randint(2**31 - 1))
        splits, clusters = make_splits(self.cv, X, y, self._masks, groups, seed)
        # Parts to train on, to stop by and to evaluate on, each with an independent pair.
        if min(len(train) // 3 for train, _ in splits) < 2 or min(len(t) for _, t in splits) < 2:
            raise ValueError(
                f"n_samples={len(X)} is too few for cv={self.cv}: every fold needs 6 training and "
                "2 test samples."
            )
        self._fit_encoding(X, y, seed)
        fits = cross_fit(
            self._new_model,
            *self._encode(X, y),
            splits,
            rng=rng,
            device=resolve_device(self.device),
            n_jobs=self.n_jobs,
        )
        self._store(fits, splits, clusters)
        return self

    @property
    def _order_of_sides(self):
        """The sides in the order in which the models see them."""
        return "Xy"

    def _fit_encoding(self, X, y, seed):
        """Learn how the blocks become numbers that a network takes; continuous ones are."""

    def _encode(self, X, y):
        """Both blocks as the models take them."""
        return X, y

    def _store(self, fits, splits, clusters):
        self.models_ = [model for model, _ in fits]
        nets = [model.net_ for model in self.models_ if hasattr(model, "net_")]
        self.net_ = nets[0] if nets else None
        self.history_ = [[dict(row) for row in net.history] for net in nets]
        self.n_iter_ = max((net.n_steps_ for net in nets), default=0)
        self._warn_of_dropped(self.models_, self._order_of_sides)
        held_out = held_out_samples(splits)
        if any(getattr(model, "deterministic_", False) for model in self.models_):
            self._store_infinite(len(held_out), LINEAR_RELATION)
            return
        self.pointwise_mi_ = gather(splits, [values for _, (values, _) in fits])
        self.mutual_info_ = float(self.pointwise_mi_.mean())
        shared = np.mean([variance for _, (_, variance) in fits]) / len(fits)
        sampling = standard_error(
            self.pointwise_mi_, None if clusters is None else clusters[held_out]
        )
        self.mutual_info_se_ = float(math.hypot(sampling, math.sqrt(shared)))
        self._warn_of_impossible()

    def pointwise_mi(self, X, y):
        """Pointwise mutual information of every sample, averaged over the models of all folds.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data that did not train the estimator.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The other block.

        Returns
        -------
        values : ndarray of shape (n_samples,)
            In nats.
        """
        return self._average("pointwise", X, y)

    def score(self, X, y):
        """What is safe to maximise on other data, in a grid search say.

        Where the estimate is a lower bound it is the mean of :meth:`pointwise_mi`; otherwise the
        docstring of the class says what it is, because a search over the estimate would pick
        whatever overestimates most. Compare only scores with equal `preprocessing`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data that did not train the estimator.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The other block.

        Returns
        -------
        score : float
            In nats.
        """
        return float(self._average("score", X, y).mean())

    def _average(self, method, X, y):
        """What a method of the models gives for every sample, averaged over the models."""
        from sklearn_mmg.neural.training import resolve_device

        X, y = self._validate_blocks(X, y, reset=False)
        if np.isinf(self.mutual_info_):
            return np.full(len(X), math.inf)
        blocks = self._encode(X, y)
        device = resolve_device(self.device)
        return np.mean([getattr(model, method)(*blocks, device) for model in self.models_], axis=0)

    def _transformers(self):
        """Unfitted preprocessing of both blocks of a model."""
        return make_transformer(self.preprocessing), make_transformer(self.preprocessing)

    def _settings(self):
        from sklearn_mmg.neural.training import TrainingSettings

        return TrainingSettings(
            n_steps=self.n_steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            lr_schedule="cosine",
            ema_decay=0.98,
            validation_fraction=self.validation_fraction if self.early_stopping else 0.0,
            tolerance=self._tolerance,
            verbose=self.verbose,
        )


@estimator_with_parameters
class MixedMutualInfo(TrainedMutualInfo):
    """Adds the parameters that say which columns are discrete."""

    _parameter_constraints = TrainedMutualInfo._parameter_constraints | {
        "discrete_features": [StrOptions({"auto", "from_dtype"}), "boolean", "array-like"],
        "discrete_target": [StrOptions({"auto", "from_dtype"}), "boolean", "array-like"],
    }

    discrete_features: object = "auto"
    discrete_target: object = "auto"
