"""Lower bounds that a critic of joint against independent pairs gives."""

import math
from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
from sklearn.utils._param_validation import StrOptions

from sklearn_mmg._atoms import find_atoms, has_levels_only
from sklearn_mmg._core.cross_fitted import MixedMutualInfo
from sklearn_mmg._core.parameters import Parameter, estimator
from sklearn_mmg._core.sides import Block, CodedSides
from sklearn_mmg._estimate import Estimate
from sklearn_mmg.baselines._critic_model import CriticModel
from sklearn_mmg.baselines._critics import Bound

# Nats of the best held-out bound that the weights of the linear form may lack: what it gains by
# training on is more than what it loses by overfitting.
LINEAR_TOLERANCE = 0.25

CRITIC = {
    "critic": Parameter(
        [StrOptions({"separable", "joint", "bilinear"})],
        '{"separable", "joint", "bilinear"}',
        """How pairs are scored, those of different samples of a batch standing for independent
        ones: by an inner product of two codes, which scores all of them for the price of the
        rows; by one network of both sides, more flexible and slower; by ``x W y``, which sees
        linear dependence only.""",
    ),
    "gaussian_start": Parameter(
        ["boolean"],
        "bool",
        """Start from the log-ratio of the linear-Gaussian model of the columns that are neither
        discrete nor of few levels, in closed form: the critic learns what is left. False starts
        from independence, as published.""",
    ),
    "form": Parameter(
        [StrOptions({"linear", "bound"})],
        '{"linear", "bound"}',
        """What `mutual_info_` is. A bound, which is what is published, lacks the square of what
        training got wrong, and what the critic itself holds for the mutual information exceeds it
        by as much. "linear" is the mean of the two, with the strict bound of up to 3,000 held-out
        samples: closer on most data, and no bound. `score` is the bound in either case. Where the
        closed form is within 3 nats of the logarithm of their number no critic can add to it, and
        it is the estimate.""",
    ),
}


@estimator(CRITIC)
class CriticMutualInfo(MixedMutualInfo):
    """A subclass adds its bound. A critic sees a discrete column as its one-hot code."""

    # A batch of b has b**2 - b independent pairs: large and few batches.
    n_steps: int = 300
    batch_size: int = 512
    learning_rate: float = 6e-3
    critic: str = "separable"
    gaussian_start: bool = True
    form: str = "linear"

    @abstractmethod
    def _bound(self) -> Bound:
        """Objective and value, of :mod:`sklearn_mmg.baselines._critics`."""

    def _new_sides(self, X: np.ndarray, y: np.ndarray, seed: int) -> CodedSides:
        self.models_: list[CriticModel]
        sides = CodedSides(X, y, self._masks)
        self._start_columns = [
            smooth_columns(block, columns) & self.gaussian_start
            for block, columns in zip(sides.blocks, sides.encode(X, y), strict=True)
        ]
        return sides

    def _new_model(self) -> CriticModel:
        return CriticModel(
            bound=self._bound(),
            kind=self.critic,
            form=self.form,
            start_columns=self._start_columns,
            width=self.width,
            depth=self.depth,
            **self._model_parameters(),
        )

    @property
    def _tolerance(self) -> float:
        return LINEAR_TOLERANCE if self.form == "linear" else 0.0

    def _n_candidates(self) -> int | None:
        """How many candidates limit the estimate to their logarithm; None where none do."""
        read = [m.reading_.n_candidates for m in self.models_ if m.reading_ is not None]
        return min(read, default=None)

    def _of_estimate(
        self, estimate: Estimate, X: np.ndarray, y: np.ndarray, seed: int
    ) -> Iterator[str]:
        n = self._n_candidates()
        if n is not None and estimate.mutual_info > math.log(n) - 0.5:
            what = "n_samples" if self.form == "linear" else "batch_size"
            yield (
                f"The estimate, {estimate.mutual_info:.2f} nats, is close to log({n}) = "
                f"{math.log(n):.2f}, which a critic of {n} candidates cannot exceed. Increase "
                f"{what}, or use MMGMutualInfo, which has no such ceiling."
            )


def smooth_columns(block: Block, columns: np.ndarray) -> np.ndarray:
    """Which of the encoded columns of a block a normal model can be of."""
    smooth = np.zeros(columns.shape[1], dtype=bool)
    for j in range(block.n_continuous):
        smooth[j] = not has_levels_only(columns[:, j], find_atoms(columns[:, j]))
    return smooth
