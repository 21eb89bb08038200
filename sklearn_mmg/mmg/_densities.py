"""What estimators of entropy and of divergence have in common: densities of folds."""

from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_mmg._atoms import TieSpreader, find_atoms
from sklearn_mmg._core.cross_fitted import CrossFitted
from sklearn_mmg._core.folds import (
    Split,
    fit_folds,
    held_out_samples,
    hold_out_folds,
    make_splits,
)
from sklearn_mmg._core.model import FoldModel
from sklearn_mmg._core.parameters import TRAINING, estimator
from sklearn_mmg._core.training import resolve_device
from sklearn_mmg._tables import read_table

SCALERS = "gaussianize", "standardize"


@estimator(TRAINING)
class CrossFittedDensities(CrossFitted):
    """Densities of continuous columns, each sample evaluated by one that it did not train.

    A subclass implements ``_new_model``, which makes an unfitted
    :class:`~sklearn_mmg._core.model.FoldModel`.
    """

    # Groups that a meta-estimator routes are asked for: they keep samples on one side of a split.
    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
        "preprocessing": [StrOptions(set(SCALERS)), None],
        "n_steps": [Interval(Integral, 1, None, closed="left"), None],
        "n_nodes": [Interval(Integral, 2, None, closed="left")],
    }

    preprocessing: str | None = "standardize"
    depth: int = 3
    n_steps: int | None = None
    batch_size: int = 1024
    learning_rate: float = 1e-2
    n_nodes: int = 32

    def _new_model(self) -> FoldModel:
        """Unfitted model of one fold."""
        raise NotImplementedError

    def _of_density(self) -> dict[str, Any]:
        """What a :class:`~sklearn_mmg.diffusion.density.DiffusionDensity` is made with."""
        return {
            # An average over the last tenth of all steps, at every step, as for mutual information.
            "settings": replace(self._settings(), optimizer="soap", ema_decay=0.999),
            "network": {"width": self.width, "depth": self.depth, "gated": True, "embedding": 8},
            "n_nodes": self.n_nodes,
        }

    def _read(self, X: ArrayLike, *, reset: bool) -> np.ndarray:
        """Numbers of shape (n_samples, n_features), of which a density can be estimated."""
        if not reset:
            check_is_fitted(self)
        table = read_table(X, "X", estimator=self, min_samples=2 if reset else 1)
        validate_data(self, X, reset=reset, skip_check_array=True)  # pyright: ignore[reportArgumentType]  # no str
        for j in np.flatnonzero(table.discrete).tolist():
            raise ValueError(
                f"Column {table.label(j)} of X is discrete: there is no density. Leave it out, or "
                "fit the samples of each of its values by themselves."
            )
        values = table.values.astype(float)
        if reset:
            for j in np.flatnonzero(np.ptp(values, axis=0) == 0).tolist():
                raise ValueError(
                    f"Column {table.label(j)} of X is constant: there is no density. Leave it out."
                )
            self._spreaders = [TieSpreader(column) for column in values.T]
            heavy = [len(find_atoms(column)) > 0 for column in values.T]
            self._heavy = [table.label(j) for j in np.flatnonzero(heavy).tolist()]
        # The noise is no part of what `random_state` stands for: equal data have equal densities.
        rng = np.random.default_rng(0)
        return np.column_stack(
            [spread(column, rng) for spread, column in zip(self._spreaders, values.T, strict=True)]
        )

    def _cross_fit(
        self, X: np.ndarray, codes: np.ndarray | None, groups: ArrayLike | None
    ) -> tuple[list[np.ndarray], list[Split], np.ndarray | None]:
        """Values of what every fold holds out, the splits, and the clusters of held-out samples.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        codes : ndarray of shape (n_samples, 1) or None
            Class of every sample.
        groups : array-like of shape (n_samples,) or None
        """
        rng = check_random_state(self.random_state)
        y = X if codes is None else codes
        masks = [np.full(a.shape[1], a is codes) for a in (X, y)]
        splits, clusters = make_splits(self.cv, X, y, masks, groups, int(rng.randint(2**31 - 1)))
        self._check_sizes(splits, len(X))
        device, n_jobs = resolve_device(self.device), self.n_jobs
        models: Sequence[FoldModel] = [self._new_model() for _ in splits]
        models = fit_folds(models, X, y, splits, rng=rng, device=device, n_jobs=n_jobs)
        held = hold_out_folds(models, X, y, splits, device=device, n_jobs=n_jobs)
        self._store_trainings([model for model, _ in held])
        clusters = None if clusters is None else clusters[held_out_samples(splits)]
        return [fold.values for _, fold in held], splits, clusters
