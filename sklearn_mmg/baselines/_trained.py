"""What every baseline that trains a network shares; a subclass adds its objective."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sklearn_mmg._cross_fitting import cross_fit, held_out_order, make_splits
from sklearn_mmg.base import BaseMutualInfo
from sklearn_mmg.preprocessing import make_transformer

# What the docstrings of all subclasses say in the same words.
SHARED_DOCS = {
    "{training_parameters}": """preprocessing : str or transformer, default="gaussianize"
        Map of the columns of either side, fitted on training data: "gaussianize",
        "standardize" or a transformer. The default is that of
        :class:`~sklearn_mmg.MMGMutualInfo`, so that a comparison is one of objectives.
    width : int, default=64
        Units of the networks.
    depth : int, default=2
        Residual blocks of the networks.
    n_steps : int, default=1000
        At most, for every fold.
    batch_size : int, default=256
        Joint samples of a step; all others of the batch are their independent pairs.
    learning_rate : float, default=2e-3
        Of Adam, after a short warm-up and with cosine decay.
    cv : int or float, default=3
        Folds of the cross-fitting, or the fraction of a single held-out part.
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
    "{attributes}": """mutual_info_ : float
        Held-out bound, in nats.
    mutual_info_se_ : float
        Its standard error: the spread of the held-out values, and that of the mean over
        independent pairs where the bound has one.
    pointwise_mi_ : ndarray of shape (n_samples,)
        Held-out values whose mean is ``mutual_info_``, in nats.
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


# The constructors of scikit-learn store their arguments and do nothing else: those of dataclasses.
estimator_with_parameters = dataclass(kw_only=True, eq=False, repr=False)


@estimator_with_parameters
class TrainedMutualInfo(BaseMutualInfo):
    """Cross-fitted estimator with one trained model per fold.

    A subclass implements ``_new_model``, which makes an unfitted model with ``fit(x, y, seed,
    device, label)``, with ``evaluate(x, y, device)``, which gives the held-out pointwise values and
    the variance of what they have in common, and with ``pointwise(x, y, device)`` for later data;
    ``net_`` is its trained net. Its docstring may have the placeholders of `SHARED_DOCS`.
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
        "cv": [
            Interval(Integral, 2, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
        ],
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

    def __init_subclass__(cls):
        super().__init_subclass__()
        for place, text in SHARED_DOCS.items():
            cls.__doc__ = (cls.__doc__ or "").replace(place, text)

    @abstractmethod
    def _new_model(self):
        """Unfitted model of one fold."""

    def fit(self, X, y):
        """Train on every fold and estimate the mutual information of the sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One block, of continuous columns.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The other block, of continuous columns.

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
            return self._fit(X, y)

    def _fit(self, X, y):
        from sklearn_mmg.neural.training import resolve_device

        X, y = self._validate_blocks(X, y, discrete_target=False, reset=True)
        rng = check_random_state(self.random_state)
        splits = make_splits(self.cv, len(X), seed=int(rng.randint(2**31 - 1)))
        # Parts to train on, to stop by and to evaluate on, each with an independent pair.
        if min(len(train) // 3 for train, _ in splits) < 2 or min(len(t) for _, t in splits) < 2:
            raise ValueError(
                f"n_samples={len(X)} is too few for cv={self.cv}: every fold needs 6 training and "
                "2 test samples."
            )
        fits = cross_fit(
            self._new_model,
            X,
            y,
            splits,
            rng=rng,
            device=resolve_device(self.device),
            n_jobs=self.n_jobs,
        )
        self.n_targets_in_ = y.shape[1]
        self._store(fits, held_out_order(splits))
        return self

    def _store(self, fits, order):
        self.models_ = [model for model, _ in fits]
        self.net_ = self.models_[0].net_
        self.history_ = [[dict(row) for row in model.net_.history] for model in self.models_]
        self.n_iter_ = max(model.net_.n_steps_ for model in self.models_)
        self.pointwise_mi_ = np.concatenate([values for _, (values, _) in fits])[order]
        self.mutual_info_ = float(self.pointwise_mi_.mean())
        shared = np.mean([variance for _, (_, variance) in fits]) / len(fits)
        sampling = self.pointwise_mi_.var(ddof=1) / len(order) if len(order) > 1 else math.inf
        self.mutual_info_se_ = float(math.sqrt(sampling + shared))

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
        from sklearn_mmg.neural.training import resolve_device

        X, y = self._validate_blocks(X, y, discrete_target=False, reset=False)
        device = resolve_device(self.device)
        return np.mean([model.pointwise(X, y, device) for model in self.models_], axis=0)

    def _transformers(self):
        """Unfitted preprocessing of both sides."""
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
            tolerance=0.0,
            verbose=self.verbose,
        )
