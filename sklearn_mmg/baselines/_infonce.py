"""Contrastive estimation: which of many is the partner."""

import math
from numbers import Integral

from sklearn.utils._param_validation import Interval

from sklearn_mmg._warnings import warn
from sklearn_mmg.baselines._critic import CriticMutualInfo
from sklearn_mmg.baselines._trained import estimator_with_parameters


class InfoNCEMutualInfo(CriticMutualInfo):
    """InfoNCE bound: the critic tells the partner of ``x`` from ``batch_size - 1`` others.

    Its variance is small at any strength of dependence, because the bound cannot exceed
    ``log(batch_size)``: 5.5 nats at the default. A warning is given within 0.5 nats of it; a
    larger `batch_size` raises the ceiling (van den Oord et al. 2018; Poole et al. 2019).

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
    .. [1] van den Oord, Li & Vinyals, "Representation learning with contrastive predictive coding",
       2018.
    .. [2] Poole et al., "On variational bounds of mutual information", ICML 2019, equation 10.

    Examples
    --------
    >>> from sklearn_mmg.baselines import InfoNCEMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> estimator = InfoNCEMutualInfo(n_steps=100, random_state=0).fit(X, y)
    >>> 0.5 < estimator.mutual_info_ < 1.1
    True
    """

    def _bound(self):
        from sklearn_mmg.neural.critics import InfoNCE

        return InfoNCE(self.batch_size)

    def _store(self, fits, splits, clusters):
        super()._store(fits, splits, clusters)
        if self.mutual_info_ > (ceiling := math.log(self.batch_size)) - 0.5:
            warn(
                f"The estimate, {self.mutual_info_:.2f} nats, is close to log(batch_size) = "
                f"{ceiling:.2f}, which InfoNCE cannot exceed. Increase batch_size."
            )


@estimator_with_parameters
class InfoNCEAnchorMutualInfo(CriticMutualInfo):
    """InfoNCE with an anchor: a density ratio without a ceiling, read off directly.

    InfoNCE learns the ratio of joint to independent density up to a factor that may depend on
    ``x``, and its bound stops at the logarithm of the batch. Here the candidates may also hold no
    partner at all. To tell that, the critic must know the ratio itself, whose logarithm has the
    mutual information as its mean: `mutual_info_` is that mean over held-out samples [1]_.

    It is no bound: an overconfident critic gives too high a value. ``score`` is therefore the
    Donsker-Varadhan bound of the same critic. Strong dependence comes out too low, as with all
    critics, because no independent pair looks like a joint one.

    Parameters
    ----------
    {training_parameters}
    {discrete}
    {critic}
    n_candidates : int, default=15
        K, of which one may be the partner: the batch is cut into groups of one more. The anchor is
        one class in K + 1, so that with many candidates the scale of the ratio is learned slowly
        and the estimate is high by tenths of a nat.

    Attributes
    ----------
    {attributes}

    References
    ----------
    .. [1] Ryu, Yeddanapudi, Xu & Wornell, "Contrastive predictive coding done right for mutual
       information estimation", 2025, with nu = 1.

    Examples
    --------
    >>> from sklearn_mmg.baselines import InfoNCEAnchorMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> estimator = InfoNCEAnchorMutualInfo(n_steps=100, random_state=0).fit(X, y)
    >>> 0.5 < estimator.mutual_info_ < 1.1
    True
    """

    _parameter_constraints = CriticMutualInfo._parameter_constraints | {
        "n_candidates": [Interval(Integral, 1, None, closed="left")]
    }

    n_candidates: int = 15

    def _bound(self):
        from sklearn_mmg.neural.critics import InfoNCEAnchor

        return InfoNCEAnchor(self.n_candidates)
