"""Bijections of a block, as transformers that also invert.

Czyż et al., "Beyond Normal", NeurIPS 2023, section 3.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri
from sklearn.preprocessing import FunctionTransformer

Waves = Sequence[tuple[float, float, float]]  # amplitude, frequency and phase


def half_cube() -> FunctionTransformer:
    """Map every column by ``x sqrt|x|``, which makes tails heavier.

    A normal column gets tails beyond those of any normal: for estimators that take margins as they
    are. The mutual information stays the same.

    Returns
    -------
    FunctionTransformer
        The map, with its inverse.

    See Also
    --------
    cube : Heavier tails still.
    asinh : Lighter tails.

    Examples
    --------
    >>> from sklearn_mmg.datasets import half_cube
    >>> half_cube().transform([[4.0, -4.0]])
    array([[ 8., -8.]])
    """
    return FunctionTransformer(_half_cube, _inverse_half_cube)


def _half_cube(x: ArrayLike) -> np.ndarray:
    x = np.asarray(x)
    return x * np.sqrt(np.abs(x))


def _inverse_half_cube(x: np.ndarray) -> np.ndarray:
    return np.sign(x) * np.abs(x) ** (2 / 3)


def asinh() -> FunctionTransformer:
    """Map every column by the inverse hyperbolic sine, which makes tails lighter.

    It is near the identity around zero and a logarithm far out: the tasks of Czyż et al. map heavy
    tails by it.

    Returns
    -------
    FunctionTransformer
        The map, with its inverse.

    See Also
    --------
    half_cube : Heavier tails.
    sklearn_mmg.preprocessing.SmoothGaussianizer : Normal margins, whatever the tails are.

    Examples
    --------
    >>> from sklearn_mmg.datasets import asinh
    >>> asinh().transform([[0.0, 1e6]]).round(2)
    array([[ 0.  , 14.51]])
    """
    return FunctionTransformer(np.arcsinh, np.sinh)


def exponential() -> FunctionTransformer:
    """Map every column by the exponential function: a normal one becomes lognormal.

    Incomes, sizes and concentrations are of this kind: positive, with one long tail.

    Returns
    -------
    FunctionTransformer
        The map, with its inverse.

    See Also
    --------
    cube : Two long tails.
    normal_cdf : No tails.

    Examples
    --------
    >>> from sklearn_mmg.datasets import exponential
    >>> exponential().transform([[0.0, 1.0]]).round(2)
    array([[1.  , 2.72]])
    """
    return FunctionTransformer(np.exp, np.log)


def cube() -> FunctionTransformer:
    """Map every column by its third power, which makes tails heavy.

    The slope of the map is zero at zero, so that the density of a normal column becomes infinite
    there: hard for estimators that take margins as they are.

    Returns
    -------
    FunctionTransformer
        The map, with its inverse.

    See Also
    --------
    half_cube : Less of the same.
    exponential : One long tail.

    Examples
    --------
    >>> from sklearn_mmg.datasets import cube
    >>> cube().transform([[2.0, -2.0]])
    array([[ 8., -8.]])
    """
    return FunctionTransformer(_cube, np.cbrt)


def _cube(x: ArrayLike) -> np.ndarray:
    return np.asarray(x) ** 3


def normal_cdf() -> FunctionTransformer:
    """Map every column by the standard normal distribution function.

    A normal column becomes uniform on (0, 1): a density that ends at edges.

    Returns
    -------
    FunctionTransformer
        The map, with its inverse.

    See Also
    --------
    normal_mixture_quantile : From a uniform column to a mixture.
    swiss_roll : Rolls a uniform column up.

    Examples
    --------
    >>> from sklearn_mmg.datasets import normal_cdf
    >>> normal_cdf().transform([[0.0, 1.0]]).round(2)
    array([[0.5 , 0.84]])
    """
    return FunctionTransformer(ndtr, ndtri)


def wiggly(waves: Waves) -> FunctionTransformer:
    """Map every column by ``x + sum_k a_k sin(w_k x + c_k)``.

    It moves mass back and forth along the axis, and a normal column gets several peaks. The inverse
    is found by iteration.

    Parameters
    ----------
    waves : sequence of tuples (a, w, c)
        Amplitude, frequency and phase; the sum of all ``|a w|`` has to be below one, so that the
        map increases.

    Returns
    -------
    FunctionTransformer
        The map, with its inverse.

    Raises
    ------
    ValueError
        If the slopes of the waves add up to one or more.

    See Also
    --------
    half_cube : A map of the tails.
    normal_mixture_quantile : Peaks of a known density.

    Examples
    --------
    >>> from sklearn_mmg.datasets import wiggly
    >>> map_ = wiggly([(0.4, 1.0, 0.0), (0.2, 1.7, 1.0)])
    >>> map_.inverse_transform(map_.transform([[2.0]]))
    array([[2.]])
    """
    slope = sum(abs(a * w) for a, w, _ in waves)
    if slope >= 1:
        raise ValueError(f"The slopes of the waves must add up to less than 1. Got {slope:.3g}.")
    return FunctionTransformer(
        _wiggly, _inverse_wiggly, kw_args={"waves": waves}, inv_kw_args={"waves": waves}
    )


def _waves(x: np.ndarray, waves: Waves) -> np.ndarray:
    return np.asarray(sum(a * np.sin(w * x + c) for a, w, c in waves))


def _wiggly(x: ArrayLike, waves: Waves) -> np.ndarray:
    x = np.asarray(x)
    return x + _waves(x, waves)


def _inverse_wiggly(x: ArrayLike, waves: Waves) -> np.ndarray:
    """Fixed point of ``z = x - waves(z)``, a contraction because the slopes stay below one."""
    z = x = np.asarray(x)
    slope = sum(abs(a * w) for a, w, _ in waves)
    for _ in range(int(np.ceil(np.log(1e-15) / np.log(slope)))):
        z = x - _waves(z, waves)
    return z


def normal_mixture_quantile(
    weights: Sequence[float], means: Sequence[float]
) -> FunctionTransformer:
    """Map a uniform column by the quantile function of a mixture of unit normals.

    After :func:`normal_cdf` it gives a normal column several peaks, with its ranks as they are. The
    inverse is the distribution function of the mixture.

    Parameters
    ----------
    weights, means : sequences of float of the same length
        The weights sum to one.

    Returns
    -------
    FunctionTransformer
        The map, with its inverse.

    See Also
    --------
    normal_cdf : Makes a normal column uniform.
    JointNormalMixture : A mixture of two blocks, whose mutual information is another one.

    Examples
    --------
    >>> from sklearn_mmg.datasets import normal_mixture_quantile
    >>> normal_mixture_quantile([0.5, 0.5], [-1.0, 3.0]).transform([[0.5]]).round(6)
    array([[1.]])
    """
    mixture = {"weights": tuple(weights), "means": tuple(means)}
    return FunctionTransformer(
        _mixture_quantile, _mixture_cdf, kw_args=mixture, inv_kw_args=mixture
    )


def _mixture_cdf(x: ArrayLike, weights: Sequence[float], means: Sequence[float]) -> np.ndarray:
    components = zip(weights, means, strict=True)
    return np.asarray(sum(w * ndtr(np.asarray(x) - m) for w, m in components))


def _mixture_quantile(p: ArrayLike, weights: Sequence[float], means: Sequence[float]) -> np.ndarray:
    """Halve an interval that holds the answer, to the last digit."""
    p = np.asarray(p)
    quantile = ndtri(p)
    low, high = quantile + min(means), quantile + max(means)
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = _mixture_cdf(middle, weights, means) < p
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return 0.5 * (low + high)


def swiss_roll() -> FunctionTransformer:
    """Roll a column in (0, 1) up in the plane: ``(t cos t, t sin t)/21``, ``t = 1.5π(1 + 2x)``.

    The two columns lie on a curve, which has no density in the plane; the map is a bijection onto
    it, so that the mutual information stays the same.

    Returns
    -------
    FunctionTransformer
        From one column to two.

    See Also
    --------
    spiral : Winds columns without new ones.
    normal_cdf : Makes the column of a normal uniform.

    Examples
    --------
    >>> from sklearn_mmg.datasets import swiss_roll
    >>> swiss_roll().transform([[0.5]]).round(3)
    array([[-0.449,  0.   ]])
    """
    return FunctionTransformer(_swiss_roll, _inverse_swiss_roll)


def _swiss_roll(x: ArrayLike) -> np.ndarray:
    t = 1.5 * np.pi * (1 + 2 * np.asarray(x))
    return np.hstack([t * np.cos(t), t * np.sin(t)]) / 21


def _inverse_swiss_roll(x: np.ndarray) -> np.ndarray:
    t = 21 * np.linalg.norm(x, axis=1, keepdims=True)
    return (t / (1.5 * np.pi) - 1) / 2


def spiral(plane: tuple[int, int] = (0, 1)) -> FunctionTransformer:
    """Rotate a plane by an angle of the mean square of the columns.

    Samples far from the origin are turned further. The volume stays the same, and so does the
    mutual information, but no map of single columns undoes it.

    Parameters
    ----------
    plane : tuple of two ints, default=(0, 1)
        Columns that span the plane; the first turns towards the second.

    Returns
    -------
    FunctionTransformer
        The map, with its inverse.

    See Also
    --------
    swiss_roll : Rolls one column up to two.
    JointDistribution.mapped : Maps the blocks of a distribution.

    Examples
    --------
    >>> from sklearn_mmg.datasets import spiral
    >>> spiral().transform([[1.0, 0.0]]).round(3)  # an angle of one half
    array([[0.878, 0.479]])
    """
    return FunctionTransformer(
        _spiral,
        _spiral,
        kw_args={"plane": plane, "speed": 1.0},
        inv_kw_args={"plane": plane, "speed": -1.0},
    )


def _spiral(x: ArrayLike, plane: tuple[int, int], speed: float) -> np.ndarray:
    x = np.array(x, dtype=np.float64)
    angle = speed * np.mean(x**2, axis=1)
    first, second = x[:, plane[0]], x[:, plane[1]]
    rotated = (
        np.cos(angle) * first - np.sin(angle) * second,
        np.sin(angle) * first + np.cos(angle) * second,
    )
    x[:, plane[0]], x[:, plane[1]] = rotated
    return x
