"""The method of the MMG paper with the settings of the paper."""

from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_mmg._core.folds import CrossValidation
from sklearn_mmg._core.parameters import DISCRETE, TRAINING, estimator
from sklearn_mmg.diffusion.log_snr import AdaptiveLogisticSampler, LogisticSampler
from sklearn_mmg.diffusion.mmse_gap import MMSEGapMutualInfo
from sklearn_mmg.preprocessing import Transformer

VARIANTS = "MMG", "MMG-adaptive", "MMG-orthogonal", "MMG-orthogonal-adaptive"
EMA_DECAY = 0.999  # of every diffusion estimator in the paper


def training_of_paper(n_dims: int) -> dict[str, Any]:
    """What tables 2 and 3 of Yu et al. 2025 say of every diffusion estimator.

    Parameters
    ----------
    n_dims : int
        Dimensions of both sides together.
    """
    if not isinstance(n_dims, Integral) or n_dims < 2:
        raise ValueError(f"n_dims must be an int in the range [2, inf). Got {n_dims!r} instead.")
    size = 0 if n_dims <= 10 else 1 if n_dims <= 50 else 2
    return dict(
        width=(64, 128, 256)[size],
        n_steps=(390_000, 290_000, 290_000)[size],
        batch_size=(128, 256, 256)[size],
        learning_rate=(1e-3, 2e-3, 2e-3)[size],
    )


@estimator(TRAINING, DISCRETE)
class PublishedMMGMutualInfo(MMSEGapMutualInfo):
    """MMG with the settings of its paper (tables 2 and 3): hours on a GPU.

    The denoisers predict noise from the data as they are, in plain layers and with Adam, and the
    last weights are read, as the gap of the errors or as the squared difference of the denoisers
    [1]_. :class:`~sklearn_mmg.MMGMutualInfo` is the same identity with a linear-Gaussian start, a
    form that is linear in the errors of training, and a training of seconds.

    ``score`` is the held-out ``log q(x|y) + log q(x)``, relative to the training Gaussian.

    Parameters
    ----------
    variant : {"MMG", "MMG-adaptive", "MMG-orthogonal", "MMG-orthogonal-adaptive"}, default="MMG"
        Name in the paper: the form that is read, and whether the density over log-SNR follows the
        errors of a first training.
    denoise : {"auto", "X", "y"}, default="auto"
        Which side goes through the channel, as in :class:`~sklearn_mmg.MMGMutualInfo`.
    width : int, default=None
        Width of the network. None is the paper's for the number of columns of both sides: 64 for
        up to 10, 128 for up to 50, 256 for more.
    n_steps : int, default=None
        Optimiser steps. None is the paper's: 390,000 for up to 10 columns, 290,000 for more.
    batch_size : int, default=None
        Samples of a step. None is the paper's: 128 for up to 10 columns, 256 for more.
    learning_rate : float, default=None
        Learning rate, halved after 200 passes over the data without improvement. None is the
        paper's: 0.001 for up to 10 columns, 0.002 for more.
    n_nodes : int, default=10
        Log-SNR nodes per evaluated sample.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MMGMutualInfo : The same identity; for all but comparisons with the paper.
    MINDEMutualInfo.from_paper : The method that the paper compares with.

    References
    ----------
    .. [1] Yu et al., "Mutual Information Estimation via the MMSE Gap in Diffusion", 2025.

    Examples
    --------
    >>> from sklearn_mmg import PublishedMMGMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> published = PublishedMMGMutualInfo(variant="MMG-orthogonal", n_steps=50, random_state=0)
    >>> published.fit(X, y).n_iter_
    50
    """

    _parameter_constraints = {
        "variant": [StrOptions(set(VARIANTS))],
        "width": [Interval(Integral, 1, None, closed="left"), None],
        "n_steps": [Interval(Integral, 1, None, closed="left"), None],
        "batch_size": [Interval(Integral, 2, None, closed="left"), None],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "n_nodes": [Interval(Integral, 2, None, closed="left")],
    }

    variant: str = "MMG"
    preprocessing: str | Transformer | None = "standardize"
    width: int | None = None
    depth: int = 3
    n_steps: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    cv: CrossValidation = 0.1
    early_stopping: bool = False
    n_nodes: int = 10

    @property
    def form(self) -> str:
        """What is read: "direct" or "orthogonal".

        It is part of the name of the `variant`, and here so that both classes have it.

        See Also
        --------
        sklearn_mmg.MMGMutualInfo : Where it is a parameter, and has a linear form as well.

        Examples
        --------
        >>> from sklearn_mmg import PublishedMMGMutualInfo
        >>> PublishedMMGMutualInfo(variant="MMG-orthogonal-adaptive").form
        'orthogonal'
        """
        return "orthogonal" if "orthogonal" in self.variant else "direct"

    def _denoising(self) -> dict[str, Any]:
        table = training_of_paper(self.n_features_in_ + self.n_targets_in_)
        chosen = {name: getattr(self, name) for name in table if getattr(self, name) is not None}
        training = table | chosen
        adaptive = "adaptive" in self.variant
        return {
            "preprocessing": self.preprocessing,
            "settings": self._denoising_settings(
                **training,
                optimizer="adam",
                lr_schedule="plateau",
                ema_decay=EMA_DECAY,
                gated=False,
                embedding_size=training["width"],
                unconditional_probability=0.5,
            ),
            "precondition": False,
            "sampler": AdaptiveLogisticSampler() if adaptive else LogisticSampler(),
            "n_nodes": self.n_nodes,
        }
