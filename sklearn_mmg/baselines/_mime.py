"""Density ratios from a classifier that also sees an estimate of the joint distribution."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy.special import logsumexp
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn
from torch.nn import functional

from sklearn_mmg._core.cross_fitted import CrossFittedMutualInfo
from sklearn_mmg._core.model import Held, Model, Run
from sklearn_mmg._core.network import ResidualNetwork
from sklearn_mmg._core.parameters import TRAINING, estimator
from sklearn_mmg._core.preconditioning import Whitened, gaussian_direct
from sklearn_mmg._core.training import (
    Columns,
    TensorRows,
    as_tensor,
    on_device,
    slices,
    train,
    train_validation_rows,
)

Pairs = tuple[np.ndarray, np.ndarray]  # x and y of as many rows

JOINT, PRODUCT, REFERENCE = range(3)
N_PAIRS = 2**17  # product and reference pairs each, from which batches are drawn
VALIDATION_PAIRS = 4096
POOL_ROWS = 2000  # rows that are recombined with each other: their kernel has the square of it
PARTNERS = 60  # rows of a pool that are within reach of another
SINKHORN_STEPS = 10  # the weights of the rows are then equal to within a few per cent


def linear_mean(y: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Mean of canonical ``x`` given ``y`` for residuals of `variance`."""
    mean = np.zeros((len(y), len(variance)))
    k = min(mean.shape[1], y.shape[1])
    mean[:, :k] = np.sqrt(np.maximum(1 - variance[:k], 0)) * y[:, :k]
    return mean


def gaussian_ratio(x: np.ndarray, y: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Log-ratio of joint to independent density in the linear-Gaussian model."""
    return gaussian_direct(x, linear_mean(y, variance), variance)


def product_pairs(x: np.ndarray, y: np.ndarray, n: int, rng: np.random.Generator) -> Pairs:
    """`n` pairs of an ``x`` and the ``y`` of another sample, each ``x`` equally often."""
    rows = np.arange(n) % len(x)
    others = (rows + rng.integers(1, len(x), size=n)) % len(x)
    return x[rows], y[others]


def gaussian_pairs(
    x: np.ndarray, y: np.ndarray, n: int, rng: np.random.Generator, variance: np.ndarray
) -> Pairs:
    """`n` draws from the linear-Gaussian model of both sides."""
    y = rng.standard_normal((n, y.shape[1]))
    residual = np.sqrt(variance) * rng.standard_normal((n, len(variance)))
    return linear_mean(y, variance) + residual, y


def vector_pairs(
    x: np.ndarray, y: np.ndarray, n: int, rng: np.random.Generator, variance: np.ndarray
) -> Pairs:
    """`n` pairs of rows of either side, recombined with the dependence of a linear model.

    Both sides keep their empirical distribution: the columns of ``x`` depend on each other as they
    do in the data, and so do those of ``y``.
    """
    x, y = x[:n], y[:n]  # the rows are in random order
    repeats = math.ceil(n / len(x))
    partners = np.empty((repeats, len(x)), dtype=int)
    for pool in np.array_split(rng.permutation(len(x)), math.ceil(len(x) / POOL_ROWS)):
        coupling = gaussian_coupling(x[pool], y[pool], variance)
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        drawn = torch.multinomial(coupling, repeats, replacement=True, generator=generator)
        partners[:, pool] = pool[drawn.T.numpy()]
    return x[np.arange(n) % len(x)], y[partners.ravel()[:n]]


def gaussian_coupling(x: np.ndarray, y: np.ndarray, variance: np.ndarray) -> Tensor:
    """Probabilities of the ``y`` of other samples for every ``x``, with uniform margins.

    They are proportional to the density of ``x`` given ``y`` times a factor for every ``y``,
    which Sinkhorn's iteration finds. A sample is no partner of its own: recombined pairs must not
    know the dependence that is to be learned.
    """
    end, mean = (torch.as_tensor(a / np.sqrt(variance)) for a in (x, linear_mean(y, variance)))
    distance = torch.cdist(end, mean, compute_mode="donot_use_mm_for_euclid_dist")
    log_kernel = (-0.5 * distance**2).fill_diagonal_(-math.inf)
    # The first time in logarithms: the kernel of an outlier is zero in floating point.
    coupling = (log_kernel - log_kernel.logsumexp(0)).softmax(1)
    for _ in range(SINKHORN_STEPS):
        coupling /= coupling.sum(0)
        coupling /= coupling.sum(1, keepdim=True)
    return coupling


def weakened(variance: np.ndarray, n_rows: int) -> np.ndarray:
    """Residual variances of a dependence that `n_rows` recombined rows can show.

    On the scale of a strong dependence the best of a few partners is far away, and the recombined
    pairs would not follow the linear model. Every correlation is reduced until `PARTNERS` rows are
    expected within reach.
    """
    mutual_info = -0.5 * np.log(variance).sum()
    limit = math.log(max(1, min(n_rows, POOL_ROWS / 2) / PARTNERS))
    return variance ** (limit / mutual_info) if mutual_info > limit else variance


REFERENCES: dict[str, Callable[..., Pairs]] = {"gaussian": gaussian_pairs, "vector": vector_pairs}


def draw_pairs(n: int, generator: torch.Generator, pools: Columns) -> Columns:
    """`n` random rows of each of several tensors."""
    return {
        name: pool[torch.randint(len(pool), (n,), generator=generator, device=pool.device)]
        for name, pool in pools.items()
    }


class PairClassifier(nn.Module):
    """Which of three distributions a pair comes from.

    A row holds ``x``, ``y`` and the three logits of the linear-Gaussian model, so that the network
    has to learn only what these leave.

    Parameters
    ----------
    n_in : int
        Columns of both sides together.
    width, depth : int
    """

    def __init__(self, n_in: int, width: int, depth: int) -> None:
        super().__init__()
        self.network = ResidualNetwork(n_in, 3, width, depth)

    def forward(self, joint: Tensor, product: Tensor, reference: Tensor) -> Tensor:
        """Cross-entropy of each triple, less that of the linear-Gaussian model."""
        pairs = torch.cat([joint, product, reference])
        labels = torch.arange(3, device=pairs.device).repeat_interleave(len(joint))
        inputs, offset = pairs[:, :-3], pairs[:, -3:]
        entropy = partial(functional.cross_entropy, target=labels, reduction="none")
        excess = entropy(offset + self.network(inputs)) - entropy(offset)
        return excess.view(3, -1).mean(0)

    def correction(self, inputs: Tensor) -> Tensor:
        """What the network adds to the log-ratio of joint to independent density."""
        logits = self.network(inputs)
        return logits[:, JOINT] - logits[:, PRODUCT]


class MultinomialModel(Model[PairClassifier]):
    """A classifier of pairs in the canonical coordinates of a linear-Gaussian model.

    Parameters
    ----------
    reference : {"gaussian", "vector"}
    width, depth : int
        Size of the classifier.
    **parameters : those of :class:`Model`
    """

    log_normaliser_ = 0.0

    def __init__(self, *, reference: str, width: int, depth: int, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.reference = reference
        self.width = width
        self.depth = depth

    def _train(self, white: Whitened, rng: np.random.Generator, run: Run) -> None:
        fraction = self.settings.validation_fraction
        parts = train_validation_rows(len(white.x), fraction, rng)
        self.bridge_variance_ = self.basis_.residual_variance_
        if self.reference == "vector":
            n_rows = min(len(part) for part in parts if len(part))
            self.bridge_variance_ = weakened(self.bridge_variance_, n_rows)
        train_part, valid_part = ((white.x[part], white.y[part]) for part in parts)
        pools = self._others(*train_part, N_PAIRS, rng, run.device)
        self.net_ = train(
            PairClassifier(white.x.shape[1] + white.y.shape[1], self.width, self.depth),
            TensorRows(joint=self._rows(*train_part, run.device)),
            self._validation_rows(*valid_part, rng, run.device) if fraction else None,
            self.settings,
            draw=partial(draw_pairs, pools=pools),
            seed=int(rng.integers(2**31)),
            device=run.device,
            label=run.label,
        )

    def _validation_rows(
        self, x: np.ndarray, y: np.ndarray, rng: np.random.Generator, device: str
    ) -> TensorRows:
        """Validation pairs, each with fixed ones of the other classes, as often as it takes."""
        repeats = math.ceil(VALIDATION_PAIRS / len(x))
        return TensorRows(
            joint=self._rows(x, y, device).repeat(repeats, 1),
            **self._others(x, y, repeats * len(x), rng, device),
        )

    def _others(
        self, x: np.ndarray, y: np.ndarray, n: int, rng: np.random.Generator, device: str
    ) -> Columns:
        """`n` product and `n` reference pairs of a sample."""
        reference = REFERENCES[self.reference](x, y, n, rng, self.bridge_variance_)
        return {
            "product": self._rows(*product_pairs(x, y, n, rng), device),
            "reference": self._rows(*reference, device),
        }

    def _rows(self, x: np.ndarray, y: np.ndarray, device: str) -> Tensor:
        """Pairs as the classifier takes them."""
        offset = np.zeros((len(x), 3))
        offset[:, JOINT] = gaussian_ratio(x, y, self.basis_.residual_variance_)
        offset[:, REFERENCE] = gaussian_ratio(x, y, self.bridge_variance_)
        return as_tensor(np.column_stack([x, y, offset]), device)

    def _hold_out(self, white: Whitened, device: str) -> Held:
        """Log-ratios; recombined the samples also give the normaliser of the lower bound."""
        independent = product_pairs(white.x, white.y, N_PAIRS, np.random.default_rng(self.seed_))
        ratios = self._log_ratio(*independent, device)
        self.log_normaliser_ = np.asarray(logsumexp(ratios)).item() - math.log(N_PAIRS)
        return Held(self._pointwise(white, device))

    def _pointwise(self, white: Whitened, device: str) -> np.ndarray:
        """Log-ratio of joint to independent density for every sample."""
        return self._log_ratio(white.x, white.y, device)

    def _score(self, white: Whitened, device: str) -> np.ndarray:
        """Donsker and Varadhan's lower bound with the log-ratio as critic, per sample."""
        return self._pointwise(white, device) - self.log_normaliser_

    @torch.inference_mode()
    def _log_ratio(self, x: np.ndarray, y: np.ndarray, device: str) -> np.ndarray:
        inputs = as_tensor(np.column_stack([x, y]), device)
        with on_device(self.module_, device) as classifier:
            parts = [classifier.correction(inputs[part]) for part in slices(len(inputs))]
        learned = torch.cat(parts).double().cpu().numpy()
        return gaussian_ratio(x, y, self.basis_.residual_variance_) + learned


@estimator(TRAINING)
class MIMEMutualInfo(CrossFittedMutualInfo):
    """Multinomial estimation: joint, independent and reference pairs are told apart.

    A classifier of joint against independent pairs learns their density ratio, but where
    dependence is strong the two are never mistaken for each other and the ratio stays unknown.
    Here a third class lies between them: a preliminary, Gaussian estimate of the joint
    distribution [1]_. The difference of the logits of joint and independent pairs is the log-ratio,
    and `mutual_info_` its mean over held-out samples. For both the classifier starts from the
    closed-form logits of the linear-Gaussian model, so that Gaussian data needs no training and
    strong linear dependence is no obstacle.

    It is no bound, and an overconfident classifier gives too high a value: ``score`` is therefore
    the Donsker-Varadhan bound of the same log-ratio. Dependence that the Gaussian estimate does
    not have is as hard to learn as for any classifier. From 10,000 samples, 1.02 nats of three
    normal columns bent to spirals come out as 0.86, and the 0.45 nats of five Student columns a
    side, which are in the tails, as 0.36.

    The paper has a fourth class, the product of the margins of the reference. With
    ``reference="vector"`` that is the product of the data itself; otherwise it is left out, and the
    log-ratio does not depend on it. All columns have to be continuous: there is no Gaussian copula
    of discrete ones.

    Parameters
    ----------
    {parameters}
    reference : {"gaussian", "vector"}, default="gaussian"
        The preliminary estimate. "gaussian" draws all columns together from a normal distribution
        with the moments of the preprocessed training data: a Gaussian copula with the margin of
        every column if `preprocessing` is "gaussianize", and a poorer bridge otherwise. "vector"
        recombines real rows of `X` and of `y` with the probabilities of the linear-Gaussian model,
        which keeps the distribution of either side as it is; a dependence beyond what a few
        thousand rows can show is weakened. Of 10,000 normal, additive, spiral and Student samples
        the two give values within 0.04 nats of each other, "gaussian" mostly the better ones and
        in less time.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    InfoNCEAnchorMutualInfo : A ratio of densities from many candidates.
    SMILEMutualInfo : A classifier without a class in between.
    GaussianMutualInfo : The preliminary estimate.

    References
    ----------
    .. [1] Chen, Ou, Weller & Li, "Mutual information multinomial estimation", 2024.

    Examples
    --------
    >>> from sklearn_mmg import MIMEMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> estimator = MIMEMutualInfo(n_steps=40, random_state=0).fit(X, y)
    >>> 0.7 < estimator.mutual_info_ < 1.0
    True
    """

    _parameter_constraints = {"reference": [StrOptions({"gaussian", "vector"})]}

    batch_size: int = 512
    reference: str = "gaussian"

    def _new_model(self) -> MultinomialModel:
        return MultinomialModel(
            reference=self.reference,
            width=self.width,
            depth=self.depth,
            **self._model_parameters(),
        )
