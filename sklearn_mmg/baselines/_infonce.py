"""Contrastive estimation: which of many is the partner."""

import math
from numbers import Integral

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor
from torch.nn import functional

from sklearn_mmg._core.parameters import DISCRETE, TRAINING, estimator
from sklearn_mmg.baselines._critic import CRITIC, CriticMutualInfo
from sklearn_mmg.baselines._critics import (
    Bound,
    DonskerVaradhan,
    InfoNCE,
    PairScores,
    without_diagonal,
)


class InfoNCEAnchor(Bound):
    """Which of K is the partner, or none of them (Ryu et al. 2025, with nu = 1).

    The K candidates hold the partner of ``x`` or, with a share of ``nu`` in ``K + nu``, are all
    independent of it. That one more class, the anchor, fixes the scale of the ratio which InfoNCE
    leaves open, so that the score itself becomes the pointwise mutual information.

    Parameters
    ----------
    n_candidates : int
        K. The batch is cut into groups of K + 1: the anchor is one class in so many, and the fewer
        they are the better it fixes the scale.
    """

    independent_mean = None
    lower_bound = DonskerVaradhan()

    def __init__(self, n_candidates: int) -> None:
        super().__init__()
        self.n_candidates = n_candidates

    def loss(self, scores: Tensor, x: Tensor, y: Tensor) -> Tensor:
        groups = torch.arange(len(scores), device=scores.device).split(self.n_candidates + 1)
        return torch.cat([self._loss_of_group(scores[group][:, group]) for group in groups])

    @staticmethod
    def _loss_of_group(scores: Tensor) -> Tensor:
        n = len(scores)  # K + nu
        joint, others = scores.diagonal(), without_diagonal(scores)
        # K others, and the anchor with its ratio of nu = 1; the partner takes the place of one.
        without = functional.pad(others, (1, 0)).logsumexp(1)
        taken = torch.eye(n, dtype=torch.bool, device=scores.device).roll(1, dims=1)
        others = others.masked_fill(taken, -math.inf)
        with_partner = functional.pad(torch.cat([joint[:, None], others], 1), (1, 0)).logsumexp(1)
        return ((n - 1) * (with_partner - joint) + without) / n - math.log(n)

    def value(self, pairs: PairScores, x: Tensor, y: Tensor) -> Tensor:
        return pairs.joint


@estimator(TRAINING, DISCRETE, CRITIC)
class InfoNCEMutualInfo(CriticMutualInfo):
    """InfoNCE: the critic tells the partner of ``x`` from others, and that of ``y``.

    Both sides are asked, as in contrastive language-image pretraining [3]_, and the bound is the
    mean of the two: one side alone leaves a function of the other free in the scores. Its variance
    is small at any strength of dependence, because it cannot exceed the logarithm of the number of
    candidates: `batch_size` with ``form="bound"`` [1]_ [2]_, and the held-out samples of a fold, up
    to 3,000, otherwise. A warning is given within 0.5 nats of it.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    InfoNCEAnchorMutualInfo : Without the ceiling.
    FLOMutualInfo : Without the ceiling, by a second network.
    DonskerVaradhanMutualInfo : Without the ceiling, and of great variance.

    References
    ----------
    .. [1] van den Oord, Li & Vinyals, "Representation learning with contrastive predictive coding",
       2018.
    .. [2] Poole et al., "On variational bounds of mutual information", ICML 2019, equation 10.
    .. [3] Radford et al., "Learning transferable visual models from natural language supervision",
       ICML 2021.

    Examples
    --------
    >>> from sklearn_mmg import InfoNCEMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> estimator = InfoNCEMutualInfo(n_steps=100, random_state=0).fit(X, y)
    >>> 0.5 < estimator.mutual_info_ < 1.1
    True
    """

    def _bound(self) -> Bound:
        return InfoNCE(self.batch_size)

    def _n_candidates(self) -> int | None:
        return self.batch_size if self.form == "bound" else super()._n_candidates()


@estimator(TRAINING, DISCRETE, CRITIC)
class InfoNCEAnchorMutualInfo(CriticMutualInfo):
    """InfoNCE with an anchor: a density ratio without a ceiling, read off directly.

    InfoNCE learns the ratio of joint to independent density up to a factor that may depend on
    ``x``, and its bound stops at the logarithm of the batch. Here the candidates may also hold no
    partner at all. To tell that, the critic must know the ratio itself, whose logarithm has the
    mutual information as its mean: with ``form="bound"`` `mutual_info_` is that mean over held-out
    samples [1]_.

    It is no bound: an overconfident critic gives too high a value. ``score`` is therefore the
    Donsker-Varadhan bound of the same critic. Strong dependence comes out too low, as with all
    critics, because no independent pair looks like a joint one.

    Parameters
    ----------
    {parameters}
    n_candidates : int, default=15
        K, of which one may be the partner: the batch is cut into groups of one more. The anchor is
        one class in K + 1, so that with many candidates the scale of the ratio is learned slowly
        and the estimate is high by tenths of a nat.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    InfoNCEMutualInfo : A lower bound, with a ceiling.
    MIMEMutualInfo : A classifier of three classes instead of many candidates.

    References
    ----------
    .. [1] Ryu, Yeddanapudi, Xu & Wornell, "Contrastive predictive coding done right for mutual
       information estimation", 2025, with nu = 1.

    Examples
    --------
    >>> from sklearn_mmg import InfoNCEAnchorMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> estimator = InfoNCEAnchorMutualInfo(n_steps=100, random_state=0).fit(X, y)
    >>> 0.5 < estimator.mutual_info_ < 1.1
    True
    """

    _parameter_constraints = {"n_candidates": [Interval(Integral, 1, None, closed="left")]}

    n_candidates: int = 15

    def _bound(self) -> Bound:
        return InfoNCEAnchor(self.n_candidates)
