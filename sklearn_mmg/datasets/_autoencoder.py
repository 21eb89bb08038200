"""Latent codes of images."""

from collections.abc import Iterator
from itertools import pairwise
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklearn_mmg._documentation import DocumentedEstimator

FLOATS = [np.float64, np.float32]  # kept as they are


class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, DocumentedEstimator):
    """Code rows in few numbers from which a network can restore them.

    Two networks of two hidden layers each, trained together on the squared error; on 28 x 28
    digits 16 numbers leave about a quarter of the variance, where as many principal components
    leave two fifths. Encoding is not a bijection: mutual information between codes is that of the
    codes.

    Parameters
    ----------
    n_components : int, default=16
        Numbers of a code, as in the MMG paper.
    hidden_size : int, default=256
        Units of a hidden layer.
    n_epochs : int, default=30
        Passes over the data, in batches of 128; on 1,000 digits more no longer restores
        others better.
    random_state : int, RandomState instance or None, default=None
        Start of the weights and order of the batches.

    Attributes
    ----------
    net_ : skorch.NeuralNetRegressor
        ``net_.module_`` is a sequence of encoder and decoder.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the training data has string column names.

    See Also
    --------
    sklearn.decomposition.PCA : The best linear code.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_mmg.datasets import Autoencoder
    >>> X = load_digits().data / 16
    >>> autoencoder = Autoencoder(n_components=4, n_epochs=3, random_state=0).fit(X)
    >>> autoencoder.transform(X).shape
    (1797, 4)
    """

    _documented_in = "sklearn_mmg.datasets"
    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 16,
        *,
        hidden_size: int = 256,
        n_epochs: int = 30,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_components = n_components
        self.hidden_size = hidden_size
        self.n_epochs = n_epochs
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: None = None) -> Self:
        """Train encoder and decoder.

        Both are trained to restore the rows from codes of few numbers, by the mean squared error.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Of about unit scale, such as pixels in [0, 1].
        y : None
            Ignored.

        Returns
        -------
        Autoencoder
            The fitted autoencoder.

        See Also
        --------
        transform : Encodes rows.
        inverse_transform : Decodes codes.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn_mmg.datasets import Autoencoder
        >>> X = load_digits().data[:500] / 16
        >>> Autoencoder(n_components=2, n_epochs=1, random_state=0).fit(X).n_features_in_
        64
        """
        import torch

        self._validate_params()
        rows = self._checked(X, dtype=np.float32, ensure_min_samples=2)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net_ = self._make_net(rows.shape[1]).fit(rows, rows)
        return self

    def _checked(self, X: ArrayLike, **parameters: Any) -> np.ndarray:
        """Finite numbers, with the columns of fit."""
        # pyright infers types from the defaults of a function that has none.
        return validate_data(  # pyright: ignore[reportReturnType]
            self,
            X,  # pyright: ignore[reportArgumentType]
            **parameters,
        )

    def _make_net(self, n_features: int):
        from skorch import NeuralNetRegressor
        from skorch.callbacks import LRScheduler
        from torch import nn, optim

        def layers(*sizes: int) -> Iterator[nn.Module]:
            for n_in, n_out in pairwise(sizes):
                yield from (nn.Linear(n_in, n_out), nn.SiLU())

        hidden = [self.hidden_size] * 2
        encoder = nn.Sequential(
            *layers(n_features, *hidden), nn.Linear(hidden[-1], self.n_components)
        )
        decoder = nn.Sequential(
            *layers(self.n_components, *hidden), nn.Linear(hidden[-1], n_features)
        )
        return NeuralNetRegressor(
            nn.Sequential(encoder, decoder),
            optimizer=optim.Adam,
            lr=3e-3,
            max_epochs=self.n_epochs,
            batch_size=128,
            iterator_train__shuffle=True,
            train_split=None,
            callbacks=[LRScheduler("CosineAnnealingLR", T_max=self.n_epochs)],
            verbose=0,
        )

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Encode rows.

        The codes are what a mutual information of images is estimated from: estimators meet a few
        columns in place of hundreds of pixels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the kind that it was fitted on.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            One code for each row.

        See Also
        --------
        inverse_transform : The way back.
        sklearn.decomposition.PCA : Linear codes.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn_mmg.datasets import Autoencoder
        >>> X = load_digits().data[:500] / 16
        >>> Autoencoder(n_components=2, n_epochs=1, random_state=0).fit(X).transform(X[:3]).shape
        (3, 2)
        """
        check_is_fitted(self)
        return self._run(0, self._checked(X, reset=False, dtype=FLOATS))

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Restore rows from their codes, as well as can be.

        What a code of few numbers does not hold is lost: the rows are near those that were encoded,
        and nearer with more components or epochs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes, as :meth:`transform` returns them.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            One row for each code.

        See Also
        --------
        transform : The codes of rows.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn_mmg.datasets import Autoencoder
        >>> X = load_digits().data[:500] / 16
        >>> autoencoder = Autoencoder(n_components=2, n_epochs=1, random_state=0).fit(X)
        >>> autoencoder.inverse_transform(autoencoder.transform(X)).shape
        (500, 64)
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=FLOATS)  # pyright: ignore[reportArgumentType]  # no str
        return self._run(1, codes)

    def _run(self, half: int, rows: np.ndarray) -> np.ndarray:
        import torch

        halves = self.net_.module_
        assert isinstance(halves, torch.nn.Sequential)
        with torch.inference_mode():
            values = halves[half](torch.tensor(rows, dtype=torch.float32))
        return values.numpy().astype(rows.dtype)

    @property
    def _n_features_out(self) -> int:
        return self.n_components
