"""Implementations by others, called as the benchmark calls an estimator.

Nothing is estimated here: an adapter hands the samples over and converts the unit of the answer.
"""

import contextlib
import io
import os
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from unittest import mock

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import sem
from sklearn.base import BaseEstimator
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, check_X_y, column_or_1d

from sklearn_mmg import mutual_info_mmg
from sklearn_mmg.benchmark._protocol import Estimator
from sklearn_mmg.datasets import JointDistribution, load_task

Seed = int | np.random.RandomState | None


class ColumnScore(BaseEstimator):
    """A score function for columns, as an estimator for one column on either side.

    Parameters
    ----------
    score_func : callable
        Called as :func:`~sklearn_mmg.mutual_info_mmg` is; gives nats.
    discrete_features : bool or array-like of bool, default=False
    discrete_target : bool, default=False
        Both as in :func:`~sklearn_mmg.mutual_info_mmg`.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    mutual_info_ : float
        In nats.

    Examples
    --------
    >>> from sklearn_mmg import mutual_info_mmg
    >>> from sklearn_mmg.benchmark._adapters import ColumnScore
    >>> from sklearn_mmg.datasets import load_task
    >>> X, y = load_task("1v1-normal-0.75").sample(1000, random_state=0)
    >>> score = ColumnScore(mutual_info_mmg, random_state=0).fit(X, y)
    >>> 0.3 < score.mutual_info_ < 0.5
    True
    """

    def __init__(
        self,
        score_func: Callable[..., np.ndarray],
        *,
        discrete_features: bool | ArrayLike = False,
        discrete_target: bool = False,
        random_state: Seed = None,
    ) -> None:
        self.score_func = score_func
        self.discrete_features = discrete_features
        self.discrete_target = discrete_target
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Score the column of `X` with `y`.

        Parameters
        ----------
        X : array-like of shape (n_samples, 1)
        y : array-like of shape (n_samples,) or (n_samples, 1)

        Returns
        -------
        self : ColumnScore

        Raises
        ------
        ValueError
            If a side has more than one column.
        """
        scores = self.score_func(
            X,
            column_or_1d(y),
            discrete_features=self.discrete_features,
            discrete_target=self.discrete_target,
            random_state=self.random_state,
        )
        if len(scores) != 1:
            raise ValueError(f"X has {len(scores)} features, but ColumnScore takes one.")
        self.mutual_info_ = float(scores[0])
        return self

    def unsupported(self, task: JointDistribution) -> str | None:
        """Why the task cannot be done, or None if it can."""
        return None if task.dim_x == task.dim_y == 1 else "it takes one column on either side"


def scikit_learn_ksg(
    X: ArrayLike,
    y: ArrayLike,
    *,
    discrete_features: bool | ArrayLike,
    discrete_target: bool,
    random_state: Seed,
) -> np.ndarray:
    """Nearest neighbours as scikit-learn has them, for a continuous or a discrete target."""
    score: Callable[..., np.ndarray] = (
        mutual_info_classif if discrete_target else mutual_info_regression
    )
    return score(X, y, discrete_features=discrete_features, random_state=random_state)


class SeparatePackage(BaseEstimator, metaclass=ABCMeta):
    """What the adapters to packages for continuous columns, to be installed by hand, share.

    A subclass names the `_modules` it needs, how to `_install` them, and implements
    ``_estimate``.
    """

    _modules: tuple[str, ...]
    _install: str
    random_state: Seed

    @abstractmethod
    def _estimate(self, X: np.ndarray, y: np.ndarray) -> float:
        """The mutual information of both blocks, in nats."""

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Estimate the mutual information of the sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)

        Returns
        -------
        self : estimator
        """
        x_block, y_block = check_X_y(
            X,
            y,
            multi_output=True,
            dtype=np.float64,  # pyright: ignore[reportArgumentType]  # inferred from a default
        )
        # The packages print their progress.
        with seeded(self.random_state), contextlib.redirect_stdout(io.StringIO()):
            self.mutual_info_ = float(self._estimate(x_block, y_block.reshape(len(y_block), -1)))
        return self

    def unsupported(self, task: JointDistribution) -> str | None:
        """Why the task cannot be done, or None if it can."""
        if missing := [name for name in self._modules if find_spec(name) is None]:
            return f"the package {missing[0]} is not installed: {self._install}"
        return None


class LatentMI(SeparatePackage):
    """Nearest neighbours in a learned representation, by the package latentmi.

    Half of the samples train the representation, the other half is evaluated; training stops
    early. All settings but the number of epochs are those of the package.

    Parameters
    ----------
    epochs : int, default=300
        At most; the default of the package.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    mutual_info_ : float
        In nats; the package gives bits.

    References
    ----------
    Gowri et al., "Approximating mutual information of high-dimensional variables using learned
    representations", NeurIPS 2024.

    Examples
    --------
    >>> from sklearn_mmg.benchmark._adapters import LatentMI
    >>> LatentMI(epochs=50, random_state=0)
    LatentMI(epochs=50, random_state=0)
    """

    _modules = ("latentmi",)
    _install = (
        "python -m pip install --no-deps latentmi==0.1.3 (it asks for numpy<2, and pip refuses it "
        "otherwise)"
    )

    def __init__(self, *, epochs: int = 300, random_state: Seed = None) -> None:
        self.epochs = epochs
        self.random_state = random_state

    def _estimate(self, X: np.ndarray, y: np.ndarray) -> float:
        lmi = import_module("latentmi.lmi")  # by name: no type checker finds it
        # The package reads a name that NumPy 2 no longer has.
        with mock.patch.object(np, "NaN", np.nan, create=True):
            pointwise, _, _ = lmi.estimate(X, y, epochs=self.epochs)
        return np.nanmean(pointwise) * np.log(2)  # NaN where a sample trained


class TorchMist(SeparatePackage):
    """A variational bound by the package torch-mist, at the settings of the package.

    The bound is evaluated on a fifth of the samples, which the package does not see in training.

    Parameters
    ----------
    estimator : str, default="smile"
        Name of a bound in the package, such as "smile" (its default) or "nwj".
    max_iterations : int, default=5000
        At most, since training stops early; the default of the package.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    mutual_info_ : float
        In nats.

    References
    ----------
    Federici et al., "On the Effectiveness of Hybrid Mutual Information Estimation", 2023.

    Examples
    --------
    >>> from sklearn_mmg.benchmark._adapters import TorchMist
    >>> TorchMist("nwj", random_state=0)
    TorchMist(estimator='nwj', random_state=0)
    """

    _modules = ("torch_mist", "pyro", "pandas")
    _install = (
        "python -m pip install --no-deps torch-mist==0.2.17 (it asks for numpy<2, and pip refuses "
        "it otherwise), then python -m pip install pyro-ppl pandas"
    )

    def __init__(
        self, estimator: str = "smile", *, max_iterations: int = 5000, random_state: Seed = None
    ) -> None:
        self.estimator = estimator
        self.max_iterations = max_iterations
        self.random_state = random_state

    def _estimate(self, X: np.ndarray, y: np.ndarray) -> float:
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2)
        return import_module("torch_mist").estimate_mi(
            (X_train, y_train),
            test_data=(X_test, y_test),
            estimator=self.estimator,
            max_iterations=self.max_iterations,
            verbose=False,
            logger=False,
        )


ADAPTERS: dict[str, Estimator] = {
    "mutual-info-mmg": ColumnScore(mutual_info_mmg),
    "scikit-learn-ksg": ColumnScore(scikit_learn_ksg),
    "latentmi": LatentMI(),
    "torch-mist-smile": TorchMist("smile"),
    "torch-mist-nwj": TorchMist("nwj"),
}


@contextlib.contextmanager
def seeded(random_state: Seed) -> Iterator[None]:
    """Seed the global generators of NumPy and torch, and put them back as they were."""
    import torch

    seed = check_random_state(random_state).randint(2**31 - 1)
    before = np.random.get_state()  # noqa: NPY002 - the packages know no other generator
    with torch.random.fork_rng():
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        try:
            yield
        finally:
            np.random.set_state(before)  # noqa: NPY002


def export_samples(
    tasks: Iterable[str],
    n_samples: Iterable[int],
    seeds: Iterable[int],
    folder: str | os.PathLike,
) -> list[Path]:
    """Write the samples that the benchmark draws, for programs in another environment.

    Parameters
    ----------
    tasks : sequence of str
        See :func:`~sklearn_mmg.datasets.list_tasks`.
    n_samples : sequence of int
    seeds : sequence of int
    folder : str or path-like
        Made if it is not there. Gets a ``<task>__<n_samples>__<seed>.npz`` for each sample, with
        ``X`` of shape (n_samples, dim_x), ``y`` of shape (n_samples, dim_y), ``task``,
        ``n_samples``, ``seed``, in nats ``truth`` and ``oracle_standard_error``, and whether any
        column of either side is ``discrete``.

    Returns
    -------
    paths : list of pathlib.Path

    Raises
    ------
    ValueError
        If there is no such task.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from sklearn_mmg.benchmark._adapters import export_samples
    >>> with TemporaryDirectory() as folder:
    ...     path, = export_samples(["1v1-normal-0.75"], [100], [0], folder)
    ...     path.name, np.load(path)["X"].shape
    ('1v1-normal-0.75__100__0.npz', (100, 1))
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    distributions = {name: load_task(name) for name in tasks}
    return [
        _export(name, distribution, n, seed, folder)
        for name, distribution in distributions.items()
        for n in n_samples
        for seed in seeds
    ]


def _export(
    name: str, distribution: JointDistribution, n_samples: int, seed: int, folder: Path
) -> Path:
    X, y = distribution.sample(n_samples, random_state=seed)
    path = folder / f"{name}__{n_samples}__{seed}.npz"
    np.savez_compressed(
        path,
        X=X,
        y=y,
        task=name,
        n_samples=n_samples,
        seed=seed,
        truth=distribution.mutual_information,
        oracle_standard_error=sem(distribution.pointwise_mi(X, y)),
        discrete=distribution.discrete_target or np.any(distribution.discrete_features),
    )
    return path
