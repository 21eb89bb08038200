"""Densities in several coordinates, and the likeliest of them."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Self

import numpy as np
from sklearn.model_selection import KFold

from sklearn_mmg._core.model import Held, Run
from sklearn_mmg._core.training import RowLossNet
from sklearn_mmg.diffusion.density import DiffusionDensity
from sklearn_mmg.diffusion.white import WhiteCoordinates


class LikeliestDensity:
    """Of several densities the one that gives the highest density to samples it did not see.

    They are tried in the order of their Gaussians. Where the first network adds nothing the first
    is taken; otherwise all are trained, and the samples that validated the first training decide.

    Parameters
    ----------
    densities : list of DiffusionDensity
        Unfitted, with different scalers.

    Attributes
    ----------
    chosen_ : DiffusionDensity
    """

    basis_ = None
    deterministic_ = False

    def __init__(self, densities: Sequence[DiffusionDensity]) -> None:
        self.densities = densities

    def fit(self, x: np.ndarray, y: object, run: Run) -> Self:
        """Fit on `x` of shape (n, d); `y` is ignored."""
        first, *others = by_held_out_gaussian(self.densities, x, run.seed)
        self.chosen_ = first.fit(x, y, run)
        judges = first.validation_rows_
        if first.adds_ and len(judges):
            fitted = [first, *(density.fit(x, y, run) for density in others)]
            self.chosen_ = max(
                fitted, key=lambda density: density.pointwise(x[judges], y, run.device).mean()
            )
        return self

    @property
    def nets_(self) -> list[RowLossNet]:
        """What was trained."""
        return self.chosen_.nets_

    def hold_out(self, x: np.ndarray, y: object, device: str) -> Held:
        """Log-densities of held-out samples."""
        return self.chosen_.hold_out(x, y, device)

    def pointwise(self, x: np.ndarray, y: object, device: str) -> np.ndarray:
        """Log-densities of other samples, in nats; `y` is ignored."""
        return self.chosen_.pointwise(x, y, device)


def by_held_out_gaussian(
    densities: Sequence[DiffusionDensity], x: np.ndarray, seed: int
) -> list[DiffusionDensity]:
    """Those first after whose scaler a Gaussian gives held-out samples the higher density.

    Parameters
    ----------
    densities : list of DiffusionDensity
        Unfitted, and left so.
    x : ndarray of shape (n, d)
    seed : int
        Of the two halves, each of which is held out once.
    """
    halves = list(KFold(2, shuffle=True, random_state=seed % 2**32).split(x))

    def held_out(density: DiffusionDensity) -> float:
        total = 0.0
        for train, test in halves:
            coordinates = WhiteCoordinates(deepcopy(density.scaler))
            coordinates.fit_transform(x[train])
            total += coordinates.log_density(x[test], coordinates.transform(x[test])).sum()
        return float(total)

    return sorted(densities, key=held_out, reverse=True)
