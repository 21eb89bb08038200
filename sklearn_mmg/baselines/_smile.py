"""The clipped bound of Song and Ermon."""

from numbers import Real

from sklearn.utils._param_validation import Interval

from sklearn_mmg.baselines._critic import CriticMutualInfo
from sklearn_mmg.baselines._trained import estimator_with_parameters


@estimator_with_parameters
class SMILEMutualInfo(CriticMutualInfo):
    """SMILE: a Jensen-Shannon critic, read by the Donsker-Varadhan form with a clipped mean.

    Training on the Jensen-Shannon bound is stable, and with ``form="bound"`` clipping the scores of
    independent pairs limits the variance. The price is a bias: the value is no longer a lower
    bound, and tends to be too high for strong dependence with a small `clip`. ``score`` is the
    Donsker-Varadhan bound of the same critic without clipping.

    Parameters
    ----------
    {training_parameters}
    {discrete}
    {critic}
    clip : float, default=5.0
        Scores of independent pairs are cut at plus and minus this much; 5 is the middle of the
        values in the paper.

    Attributes
    ----------
    {attributes}

    References
    ----------
    .. [1] Song & Ermon, "Understanding the limitations of variational mutual information
       estimators", ICLR 2020, section 5.

    Examples
    --------
    >>> from sklearn_mmg.baselines import SMILEMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> estimator = SMILEMutualInfo(n_steps=100, random_state=0).fit(X, y)
    >>> 0.5 < estimator.mutual_info_ < 1.1
    True
    """

    _parameter_constraints = CriticMutualInfo._parameter_constraints | {
        "clip": [Interval(Real, 0, None, closed="neither")]
    }

    clip: float = 5.0

    def _bound(self):
        from sklearn_mmg.neural.critics import SMILE

        return SMILE(self.clip)
