"""Mutual information from denoisers that are there already."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_random_state
from sklearn.utils._indexing import _safe_indexing
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_consistent_length
from torch import Tensor
from tqdm.auto import tqdm

from sklearn_mmg._core.training import as_tensor, slices
from sklearn_mmg._estimate import normal_interval, standard_error
from sklearn_mmg._validation import validate_params
from sklearn_mmg.diffusion.channel import noise_coordinates
from sklearn_mmg.diffusion.denoiser import Denoised
from sklearn_mmg.diffusion.log_snr import (
    SAMPLER_CONSTRAINTS,
    LogisticSampler,
    LogSNRDistribution,
    LogSNRSampler,
)
from sklearn_mmg.diffusion.quadrature import (
    Part,
    error_curves,
    errors,
    forms,
    integrate_parts,
)
from sklearn_mmg.diffusion.terms import ErrorCurves
from sklearn_mmg.diffusion.views import ONE_SIDE

FORMS = ("direct", "orthogonal")
SIGNS = ONE_SIDE.signs  # the conditional denoiser comes first


@dataclass(frozen=True, kw_only=True)
class DenoiserInformation:
    """What :func:`~sklearn_mmg.mutual_info_from_denoisers` finds.

    Attributes
    ----------
    form : {"direct", "orthogonal"}
        The one that `mutual_info`, `pointwise` and `contributions` are read from.
    direct : ndarray of shape (n_samples,)
        Half the integral of ``|eps - eps_hat_u|**2 - |eps - eps_hat_c|**2``, in nats.
    orthogonal : ndarray of shape (n_samples,)
        Half the integral of ``|eps_hat_c - eps_hat_u|**2``, in nats.
    contributions : ndarray of the shape of `x`, or None
        What every value of a sample adds to `pointwise`, in nats.
    curves : ErrorCurves
        Sample means over log-SNR, for :class:`~sklearn_mmg.MMSECurveDisplay`.
    """

    form: str
    direct: np.ndarray
    orthogonal: np.ndarray
    contributions: np.ndarray | None
    curves: ErrorCurves

    @property
    def pointwise(self) -> np.ndarray:
        """One value per sample, in nats, whose mean is `mutual_info`."""
        return self.direct if self.form == "direct" else self.orthogonal

    @property
    def mutual_info(self) -> float:
        """The estimate, in nats."""
        return float(self.pointwise.mean())

    @property
    def standard_error(self) -> float:
        """Of the estimate, in nats: sampling and evaluation, not what the denoisers get wrong.

        It is that of the direct form for either: its values are the influence function.
        """
        return standard_error(self.direct)

    @property
    def cross_term(self) -> float:
        """The direct form less the orthogonal one, in nats: 0 for the best denoisers."""
        return float((self.direct - self.orthogonal).mean())

    @property
    def cross_term_se(self) -> float:
        """Standard error of `cross_term`."""
        return standard_error(self.direct - self.orthogonal)

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Normal confidence interval of the estimate.

        Parameters
        ----------
        confidence : float, default=0.95
            Coverage, between 0 and 1.

        Returns
        -------
        low, high : float
            In nats.
        """
        return normal_interval(self.mutual_info, self.standard_error, confidence)


@validate_params(
    {
        "x": ["array-like"],
        "y": "no_validation",
        "conditional": [callable],
        "unconditional": [callable],
        "form": [StrOptions(set(FORMS))],
        "sampler": SAMPLER_CONSTRAINTS,
        "min_logsnr": [Interval(Real, None, None, closed="neither"), None],
        "max_logsnr": [Interval(Real, None, None, closed="neither"), None],
        "n_nodes": [Interval(Integral, 2, None, closed="left")],
        "per_column": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def mutual_info_from_denoisers(
    x: ArrayLike,
    y: Any,
    conditional: Callable[..., ArrayLike],
    unconditional: Callable[..., ArrayLike],
    *,
    form: str = "direct",
    sampler: LogSNRSampler | None = None,
    min_logsnr: float | None = None,
    max_logsnr: float | None = None,
    n_nodes: int = 32,
    per_column: bool = False,
    batch_size: int = 1024,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 0,
) -> DenoiserInformation:
    """Mutual information of `x` and `y` by two denoisers of `x`, of which one sees `y`.

    Nothing is trained. The denoisers may be any callables that predict noise: networks of a
    diffusion model for images or text, closed forms, a regression. They should not have been
    trained on these samples. Every sample goes through the variance-preserving channel
    ``z = a x + b eps`` with ``a**2 = sigmoid(logsnr)`` and ``b**2 = sigmoid(-logsnr)``, and the
    errors of both denoisers, or their difference, are integrated over log-SNR [1]_.

    Parameters
    ----------
    x : array-like of shape (n_samples, ...)
        Samples of any shape, on the scale that the denoisers know.
    y : sequence of n_samples
        What the conditional denoiser is told of every sample: an array, a data frame, a list of
        texts, or indices by which it looks conditions up.
    conditional : callable
        ``conditional(z, logsnr, y)`` predicts ``eps``. `z` is an ndarray of shape
        (n, ...) in single precision, `logsnr` one of shape (n,), and `y` are the rows that belong
        to them; it returns an array of the shape of `z`.
    unconditional : callable
        ``unconditional(z, logsnr)``, the same without `y`.
    form : {"direct", "orthogonal"}, default="direct"
        What is read. The direct form, the gap of the squared errors (equation 8 of [1]_), is low
        by the squared error of the conditional denoiser and high by that of the other. The
        orthogonal one, the squared difference (equation 12), is never negative and has less noise,
        and errors that the denoisers do not share add to it. Both are in the result.
    sampler : log-SNR sampler, default=None
        Density from which log-SNR is drawn; what lies beyond its support is missing. None is that
        of the paper, ``LogisticSampler()``, from -10 to 14, for data of about unit variance.
    min_logsnr : float, default=None
        Least log-SNR. The value is then ``I(x; y | z)``, ``z`` being `x` at that log-SNR: what
        `y` tells of `x` to one who has seen ``z`` already (appendix E of [2]_).
    max_logsnr : float, default=None
        Greatest log-SNR. The value is then ``I(z; y)``, what is left of the information in ``z``,
        `x` at that log-SNR. The values below and above a level add up to ``I(x; y)``.
    n_nodes : int, default=32
        Noisy copies of every sample, two of which share a log-SNR and a noise of either sign. Each
        denoiser is called for all of them. The default is that of
        :class:`~sklearn_mmg.MMGMutualInfo`.
    per_column : bool, default=False
        Whether the result has ``contributions``: the sum over the values of a sample is left out
        [3]_. They belong to the coordinates of `x`: other coordinates divide the same sum
        otherwise.
    batch_size : int, default=1024
        Noisy samples in a call. Less takes less memory.
    random_state : int, RandomState instance or None, default=None
        Of log-SNR and noise.
    verbose : int, default=0
        With 1 or more, a progress bar over noisy samples.

    Returns
    -------
    DenoiserInformation
        ``mutual_info`` in nats, ``standard_error`` and ``interval``, ``pointwise`` values, both
        forms as ``direct`` and ``orthogonal``, ``curves`` and ``contributions``. The
        ``cross_term``, by which the forms differ, is zero for the best denoisers: where it is
        many times ``cross_term_se`` they are not, and neither value is to be believed.

    Raises
    ------
    ValueError
        If a denoiser returns another shape than that of `z`, NaN or infinity, if `x` has them, if
        `x` and `y` have different numbers of samples, or if no log-SNR is left.

    See Also
    --------
    MMGMutualInfo : Trains its own denoisers.
    MMSECurveDisplay : Draws ``curves``.

    Notes
    -----
    Other models are adapted in a line. With ``a = sqrt(expit(logsnr))`` and
    ``b = sqrt(expit(-logsnr))``, given the axes of ``z``:

    ==============================  =======================================================
    model                           noise prediction
    ==============================  =======================================================
    variance exploding, predicts    ``model(z / a, sigma)`` with ``sigma = b / a``
    ``eps`` of ``x + sigma eps``
    denoised ``D(x + sigma eps)``   ``(z - a * D(z / a, b / a)) / b``
    score of ``z``                  ``-b * score(z, logsnr)``
    velocity ``a eps - b x``        ``a * v(z, logsnr) + b * z``
    flow ``(1 - t) x + t eps``,     ``s * z + (1 - t) * u(s * z, t)`` with
    velocity ``u = eps - x``        ``t = b / (a + b)``, ``s = 1 / (a + b)``
    ==============================  =======================================================

    A model of discrete steps takes the step whose log-SNR is nearest; `min_logsnr` and
    `max_logsnr` keep to those that it knows.

    The linear form of :class:`~sklearn_mmg.MMGMutualInfo` is one of denoisers that add to a
    Gaussian one. With the unconditional denoiser in the place of that it is the mean of
    the two forms here, so there is no third value.

    References
    ----------
    .. [1] Yu et al., "Mutual Information Estimation via the MMSE Gap in Diffusion", 2025.
    .. [2] Franzese et al., "MINDE: Mutual Information Neural Diffusion Estimation", ICLR 2024.
    .. [3] Kong et al., "Interpretable Diffusion via Information Decomposition", ICLR 2024.

    Examples
    --------
    Of normals with correlation 0.8, which share 0.511 nats, both denoisers are known.

    >>> import numpy as np
    >>> from scipy.special import expit
    >>> from sklearn_mmg import mutual_info_from_denoisers
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=2000)
    >>> x = 0.8 * y + 0.6 * rng.normal(size=2000)
    >>> def conditional(z, logsnr, y, mean=0.8, variance=0.36):
    ...     a2, b2 = expit(logsnr), expit(-logsnr)
    ...     return np.sqrt(b2) * (z - np.sqrt(a2) * mean * y) / (a2 * variance + b2)
    >>> def unconditional(z, logsnr):
    ...     return conditional(z, logsnr, 0.0, variance=1.0)
    >>> result = mutual_info_from_denoisers(x, y, conditional, unconditional, random_state=0)
    >>> low, high = result.interval()
    >>> bool(low < 0.511 < high)
    True

    A network of torch, or of anything else, is wrapped.

    >>> import torch
    >>> network = torch.nn.Linear(2, 1)
    >>> @torch.no_grad()
    ... def predict(z, logsnr):
    ...     return network(torch.from_numpy(np.column_stack([z, logsnr])))[:, 0].numpy()
    >>> predict(np.float32([0.5, 1.0]), np.float32([0.0, 2.0])).shape
    (2,)
    """
    x = check_array(
        x, dtype="float32", ensure_2d=False, allow_nd=True, ensure_min_samples=2, input_name="x"
    )
    x = np.asarray(x)
    check_consistent_length(x, y)
    integrate = partial(
        _integrate,
        x,
        y,
        NoisePredictors(conditional, unconditional, x.shape[1:]),
        form if per_column else None,
        n_nodes=n_nodes,
        batch_size=batch_size,
        seed=int(check_random_state(random_state).randint(2**31 - 1)),
        verbose=verbose,
    )
    sampler = LogisticSampler() if sampler is None else sampler
    if sampler.adapts:
        _, pilot = integrate(sampler.distribution().between(min_logsnr, max_logsnr))
        sampler = sampler.adapt(pilot.logsnr, pilot.mmse_conditional, x[0].size)
    found, curves = integrate(sampler.distribution().between(min_logsnr, max_logsnr))
    return DenoiserInformation(
        form=form,
        direct=found["direct"],
        orthogonal=found["orthogonal"],
        contributions=found["columns"].T.reshape(x.shape) if per_column else None,
        curves=curves,
    )


class NoisePredictors(NamedTuple):
    """Two callables that predict noise, and the shape of a sample."""

    conditional: Callable[..., ArrayLike]
    unconditional: Callable[..., ArrayLike]
    shape: tuple[int, ...]

    def denoise(self, x: Tensor, y: Any, logsnr: Tensor, noise: Tensor) -> Denoised:
        """Samples in both views, with the same noise."""
        z, t, w, tau = noise_coordinates(x, torch.ones(()), logsnr, noise)
        f = torch.stack(
            [
                self._predict("conditional", z, logsnr, y),
                self._predict("unconditional", z, logsnr),
            ]
        )
        return Denoised(*(a.expand_as(f) for a in (z, t, w, tau)), f=f)

    def _predict(self, name: str, z: Tensor, logsnr: Tensor, *told: Any) -> Tensor:
        # Copies: what a callable does to its arguments in place stays there.
        seen = z.numpy().reshape(len(z), *self.shape).copy(), logsnr.numpy().copy()
        predicted = np.asarray(getattr(self, name)(*seen, *told))
        if predicted.shape != seen[0].shape:
            raise ValueError(
                f"The {name} denoiser must return an array of the shape of z, {seen[0].shape}. "
                f"Got {predicted.shape} instead."
            )
        wrong = ~np.isfinite(predicted).reshape(len(z), -1).all(axis=1)
        if wrong.any():
            levels = seen[1][wrong]
            raise ValueError(
                f"The {name} denoiser returned NaN or infinity for {wrong.sum()} of {len(z)} noisy "
                f"samples, at log-SNR from {levels.min():.1f} to {levels.max():.1f}. If it does "
                "not know these, keep off them by min_logsnr and max_logsnr."
            )
        return as_tensor(predicted, z.device).reshape(z.shape)


def _integrate(
    x: np.ndarray,
    y: Any,
    predictors: NoisePredictors,
    form_of_columns: str | None,
    distribution: LogSNRDistribution,
    *,
    n_nodes: int,
    batch_size: int,
    seed: int,
    verbose: int,
) -> tuple[dict[str, np.ndarray], ErrorCurves]:
    """Both forms of every sample, one of every column if it is named, and the error curves."""
    flat = torch.from_numpy(x.reshape(len(x), -1))
    total = 2 * (n_nodes // 2) * len(x)
    with tqdm(total=total, disable=not verbose, unit="noisy samples") as bar:

        def part(rows: slice) -> Part:
            some = flat[rows], _safe_indexing(y, rows)

            def denoise(logsnr: Tensor, noise: Tensor) -> Denoised:
                denoised = predictors.denoise(*some, logsnr, noise)
                bar.update(len(noise))
                return denoised

            return len(some[0]), denoise

        found, at_nodes = integrate_parts(
            map(part, slices(len(x), batch_size)),
            partial(_integrands, form_of_columns=form_of_columns),
            distribution,
            n_nodes=n_nodes,
            n_dims=flat.shape[1],
            seed=seed,
            device="cpu",
        )
    return found, error_curves(at_nodes, distribution)


def _integrands(
    d: Denoised, logsnr: Tensor, form_of_columns: str | None = None
) -> dict[str, Tensor]:
    found = forms(d, logsnr, SIGNS) | errors(d, logsnr, SIGNS)
    if form_of_columns is not None:
        n_views, n, n_dims = d.f.shape
        # Columns as samples of their own, so that nothing is summed over them.
        cells = Denoised(*(a.transpose(1, 2).reshape(n_views, -1, 1) for a in d))
        of_cells = forms(cells, logsnr.repeat(n_dims), SIGNS)
        found["columns"] = of_cells[form_of_columns].unflatten(0, (n_dims, n))
    return found
