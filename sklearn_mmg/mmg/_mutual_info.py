"""Mutual information by the MMSE gap of two denoisers."""

from numbers import Integral
from typing import Any, Self

from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_mmg._core.parameters import DISCRETE, GIVEN_CONSTRAINTS, TRAINING, estimator
from sklearn_mmg.diffusion.log_snr import (
    SAMPLER_CONSTRAINTS,
    LogSNRSampler,
    ResidualScaleSampler,
)
from sklearn_mmg.diffusion.mmse_gap import FORMS, MMSEGapMutualInfo


@estimator(TRAINING, DISCRETE)
class MMGMutualInfo(MMSEGapMutualInfo):
    """Mutual information between two blocks of columns by denoising diffusion.

    One block is sent through a Gaussian channel at all signal-to-noise ratios. Half the area
    between the error curves of a denoiser that does not see the other block and of one that does,
    over log-SNR, is the mutual information [1]_. Both denoisers are one network, trained on what a
    closed-form linear-Gaussian model leaves over, and the estimate is made by cross-fitting: every
    sample is evaluated by a network that did not see it.

    ``score`` is the held-out ``log q(x|y) + log q(x)``, safe to maximise; the estimate itself is
    not, because a search over it would pick whatever overestimates most.

    Parameters
    ----------
    denoise : {"auto", "X", "y"}, default="auto"
        Which side goes through the channel. ``"auto"`` takes the one that is easier to denoise: a
        side with up to four classes; a single column, or more classes that have ten samples each,
        whichever has fewer dimensions, which for classes is their number less one; the side with
        fewer columns. Several discrete columns have the sum of their dimensions. A side with both
        kinds of columns is taken only if the other is too. Heavy levels of a single column count
        as dimensions, and are outcomes of their own.
    given : int, str or array-like, default=None
        Columns of `X` that are known: a mask, indices, or names of columns of a data frame. The
        estimate is then the **conditional** mutual information of the other columns and `y`,
        ``I(x; y | z)``, half the area between the error curves of a denoiser that sees what is
        given, and of one that sees both. Its linear-Gaussian model is that of the residuals: a
        confounder that explains most of both sides leaves no error of its own.
    form : {"linear", "direct", "orthogonal"}, default="linear"
        ``"direct"`` is the gap of the two errors ([1]_, eq. 8), low by the squared error of
        training. ``"orthogonal"`` is the squared difference of the two denoisers (eq. 12), high
        by it. ``"linear"`` is linear in the denoisers, so that unbiased training error averages
        out; see the user guide for the derivation. For a single discrete column that is denoised
        it is the direct form, and for several the mean of both where a network is too certain.
    sampler : log-SNR sampler, default=None
        Density over log-SNR for training and evaluation. None stands for
        :class:`ResidualScaleSampler`, which follows the residual scale of the data: its parameters
        are reached as ``sampler__low`` and so on. :class:`LogisticSampler` and
        :class:`AdaptiveLogisticSampler` are the paper's.
    n_steps : int, default=None
        Most optimiser steps per network. None is 1,200 for 10,000 samples, and follows the power
        0.6 of their number from 50 to 4,000; 400 for a single discrete column that is denoised.
    batch_size : int, default=1024
        Noisy samples per step, half of them with the noise of the others and the opposite sign.
        Large batches and few steps win by far on a laptop. The optimiser is SOAP [3]_: Adam in a
        basis that makes gradients uncorrelated, which needs far fewer steps.
    early_stopping : bool, default=True
        Whether held-out samples decide how far training counts. Training ends after some 100 steps
        if they show nothing that the closed form does not have. The linear form is read from the
        first of several weights that no later ones exceed by their error, and that exceed their
        bound by little; the other forms from those of the best bound, which the samples of the
        other folds tell. False reads the last weights.
    validation_fraction : float, default=0.1
        Fraction of the training data set aside for the early stopping of a discrete denoised side;
        never fewer than 100 samples or a third, whichever is less, because a bound on a handful of
        samples is a lottery.
    n_nodes : int, default=32
        Noisy copies of every evaluated sample, at half as many stratified log-SNR nodes: at each
        the noise is taken with both signs. It is common to both denoisers. Of several discrete
        columns it is how many are read per sample, one after another in random orders [4]_: two
        orders at least, and no more than there are.
    n_jobs : int, default=None
        Folds prepared in parallel, and trained if the denoised side is discrete. Those of a
        continuous one are trained side by side, which already uses all cores.
    {parameters}

    Attributes
    ----------
    mutual_info_ : float
        Estimate for the fitted sample, in nats; slightly negative values are noise around zero.
        Infinite, with a warning, if a column of either side, without ties, orders 20 samples or
        more as one of the other does, or is an exact linear function of the other side. Any other
        function, such as a square, leaves a lower limit that grows with the number of samples;
        there is a warning where nearest neighbours show it.
    mutual_info_se_ : float
        Its standard error: sampling and evaluation noise (the spread of `pointwise_mi_`). What
        training may have missed, or made too much of, is in :meth:`mutual_info_interval` where
        held-out samples tell it, and in the standard error otherwise, as the disagreement of forms
        that training error moves differently. Samples, or groups of them, are taken to be
        independent.
    pointwise_mi_ : ndarray of shape (n_evaluated,)
        Held-out values whose mean is `mutual_info_`, in the order of the samples: one for each
        with folds, for the held-out ones otherwise. A sample that is held out several times has
        the mean of its values.
    correction_ : float
        What ``form="linear"`` adds to the mean of the direct form, and to every pointwise value.
    cross_term_, cross_term_se_ : float
        Direct less orthogonal form, zero for the best denoisers, and its standard error.
    mmse_curves_ : ErrorCurves
        ``logsnr``, ``mmse_unconditional``, ``mmse_conditional``, ``gap``, ``orthogonal_gap`` and
        ``density``, averaged over folds; None where no network was needed, and of several discrete
        columns, which are hidden one by one and go through no channel.
    denoised_ : {"X", "y"}
        The side that went through the channel.
    history_ : list of list of dict
        For every training the mean loss per 20 steps, in nats. Continuous columns of all folds are
        one training; of a discrete denoised side each fold is one, with a validation loss.
    n_iter_ : int
        Most steps that a training took.
    net_ : skorch.NeuralNet
        Net of the first training; None where none was needed.
    models_ : list
        Fitted models, one per fold.
    sides_ : object
        How `X` and `y` became what the models see.
    n_features_in_, n_targets_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if `X` has string column names.

    See Also
    --------
    mutual_info_mmg : One value per column, for feature selection.

    References
    ----------
    .. [1] Yu et al., "Mutual Information Estimation via the MMSE Gap in Diffusion", 2025.
    .. [2] Guo, Shamai and Verdu, "Mutual Information and Minimum Mean-Square Error in Gaussian
       Channels", IEEE Transactions on Information Theory 51(4), 2005.
    .. [3] Vyas et al., "SOAP: Improving and Stabilizing Shampoo using Adam", 2024.
    .. [4] Uria, Murray and Larochelle, "A Deep and Tractable Density Estimator", ICML 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg import MMGMutualInfo
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(2000, 3))
    >>> y = X[:, 0] + rng.normal(size=2000)  # log(2) / 2 = 0.347 nats
    >>> mmg = MMGMutualInfo(n_steps=40, random_state=0).fit(X, y)
    >>> low, high = mmg.mutual_info_interval()
    >>> bool(low < 0.347 < high)
    True
    """

    _parameter_constraints = {
        "given": GIVEN_CONSTRAINTS,
        "form": [StrOptions(set(FORMS))],
        "sampler": SAMPLER_CONSTRAINTS,
        "n_steps": [Interval(Integral, 1, None, closed="left"), None],
        "n_nodes": [Interval(Integral, 2, None, closed="left")],
    }

    given: int | str | ArrayLike | None = None
    form: str = "linear"
    sampler: LogSNRSampler | None = None
    depth: int = 3
    n_steps: int | None = None
    batch_size: int = 1024
    learning_rate: float = 1e-2
    n_nodes: int = 32

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also nested ones such as ``sampler__low``.

        Unlike scikit-learn's own it knows parameters of the sampler while `sampler` is None, so
        that a search over them needs no sampler to start from.

        Parameters
        ----------
        **params : dict
            Names and values. Those of a sampler that is None are of the
            :class:`ResidualScaleSampler` that it stands for.

        Returns
        -------
        object
            The estimator itself.

        See Also
        --------
        sklearn.model_selection.GridSearchCV : Sets parameters by these names.

        Examples
        --------
        >>> from sklearn_mmg import MMGMutualInfo
        >>> MMGMutualInfo().set_params(sampler__low=-5.0).sampler
        ResidualScaleSampler(low=-5.0)
        """
        if params.get("sampler", self.sampler) is None:
            fields = {name: params[name] for name in params if name.startswith("sampler__")}
            if fields:
                values = {name.partition("__")[2]: value for name, value in fields.items()}
                params = {name: params[name] for name in params if name not in fields}
                params["sampler"] = ResidualScaleSampler().set_params(**values)
        return super().set_params(**params)

    def _denoising(self) -> dict[str, Any]:
        return {
            "preprocessing": self.preprocessing,
            "settings": self._denoising_settings(
                optimizer="soap",
                ema_decay=0.999,  # an average over the last tenth of all steps, at every step
                gated=True,
                embedding_size=8,
                # Of every batch, until held-out samples show that this is learned already.
                unconditional_probability=0.35,
            ),
            "precondition": True,
            "sampler": ResidualScaleSampler() if self.sampler is None else self.sampler,
            "n_nodes": self.n_nodes,
        }
