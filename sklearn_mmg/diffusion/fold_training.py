"""Training the denoisers of all folds side by side, and choosing what to read."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from skorch.callbacks import Callback

from sklearn_mmg._core.network import initialise
from sklearn_mmg._core.preconditioning import Whitened
from sklearn_mmg._core.stack import Stack, StackedRows
from sklearn_mmg._core.training import RowLossNet, StopTraining, as_tensor, train
from sklearn_mmg.diffusion.channel import noise_coordinates, residual_coordinates
from sklearn_mmg.diffusion.checkpoints import (
    EVIDENCE,
    FRACTIONS,
    PILOT_STEPS,
    Learned,
    choose_direct,
    choose_linear,
    doubt,
    evidence,
    tolerance,
)
from sklearn_mmg.diffusion.continuous import ContinuousPair
from sklearn_mmg.diffusion.denoiser import Denoiser
from sklearn_mmg.diffusion.draws import draw_noise
from sklearn_mmg.diffusion.log_snr import LogSNRDistribution
from sklearn_mmg.diffusion.quadrature import gain_and_square, integrate
from sklearn_mmg.diffusion.terms import DenoisingSettings

# Held-out samples, of all folds together, that decide; and their log-SNR nodes.
JUDGES = 5_000
JUDGED_NODES = 4

StackNet = RowLossNet[Stack[Denoiser]]


def default_steps(n_samples: int) -> int:
    """Most optimiser steps for so many samples.

    More samples carry finer detail, which takes longer to learn; beyond some 75,000 more steps are
    no longer worth their time.
    """
    return int(np.clip(round(1200 * (n_samples / 10_000) ** 0.6), 50, 4000))


class Look(NamedTuple):
    """Weights at one step, and what they show on the samples of every fold."""

    members: list[Denoiser]
    learned: list[Learned]


class HeldOut:
    """Samples of a fold that did not train it, with their noise, drawn once."""

    def __init__(
        self,
        pair: ContinuousPair,
        white: Whitened,
        widths: Sequence[int],
        n_samples: int,
        rng: np.random.Generator,
        device: str,
    ) -> None:
        self.pair = pair
        rows = np.sort(rng.permutation(len(white.x))[:n_samples])
        signals = pair.signals(white, *widths)
        self.rows = {name: as_tensor(a[rows], device) for name, a in signals.items()}
        strata = np.arange(JUDGED_NODES)[:, None] + rng.uniform(size=(JUDGED_NODES, len(rows)))
        self.logsnr = pair.distribution_.ppf(strata / JUDGED_NODES)
        noise = rng.standard_normal((JUDGED_NODES, len(rows), widths[0]))
        self.noise = as_tensor(noise, device)

    def read(self, denoiser: Denoiser) -> Learned:
        """What `denoiser` has learned."""
        learned, _ = integrate(
            partial(denoiser.denoise, **self.rows, n_learned=self.pair.n_learned),
            gain_and_square,
            zip(self.logsnr, self.noise, strict=True),
            self.pair.distribution_,
        )
        return Learned(**learned)


class HeldOutEvidence(Callback):
    """Looks at the networks of all folds at some steps, and ends a training that learns nothing.

    What the looks up to the first of :data:`PILOT_STEPS` steps or more show of the unconditional
    denoisers also decides whether they are trained any further: where the margin is that of the
    Gaussian, all rows are better spent on the conditional ones.

    Parameters
    ----------
    held_out : list of HeldOut
    n_steps : int
        Of the whole training.

    Attributes
    ----------
    looks_ : list of Look
        Empty if there is nothing to learn.
    """

    def __init__(self, held_out: Sequence[HeldOut], n_steps: int) -> None:
        self.held_out = held_out
        steps = np.unique(np.ceil(FRACTIONS * n_steps).astype(int))
        self.steps = set(steps.tolist())
        self.pilot = int(steps[min(np.searchsorted(steps, PILOT_STEPS), len(steps) - 1)])

    def on_train_begin(self, net: StackNet, **kwargs) -> None:
        self.looks_: list[Look] = []

    def on_batch_end(self, net: StackNet, training: bool = True, **kwargs) -> None:
        if not training or net.n_steps_ not in self.steps:
            return
        members = [net.average_.member(k) for k in range(len(self.held_out))]
        learned = [h.read(m) for h, m in zip(self.held_out, members, strict=True)]
        net.check_finite("held-out", sum(float(a.square.sum()) for a in learned))
        self.looks_.append(Look(members, learned))
        if net.n_steps_ == self.pilot:
            looks = [Learned.concatenate(look.learned) for look in self.looks_]
            self._decide(net, evidence(looks))

    def _decide(self, net: StackNet, found: np.ndarray) -> None:
        if max(found) < EVIDENCE:
            self.looks_ = []
            raise StopTraining
        if found[1] < EVIDENCE:
            for stack in (net.module_, net.average_):
                stack.skeleton[0].shares = (1.0, 0.0)
            for held_out in self.held_out:
                held_out.pair.margin_known_ = True
            # What the earlier looks say of the unconditional denoisers counts no more.
            self.looks_ = [self._conditional(look) for look in self.looks_]

    @staticmethod
    def _conditional(look: Look) -> Look:
        only = np.array([[1.0], [0.0]])
        return Look(look.members, [Learned(g * only, s * only) for g, s in look.learned])


def train_together(
    pairs: Sequence[ContinuousPair],
    held_out: Sequence[Whitened],
    n_samples: int,
    *,
    rng: np.random.Generator,
    device: str,
    label: str,
) -> None:
    """Train the denoisers of several folds, and choose the weights that are read.

    Parameters
    ----------
    pairs : list of ContinuousPair
        After ``fit``.
    held_out : list of Whitened
        For every pair the samples that it holds out, in its coordinates.
    n_samples : int
        Of all folds together.
    rng : numpy Generator
    device : str
    label : str
        Text of the progress bar.
    """
    if not pairs:
        return
    if pairs[0].sampler.adapts:
        distributions = [pair.sampler.distribution() for pair in pairs]
        _train_once(pairs, held_out, distributions, n_samples, rng, device, f"{label}, pilot")
        distributions = [_adapted(pair, device) for pair in pairs]
    else:
        distributions = [
            pair.sampler.distribution(pair.basis_.residual_variance_) for pair in pairs
        ]
    _train_once(pairs, held_out, distributions, n_samples, rng, device, label)
    for pair in pairs:
        del pair.white_


def _adapted(pair: ContinuousPair, device: str) -> LogSNRDistribution:
    curves = pair.error_curves(pair.white_, device)
    sampler = pair.sampler.adapt(curves.logsnr, curves.mmse_conditional, pair.sizes_[0])
    return sampler.distribution(pair.basis_.residual_variance_)


def _train_once(
    pairs: Sequence[ContinuousPair],
    held_out: Sequence[Whitened],
    distributions: Sequence[LogSNRDistribution],
    n_samples: int,
    rng: np.random.Generator,
    device: str,
    label: str,
) -> None:
    for pair, distribution in zip(pairs, distributions, strict=True):
        pair.distribution_ = distribution
    s = pairs[0].settings
    n_steps = s.n_steps or default_steps(n_samples)
    s = replace(s, n_steps=n_steps, batch_size=s.batch_size // 2)
    widths = [max(sizes) for sizes in zip(*(p.sizes_ for p in pairs), strict=True)]
    members = [_new_denoiser(pair, pairs, widths, s, rng) for pair in pairs]
    watch: list[tuple[str, HeldOutEvidence]] = []
    if s.keeps_best:
        share = -(-JUDGES // len(pairs))
        judges = [
            HeldOut(pair, white, widths, share, rng, device)
            for pair, white in zip(pairs, held_out, strict=True)
        ]
        watch = [("evidence", HeldOutEvidence(judges, n_steps))]
    quantiles = np.stack([d.quantiles() for d in distributions])
    net = train(
        Stack(members),
        StackedRows(
            [
                {k: as_tensor(a, device) for k, a in p.signals(p.white_, *widths).items()}
                for p in pairs
            ]
        ),
        None,
        s,
        draw=partial(draw_noise, quantiles=as_tensor(quantiles, device), n_dims=widths[0]),
        watch=watch,
        seed=int(rng.integers(2**31)),
        device=device,
        label=label,
    )
    for pair, member in zip(pairs, members, strict=True):
        pair.net_, pair.untrained_ = net, member
    if s.keeps_best:
        _choose(pairs, watch[0][1].looks_, n_samples)
    else:
        for k, pair in enumerate(pairs):
            pair.linear_ = pair.direct_ = net.module_.member(k)
            pair.scale_ = np.ones(2)


def _new_denoiser(
    pair: ContinuousPair,
    pairs: Sequence[ContinuousPair],
    widths: Sequence[int],
    s: DenoisingSettings,
    rng: np.random.Generator,
) -> Denoiser:
    """A denoiser of `pair`, in the shape that all `pairs` share, with its weights drawn."""
    variances = pair.variances
    n_dims = variances.shape[1]
    filled = (0, 0), (0, widths[0] - n_dims)
    supports = [(p.distribution_.grid[0], p.distribution_.grid[-1]) for p in pairs]
    unconditional = 0.0 if all(p.margin_known_ for p in pairs) else s.unconditional_probability
    denoiser = Denoiser(
        pair.contrast.views,
        widths,
        np.pad(variances, filled, constant_values=1.0),
        (1 - unconditional, unconditional),
        mask=np.arange(widths[0]) < n_dims,
        coordinates=residual_coordinates if pair.precondition else noise_coordinates,
        radial=pair.precondition,
        width=s.width,
        depth=s.depth,
        gated=s.gated,
        embedding=s.embedding_size,
        support=(min(low for low, _ in supports), max(high for _, high in supports)),
    )
    return initialise(denoiser, torch.Generator().manual_seed(int(rng.integers(2**31))))


def _choose(pairs: Sequence[ContinuousPair], looks: Sequence[Look], n_samples: int) -> None:
    """Set what every pair is read from.

    The linear form is that of all folds; the direct one, which may not be chosen by the samples
    that it is read on, that of the other ones, if there are any.
    """
    if not looks:
        for pair in pairs:
            pair.linear_, pair.direct_, pair.scale_ = None, None, np.ones(2)
        return
    shrinks = any(pair.basis_.shrinks for pair in pairs)
    everything = [Learned.concatenate(look.learned) for look in looks]
    # With more directions than samples can tell only what held-out ones gain is kept.
    best = choose_linear(everything, 0.0 if shrinks else tolerance(n_samples, pairs[0].sizes_[0]))
    found = doubt(everything, best)
    for k, pair in enumerate(pairs):
        pair.doubt_ = found
        others = [i for i in range(len(pairs)) if i != k] or [k]
        index, pair.scale_ = choose_direct(
            [Learned.concatenate([look.learned[i] for i in others]) for look in looks]
        )
        pair.direct_ = looks[index].members[k].cpu()
        pair.linear_ = None if best is None else looks[best].members[k].cpu()
