"""Three normal columns with known interaction information."""

from numbers import Integral
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from sklearn_mmg._validation import validate_params
from sklearn_mmg.datasets._closed_form import JointNormal


class ThreeNormals:
    """Jointly normal columns X, y and z with mean zero.

    The interaction information is ``I(X; y) - I(X; y | z)``, which is the same for any order of
    the three. Positive means redundancy, z explains part of what X and y share; negative means
    synergy, z couples them. This is the sign of the co-information (Bell 2003) and the opposite of
    the one of McGill ("Multivariate information transmission", Psychometrika 1954), who counts
    what the third variable adds.

    All values follow from determinants of the covariance.

    Parameters
    ----------
    covariance : array-like of shape (3, 3)
        Of X, y and z; positive definite.

    Attributes
    ----------
    mutual_information_xy, mutual_information_xz, mutual_information_yz : float
        Of the pairs, in nats.
    conditional_mutual_information : float
        I(X; y | z), in nats.
    interaction_information : float
        I(X; y) - I(X; y | z), in nats.

    Raises
    ------
    ValueError
        If the covariance is not of shape (3, 3) or not positive definite.

    See Also
    --------
    JointNormal : Two blocks of any number of columns.
    sklearn_mmg.MultiInformation : Estimates what three groups of columns or more share.
    sklearn_mmg.MMGMutualInfo : Estimates conditional mutual information with ``given``.

    Examples
    --------
    >>> from sklearn_mmg.datasets import ThreeNormals
    >>> round(ThreeNormals.common_cause(0.8).interaction_information, 3)
    0.263
    >>> round(ThreeNormals.collider(0.6).interaction_information, 3)
    -0.19
    """

    def __init__(self, covariance: ArrayLike) -> None:
        self.covariance = np.asarray(covariance, dtype=np.float64)
        if self.covariance.shape != (3, 3):
            raise ValueError(
                f"The covariance has shape {self.covariance.shape}, but (3, 3) was expected."
            )
        self._joint = JointNormal(self.covariance, dim_x=1)
        self.mutual_information_xy = self._of_pair(0, 1)
        self.mutual_information_xz = self._of_pair(0, 2)
        self.mutual_information_yz = self._of_pair(1, 2)
        # The chain rule: I(X; y, z) = I(X; z) + I(X; y | z).
        self.conditional_mutual_information = (
            self._joint.mutual_information - self.mutual_information_xz
        )
        self.interaction_information = (
            self.mutual_information_xy - self.conditional_mutual_information
        )

    def _of_pair(self, *columns: int) -> float:
        pair = JointNormal(self.covariance[np.ix_(columns, columns)], dim_x=1)
        return pair.mutual_information

    @classmethod
    def common_cause(cls, correlation: float = 0.8) -> Self:
        """X and y that depend on z and are independent given z: redundancy.

        Two measurements of one thing are of this kind: what either tells of the other, z tells as
        well.

        Parameters
        ----------
        correlation : float, default=0.8
            Of z with X and with y, between -1 and 1.

        Returns
        -------
        ThreeNormals
            Its conditional mutual information is zero.

        See Also
        --------
        ThreeNormals.collider : The opposite, synergy.

        Examples
        --------
        >>> from sklearn_mmg.datasets import ThreeNormals
        >>> abs(ThreeNormals.common_cause(0.8).conditional_mutual_information) < 1e-12
        True
        """
        c = correlation
        return cls([[1, c * c, c], [c * c, 1, c], [c, c, 1]])

    @classmethod
    def collider(cls, correlation: float = 0.6) -> Self:
        """X and y that are independent and act on z both: synergy.

        Two causes of one effect are of this kind: to know the effect makes one cause tell of the
        other.

        Parameters
        ----------
        correlation : float, default=0.6
            Of z with X and with y; its square is below one half.

        Returns
        -------
        ThreeNormals
            The mutual information of X and y is zero.

        See Also
        --------
        ThreeNormals.common_cause : The opposite, redundancy.

        Examples
        --------
        >>> from sklearn_mmg.datasets import ThreeNormals
        >>> collider = ThreeNormals.collider(0.6)
        >>> round(collider.conditional_mutual_information, 3)
        0.19
        """
        c = correlation
        return cls([[1, 0, c], [0, 1, c], [c, c, 1]])

    @validate_params(
        {
            "n_samples": [Interval(Integral, 1, None, closed="left")],
            "random_state": ["random_state"],
        },
        prefer_skip_nested_validation=True,
    )
    def sample(
        self, n_samples: int = 100, random_state: int | np.random.RandomState | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw independent samples.

        The three are separate arrays, as estimators take them: put X and z side by side where z is
        given.

        Parameters
        ----------
        n_samples : int, default=100
            How many.
        random_state : int, RandomState instance or None, default=None
            Seed, or generator that goes on from where it is.

        Returns
        -------
        X : ndarray of shape (n_samples, 1)
            The first column.
        y : ndarray of shape (n_samples, 1)
            The second column.
        z : ndarray of shape (n_samples, 1)
            The third column.

        See Also
        --------
        JointDistribution.sample : The same for two blocks.

        Examples
        --------
        >>> from sklearn_mmg.datasets import ThreeNormals
        >>> X, y, z = ThreeNormals.common_cause().sample(5, random_state=0)
        >>> z.shape
        (5, 1)
        """
        X, rest = self._joint._sample(n_samples, check_random_state(random_state))
        return X, rest[:, :1], rest[:, 1:]
