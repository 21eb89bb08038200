"""A critic that is trained on one part of the data and read on another."""

import contextlib
import math

import numpy as np
import torch
from torch import nn

from sklearn_mmg.neural.critics import CRITICS, log_mean_exp_others, without_diagonal
from sklearn_mmg.neural.training import TensorRows, as_tensor, train, train_validation_rows

N_REFERENCE = 2000  # held-out samples whose pairs stand for independent ones
EVALUATION_ROWS = 1024


class CriticTraining(nn.Module):
    """Loss per row of a batch of joint samples."""

    def __init__(self, critic, bound):
        super().__init__()
        self.critic = critic
        self.bound = bound

    def forward(self, x, y):
        return self.bound.loss(self.critic(x, y))


class CriticModel:
    """A critic, its bound, and the held-out samples that stand for independent pairs.

    Parameters
    ----------
    bound : nn.Module
        Of :mod:`sklearn_mmg.neural.critics`.
    kind : {"separable", "bilinear", "joint"}
    clip : float
        Scores of independent pairs are cut at plus and minus this much; infinity for none.
    transformers : tuple of transformers
        Unfitted preprocessing of `x` and of `y`.
    settings : TrainingSettings
    width, depth : int
        Of the critic.
    """

    def __init__(self, bound, kind, clip, transformers, settings, width, depth):
        self.bound = bound
        self.kind = kind
        self.clip = clip
        self.transformers = transformers
        self.settings = settings
        self.width = width
        self.depth = depth

    def fit(self, x, y, seed, device, label):
        """Train on `x` of shape (n, d_x) and `y` of shape (n, d_y)."""
        for transformer, block in zip(self.transformers, (x, y), strict=True):
            transformer.fit(block)
        rng = np.random.default_rng(seed)
        critic = CRITICS[self.kind](x.shape[1], y.shape[1], self.width, self.depth)
        train_part, valid_part = train_validation_rows(
            len(x), self.settings.validation_fraction, rng
        )
        rows, valid_rows = (
            TensorRows(**dict(zip("xy", self._tensors(x[part], y[part], device), strict=True)))
            for part in (train_part, self._whole_batches(valid_part))
        )
        self.net_ = train(
            CriticTraining(critic, self.bound),
            rows,
            valid_rows if len(valid_rows) else None,
            self.settings,
            seed=int(rng.integers(2**31)),
            device=device,
            label=label,
        )
        return self

    def _whole_batches(self, part):
        """Without the last, smaller batch of validation: a bound depends on the number of pairs."""
        size = self.settings.batch_size
        return part[: len(part) // size * size] if len(part) > size else part

    def evaluate(self, x, y, device):
        """Pointwise values of held-out samples, and the variance of the term they share.

        The first of them become the independent pairs of all later evaluations.
        """
        self.reference_ = x[:N_REFERENCE], y[:N_REFERENCE]
        with self._critic(device) as critic:
            scores = self._clipped(self._scores(critic, *self.reference_, device))
        self.log_all_ = float(log_mean_exp_others(scores)[1])
        return self.pointwise(x, y, device, own=True), self._shared_variance(scores)

    def _shared_variance(self, scores):
        """Variance of the mean over independent pairs, by its influence function.

        A sample has a share in it as an ``x`` and as a ``y``; with a mean per row as a ``y`` only.
        """
        if self.bound.one_mean:
            relative = without_diagonal(scores - self.log_all_).exp()
            influence = relative.mean(0) + relative.mean(1)
        else:
            relative = without_diagonal(scores).softmax(1) * len(scores)
            influence = relative.mean(0)
        return float(influence.var()) / len(influence)

    def pointwise(self, x, y, device, own=False):
        """Values of joint samples; with `own` the first of them are the reference itself."""
        values = []
        with self._critic(device) as critic:
            for start in range(0, len(x), EVALUATION_ROWS):
                part = slice(start, start + EVALUATION_ROWS)
                scores = self._scores(critic, x[part], self.reference_[1], device)
                joint = self._joint(critic, x[part], y[part], device)
                scores = self._clipped(scores)
                if own:
                    index = torch.arange(start, start + len(scores))
                    inside = index < len(self.reference_[1])
                    scores[inside.nonzero()[:, 0], index[inside]] = -math.inf
                n_others = torch.isfinite(scores).sum(1)
                log_row = scores.logsumexp(1) - n_others.log()
                values.append(self.bound.value(joint, log_row, self.log_all_))
        return torch.cat(values).numpy()

    @contextlib.contextmanager
    def _critic(self, device):
        """The trained critic, on the device for as long as it is used."""
        critic = self.net_.module_.critic.to(device)
        with torch.inference_mode():
            yield critic
        critic.cpu()

    def _tensors(self, x, y, device):
        return [
            as_tensor(transformer.transform(block), device)
            for transformer, block in zip(self.transformers, (x, y), strict=True)
        ]

    def _scores(self, critic, x, y, device):
        """Scores of all pairs, in double precision."""
        return critic(*self._tensors(x, y, device)).double().cpu()

    def _joint(self, critic, x, y, device):
        """Scores of the joint pairs alone."""
        blocks = [
            self._scores(critic, x[i : i + 128], y[i : i + 128], device).diagonal()
            for i in range(0, len(x), 128)
        ]
        return torch.cat(blocks)

    def _clipped(self, scores):
        return scores.clamp(-self.clip, self.clip)
