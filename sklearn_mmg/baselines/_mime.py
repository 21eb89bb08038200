"""Density ratios from a classifier that also sees an estimate of the joint distribution."""

from sklearn.utils._param_validation import StrOptions

from sklearn_mmg.baselines._trained import TrainedMutualInfo, estimator_with_parameters


@estimator_with_parameters
class MIMEMutualInfo(TrainedMutualInfo):
    """Multinomial estimation: joint, independent and reference pairs are told apart.

    A classifier of joint against independent pairs learns their density ratio, but where
    dependence is strong the two are never mistaken for each other and the ratio stays unknown.
    Here a third class lies between them: a preliminary, Gaussian estimate of the joint
    distribution [1]_. The difference of the logits of joint and independent pairs is the log-ratio,
    and `mutual_info_` its mean over held-out samples. For both the classifier starts from the
    closed-form logits of the linear-Gaussian model, so that Gaussian data needs no training and
    strong linear dependence is no obstacle.

    It is no bound, and an overconfident classifier gives too high a value: ``score`` is therefore
    the Donsker-Varadhan bound of the same log-ratio. Dependence that the Gaussian estimate does
    not have is as hard to learn as for any classifier. From 10,000 samples, 1.02 nats of three
    normal columns bent to spirals come out as 0.86, and the 0.45 nats of five Student columns a
    side, which are in the tails, as 0.36.

    The paper has a fourth class, the product of the margins of the reference. With
    ``reference="vector"`` that is the product of the data itself; otherwise it is left out, and the
    log-ratio does not depend on it. All columns have to be continuous: there is no Gaussian copula
    of discrete ones.

    Parameters
    ----------
    {training_parameters}
    reference : {"gaussian", "vector"}, default="gaussian"
        The preliminary estimate. "gaussian" draws all columns together from a normal distribution
        with the moments of the preprocessed training data: a Gaussian copula with the margin of
        every column if `preprocessing` is "gaussianize", and a poorer bridge otherwise. "vector"
        recombines real rows of `X` and of `y` with the probabilities of the linear-Gaussian model,
        which keeps the distribution of either side as it is; a dependence beyond what a few
        thousand rows can show is weakened. Of 10,000 normal, additive, spiral and Student samples
        the two give values within 0.04 nats of each other, "gaussian" mostly the better ones and
        in less time.

    Attributes
    ----------
    {attributes}

    References
    ----------
    .. [1] Chen, Ou, Weller & Li, "Mutual information multinomial estimation", 2024.

    Examples
    --------
    >>> from sklearn_mmg.baselines import MIMEMutualInfo
    >>> from sklearn_mmg.datasets import JointNormal
    >>> X, y = JointNormal.sparse(correlations=(0.9,)).sample(600, random_state=0)  # 0.830 nats
    >>> estimator = MIMEMutualInfo(n_steps=40, random_state=0).fit(X, y)
    >>> 0.7 < estimator.mutual_info_ < 1.0
    True
    """

    _parameter_constraints = TrainedMutualInfo._parameter_constraints | {
        "reference": [StrOptions({"gaussian", "vector"})]
    }

    batch_size: int = 512
    reference: str = "gaussian"

    def _new_model(self):
        from sklearn_mmg.neural.multinomial import MultinomialModel

        return MultinomialModel(
            self.reference, self._transformers(), self._settings(), self.width, self.depth
        )
