"""A classifier of joint, independent and reference pairs, whose logits hold the density ratios."""

import math
from functools import partial

import numpy as np
import torch
from scipy.special import logsumexp
from torch import nn
from torch.nn import functional

from sklearn_mmg.linear.canonical import CanonicalModel
from sklearn_mmg.linear.preconditioning import gaussian_direct
from sklearn_mmg.neural.network import ResidualNetwork
from sklearn_mmg.neural.training import TensorRows, as_tensor, train, train_validation_rows

JOINT, PRODUCT, REFERENCE = range(3)
N_PAIRS = 2**17  # product and reference pairs each, from which batches are drawn
VALIDATION_PAIRS = 4096
EVALUATION_ROWS = 8192  # rows per forward pass: keeps memory flat however many are evaluated
POOL_ROWS = 2000  # rows that are recombined with each other: their kernel has the square of it
PARTNERS = 60  # rows of a pool that are within reach of another
SINKHORN_STEPS = 10  # the weights of the rows are then equal to within a few per cent


def linear_mean(y, variance):
    """Mean of canonical ``x`` given ``y`` for residuals of `variance`."""
    mean = np.zeros((len(y), len(variance)))
    k = min(mean.shape[1], y.shape[1])
    mean[:, :k] = np.sqrt(np.maximum(1 - variance[:k], 0)) * y[:, :k]
    return mean


def gaussian_ratio(x, y, variance):
    """Log-ratio of joint to independent density in the linear-Gaussian model."""
    return gaussian_direct(x, linear_mean(y, variance), variance)


def product_pairs(x, y, n, rng):
    """`n` pairs of an ``x`` and the ``y`` of another sample, each ``x`` equally often."""
    rows = np.arange(n) % len(x)
    others = (rows + rng.integers(1, len(x), size=n)) % len(x)
    return x[rows], y[others]


def gaussian_pairs(x, y, n, rng, variance):
    """`n` draws from the linear-Gaussian model of both sides."""
    y = rng.standard_normal((n, y.shape[1]))
    residual = np.sqrt(variance) * rng.standard_normal((n, len(variance)))
    return linear_mean(y, variance) + residual, y


def vector_pairs(x, y, n, rng, variance):
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


def gaussian_coupling(x, y, variance):
    """Probabilities of the ``y`` of other samples for every ``x``, with uniform margins.

    They are proportional to the density of ``x`` given ``y`` times a factor for every ``y``,
    which Sinkhorn's iteration finds. A sample is no partner of its own: recombined pairs must not
    know the dependence that is to be learned.
    """
    scaled = (torch.as_tensor(a / np.sqrt(variance)) for a in (x, linear_mean(y, variance)))
    distance = torch.cdist(*scaled, compute_mode="donot_use_mm_for_euclid_dist")
    log_kernel = (-0.5 * distance**2).fill_diagonal_(-math.inf)
    # The first time in logarithms: the kernel of an outlier is zero in floating point.
    coupling = (log_kernel - log_kernel.logsumexp(0)).softmax(1)
    for _ in range(SINKHORN_STEPS):
        coupling /= coupling.sum(0)
        coupling /= coupling.sum(1, keepdim=True)
    return coupling


def weakened(variance, n_rows):
    """Residual variances of a dependence that `n_rows` recombined rows can show.

    On the scale of a strong dependence the best of a few partners is far away, and the recombined
    pairs would not follow the linear model. Every correlation is reduced until `PARTNERS` rows are
    expected within reach.
    """
    mutual_info = -0.5 * np.log(variance).sum()
    limit = math.log(max(1, min(n_rows, POOL_ROWS / 2) / PARTNERS))
    return variance ** (limit / mutual_info) if mutual_info > limit else variance


REFERENCES = {"gaussian": gaussian_pairs, "vector": vector_pairs}


def draw_pairs(n, generator, pools):
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

    def __init__(self, n_in, width, depth):
        super().__init__()
        self.network = ResidualNetwork(n_in, 3, width, depth)

    def forward(self, joint, product, reference):
        """Cross-entropy of each triple, less that of the linear-Gaussian model."""
        pairs = torch.cat([joint, product, reference])
        labels = torch.arange(3, device=pairs.device).repeat_interleave(len(joint))
        inputs, offset = pairs[:, :-3], pairs[:, -3:]
        entropy = partial(functional.cross_entropy, target=labels, reduction="none")
        excess = entropy(offset + self.network(inputs)) - entropy(offset)
        return excess.view(3, -1).mean(0)

    def correction(self, inputs):
        """What the network adds to the log-ratio of joint to independent density."""
        logits = self.network(inputs)
        return logits[:, JOINT] - logits[:, PRODUCT]


class MultinomialModel(CanonicalModel):
    """A classifier of pairs in the canonical coordinates of a linear-Gaussian model.

    Parameters
    ----------
    reference : {"gaussian", "vector"}
    transformers : tuple of transformers
        Unfitted preprocessing of `x` and of `y`.
    settings : TrainingSettings
    width, depth : int
        Of the classifier.
    """

    def __init__(self, reference, transformers, settings, width, depth):
        super().__init__(transformers, settings)
        self.reference = reference
        self.width = width
        self.depth = depth

    def _train(self, white, rng, device, label):
        parts = train_validation_rows(len(white.x), self.settings.validation_fraction, rng)
        self.bridge_variance_ = self.basis_.residual_variance_
        if self.reference == "vector":
            n_rows = min(len(part) for part in parts if len(part))
            self.bridge_variance_ = weakened(self.bridge_variance_, n_rows)
        train_part, valid_part = ((white.x[part], white.y[part]) for part in parts)
        pools = self._others(*train_part, N_PAIRS, rng, device)
        self.net_ = train(
            PairClassifier(white.x.shape[1] + white.y.shape[1], self.width, self.depth),
            TensorRows(joint=self._rows(*train_part, device)),
            self._validation_rows(*valid_part, rng, device) if len(valid_part[0]) else None,
            self.settings,
            draw=partial(draw_pairs, pools=pools),
            seed=int(rng.integers(2**31)),
            device=device,
            label=label,
        )

    def _validation_rows(self, x, y, rng, device):
        """Validation pairs, each with fixed ones of the other classes, as often as it takes."""
        repeats = math.ceil(VALIDATION_PAIRS / len(x))
        return TensorRows(
            joint=self._rows(x, y, device).repeat(repeats, 1),
            **self._others(x, y, repeats * len(x), rng, device),
        )

    def _others(self, x, y, n, rng, device):
        """`n` product and `n` reference pairs of a sample."""
        reference = REFERENCES[self.reference](x, y, n, rng, self.bridge_variance_)
        return {
            "product": self._rows(*product_pairs(x, y, n, rng), device),
            "reference": self._rows(*reference, device),
        }

    def _rows(self, x, y, device):
        """Pairs as the classifier takes them."""
        offset = np.zeros((len(x), 3))
        offset[:, JOINT] = gaussian_ratio(x, y, self.basis_.residual_variance_)
        offset[:, REFERENCE] = gaussian_ratio(x, y, self.bridge_variance_)
        return as_tensor(np.column_stack([x, y, offset]), device)

    def evaluate(self, x, y, device):
        """Log-ratio of every held-out sample, and the variance of what they share: nothing.

        Recombined they also give the normaliser of the lower bound, :meth:`score`.
        """
        if self.known_ is not None:
            self.log_normaliser_ = 0.0
            return np.full(len(x), self.known_), 0.0
        white = self._white(x, y)
        independent = product_pairs(white.x, white.y, N_PAIRS, np.random.default_rng(self.seed_))
        ratios = self._log_ratio(*independent, device)
        self.log_normaliser_ = float(logsumexp(ratios)) - math.log(N_PAIRS)
        return self._log_ratio(white.x, white.y, device), 0.0

    def pointwise(self, x, y, device):
        """Log-ratio of joint to independent density for every sample."""
        if self.known_ is not None:
            return np.full(len(x), self.known_)
        white = self._white(x, y)
        return self._log_ratio(white.x, white.y, device)

    def score(self, x, y, device):
        """Donsker and Varadhan's lower bound with the log-ratio as critic, per sample."""
        return self.pointwise(x, y, device) - self.log_normaliser_

    @torch.inference_mode()
    def _log_ratio(self, x, y, device):
        classifier = self.net_.module_.to(device)
        inputs = as_tensor(np.column_stack([x, y]), device)
        parts = [classifier.correction(part) for part in inputs.split(EVALUATION_ROWS)]
        classifier.cpu()
        learned = torch.cat(parts).double().cpu().numpy()
        return gaussian_ratio(x, y, self.basis_.residual_variance_) + learned
