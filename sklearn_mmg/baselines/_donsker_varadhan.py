"""The Donsker-Varadhan bound, with a plain and with a corrected gradient."""

from numbers import Real

from sklearn.utils._param_validation import Interval

from sklearn_mmg.baselines._critic import CriticMutualInfo
from sklearn_mmg.baselines._trained import estimator_with_parameters


class DonskerVaradhanMutualInfo(CriticMutualInfo):
    """Donsker-Varadhan bound, ``E T - log E exp T``, maximised over a critic T.

    With ``form="bound"`` it fails for strong dependence: the mean of ``exp T`` over independent
    pairs is carried by the rarest of them, so that its variance grows exponentially with the mutual
    information, and a sample that lacks them gives a value that is too high or too low (McAllester
    & Stratos 2020; Song & Ermon 2020).

    Parameters
    ----------
    {training_parameters}
    {discrete}
    {critic}

    Attributes
    ----------
    {attributes}

    References
    ----------
    .. [1] Donsker & Varadhan, "Asymptotic evaluation of certain Markov process expectations for
       large time, IV", 1983.
    .. [2] McAllester & Stratos, "Formal limitations on the measurement of mutual information",
       AISTATS 2020.

    Examples
    --------
    >>> from sklearn_mmg.baselines import DonskerVaradhanMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> estimator = DonskerVaradhanMutualInfo(n_steps=100, random_state=0).fit(X, y)
    >>> 0.5 < estimator.mutual_info_ < 1.1
    True
    """

    def _bound(self):
        from sklearn_mmg.neural.critics import DonskerVaradhan

        return DonskerVaradhan()


@estimator_with_parameters
class MINEMutualInfo(CriticMutualInfo):
    """MINE: the Donsker-Varadhan bound with a corrected gradient.

    The gradient of ``log E exp T`` over a batch is biased. MINE puts a moving average over batches
    in its denominator; that is the only difference to :class:`DonskerVaradhanMutualInfo`, and it
    fails in the same way.

    Parameters
    ----------
    {training_parameters}
    {discrete}
    {critic}
    moving_average_rate : float, default=0.01
        Weight of a new batch in the moving average, as in the released code of the paper.

    Attributes
    ----------
    {attributes}

    References
    ----------
    .. [1] Belghazi et al., "Mutual information neural estimation", ICML 2018, section 3.2.

    Examples
    --------
    >>> from sklearn_mmg.baselines import MINEMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> estimator = MINEMutualInfo(n_steps=100, random_state=0).fit(X, y)
    >>> 0.5 < estimator.mutual_info_ < 1.1
    True
    """

    _parameter_constraints = CriticMutualInfo._parameter_constraints | {
        "moving_average_rate": [Interval(Real, 0, 1, closed="neither")]
    }

    moving_average_rate: float = 0.01

    def _bound(self):
        from sklearn_mmg.neural.critics import MINE

        return MINE(self.moving_average_rate)
