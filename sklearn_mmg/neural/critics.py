"""Critics that score pairs, and the bounds that train them and read their scores.

A critic maps ``x`` of n rows and ``y`` of m rows to the n times m scores of all pairs. A bound has
two faces: ``loss``, per row of a training batch whose joint pairs are on the diagonal and whose
others stand for independent ones, and ``value``, per joint pair of held-out data. Both are zero for
a critic that scores all pairs alike. ``joint`` are the scores of joint pairs, ``log_row`` the
logarithm of the mean exponential score of an ``x`` with other ``y``, and ``log_all`` that over all
pairs.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from sklearn_mmg.neural.network import ResidualNetwork, linear

CHUNK_PAIRS = 2**17  # pairs that a joint critic scores at once: keeps memory flat


class SeparableCritic(nn.Module):
    """Inner product of a code of ``x`` and a code of ``y``: n + m evaluations for n m pairs."""

    def __init__(self, n_x, n_y, width, depth):
        super().__init__()
        self.code_x = ResidualNetwork(n_x, width, width, depth)
        self.code_y = ResidualNetwork(n_y, width, width, depth)
        del self.code_y.last.starts_at_zero  # two zeros would stay zero

    def forward(self, x, y):
        return self.code_x(x) @ self.code_y(y).T


class BilinearCritic(nn.Module):
    """``x W y`` of the columns themselves: linear dependence, and nothing to overfit."""

    def __init__(self, n_x, n_y, width, depth):
        super().__init__()
        self.weight = linear(n_y, n_x, bias=False)
        self.weight.starts_at_zero = True

    def forward(self, x, y):
        return x @ self.weight(y).T


class JointCritic(nn.Module):
    """One network of both: the most flexible, and n m evaluations."""

    def __init__(self, n_x, n_y, width, depth):
        super().__init__()
        self.network = ResidualNetwork(n_x + n_y, 1, width, depth)

    def forward(self, x, y):
        rows = max(1, CHUNK_PAIRS // len(y))
        return torch.cat([self._pairs(part, y) for part in x.split(rows)])

    def _pairs(self, x, y):
        n, m = len(x), len(y)
        pairs = torch.cat([x.repeat_interleave(m, 0), y.repeat(n, 1)], dim=1)
        return self.network(pairs).view(n, m)


CRITICS = {"separable": SeparableCritic, "bilinear": BilinearCritic, "joint": JointCritic}


def without_diagonal(scores):
    """Square scores with minus infinity on the diagonal."""
    return scores.masked_fill(torch.eye(len(scores), dtype=bool, device=scores.device), -math.inf)


def log_mean_exp_others(scores):
    """Per row, and over all rows, log of the mean exponential score of pairs off the diagonal."""
    others = without_diagonal(scores)
    n = len(scores)
    return (
        others.logsumexp(1) - math.log(n - 1),
        others.flatten().logsumexp(0) - math.log(n * (n - 1)),
    )


class DonskerVaradhan(nn.Module):
    """``E T - log E exp T`` (Donsker & Varadhan 1983; Belghazi et al. 2018, equation 10)."""

    one_mean = True  # over all pairs, which every value shares

    def loss(self, scores):
        return log_mean_exp_others(scores)[1] - scores.diagonal()

    def value(self, joint, log_row, log_all):
        return joint - log_all


class MINE(DonskerVaradhan):
    """The same bound with the gradient of Belghazi et al. 2018, section 3.2.

    The gradient of ``log E exp T`` over a batch is biased, because the expectation is in a
    denominator; there it is replaced by its moving average.

    Parameters
    ----------
    rate : float
        Of the moving average.
    """

    def __init__(self, rate):
        super().__init__()
        self.rate = rate
        self.register_buffer("log_average", torch.zeros(()))

    def loss(self, scores):
        if not self.training:
            return super().loss(scores)
        log_all = log_mean_exp_others(scores)[1]
        new = math.log(self.rate) + log_all.detach()
        self.log_average = torch.logaddexp(self.log_average + math.log1p(-self.rate), new)
        return (log_all - self.log_average).exp() - 1 + self.log_average - scores.diagonal()


class NWJ(nn.Module):
    """``E T - E exp(T - 1)`` with ``T = 1 + score`` (Nguyen et al. 2010)."""

    one_mean = True

    def loss(self, scores):
        return log_mean_exp_others(scores)[1].exp() - 1 - scores.diagonal()

    def value(self, joint, log_row, log_all):
        return joint + 1 - math.exp(log_all)


class InfoNCE(nn.Module):
    """Which of K is the partner (van den Oord et al. 2018; Poole et al. 2019, equation 10).

    Parameters
    ----------
    n_candidates : int
        K of the value; that of the loss is the batch.
    """

    one_mean = False  # but one for every row

    def __init__(self, n_candidates):
        super().__init__()
        self.n_candidates = n_candidates

    def loss(self, scores):
        return scores.logsumexp(1) - math.log(len(scores)) - scores.diagonal()

    def value(self, joint, log_row, log_all):
        # The mean over all other y in place of K - 1 of them: less noise, and by Jensen's
        # inequality no more than the mean over choices of K - 1.
        k = self.n_candidates
        return joint - (joint.logaddexp(log_row + math.log(k - 1)) - math.log(k))


class SMILE(nn.Module):
    """Trained on the Jensen-Shannon bound, read by Donsker-Varadhan (Song & Ermon 2020).

    Only the scores of independent pairs are clipped, before ``value`` sees their means.
    """

    one_mean = True

    def loss(self, scores):
        others = functional.softplus(without_diagonal(scores)).sum(1) / (len(scores) - 1)
        return functional.softplus(-scores.diagonal()) + others - 2 * math.log(2)

    def value(self, joint, log_row, log_all):
        return joint - log_all
