"""Denoising several discrete columns in any order: what is hidden is told from what is not.

For a vector of ``d`` columns and a random set ``M`` of ``k`` of them that are hidden,

    log p(x) = E_k E_M (d / k) sum_{i in M} log p(x_i | x_j, j not in M),      k uniform in 1..d,

which is the mean of the chain rule over all orders of the columns. No combination of levels needs
a class of its own, and the chain rule in any one order is a log-likelihood (Uria, Murray and
Larochelle, "A Deep and Tractable Density Estimator", ICML 2014).
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sklearn_mmg._core.network import ResidualNetwork
from sklearn_mmg.diffusion.draws import stratified

# Logits of levels that a column does not have: no probability, and no infinity in a difference.
ABSENT = -1e4


class AnyOrderDenoiser(nn.Module):
    """Probabilities of the levels of all columns given those that are not hidden.

    Every row is seen in two passes, without and with what conditions, with the same columns
    hidden. What is given is seen in both.

    Parameters
    ----------
    n_columns, n_levels : int
        Columns, and the largest number of levels of any of them.
    given : array-like of bool of shape (n_condition,)
        Which of the columns of the condition are given.
    **network : parameters of :class:`ResidualNetwork`
    """

    given: Tensor

    def __init__(self, n_columns: int, n_levels: int, given: np.ndarray, **network: Any) -> None:
        super().__init__()
        self.n_columns, self.n_levels = n_columns, n_levels
        self.register_buffer("given", torch.as_tensor(given, dtype=torch.float32))
        n_inputs = n_columns * (n_levels + 1) + len(given) + 1
        self.network = ResidualNetwork(n_inputs, n_columns * n_levels, **network)

    def log_probability(
        self, code: Tensor, hidden: Tensor, base: Tensor, condition: Tensor
    ) -> Tensor:
        """Log-probabilities of shape (2, n, n_columns, n_levels): without and with the condition.

        Parameters
        ----------
        code : tensor of int of shape (n, n_columns)
        hidden : tensor of shape (n, n_columns)
            1 where a level is not seen.
        base : tensor of shape (n, 2, n_columns, n_levels)
            Log-probabilities that the network adds to.
        condition : tensor of shape (n, n_condition)
        """
        shown = 1 - hidden
        seen = functional.one_hot(code, self.n_levels) * shown[:, :, None]
        present = torch.ones_like(shown[:, :1])
        passes = [
            torch.cat([seen.flatten(1), shown, of_pass, flag], dim=1)
            for of_pass, flag in ((condition * self.given, 0 * present), (condition, present))
        ]
        added = self.network(torch.cat(passes)).reshape(2, *base[:, 0].shape)
        return torch.log_softmax(base.transpose(0, 1) + added, dim=3)

    def forward(self, code: Tensor, hidden: Tensor, base: Tensor, condition: Tensor) -> Tensor:
        """Loss per row: minus the gain of both log-likelihoods over those of `base`."""
        log_p = self.log_probability(code, hidden, base, condition)
        gain = (log_p - base.transpose(0, 1)).gather(3, code[None, :, :, None].expand(2, -1, -1, 1))
        weight = self.n_columns / hidden.sum(dim=1)
        return -weight * (gain[..., 0] * hidden).sum(dim=(0, 2))


def draw_hidden(n: int, generator: torch.Generator, n_columns: int) -> dict[str, Tensor]:
    """Which columns are hidden in `n` rows: one to all of them, with stratified numbers.

    Parameters
    ----------
    n : int
    generator : torch.Generator
    n_columns : int
    """
    size = (stratified(n, generator) * n_columns).long().clamp(max=n_columns - 1)
    options = {"generator": generator, "device": generator.device}
    rank = torch.rand(n, n_columns, **options).argsort(dim=1).argsort(dim=1)
    return {"hidden": (rank <= size[:, None]).float()}


def draw_orders(n: int, n_columns: int, n_orders: int, rng: np.random.Generator) -> np.ndarray:
    """Places of the columns in random orders, each followed by the opposite one.

    Parameters
    ----------
    n, n_columns : int
    n_orders : int
        Even.
    rng : numpy Generator

    Returns
    -------
    place : ndarray of int of shape (n_orders, n, n_columns)
    """
    place = rng.random((n_orders // 2, n, n_columns)).argsort(axis=2)
    return np.stack([place, n_columns - 1 - place], axis=1).reshape(n_orders, n, n_columns)
