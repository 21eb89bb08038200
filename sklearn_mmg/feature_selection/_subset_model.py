"""The model of one fold: a target given any subset of groups of columns."""

import math
from abc import ABC, abstractmethod
from typing import Generic, Self

import numpy as np
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from sklearn_mmg._core.model import Held, Run
from sklearn_mmg._core.network import AnyModule
from sklearn_mmg._core.training import (
    EVALUATION_ROWS,
    Columns,
    RowLossNet,
    TensorRows,
    TrainingSettings,
    as_tensor,
    on_device,
    train,
    train_validation_rows,
)
from sklearn_mmg.diffusion.subsets import ClosedForm, Inputs, draw_masks
from sklearn_mmg.feature_selection._screen import input_scales, keep
from sklearn_mmg.preprocessing import Transformer

# Fewer training samples for each group of columns than this teach a network what is not there: of
# a ring in two columns, .65 nats, 670 samples tell it .35 among 20 columns and .10 among 80.
SAMPLES_PER_GROUP = 32
# Groups that are certain to tell something are no noise.
SAMPLES_PER_CERTAIN_GROUP = 8
MIN_GROUPS, MAX_GROUPS = 16, 128
ROWS_PER_MASK = 8
VALIDATION_DRAWS = 2048


class SubsetModel(ABC, Generic[AnyModule]):
    """A network that knows a target given any subset of groups of columns.

    A subclass knows what the target is: ``_prepare_target`` makes of it what is learned,
    ``_outcomes`` what columns are screened by, ``_new_module`` sets ``closed_form_`` and makes the
    network on top of it, and ``_values`` reads both. Validation samples, which stop the training,
    also tell how far the network is trusted for every subset.

    Parameters
    ----------
    transformers : tuple of transformers or None
        Unfitted preprocessing of the target and of the columns.
    settings : TrainingSettings
    group : ndarray of int of shape (n_columns,)
        Of which group every column is.
    max_groups : int or None
        Groups that the network sees; None for a number that follows that of the samples.
    network : dict
        Width and depth.

    Attributes
    ----------
    scores_ : ndarray of shape (n_groups,)
        By which groups are kept, on the training samples.
    kept_ : ndarray of int
        The groups that the network sees.
    net_ : skorch net or None
        None where there is nothing to learn.
    """

    basis_ = None  # there is none that all subsets share
    deterministic_ = False
    net_: RowLossNet[AnyModule] | None = None
    closed_form_: ClosedForm
    target_name: str  # what the module calls the target
    target_type = torch.float32

    def __init__(
        self,
        *,
        transformers: tuple[Transformer | None, Transformer | None],
        settings: TrainingSettings,
        group: np.ndarray,
        max_groups: int | None,
        network: dict[str, int],
    ) -> None:
        self.transformers = transformers
        self.settings = settings
        self.group = group
        self.max_groups = max_groups
        self.network = network

    @abstractmethod
    def _fit_target(self, target: np.ndarray) -> bool:
        """Fit the coordinates of the target; whether it varies."""

    @abstractmethod
    def _prepare_target(self, target: np.ndarray) -> np.ndarray:
        """The target in its coordinates."""

    @abstractmethod
    def _outcomes(self, target: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Columns that stand for the target, and its classes, if it has any."""

    @abstractmethod
    def _new_module(
        self, target: np.ndarray, x: np.ndarray, training: np.ndarray, inputs: Inputs
    ) -> AnyModule:
        """Fit the closed form, and make the network on top; `training` rows are no judges."""

    @abstractmethod
    def _values(
        self, target: np.ndarray, x: np.ndarray, masks: Tensor, n_nodes: int | None
    ) -> np.ndarray:
        """Pointwise values of prepared samples, of shape (n_masks, n_samples).

        Only so many masks are given at once as fit into memory.
        """

    def _draw(self, n: int, generator: torch.Generator) -> Columns:
        """Masks of a batch, each for some rows, and what the closed form says of each."""
        n_masks = n // math.gcd(n, ROWS_PER_MASK)
        return self._parts(draw_masks(n_masks, len(self.kept_), generator))

    def fit(self, target: np.ndarray, x: np.ndarray, run: Run) -> Self:
        """Fit on a `target` of n rows, and `x` of shape (n, n_columns)."""
        rng = np.random.default_rng(run.seed)
        of_target, of_columns = self.transformers
        if of_target is not None:
            of_target.fit(target)
        self.columns_ = make_pipeline(of_columns or "passthrough", StandardScaler())
        prepared = self.columns_.fit_transform(x)
        self.seed_ = int(rng.integers(2**31))
        n_groups = self.group.max() + 1
        self.scores_, self.kept_ = np.zeros(n_groups), np.arange(n_groups)
        target = self._preprocess(target)
        varies = self._fit_target(target)
        self.trivial_ = not varies or not np.any(prepared)
        if self.trivial_:
            return self
        target = self._prepare_target(target)
        outcomes = self._outcomes(target)[0]
        self.scores_, self.kept_ = keep(prepared, self.group, outcomes, self._limits(len(x)), rng)
        if not self._seen.all():
            self.columns_.fit(x[:, self._seen])  # the others need no preparation any more
        self._train(target, prepared[:, self._seen], rng, run)
        return self

    def _limits(self, n: int) -> tuple[int, int]:
        """How many groups the network sees, and how many if it is certain that they count."""
        if self.max_groups is not None:
            return self.max_groups, self.max_groups
        per_group = SAMPLES_PER_GROUP, SAMPLES_PER_CERTAIN_GROUP
        few, many = (int(np.clip(n // k, MIN_GROUPS, MAX_GROUPS)) for k in per_group)
        return few, many

    def _train(self, target: np.ndarray, x: np.ndarray, rng: np.random.Generator, run: Run) -> None:
        scales = input_scales(self.scores_)[self.kept_]
        inputs = Inputs(torch.as_tensor(self._kept_group), torch.as_tensor(scales))
        rows = {self.target_name: torch.as_tensor(target, dtype=self.target_type)}
        rows["x"] = as_tensor(x, "cpu")
        settings = self.settings
        training, judges = train_validation_rows(
            len(x), settings.validation_fraction, rng, self._outcomes(target)[1]
        )
        module = self._new_module(target, x, training, inputs)
        self.judges_ = target[judges], x[judges]
        judged = None
        if len(judges):
            n_masks = -(-max(VALIDATION_DRAWS, len(judges)) // ROWS_PER_MASK)
            again = np.resize(judges, n_masks * ROWS_PER_MASK)
            draws = self._draw(len(again), torch.Generator().manual_seed(self.seed_))
            columns = {name: a[again] for name, a in rows.items()} | draws
            # What the loader takes for a row is a mask with its rows.
            of_masks = {
                name: a if len(a) == n_masks else a.unflatten(0, (n_masks, -1))
                for name, a in columns.items()
            }
            judged = TensorRows(**{name: a.to(run.device) for name, a in of_masks.items()})
        self.net_ = train(
            module,
            TensorRows(**{name: a[training].to(run.device) for name, a in rows.items()}),
            judged,
            settings,
            draw=self._draw,
            seed=int(rng.integers(2**31)),
            device=run.device,
            label=run.label,
        )

    @property
    def nets_(self) -> list[RowLossNet]:
        """What was trained."""
        return [] if self.net_ is None else [self.net_]

    @property
    def module_(self) -> AnyModule:
        """The network."""
        assert self.net_ is not None
        return self.net_.module_

    @property
    def _seen(self) -> np.ndarray:
        """Which columns belong to groups that the network sees."""
        return np.isin(self.group, self.kept_)

    @property
    def _kept_group(self) -> np.ndarray:
        """Of which of the kept groups every column is that the network sees."""
        return np.searchsorted(self.kept_, self.group[self._seen])

    def _preprocess(self, target: np.ndarray) -> np.ndarray:
        transformer = self.transformers[0]
        if transformer is None:
            return target
        return np.asarray(transformer.transform(target), dtype=float)

    def _parts(self, masks: Tensor) -> Columns:
        """Masks of groups, and the closed form of each, in single precision."""
        parts = self.closed_form_.parts(masks.cpu()[:, self._kept_group])
        return {"mask": masks} | {k: a.float().to(masks.device) for k, a in parts.items()}

    @torch.no_grad()
    def values(
        self,
        target: np.ndarray,
        x: np.ndarray,
        masks: np.ndarray,
        device: str,
        n_nodes: int | None = None,
    ) -> np.ndarray:
        """Pointwise mutual information of other samples with every subset.

        Parameters
        ----------
        target, x : ndarray of n_samples rows
        masks : ndarray of bool of shape (n_masks, n_groups)
        device : str
        n_nodes : int, default=None
            Noisy copies of a sample, if not as many as usual.

        Returns
        -------
        values : ndarray of shape (n_masks, n_samples)
        """
        if self.trivial_:
            return np.zeros((len(masks), len(x)))
        target = self._prepare_target(self._preprocess(target))
        x = np.asarray(self.columns_.transform(x[:, self._seen]))
        n_at_once = max(1, EVALUATION_ROWS // max(len(x), len(self.judges_[0]), 1))
        with on_device(self.module_, device):
            parts = as_tensor(masks[:, self.kept_], device).split(n_at_once)
            return np.concatenate([self._values(target, x, part, n_nodes) for part in parts])

    def hold_out(self, target: np.ndarray, x: np.ndarray, device: str) -> Held:
        """Values given all columns."""
        return Held(self.pointwise(target, x, device))

    def pointwise(self, target: np.ndarray, x: np.ndarray, device: str) -> np.ndarray:
        """Values of other samples given all columns."""
        everything = np.ones((1, self.group.max() + 1), dtype=bool)
        return self.values(target, x, everything, device)[0]

    score = pointwise


def for_masks(rows: Tensor, n_masks: int) -> Tensor:
    """The same rows for every mask, along a new first axis."""
    return rows.expand(n_masks, *rows.shape)
