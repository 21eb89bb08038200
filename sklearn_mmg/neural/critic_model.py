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
        return self.bound.loss(self.critic(x, y), x, y)


class CriticModel:
    """A critic, its bound, and the held-out samples that stand for independent pairs.

    Parameters
    ----------
    bound : Bound
        Of :mod:`sklearn_mmg.neural.critics`.
    kind : {"separable", "bilinear", "joint"}
    transformers : tuple of transformers
        Unfitted preprocessing of `x` and of `y`.
    settings : TrainingSettings
    width, depth : int
        Of the critic.
    """

    def __init__(self, bound, kind, transformers, settings, width, depth):
        self.bound = bound
        self.kind = kind
        self.transformers = transformers
        self.settings = settings
        self.width = width
        self.depth = depth

    def fit(self, x, y, seed, device, label):
        """Train on `x` of shape (n, d_x) and `y` of shape (n, d_y)."""
        for transformer, block in zip(self.transformers, (x, y), strict=True):
            transformer.fit(block)
        rng = np.random.default_rng(seed)
        size = x.shape[1], y.shape[1], self.width, self.depth
        self.bound.prepare(*size)
        train_part, valid_part = train_validation_rows(
            len(x), self.settings.validation_fraction, rng
        )
        rows, valid_rows = (
            TensorRows(**dict(zip("xy", self._tensors(x[part], y[part], device), strict=True)))
            for part in (train_part, self._whole_batches(valid_part))
        )
        self.net_ = train(
            CriticTraining(CRITICS[self.kind](*size), self.bound),
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
        with self._networks(device) as (critic, bound):
            x_ref, y_ref = self._tensors(*self.reference_, device)
            scores = critic(x_ref, y_ref).double().cpu()
        self.log_all_ = {
            clip: float(log_mean_exp_others(scores.clamp(-clip, clip))[1])
            for clip in {bound.clip, math.inf}
        }
        shared = self._shared_variance(scores.clamp(-bound.clip, bound.clip))
        return self.pointwise(x, y, device, own=True), shared

    def _shared_variance(self, scores):
        """Variance of the mean over independent pairs, by its influence function.

        A sample has a share in it as an ``x`` and as a ``y``; with a mean per row as a ``y`` only.
        """
        if self.bound.independent_mean is None:
            return 0.0
        if self.bound.independent_mean == "all":
            relative = without_diagonal(scores - log_mean_exp_others(scores)[1]).exp()
            influence = relative.mean(0) + relative.mean(1)
        else:
            relative = without_diagonal(scores).softmax(1) * len(scores)
            influence = relative.mean(0)
        return float(influence.var()) / len(influence)

    def pointwise(self, x, y, device, own=False):
        """Values of joint samples; with `own` the first of them are the reference itself."""
        return self._values(x, y, device, None, own)

    def score(self, x, y, device):
        """The same, or what a lower bound makes of the scores if the values are not one."""
        return self._values(x, y, device, self.bound.lower_bound, own=False)

    def _values(self, x, y, device, bound, own):
        values = []
        with self._networks(device) as (critic, trained):
            bound = trained if bound is None else bound
            reference = self._tensors(*self.reference_, device)[1]
            for start in range(0, len(x), EVALUATION_ROWS):
                part = slice(start, start + EVALUATION_ROWS)
                blocks = self._tensors(x[part], y[part], device)
                scores = critic(blocks[0], reference).double().cpu().clamp(-bound.clip, bound.clip)
                if own:
                    index = torch.arange(start, start + len(scores))
                    inside = index < len(reference)
                    scores[inside.nonzero()[:, 0], index[inside]] = -math.inf
                n_others = torch.isfinite(scores).sum(1)
                log_row = scores.logsumexp(1) - n_others.log()
                joint = _joint_scores(critic, *blocks).double().cpu()
                log_all = self.log_all_[bound.clip]
                values.append(bound.value(joint, log_row, log_all, *blocks).cpu())
        return torch.cat(values).numpy()

    @contextlib.contextmanager
    def _networks(self, device):
        """The trained critic and bound, on the device for as long as they are used."""
        module = self.net_.module_.to(device)
        with torch.inference_mode():
            yield module.critic, module.bound
        module.cpu()

    def _tensors(self, x, y, device):
        return [
            as_tensor(transformer.transform(block), device)
            for transformer, block in zip(self.transformers, (x, y), strict=True)
        ]


def _joint_scores(critic, x, y, rows=128):
    """Scores of the joint pairs alone."""
    parts = zip(x.split(rows), y.split(rows), strict=True)
    return torch.cat([critic(*part).diagonal() for part in parts])
