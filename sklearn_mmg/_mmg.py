"""Mutual information by the MMSE gap of two denoisers."""

import math
from functools import partial
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sklearn_mmg._blocks import Sides
from sklearn_mmg._cross_fitting import (
    CV_CONSTRAINTS,
    fit_folds,
    gather,
    held_out_samples,
    make_splits,
    standard_error,
)
from sklearn_mmg._paper import paper_parameters
from sklearn_mmg._plausibility import (
    exact_relation,
    warn_of_doubt,
    warn_of_new,
    warn_of_regression,
    warn_of_rise,
    warn_of_wide_classes,
)
from sklearn_mmg.base import LINEAR_RELATION, BaseMutualInfo
from sklearn_mmg.diffusion.samplers import (
    AdaptiveLogisticSampler,
    LogisticSampler,
    LogSNRSampler,
    ResidualScaleSampler,
    with_sampler,
)


class MMGMutualInfo(BaseMutualInfo):
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
        fewer columns. A side with both kinds of columns is taken only if the other is too. Heavy
        levels of a single column count as dimensions, and are outcomes of their own.
    estimator : {"auto", "direct", "orthogonal"}, default="auto"
        ``"direct"`` is the gap of the two errors ([1]_, eq. 8), low by the squared error of
        training. ``"orthogonal"`` is the squared difference of the two denoisers (eq. 12), high
        by it. ``"auto"`` is linear in the denoisers, so that unbiased training error averages
        out; see the user guide for the derivation. For a discrete denoised side it is the direct
        form.
    sampler : log-SNR sampler, default=None
        Density over log-SNR for training and evaluation. None is :class:`ResidualScaleSampler`,
        which follows the residual scale of the data. :class:`LogisticSampler` and
        :class:`AdaptiveLogisticSampler` are the paper's. Setting ``sampler__loc``,
        ``sampler__scale`` or ``sampler__clip`` on None makes it a :class:`LogisticSampler`.
    preprocessing : {"gaussianize", "standardize"}, None or transformer, default="gaussianize"
        Applied to the continuous columns of each side, fitted on training data. Mutual
        information is unchanged if it is invertible on each side. ``"gaussianize"`` is
        :class:`~sklearn_mmg.preprocessing.SmoothGaussianizer`.
    precondition : bool, default=True
        Whether the network predicts only what the linear-Gaussian model leaves over. Gaussian
        data then need no training, and strong dependence costs nothing. False is the paper's
        noise prediction.
    discrete_features : {"auto", "from_dtype"}, bool or array-like, default="auto"
        Which columns of `X` are discrete: a bool for all, a mask, indices, or names of columns of
        a data frame. ``"auto"`` takes strings, booleans and categories as discrete, and numbers as
        continuous; ``"from_dtype"`` is the same. Numbers with few levels may be left undeclared:
        ties of a continuous column are not mistaken for information.
    discrete_target : {"auto", "from_dtype"}, bool or array-like, default="auto"
        The same for `y`.
    width : int, default=64
        Width of the network.
    depth : int, default=3
        Number of residual blocks.
    gated : bool, default=True
        Whether hidden layers are gated; False is the paper's plain layer.
    embedding_size : int, default=8
        Size of the log-SNR embedding.
    n_steps : int, default=None
        Most optimiser steps per network. None is 1,200 for 10,000 samples, and follows the power
        0.6 of their number from 50 to 4,000; 400 for a discrete denoised side.
    batch_size : int, default=1024
        Noisy samples per step, half of them with the noise of the others and the opposite sign.
        Large batches and few steps win by far on a laptop.
    optimizer : {"soap", "adam"}, default="soap"
        SOAP [3]_ is Adam in a basis that makes gradients uncorrelated. A step costs a third more,
        and it needs far fewer of them.
    learning_rate : float, default=0.01
        Peak learning rate.
    lr_schedule : {"cosine", "plateau"}, default="cosine"
        ``"plateau"`` is the paper's: halved after 200 passes over the data without improvement.
    ema_decay : float, default=0.999
        Decay of the moving average of the weights, which warms up: the default is an average over
        the last tenth of all steps, at every step.
    unconditional_probability : float, default=0.35
        Fraction of every batch that is denoised without the other side, until held-out samples
        show that this is learned already.
    cv : int, float, splitter or iterable, default=3
        Number of cross-fitting folds, each evaluated by a network trained on the others; or a
        fraction in (0, 1) to hold out, for one training, and wider intervals. These keep the
        shares of the classes of a discrete side, and copies of a row on one side. Or a splitter of
        scikit-learn, such as :class:`~sklearn.model_selection.TimeSeriesSplit`, or an iterable of
        train and test indices: the estimate is then over the samples that they hold out.
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
        the noise is taken with both signs. It is common to both denoisers.
    device : str, default="auto"
        torch device; ``"auto"`` takes a GPU if there is one.
    random_state : int, RandomState instance or None, default=None
        Seeds folds, weights, batches and noise. The global generators are left alone.
    n_jobs : int, default=None
        Folds prepared in parallel, and trained if the denoised side is discrete. Those of a
        continuous one are trained side by side, which already uses all cores.
    verbose : int, default=0
        With 1 or more, a progress bar for every training.

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
        What ``estimator="auto"`` adds to the mean of the direct form, and to every pointwise value.
    cross_term_, cross_term_se_ : float
        Direct less orthogonal form, zero for the best denoisers, and its standard error.
    mmse_curves_ : ErrorCurves
        ``logsnr``, ``mmse_unconditional``, ``mmse_conditional``, ``gap``, ``orthogonal_gap`` and
        ``density``, averaged over folds; None where no network was needed.
    denoised_ : {"X", "y"}
        The side that went through the channel.
    history_ : list of list of dict
        For every training the mean loss per 20 steps, in nats. Continuous columns of all folds are
        one training; of a discrete denoised side each fold is one, with a validation loss.
    n_iter_ : int
        Most steps that a training took.
    net_ : skorch.NeuralNet
        Net of the first training; None where none was needed.
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
        "denoise": [StrOptions({"auto", "X", "y"})],
        "estimator": [StrOptions({"auto", "direct", "orthogonal"})],
        "sampler": [
            LogisticSampler,
            AdaptiveLogisticSampler,
            ResidualScaleSampler,
            LogSNRSampler,
            None,
        ],
        "preprocessing": [
            StrOptions({"gaussianize", "standardize"}),
            HasMethods(["fit", "transform"]),
            None,
        ],
        "precondition": ["boolean"],
        "discrete_features": [StrOptions({"auto", "from_dtype"}), "boolean", "array-like"],
        "discrete_target": [StrOptions({"auto", "from_dtype"}), "boolean", "array-like"],
        "width": [Interval(Integral, 1, None, closed="left")],
        "depth": [Interval(Integral, 1, None, closed="left")],
        "gated": ["boolean"],
        "embedding_size": [Interval(Integral, 2, None, closed="left")],
        "n_steps": [Interval(Integral, 1, None, closed="left"), None],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "optimizer": [StrOptions({"soap", "adam"})],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "lr_schedule": [StrOptions({"cosine", "plateau"})],
        "ema_decay": [Interval(Real, 0, 1, closed="left")],
        "unconditional_probability": [Interval(Real, 0, 1, closed="neither")],
        "cv": CV_CONSTRAINTS,
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_nodes": [Interval(Integral, 2, None, closed="left")],
        "device": [str],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        denoise="auto",
        estimator="auto",
        sampler=None,
        preprocessing="gaussianize",
        precondition=True,
        discrete_features="auto",
        discrete_target="auto",
        width=64,
        depth=3,
        gated=True,
        embedding_size=8,
        n_steps=None,
        batch_size=1024,
        optimizer="soap",
        learning_rate=1e-2,
        lr_schedule="cosine",
        ema_decay=0.999,
        unconditional_probability=0.35,
        cv=3,
        early_stopping=True,
        validation_fraction=0.1,
        n_nodes=32,
        device="auto",
        random_state=None,
        n_jobs=None,
        verbose=0,
    ):
        self.denoise = denoise
        self.estimator = estimator
        self.sampler = sampler
        self.preprocessing = preprocessing
        self.precondition = precondition
        self.discrete_features = discrete_features
        self.discrete_target = discrete_target
        self.width = width
        self.depth = depth
        self.gated = gated
        self.embedding_size = embedding_size
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.lr_schedule = lr_schedule
        self.ema_decay = ema_decay
        self.unconditional_probability = unconditional_probability
        self.cv = cv
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_nodes = n_nodes
        self.device = device
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @classmethod
    def from_paper(cls, variant="MMG", *, n_dims, **parameters):
        """The exact settings of the MMG paper (its tables 2 and 3): hours on a GPU.

        Parameters
        ----------
        variant : {"MMG", "MMG-adaptive", "MMG-orthogonal", "MMG-orthogonal-adaptive"}
            Name in the paper.
        n_dims : int
            Total dimension of both sides; decides width, batch size, learning rate and steps.
        **parameters : dict
            Parameters that differ from the paper's, such as ``n_steps`` for a trial.

        Returns
        -------
        estimator : MMGMutualInfo

        Examples
        --------
        >>> from sklearn_mmg import MMGMutualInfo
        >>> MMGMutualInfo.from_paper("MMG-orthogonal", n_dims=6).n_steps
        390000
        """
        return cls(**(paper_parameters(variant, n_dims) | parameters))

    def set_params(self, **params):
        """Set parameters, also nested ones such as ``sampler__loc``.

        Parameters
        ----------
        **params : dict
            Names and values. A field of :class:`LogisticSampler` or :class:`ResidualScaleSampler`
            that is set while ``sampler`` is None makes it one.

        Returns
        -------
        self : object
        """
        if params.get("sampler", self.sampler) is None:
            params = with_sampler(params)
        return super().set_params(**params)

    def fit(self, X, y, groups=None):
        """Train the denoisers and estimate the mutual information of the sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One block.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The other block.
        groups : array-like of shape (n_samples,), default=None
            Samples of one group, such as the visits of a patient or a stretch of a series, are
            never on both sides of a split, and count as one in the standard error.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            For data that is not finite and numeric, or parameters out of range.
        FloatingPointError
            If a training loss becomes non-finite.
        """
        self._validate_params()
        with self._all_or_nothing():
            return self._fit(X, y, groups)

    def _fit(self, X, y, groups):
        X, y = self._validate_blocks(X, y, reset=True)
        rng = check_random_state(self.random_state)
        seed = int(rng.randint(2**31 - 1))
        sides = Sides(X, y, self._masks, self.denoise, seed, split_atoms=True)
        splits, clusters = make_splits(self.cv, X, y, self._masks, groups, seed)
        self.sides_, self.denoised_ = sides, sides.denoised
        relation = exact_relation((X, y), self._masks, self._readers)
        encoded = sides.encode(X, y)
        fits = [] if relation else self._cross_fit(sides, *encoded, splits, rng)

        self._store(fits, splits, clusters, relation, encoded)
        self._warn_of_dropped(self.pairs_, sides.denoised + sides.other)
        warn_of_wide_classes(self.pairs_, sides.other)
        if np.isfinite(self.mutual_info_):
            self._warn_of_impossible()
            self._alternatives += warn_of_doubt(self, self._form_means, sides.other)
            warn_of_rise(self)
            warn_of_regression(self, (X, y), np.random.default_rng(seed))
        return self

    @property
    def _may_be_new(self):
        # The codes of a mixed block are denoised as numbers, where a new one has no place.
        sides = self.sides_
        return sides.other if sides.target.kind == "mixed" else "Xy"

    def pointwise_mi(self, X, y):
        """Pointwise mutual information, ``log p(x, y) / (p(x) p(y))``, of every sample.

        It is averaged over the networks of all folds. Samples that trained them come out too
        high: ``pointwise_mi_`` has their held-out values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data that did not train the estimator.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The other block.

        Returns
        -------
        values : ndarray of shape (n_samples,)
            In nats. With ``estimator="auto"`` the direct form, plus the constant by which the
            fitted estimate corrects it; a single value may be negative.
        """
        terms = self._evaluate(X, y)
        form = "orthogonal" if self.estimator == "orthogonal" else "direct"
        return np.mean([getattr(t, form) for t in terms], axis=0) + self.correction_

    def score(self, X, y):
        """Held-out ``log q(x|y) + log q(x)``, relative to the training Gaussian, in nats.

        Safe to maximise, in a grid search say: no denoiser raises it above its value for the true
        densities. It equals the direct bound of the mutual information where the unconditional
        denoiser is exact (a gaussianised scalar, a discrete side) and for Gaussian data;
        otherwise it adds twice the negentropy of the denoised side. The estimate itself is not
        safe: a search would pick whatever overestimates most. Compare scores only between
        settings with the same ``preprocessing`` and ``denoise``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data that did not train the estimator.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The other block.

        Returns
        -------
        score : float
        """
        return float(np.mean([t.log_densities.mean() for t in self._evaluate(X, y)]))

    def _cross_fit(self, sides, target, condition, splits, rng):
        """One ``(pair, (terms, curves))`` per split."""
        from sklearn_mmg.diffusion.fold_training import train_together
        from sklearn_mmg.diffusion.pairs import new_pair
        from sklearn_mmg.neural.training import resolve_device

        device = resolve_device(self.device)
        new = partial(new_pair, self, sides)
        pairs = fit_folds(
            new, target, condition, splits, rng=rng, device=device, n_jobs=self.n_jobs
        )
        held_out = [(target[test], condition[test]) for _, test in splits]
        parts = [pair.continuous_part(*block) for pair, block in zip(pairs, held_out, strict=True)]
        parts = [part for part in parts if part is not None]
        train_together(
            [pair for pair, _ in parts],
            [white for _, white in parts],
            len(target),
            rng=np.random.default_rng(rng.randint(2**31 - 1)),
            device=device,
            label=f"{len(splits)} folds" if len(splits) > 1 else "fold 1/1",
        )
        return [
            (pair, pair.evaluate(*block, device))
            for pair, block in zip(pairs, held_out, strict=True)
        ]

    def _store(self, fits, splits, clusters, relation, encoded):
        """Estimates and diagnostics from the held-out terms of every fold."""
        self.pairs_ = [pair for pair, _ in fits]
        nets = list(dict.fromkeys(net for pair in self.pairs_ for net in pair.nets_))
        self.net_ = nets[0] if nets else None
        self.history_ = [[dict(row) for row in net.history] for net in nets]
        self.n_iter_ = max((net.n_steps_ for net in nets), default=0)
        curves = [c for _, (_, c) in fits if c is not None]
        self.mmse_curves_ = type(curves[0]).average(curves) if curves else None
        held_out = held_out_samples(splits)
        if relation or any(pair.deterministic_ for pair in self.pairs_):
            self._store_infinite(len(held_out), relation or LINEAR_RELATION)
            self.correction_ = self.cross_term_ = self.cross_term_se_ = 0.0
            return
        self._store_forms(
            [
                gather(splits, [getattr(terms, form) for _, (terms, _) in fits])
                for form in ("direct", "orthogonal", "linear", "unlearned")
            ],
            None if clusters is None else clusters[held_out],
            self._closed_form(*encoded),
        )

    def _closed_form(self, target, condition):
        """The estimate from all samples at once, where no network has anything to add; or None."""
        if any(getattr(pair, "linear_", pair) is not None for pair in self.pairs_):
            return None
        return self.pairs_[0].closed_form(target, condition)

    def _store_forms(self, terms, clusters, closed_form):
        *forms, unlearned = terms
        direct, orthogonal, linear = forms
        if closed_form is not None:
            linear += closed_form - linear.mean()
            unlearned = np.zeros_like(linear)  # all of it is told
        form = {"auto": linear, "direct": direct, "orthogonal": orthogonal}[self.estimator]
        pointwise = orthogonal if self.estimator == "orthogonal" else direct
        self._form_means = [float(f.mean()) for f in forms]
        self.mutual_info_ = float(form.mean())
        self.correction_ = self.mutual_info_ - float(pointwise.mean())
        self.pointwise_mi_ = pointwise + self.correction_
        # The influence function of mutual information is its pointwise value, which the direct
        # form estimates; the other forms hide part of the spread in the trained parameters.
        sampling = standard_error(direct, clusters)
        missed = float(unlearned.mean()) if self.estimator == "auto" else 0.0
        proved = self.mutual_info_ - missed
        self._alternatives = (proved,) if missed else ()
        training = abs(proved - 0.5 * (direct.mean() + orthogonal.mean()))
        doubt = getattr(self.pairs_[0], "doubt_", None)
        if self.estimator == "auto" and doubt:
            training = 0.0
            self._alternatives += (proved - doubt.below, self.mutual_info_ + doubt.above)
        bases = [pair.basis_ for pair in self.pairs_ if hasattr(pair, "basis_")]
        hidden = np.mean([b.unlearned_se_ for b in bases]) if missed else 0.0
        # Where nothing was found, what chance makes of independent normal blocks may be missed.
        trivial = any(getattr(pair, "trivial_", False) for pair in self.pairs_)
        n_pairs = 0 if trivial else self.sides_.target.n_dims * self.sides_.condition.n_columns
        chance = math.sqrt(2 * n_pairs) / (2 * len(direct))
        self.mutual_info_se_ = float(math.hypot(sampling, training, hidden, chance))
        self.cross_term_ = float((direct - orthogonal).mean())
        self.cross_term_se_ = standard_error(direct - orthogonal, clusters)

    def _evaluate(self, X, y):
        """Terms of new data, one set per fold."""
        from sklearn_mmg.diffusion.terms import PointwiseTerms
        from sklearn_mmg.neural.training import resolve_device

        X, y = self._validate_blocks(X, y, reset=False)
        if np.isinf(self.mutual_info_):
            return [PointwiseTerms.full(len(X), math.inf)]
        target, condition = self.sides_.encode(X, y)
        warn_of_new(self.sides_, target, X if self.sides_.other == "X" else y)
        device = resolve_device(self.device)
        return [pair.evaluate(target, condition, device)[0] for pair in self.pairs_]
