"""What estimators have in common that read the gap between the errors of two denoisers."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions

from sklearn_mmg._core.cross_fitted import MixedMutualInfo
from sklearn_mmg._core.folds import Split, fit_folds, gather
from sklearn_mmg._core.model import Held
from sklearn_mmg._core.parameters import estimator
from sklearn_mmg._core.sides import Sides
from sklearn_mmg._estimate import Estimate, standard_error
from sklearn_mmg.diffusion import caveats
from sklearn_mmg.diffusion.continuous import ContinuousPair
from sklearn_mmg.diffusion.fold_training import train_together
from sklearn_mmg.diffusion.pairs import Pair, new_pair
from sklearn_mmg.diffusion.terms import DenoisingSettings

FORMS = ("direct", "orthogonal", "linear")


@estimator()
class MMSEGapMutualInfo(MixedMutualInfo):
    """Denoisers of one side, with and without the other, of all folds side by side.

    A subclass has a ``form``, one of :data:`FORMS`, and says in ``_denoising`` how denoisers are
    trained and read.
    """

    _parameter_constraints = {"denoise": [StrOptions({"auto", "X", "y"})]}

    denoise: str = "auto"

    _diagnostics_of_infinity = {"correction_": 0.0, "cross_term_": 0.0, "cross_term_se_": 0.0}

    def _denoising(self) -> dict[str, Any]:
        """Parameters of :func:`~sklearn_mmg.diffusion.pairs.new_pair` but for the sides."""
        raise NotImplementedError

    def _denoising_settings(self, **fields: Any) -> DenoisingSettings:
        """The settings of a training that all estimators have, with what denoisers add to them."""
        shared = {"keeps_best": self.early_stopping, "width": self.width, "depth": self.depth}
        return DenoisingSettings(**(vars(self._settings()) | shared | fields))

    def _new_sides(self, X: np.ndarray, y: np.ndarray, seed: int) -> Sides:
        sides = Sides(X, y, self._masks, self.denoise, seed, split_atoms=True, given=self._given)
        self.denoised_ = sides.denoised
        self.sides_: Sides
        self.models_: list[Pair]
        self.form: str  # of a subclass
        self.correction_: float
        self.cross_term_: float
        self.mmse_curves_ = None
        return sides

    @property
    def _may_be_new(self) -> str:
        # The codes of a mixed block are denoised as numbers, where a new one has no place.
        return self.sides_.other if self.sides_.target.kind == "mixed" else "Xy"

    def _new_model(self) -> Pair:
        return new_pair(self.sides_, **self._denoising())

    def _cross_fit(
        self,
        models: Sequence[Pair],
        blocks: Sequence[np.ndarray],
        splits: list[Split],
        rng: np.random.RandomState,
        device: str,
    ) -> tuple[list[Pair], list[Held]]:
        x, y = blocks
        fitted = fit_folds(models, x, y, splits, rng=rng, device=device, n_jobs=self.n_jobs)
        held_out = [(x[test], y[test]) for _, test in splits]
        parts = [model.continuous_part(*h) for model, h in zip(fitted, held_out, strict=True)]
        parts = [part for part in parts if part is not None]
        train_together(
            [pair for pair, _ in parts],
            [white for _, white in parts],
            len(x),
            rng=np.random.default_rng(rng.randint(2**31 - 1)),
            device=device,
            label=f"{len(splits)} folds" if len(splits) > 1 else "fold 1/1",
        )
        self._closed_form = self._closed_form_of(fitted, x, y)
        return fitted, [
            model.hold_out(*h, device) for model, h in zip(fitted, held_out, strict=True)
        ]

    @staticmethod
    def _closed_form_of(models: Sequence[Pair], x: np.ndarray, y: np.ndarray) -> float | None:
        """The estimate from all samples at once, where no network has anything to add; or None."""
        closed = [m for m in models if isinstance(m, ContinuousPair) and m.is_closed_form_]
        return closed[0].closed_form(x, y) if len(closed) == len(models) else None

    def _combine(
        self, held: Sequence[Held], splits: list[Split], clusters: np.ndarray | None
    ) -> Estimate:
        *forms, unlearned = (
            gather(splits, [getattr(fold.values, form) for fold in held])
            for form in (*FORMS, "unlearned")
        )
        direct, orthogonal, linear = forms
        if self._closed_form is not None:
            linear += self._closed_form - linear.mean()
            unlearned = np.zeros_like(linear)  # all of it is told
        reads_linear = self.form == "linear"
        value = float(forms[FORMS.index(self.form)].mean())
        pointwise = orthogonal if self.form == "orthogonal" else direct
        correction = value - float(pointwise.mean())
        missed = float(unlearned.mean()) if reads_linear else 0.0
        proved = value - missed
        alternatives = (proved,) if missed else ()
        training = abs(proved - 0.5 * float(direct.mean() + orthogonal.mean()))
        doubt = self.models_[0].doubt_
        if reads_linear and doubt:
            training = 0.0
            alternatives += (proved - doubt.below, value + doubt.above)
        bases = [model.basis_ for model in self.models_ if model.basis_ is not None]
        hidden = float(np.mean([basis.unlearned_se_ for basis in bases])) if missed else 0.0
        cross = direct - orthogonal
        curves = [fold.curves for fold in held if fold.curves is not None]
        cross_term_se = standard_error(cross, clusters)
        estimate = Estimate(
            pointwise=pointwise + correction,
            # The influence function of mutual information is its pointwise value, which the direct
            # form estimates; the other forms hide part of the spread in the trained parameters.
            influence=direct,
            clusters=clusters,
            hidden_variance=training**2 + hidden**2 + self._chance(len(direct)) ** 2,
            alternatives=alternatives,
            diagnostics={
                "correction_": correction,
                "cross_term_": float(cross.mean()),
                "cross_term_se_": cross_term_se,
                "mmse_curves_": curves[0].average(curves) if curves else None,
            },
        )
        means = tuple(float(form.mean()) for form in forms)
        said = caveats.disagreement(estimate, means, cross_term_se, self.sides_)
        if said is None:
            return estimate
        return replace(estimate, alternatives=alternatives + means, caveats=(said,))

    def _chance(self, n_samples: int) -> float:
        """What chance makes of independent normal blocks: it may be missed."""
        if any(model.trivial_ for model in self.models_):
            return 0.0
        n_pairs = self.sides_.target.n_dims * self.sides_.n_other
        return math.sqrt(2 * n_pairs) / (2 * n_samples)

    def _of_estimate(
        self, estimate: Estimate, X: np.ndarray, y: np.ndarray, seed: int
    ) -> Iterator[str]:
        yield from caveats.of_wide_classes(self.models_, self.sides_.other)
        if self.form == "linear":
            rises = [model.doubt_.rise for model in self.models_ if model.doubt_ is not None]
            yield from caveats.of_rise(estimate, max(rises, default=0.0), self.n_iter_)
        rng = np.random.default_rng(seed)
        if not self._given.any():  # what is given may be all that a regression needs
            yield from caveats.of_regression(estimate, (X, y), self._readers, rng)

    def pointwise_mi(self, X: ArrayLike, y: ArrayLike) -> np.ndarray:
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
        ndarray of shape (n_samples,)
            In nats. With ``form="linear"`` the direct form, plus the constant by which the
            fitted estimate corrects it; a single value may be negative.

        See Also
        --------
        mutual_info : Its mean.
        sklearn_mmg.PointwiseInformationDisplay : The held-out values as a picture.

        Examples
        --------
        >>> from sklearn_mmg import MMGMutualInfo
        >>> from sklearn_mmg.datasets import JointNormal
        >>> normal = JointNormal.sparse()  # 0.413 nats
        >>> mmg = MMGMutualInfo(n_steps=20, cv=0.3, random_state=0)
        >>> mmg = mmg.fit(*normal.sample(500, random_state=0))
        >>> bool(0.3 < mmg.pointwise_mi(*normal.sample(1000, random_state=1)).mean() < 0.5)
        True
        """
        form = "orthogonal" if self.form == "orthogonal" else "direct"
        return self._average(form, X, y) + self.correction_

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Held-out ``log q(x|y) + log q(x)``, relative to the training Gaussian, in nats.

        Safe to maximise, in a grid search say: no denoiser raises it above its value for the true
        densities. It equals the direct bound of the mutual information where the unconditional
        denoiser is exact (a gaussianised scalar, a discrete column) and for Gaussian data;
        otherwise it adds twice the negentropy of the denoised side, which of several discrete
        columns is what they tell of each other. The estimate itself is not
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
        float
            Mean over the samples, in nats.

        See Also
        --------
        mutual_info : The estimate for other data, which is not safe to maximise.
        sklearn.model_selection.GridSearchCV : Searches parameters by the score.

        Examples
        --------
        >>> from sklearn_mmg import MMGMutualInfo
        >>> from sklearn_mmg.datasets import JointNormal
        >>> normal = JointNormal.sparse()  # 0.413 nats
        >>> mmg = MMGMutualInfo(n_steps=20, cv=0.3, random_state=0)
        >>> mmg = mmg.fit(*normal.sample(500, random_state=0))
        >>> bool(0.3 < mmg.score(*normal.sample(1000, random_state=1)) < 0.5)
        True
        """
        return float(self._average("log_densities", X, y).mean())

    def _of_models(self, form: str, X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """A form of validated data, of every model."""
        return [getattr(terms, form) for terms in super()._of_models("pointwise", X, y)]

    def _encode_later(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        target, condition = super()._encode_later(X, y)
        caveats.warn_of_new(self.sides_, target, self.sides_.split(X, y)[1])
        return target, condition
