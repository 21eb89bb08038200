"""The clipped bound of Song and Ermon."""

import math
from numbers import Real

from sklearn.utils._param_validation import Interval
from torch import Tensor
from torch.nn import functional

from sklearn_mmg._core.parameters import DISCRETE, TRAINING, estimator
from sklearn_mmg.baselines._critic import CRITIC, CriticMutualInfo
from sklearn_mmg.baselines._critics import Bound, DonskerVaradhan, PairScores, without_diagonal


class SMILE(Bound):
    """Trained on the Jensen-Shannon bound, read by Donsker-Varadhan (Song & Ermon 2020).

    Parameters
    ----------
    clip : float
        Of the scores of independent pairs, and of no others, in the value.
    """

    lower_bound = DonskerVaradhan()

    def __init__(self, clip: float) -> None:
        super().__init__()
        self.clip = clip

    def loss(self, scores: Tensor, x: Tensor, y: Tensor) -> Tensor:
        others = functional.softplus(without_diagonal(scores)).sum(1) / (len(scores) - 1)
        return functional.softplus(-scores.diagonal()) + others - 2 * math.log(2)

    def value(self, pairs: PairScores, x: Tensor, y: Tensor) -> Tensor:
        return pairs.joint - pairs.log_all


@estimator(TRAINING, DISCRETE, CRITIC)
class SMILEMutualInfo(CriticMutualInfo):
    """SMILE: a Jensen-Shannon critic, read by the Donsker-Varadhan form with a clipped mean.

    Training on the Jensen-Shannon bound is stable, and with ``form="bound"`` clipping the scores of
    independent pairs limits the variance. The price is a bias: the value is no longer a lower
    bound, and tends to be too high for strong dependence with a small `clip`. ``score`` is the
    Donsker-Varadhan bound of the same critic without clipping.

    Parameters
    ----------
    {parameters}
    clip : float, default=5.0
        Scores of independent pairs are cut at plus and minus this much; 5 is the middle of the
        values in the paper.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    DonskerVaradhanMutualInfo : The form that is read, without clipping.
    MIMEMutualInfo : A classifier that Gaussian dependence does not saturate.

    References
    ----------
    .. [1] Song & Ermon, "Understanding the limitations of variational mutual information
       estimators", ICLR 2020, section 5.

    Examples
    --------
    >>> from sklearn_mmg import SMILEMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> estimator = SMILEMutualInfo(n_steps=100, random_state=0).fit(X, y)
    >>> 0.5 < estimator.mutual_info_ < 1.1
    True
    """

    _parameter_constraints = {"clip": [Interval(Real, 0, None, closed="neither")]}

    clip: float = 5.0

    def _bound(self) -> Bound:
        return SMILE(self.clip)
