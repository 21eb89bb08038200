"""What every estimator that trains networks shares; a subclass says what they learn."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from sklearn_mmg._core.folds import (
    CrossValidation,
    Split,
    fit_folds,
    gather,
    held_out_samples,
    hold_out_folds,
    make_splits,
)
from sklearn_mmg._core.model import FoldModel, Held
from sklearn_mmg._core.parameters import DISCRETE, TRAINING, estimator
from sklearn_mmg._core.sides import CodedSides, PlainSides, Sides
from sklearn_mmg._core.training import TrainingSettings, resolve_device
from sklearn_mmg._documentation import DocumentedEstimator
from sklearn_mmg._estimate import Estimate
from sklearn_mmg._plausibility import LINEAR_RELATION, exact_relation
from sklearn_mmg._summary import SummaryMixin
from sklearn_mmg.base import BaseMutualInfo, available
from sklearn_mmg.preprocessing import Transformer

MIN_TRAINING_SAMPLES = 6  # to train on and to stop by, each with an independent pair
MIN_TEST_SAMPLES = 2


@estimator(TRAINING)
class CrossFitted(SummaryMixin, DocumentedEstimator):
    """Parameters of a training on folds, and what it leaves."""

    preprocessing: str | Transformer | None = "gaussianize"
    width: int = 64
    depth: int = 2
    n_steps: int = 1000
    batch_size: int = 256
    learning_rate: float = 2e-3
    cv: CrossValidation = 3
    early_stopping: bool = True
    validation_fraction: float = 0.1
    device: str = "auto"
    random_state: int | np.random.RandomState | None = None
    n_jobs: int | None = None
    verbose: int = 0

    _tolerance = 0.0  # nats of the best held-out bound that the weights may lack

    def _check_sizes(self, splits: list[Split], n_samples: int) -> None:
        if (
            min(len(train) for train, _ in splits) < MIN_TRAINING_SAMPLES
            or min(len(test) for _, test in splits) < MIN_TEST_SAMPLES
        ):
            raise ValueError(
                f"n_samples={n_samples} is too few for cv={self.cv}: every fold needs "
                f"{MIN_TRAINING_SAMPLES} training and {MIN_TEST_SAMPLES} test samples."
            )

    def _store_trainings(self, models: list[FoldModel]) -> None:
        self.models_ = models
        nets = list(dict.fromkeys(net for model in models for net in model.nets_))
        self.net_ = nets[0] if nets else None
        self.history_ = [[dict(row) for row in net.history] for net in nets]
        self.n_iter_ = max((net.n_steps_ for net in nets), default=0)

    def _settings(self) -> TrainingSettings:
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


class CrossFittedMutualInfo(CrossFitted, BaseMutualInfo):
    """Every sample is evaluated by a model that it did not train.

    A subclass implements ``_new_model``, which makes an unfitted
    :class:`~sklearn_mmg._core.model.FoldModel`, and where the mean of its values is not the
    estimate, ``_combine``. How the sides become what models see is in ``_new_sides``: here both as
    they are.
    """

    _lacks = {}

    # Whether there is something to learn of a sample whose mutual information is infinite.
    _trains_on_relations = False
    _diagnostics_of_infinity: ClassVar[dict[str, object]] = {}

    @abstractmethod
    def _new_model(self) -> FoldModel:
        """Unfitted model of one fold."""

    def _new_sides(
        self, X: np.ndarray, y: np.ndarray, seed: int
    ) -> Sides | CodedSides | PlainSides:
        """How the sides become what the models see."""
        return PlainSides()

    def _fit(self, X: np.ndarray, y: np.ndarray, groups: ArrayLike | None) -> Estimate:
        rng = check_random_state(self.random_state)
        seed = int(rng.randint(2**31 - 1))
        splits, clusters = make_splits(self.cv, X, y, self._masks, groups, seed)
        self._check_sizes(splits, len(X))
        self.sides_ = self._new_sides(X, y, seed)
        held_out = held_out_samples(splits)
        clusters = None if clusters is None else clusters[held_out]
        relation = exact_relation((X, y), self._masks, self._readers, self._given)
        models: list[FoldModel] = []
        held: list[Held] = []
        if not relation or self._trains_on_relations:
            blocks, device = self.sides_.encode(X, y), resolve_device(self.device)
            models = [self._new_model() for _ in splits]
            models, held = self._cross_fit(models, blocks, splits, rng, device)
        self._store_trainings(models)
        if not relation and any(model.deterministic_ for model in self.models_):
            relation = LINEAR_RELATION
        if relation:
            return Estimate.infinite(len(held_out), relation, **self._diagnostics_of_infinity)
        estimate = replace(self._combine(held, splits, clusters), held_out=held_out)
        caveats = *self._of_dropped(), *self._of_estimate(estimate, X, y, seed)
        return estimate.with_caveats(caveats)

    def _cross_fit(
        self,
        models: Sequence[FoldModel],
        blocks: Sequence[np.ndarray],
        splits: list[Split],
        rng: np.random.RandomState,
        device: str,
    ) -> tuple[list[FoldModel], list[Held]]:
        """Fitted, the model of every fold, and what it makes of what the fold holds out."""
        x, y = blocks
        n_jobs = self.n_jobs
        models = fit_folds(models, x, y, splits, rng=rng, device=device, n_jobs=n_jobs)
        pairs = hold_out_folds(models, x, y, splits, device=device, n_jobs=n_jobs)
        return [model for model, _ in pairs], [held for _, held in pairs]

    def _combine(
        self, held: Sequence[Held], splits: list[Split], clusters: np.ndarray | None
    ) -> Estimate:
        """The estimate from what the models make of held-out samples."""
        values = [np.asarray(fold.values) for fold in held]
        return Estimate(
            pointwise=gather(splits, values),
            clusters=clusters,
            hidden_variance=float(np.mean([fold.shared_variance for fold in held])) / len(held),
        )

    def _of_estimate(
        self, estimate: Estimate, X: np.ndarray, y: np.ndarray, seed: int
    ) -> Iterable[str]:
        """What to warn of, given an estimate."""
        return ()

    @available("pointwise_mi")
    def pointwise_mi(self, X: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Pointwise mutual information of every sample, averaged over the models of all folds.

        Samples that trained the models come out too high: ``pointwise_mi_`` has their held-out
        values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data that did not train the estimator.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The other block.

        Returns
        -------
        ndarray of shape (n_samples,)
            In nats.

        See Also
        --------
        mutual_info : Its mean.
        sklearn_mmg.PointwiseInformationDisplay : The held-out values as a picture.

        Examples
        --------
        >>> from sklearn_mmg import DoEMutualInfo
        >>> from sklearn_mmg.datasets import JointNormal
        >>> normal = JointNormal.sparse()  # 0.413 nats
        >>> estimator = DoEMutualInfo(n_steps=20, cv=0.3, random_state=0)
        >>> estimator = estimator.fit(*normal.sample(500, random_state=0))
        >>> values = estimator.pointwise_mi(*normal.sample(1000, random_state=1))
        >>> bool(0.3 < values.mean() < 0.5)
        True
        """
        return self._average("pointwise", X, y)

    @available("score")
    def score(self, X: ArrayLike, y: ArrayLike) -> float:
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
        float
            In nats.

        See Also
        --------
        mutual_info : The estimate for other data.
        sklearn.model_selection.GridSearchCV : Searches parameters by the score.

        Examples
        --------
        >>> from sklearn_mmg import DoEMutualInfo
        >>> from sklearn_mmg.datasets import JointNormal
        >>> normal = JointNormal.sparse()  # 0.413 nats
        >>> estimator = DoEMutualInfo(n_steps=20, cv=0.3, random_state=0)
        >>> estimator = estimator.fit(*normal.sample(500, random_state=0))
        >>> bool(0.3 < estimator.score(*normal.sample(1000, random_state=1)) < 0.5)
        True
        """
        return float(self._average("score", X, y).mean())

    def _average(self, quantity: str, X: ArrayLike, y: ArrayLike) -> np.ndarray:
        """What the models say of other data, averaged over them."""
        x_block, y_block = self._validate_blocks(X, y, reset=False)
        if np.isinf(self.mutual_info_):
            return np.full(len(x_block), np.inf)
        return np.mean(self._of_models(quantity, x_block, y_block), axis=0)

    def _of_models(self, quantity: str, X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """What a method of every model gives for validated data."""
        blocks, device = self._encode_later(X, y), resolve_device(self.device)
        return [getattr(model, quantity)(*blocks, device) for model in self.models_]

    def _encode_later(self, X: np.ndarray, y: np.ndarray) -> Sequence[np.ndarray]:
        """Validated data that were not fitted, as the models see them."""
        return self.sides_.encode(X, y)

    def _model_parameters(self) -> dict[str, Any]:
        """What the models of all estimators take."""
        return {
            "transformers": self.sides_.transformers(self.preprocessing),
            "settings": self._settings(),
        }

    def _of_dropped(self) -> Iterator[str]:
        """What to say of directions that the linear models of some folds leave out."""
        bases = [m.basis_ for m in self.models_ if m.basis_ is not None and m.basis_.dropped_]
        if not bases:
            return
        n_blocks = min(len(basis.dropped_) for basis in bases)
        for i, side in enumerate((*self.sides_.order, "given")[:n_blocks]):
            worst = max(bases, key=lambda b, i=i: b.dropped_[i].n_directions - b.dropped_[i].n_kept)
            n_directions, n_kept, share = worst.dropped_[i]
            if n_directions == n_kept:
                continue
            hidden = "What the others tell is missing from the estimate and its interval."
            if worst.shrinks and i == 1:
                hidden = (
                    "A linear prediction from all of them is shrunk as far as the samples demand. "
                    "The estimate adds what that hides, where the samples tell it, for normal "
                    "data; the interval begins at what held-out samples show."
                )
            yield (
                f"{side} has {n_directions} directions of variance, for {worst.n_samples_} "
                f"training samples: only the widest {n_kept} are used, which hold {share:.0%} of "
                f"the variance. {hidden} Use more samples, or reduce {side} first: with PCA, or "
                "with PLS on other data."
            )


@estimator(DISCRETE)
class MixedMutualInfo(CrossFittedMutualInfo):
    """Adds the parameters that say which columns are discrete."""

    discrete_features: str | bool | ArrayLike = "auto"
    discrete_target: str | bool | ArrayLike = "auto"


class ConditionalMutualInfo(MixedMutualInfo):
    """The models see the side to be modelled first, then the side that conditions.

    That is the continuous one, of two the lower-dimensional one, and `X` between equals. Discrete
    columns condition as one-hot codes; next to continuous ones of the modelled side they get
    uniform noise within their code, which leaves the mutual information unchanged.
    """

    variant: str  # of a subclass that can model both

    @property
    def _models_both_sides(self) -> bool:
        """Whether the model is one of both sides together: neither may then be discrete."""
        return False

    def _new_sides(self, X: np.ndarray, y: np.ndarray, seed: int) -> Sides:
        masks = self._masks
        if self._models_both_sides and any(mask.any() for mask in masks):
            raise ValueError(
                f"variant={self.variant!r} of {type(self).__name__} models both sides together, "
                "which have to be continuous. Use the conditional variant."
            )
        discrete_x, discrete_y = (mask.all() for mask in masks)
        if discrete_x and discrete_y:
            raise ValueError(
                f"{type(self).__name__} models a continuous side given the other, but both are "
                "discrete. Use MMGMutualInfo."
            )
        modelled = "X" if discrete_y or self._models_both_sides else "y" if discrete_x else "auto"
        return Sides(X, y, masks, modelled, seed)
