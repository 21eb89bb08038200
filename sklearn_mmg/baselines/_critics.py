"""Critics that score pairs, and the bounds that train them and read their scores.

A critic maps ``x`` of n rows and ``y`` of m rows to the n times m scores of all pairs: those of a
:class:`GaussianStart`, and what a network adds. A bound has two faces: ``loss``, per row of a
training batch whose joint pairs are on the diagonal and whose others stand for independent ones,
and ``value``, per joint pair of held-out data, of :class:`PairScores`. Both are zero for a critic
that scores all pairs with zero.
"""

import math
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from sklearn_mmg._core.network import ResidualNetwork, linear, start_at_zero

CHUNK_PAIRS = 2**17  # pairs that a joint critic scores at once: keeps memory flat
JOINT_ROWS = 128  # rows whose pairs are all scored where the joint ones alone are asked for


class GaussianStart(nn.Module):
    """Log-ratio of the linear-Gaussian model, in the coordinates in which that is diagonal.

    Parameters
    ----------
    rho : array-like of shape (n_columns,)
        Correlations of the leading columns of either side; without any all scores are zero.
    variance : array-like of shape (n_columns,)
        Of what is left of the same columns of ``x``.
    """

    rho: Tensor
    variance: Tensor

    def __init__(self, rho: ArrayLike, variance: ArrayLike) -> None:
        super().__init__()
        self.register_buffer("rho", torch.as_tensor(rho, dtype=torch.float32))
        self.register_buffer("variance", torch.as_tensor(variance, dtype=torch.float32))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x, y = self._columns(x, y)
        squares = -0.5 * self.rho**2 / self.variance
        slope = self.rho / self.variance
        return (x * slope) @ y.T + self._of_x(x)[:, None] + (y**2 * squares).sum(1)

    def joint(self, x: Tensor, y: Tensor) -> Tensor:
        """The same of the pairs of rows alone, in which no large terms cancel."""
        x, y = self._columns(x, y)
        residual = (x - self.rho * y) ** 2 / self.variance
        return 0.5 * (x**2 - residual - self.variance.log()).sum(1)

    def _of_x(self, x: Tensor) -> Tensor:
        return 0.5 * (x**2 * (1 - 1 / self.variance) - self.variance.log()).sum(1)

    def _columns(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        k = len(self.rho)
        return x[:, :k], y[:, :k]


class Critic(nn.Module):
    """Scores of a start, and what a network adds to them, which is nothing before training.

    Parameters
    ----------
    start : GaussianStart
    correction : SeparableCritic, BilinearCritic or JointCritic
    """

    def __init__(self, start: GaussianStart, correction: nn.Module) -> None:
        super().__init__()
        self.start = start
        self.correction = correction

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.start(x, y) + self.correction(x, y)

    def joint(self, x: Tensor, y: Tensor) -> Tensor:
        """Scores of the pairs of rows alone."""
        parts = zip(x.split(JOINT_ROWS), y.split(JOINT_ROWS), strict=True)
        learned = torch.cat([self.correction(*part).diagonal() for part in parts])
        return self.start.joint(x, y) + learned


class SeparableCritic(nn.Module):
    """Inner product of a code of ``x`` and a code of ``y``: n + m evaluations for n m pairs."""

    def __init__(self, n_x: int, n_y: int, width: int, depth: int) -> None:
        super().__init__()
        self.code_x = ResidualNetwork(n_x, width, width, depth)
        self.code_y = ResidualNetwork(n_y, width, width, depth)
        del self.code_y.last.starts_at_zero  # two zeros would stay zero

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.code_x(x) @ self.code_y(y).T


class BilinearCritic(nn.Module):
    """``x W y`` of the columns themselves: linear dependence, and nothing to overfit."""

    def __init__(self, n_x: int, n_y: int, width: int, depth: int) -> None:
        super().__init__()
        self.weight = linear(n_y, n_x, bias=False)
        start_at_zero(self.weight)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x @ self.weight(y).T


class JointCritic(nn.Module):
    """One network of both: the most flexible, and n m evaluations."""

    def __init__(self, n_x: int, n_y: int, width: int, depth: int) -> None:
        super().__init__()
        self.network = ResidualNetwork(n_x + n_y, 1, width, depth)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        rows = max(1, CHUNK_PAIRS // len(y))
        return torch.cat([self._pairs(part, y) for part in x.split(rows)])

    def _pairs(self, x: Tensor, y: Tensor) -> Tensor:
        n, m = len(x), len(y)
        pairs = torch.cat([x.repeat_interleave(m, 0), y.repeat(n, 1)], dim=1)
        return self.network(pairs).view(n, m)


CRITICS: dict[str, Callable[[int, int, int, int], nn.Module]] = {
    "separable": SeparableCritic,
    "bilinear": BilinearCritic,
    "joint": JointCritic,
}


def without_diagonal(scores: Tensor) -> Tensor:
    """Square scores with minus infinity on the diagonal."""
    diagonal = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    return scores.masked_fill(diagonal, -math.inf)


def log_mean_exp_others(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Per row, and over all rows, log of the mean exponential score of pairs off the diagonal."""
    others = without_diagonal(scores)
    n = len(scores)
    return (
        others.logsumexp(1) - math.log(n - 1),
        others.flatten().logsumexp(0) - math.log(n * (n - 1)),
    )


class PairScores(NamedTuple):
    """What a bound reads: the score of every joint pair, and means over independent ones."""

    joint: Tensor
    log_row: Tensor  # log of the mean exponential score of its x with other y
    log_column: Tensor | None  # that of its y with other x, for means over "sides"
    log_all: float  # that over all pairs


class Bound(nn.Module):
    """How a critic is trained, and what its scores are worth.

    ``x`` and ``y`` are the rows themselves, for a bound with a network of its own.
    """

    # Which pairs the value takes means over: all of them, those of its "rows" or of its "sides",
    # the x and the y, or None.
    independent_mean: ClassVar[str | None] = "all"
    clip: float = math.inf  # scores of independent pairs are cut there, in the value
    # The bound that is safe to maximise, if the value is not one.
    lower_bound: ClassVar["Bound | None"] = None

    def prepare(self, start: GaussianStart, n_x: int, n_y: int, width: int, depth: int) -> None:
        """Make what networks the bound has beside the critic."""

    def loss(self, scores: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Per row of a batch of joint samples."""
        raise NotImplementedError

    def loss_of_start(self, scores: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """The same before training, with the scores of the start."""
        return self.loss(scores, x, y)

    def value(self, pairs: PairScores, x: Tensor, y: Tensor) -> Tensor:
        """Per joint sample of held-out data, given its :class:`PairScores`."""
        raise NotImplementedError


class DonskerVaradhan(Bound):
    """``E T - log E exp T`` (Donsker & Varadhan 1983; Belghazi et al. 2018, equation 10)."""

    def loss(self, scores: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return log_mean_exp_others(scores)[1] - scores.diagonal()

    def value(self, pairs: PairScores, x: Tensor, y: Tensor) -> Tensor:
        return pairs.joint - pairs.log_all


class InfoNCE(Bound):
    """Which of K is the partner, for both sides (van den Oord et al. 2018; Poole et al. 2019).

    The mean of the bound for ``x`` among ``y`` and of that for ``y`` among ``x``: the first alone
    (Poole et al., equation 10) leaves any function of ``x`` free in the scores.

    Parameters
    ----------
    n_candidates : int
        K of the value; that of the loss is the batch.
    """

    independent_mean = "sides"

    def __init__(self, n_candidates: int) -> None:
        super().__init__()
        self.n_candidates = n_candidates

    def loss(self, scores: Tensor, x: Tensor, y: Tensor) -> Tensor:
        of_sides = 0.5 * (scores.logsumexp(1) + scores.logsumexp(0))
        return of_sides - math.log(len(scores)) - scores.diagonal()

    def value(self, pairs: PairScores, x: Tensor, y: Tensor) -> Tensor:
        assert pairs.log_column is not None  # as it is for means over sides
        return self.value_of_means(pairs.joint, pairs.log_row, pairs.log_column)

    def value_of_means(self, joint: Tensor, log_row: Tensor, log_column: Tensor) -> Tensor:
        """The value by what it reads of :class:`PairScores`."""
        # The mean over all other y in place of K - 1 of them: less noise, and by Jensen's
        # inequality no more than the mean over choices of K - 1.
        return joint - 0.5 * (self._log_mean(joint, log_row) + self._log_mean(joint, log_column))

    def _log_mean(self, joint: Tensor, log_others: Tensor) -> Tensor:
        k = self.n_candidates
        return joint.logaddexp(log_others + math.log(k - 1)) - math.log(k)


def linear_form(scores: Tensor, joint: Tensor) -> float:
    """What the linear form of held-out scores has more than the strict InfoNCE bound.

    Let the critic claim the density ``p (1 + h)`` where ``p`` is the true one. The bound ``B`` is
    then the mutual information less ``E h**2 / 2``, and what the critic holds for it, the mean
    ``O`` of its log-ratio over its own density, more by as much and by a term that is linear in
    ``h``. In ``(B + O) / 2`` the squares cancel; what is left is zero where errors are noise.

    Parameters
    ----------
    scores : tensor of shape (n, n)
        Independent pairs off the diagonal.
    joint : tensor of shape (n,)

    Returns
    -------
    gap : float
        ``(O - B) / 2``, with all n samples as candidates of the bound.
    """
    own, log_means = [], []
    for others in (without_diagonal(scores), without_diagonal(scores).T):
        log_means.append(others.logsumexp(1) - math.log(len(scores) - 1))
        ratio = (others - log_means[-1][:, None]).nan_to_num(neginf=0.0)
        own.append((others.softmax(1) * ratio).sum(1).mean())
    bound = InfoNCE(len(scores)).value_of_means(joint, *log_means).mean()
    return float(0.5 * (0.5 * sum(own) - bound))
