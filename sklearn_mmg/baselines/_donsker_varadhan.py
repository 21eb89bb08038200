"""The Donsker-Varadhan bound, with a plain and with a corrected gradient."""

import math
from numbers import Real

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor

from sklearn_mmg._core.parameters import DISCRETE, TRAINING, estimator
from sklearn_mmg.baselines._critic import CRITIC, CriticMutualInfo
from sklearn_mmg.baselines._critics import Bound, DonskerVaradhan, log_mean_exp_others


class MINE(DonskerVaradhan):
    """The same bound with the gradient of Belghazi et al. 2018, section 3.2.

    The gradient of ``log E exp T`` over a batch is biased, because the expectation is in a
    denominator; there it is replaced by its moving average.

    Parameters
    ----------
    rate : float
        Of the moving average.
    """

    log_average: Tensor

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("log_average", torch.zeros(()))

    def loss(self, scores: Tensor, x: Tensor, y: Tensor) -> Tensor:
        if not self.training:
            return super().loss(scores, x, y)
        log_all = log_mean_exp_others(scores)[1]
        new = math.log(self.rate) + log_all.detach()
        self.log_average = torch.logaddexp(self.log_average + math.log1p(-self.rate), new)
        return (log_all - self.log_average).exp() - 1 + self.log_average - scores.diagonal()


@estimator(TRAINING, DISCRETE, CRITIC)
class DonskerVaradhanMutualInfo(CriticMutualInfo):
    """Donsker-Varadhan bound, ``E T - log E exp T``, maximised over a critic T.

    With ``form="bound"`` it fails for strong dependence: the mean of ``exp T`` over independent
    pairs is carried by the rarest of them, so that its variance grows exponentially with the mutual
    information, and a sample that lacks them gives a value that is too high or too low (McAllester
    & Stratos 2020; Song & Ermon 2020).

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MINEMutualInfo : The same bound with a gradient of less bias.
    InfoNCEMutualInfo : A bound of little variance, with a ceiling.
    SMILEMutualInfo : The same form with a clipped mean.

    References
    ----------
    .. [1] Donsker & Varadhan, "Asymptotic evaluation of certain Markov process expectations for
       large time, IV", 1983.
    .. [2] McAllester & Stratos, "Formal limitations on the measurement of mutual information",
       AISTATS 2020.

    Examples
    --------
    >>> from sklearn_mmg import DonskerVaradhanMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> estimator = DonskerVaradhanMutualInfo(n_steps=100, random_state=0).fit(X, y)
    >>> 0.5 < estimator.mutual_info_ < 1.1
    True
    """

    def _bound(self) -> Bound:
        return DonskerVaradhan()


@estimator(TRAINING, DISCRETE, CRITIC)
class MINEMutualInfo(CriticMutualInfo):
    """MINE: the Donsker-Varadhan bound with a corrected gradient.

    The gradient of ``log E exp T`` over a batch is biased. MINE puts a moving average over batches
    in its denominator; that is the only difference to :class:`DonskerVaradhanMutualInfo`, and it
    fails in the same way.

    Parameters
    ----------
    {parameters}
    moving_average_rate : float, default=0.01
        Weight of a new batch in the moving average, as in the released code of the paper.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    DonskerVaradhanMutualInfo : The same bound with the plain gradient.
    NWJMutualInfo : A bound whose gradient has no bias.

    References
    ----------
    .. [1] Belghazi et al., "Mutual information neural estimation", ICML 2018, section 3.2.

    Examples
    --------
    >>> from sklearn_mmg import MINEMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> estimator = MINEMutualInfo(n_steps=100, random_state=0).fit(X, y)
    >>> 0.5 < estimator.mutual_info_ < 1.1
    True
    """

    _parameter_constraints = {"moving_average_rate": [Interval(Real, 0, 1, closed="neither")]}

    moving_average_rate: float = 0.01

    def _bound(self) -> Bound:
        return MINE(self.moving_average_rate)
