"""The bound of Nguyen, Wainwright and Jordan."""

import math

from torch import Tensor

from sklearn_mmg._core.parameters import DISCRETE, TRAINING, estimator
from sklearn_mmg.baselines._critic import CRITIC, CriticMutualInfo
from sklearn_mmg.baselines._critics import Bound, PairScores, log_mean_exp_others


class NWJ(Bound):
    """``E T - E exp(T - 1)`` with ``T = 1 + score`` (Nguyen et al. 2010)."""

    def loss(self, scores: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return log_mean_exp_others(scores)[1].exp() - 1 - scores.diagonal()

    def value(self, pairs: PairScores, x: Tensor, y: Tensor) -> Tensor:
        return pairs.joint + 1 - math.exp(pairs.log_all)


@estimator(TRAINING, DISCRETE, CRITIC)
class NWJMutualInfo(CriticMutualInfo):
    """NWJ bound, ``E T - E exp(T - 1)``: the variational form of the Kullback-Leibler divergence.

    Also known as f-GAN KL and MINE-f. Unlike the Donsker-Varadhan bound it has no logarithm of a
    mean, so that its gradient has no bias, and its variance is larger still for strong dependence
    (Poole et al. 2019; Song & Ermon 2020).

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    DonskerVaradhanMutualInfo : A tighter bound for the same critic.
    FLOMutualInfo : The same variance, with a normalisation that is learned.

    References
    ----------
    .. [1] Nguyen, Wainwright & Jordan, "Estimating divergence functionals and the likelihood ratio
       by convex risk minimization", IEEE Transactions on Information Theory 56(11), 2010.
    .. [2] Poole et al., "On variational bounds of mutual information", ICML 2019.

    Examples
    --------
    >>> from sklearn_mmg import NWJMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> estimator = NWJMutualInfo(n_steps=100, random_state=0).fit(X, y)
    >>> 0.5 < estimator.mutual_info_ < 1.1
    True
    """

    def _bound(self) -> Bound:
        return NWJ()
