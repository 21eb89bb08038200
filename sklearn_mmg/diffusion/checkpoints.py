"""Which weights of a training to read, by what they show on held-out samples.

A correction ``F`` of the Gaussian denoiser has, per held-out sample, a gain ``1/2 int w t F`` and a
square ``1/2 int w F**2``, ``t`` being its target. In the mean the gain is the projection of ``F``
on the best one, ``F*``, whose square is what is sought. The bound of the direct form is twice the
gain less the square, and with the best multiple ``c F`` it is gain**2 / square. The linear form is
the gain itself: it keeps growing after the bound has begun to fall, because a training error that
is unbiased costs it nothing. But a network that is more certain than its samples allow overshoots
``F*``, and then the linear form is too high by up to its distance from the bound.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

import numpy as np

# Steps at which the networks are looked at, as fractions of a training: by square roots of two.
LOOKS_PER_DOUBLING = 2
FRACTIONS = 2.0 ** -(np.arange(8, -1, -1) / LOOKS_PER_DOUBLING)
# The first look of which, after so many steps, ends a training that has learned nothing so far.
PILOT_STEPS = 100
# Standard errors of the gain, in any of the looks up to that one, that count as evidence. Of
# normals one fit in fifty has as many by chance, and then trains in vain.
EVIDENCE = 3.5
# Nats per denoised column by which the linear form may exceed the bound, with `TOLERANCE_SAMPLES`
# samples. With fewer of them more is allowed: what training has yet to learn then outweighs what
# overconfidence adds.
TOLERANCE = 0.1
TOLERANCE_SAMPLES = 10_000


# Shares of what may be wrong with the linear form by which an interval is longer: of its distance
# from the bound, below and above, and of what the last doubling of the steps added, above.
OVERSHOOT_BELOW, OVERSHOOT_ABOVE, RISE_ABOVE = 0.3, 0.2, 0.3


class Doubt(NamedTuple):
    """How far from the linear form the truth may be, beside the error of the sample, in nats."""

    below: float = 0.0
    above: float = 0.0
    rise: float = 0.0  # of the linear form over the last doubling of the steps

    def __bool__(self) -> bool:
        return self.above > 0


class Learned(NamedTuple):
    """What a network adds, per held-out sample in nats, to either Gaussian denoiser."""

    gain: np.ndarray  # (2, n): conditional, unconditional
    square: np.ndarray

    @classmethod
    def concatenate(cls, parts: Iterable["Learned"]) -> Self:
        """Those of several folds as one."""
        return cls(*(np.concatenate(values, axis=1) for values in zip(*parts, strict=True)))


def tolerance(n_samples: int, n_dims: int) -> float:
    """Nats by which the linear form of `n_dims` denoised columns may exceed the bound."""
    return TOLERANCE * n_dims * (TOLERANCE_SAMPLES / n_samples) ** 0.3


def evidence(looks: Sequence[Learned]) -> np.ndarray:
    """Largest gain of either denoiser in standard errors; 0 for one that adds nothing."""
    return np.max([standardised(learned.gain) for learned in looks], axis=0)


def standardised(gain: np.ndarray) -> np.ndarray:
    """The mean gain of every view in standard errors."""
    error = gain.std(axis=1) / np.sqrt(gain.shape[1])
    return np.divide(gain.mean(axis=1), error, out=np.zeros(len(gain)), where=error > 0)


def best_scale(learned: Learned) -> tuple[np.ndarray, float]:
    """The multiples of both corrections, at most 1, that raise the bound most, and that bound."""
    gain, square = learned.gain.mean(axis=1), learned.square.mean(axis=1)
    scale = np.divide(gain, square, out=np.zeros(2), where=square > 0).clip(0.0, 1.0)
    return scale, float((2 * scale * gain - scale**2 * square).sum())


def choose_direct(looks: Sequence[Learned]) -> tuple[int, np.ndarray]:
    """Index of the weights with the best bound, and their scale."""
    bounds = [best_scale(learned)[1] for learned in looks]
    best = int(np.argmax(bounds))
    return best, best_scale(looks[best])[0]


def choose_linear(looks: Sequence[Learned], tolerance: float) -> int | None:
    """Index of the weights for the linear form, or None for the closed form without any.

    Later weights are less biased and noisier. Taken are the first ones that no later ones exceed
    by more than the standard error of the difference (the method of Lepski), among those within
    `tolerance` of their bound, and those of the best bound.

    Parameters
    ----------
    looks : list of Learned
        In the order of training, for the same samples.
    tolerance : float
    """
    best = choose_direct(looks)[0]
    linear = [np.zeros(looks[0].gain.shape[1])]
    places: list[int | None] = [None]
    for place, learned in enumerate(looks):
        value = learned.gain[0] - learned.gain[1]
        if place == best or _overshoot(learned) <= tolerance:
            linear.append(value)
            places.append(place)
    for first, values in enumerate(linear):
        if not any(_exceeds(later, values) for later in linear[first + 1 :]):
            return places[first]


def doubt(looks: Sequence[Learned], place: int | None) -> Doubt:
    """What the looks say of the linear form of the weights at `place`, a result of the above."""
    linear = np.array([learned.gain[0].mean() - learned.gain[1].mean() for learned in looks])
    if place is None:
        return Doubt(0.0, float(max(linear.max(), 0.0)))
    overshoot = _overshoot(looks[place])
    # What weights beyond the tolerance add may be overconfidence as well.
    later = min(linear[place:].max() - linear[place], overshoot)
    last = max(linear[place] - linear[max(place - LOOKS_PER_DOUBLING, 0)], 0.0)
    above = OVERSHOOT_ABOVE * overshoot + RISE_ABOVE * last + later
    return Doubt(OVERSHOOT_BELOW * overshoot, float(above), float(last))


def _overshoot(learned: Learned) -> float:
    """Nats by which the gains of both denoisers exceed their bound."""
    scale, _ = best_scale(learned)
    gain, square = learned.gain.mean(axis=1), learned.square.mean(axis=1)
    return float(np.abs(gain - (2 * scale * gain - scale**2 * square)).sum())


def _exceeds(later: np.ndarray, values: np.ndarray) -> bool:
    difference = later - values
    return difference.mean() > difference.std() / np.sqrt(len(difference))
