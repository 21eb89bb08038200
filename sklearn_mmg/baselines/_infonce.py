"""Contrastive estimation: which of many is the partner."""

import math
import warnings

from sklearn_mmg.baselines._critic import CriticMutualInfo


class InfoNCEMutualInfo(CriticMutualInfo):
    """InfoNCE bound: the critic tells the partner of ``x`` from ``batch_size - 1`` others.

    Its variance is small at any strength of dependence, because the bound cannot exceed
    ``log(batch_size)``: 5.5 nats at the default. A warning is given within 0.5 nats of it; a
    larger `batch_size` raises the ceiling (van den Oord et al. 2018; Poole et al. 2019).

    Parameters
    ----------
    {training_parameters}
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

    def _store(self, fits, order):
        super()._store(fits, order)
        if self.mutual_info_ > (ceiling := math.log(self.batch_size)) - 0.5:
            warnings.warn(
                f"The estimate, {self.mutual_info_:.2f} nats, is close to log(batch_size) = "
                f"{ceiling:.2f}, which InfoNCE cannot exceed. Increase batch_size.",
                UserWarning,
                stacklevel=4,  # the caller of fit
            )
