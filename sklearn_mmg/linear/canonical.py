"""What all models share that start from the linear-Gaussian one."""

from abc import ABC, abstractmethod

import numpy as np

from sklearn_mmg.linear.preconditioning import LinearPreconditioner


class CanonicalModel(ABC):
    """A model in the coordinates in which the linear-Gaussian one is diagonal.

    A subclass trains what that leaves, in ``_train``, and asks ``known_`` before it evaluates:
    nothing is trained where the coordinates already tell the mutual information.

    Parameters
    ----------
    transformers : tuple of transformers or None
        Unfitted preprocessing of `x` and of `y`.
    settings : TrainingSettings
    """

    def __init__(self, transformers, settings):
        self.transformers = transformers
        self.settings = settings

    def fit(self, x, y, seed, device, label):
        """Fit on `x` of shape (n, d_x) and `y` of shape (n, d_y)."""
        rng = np.random.default_rng(seed)
        for transformer, block in zip(self.transformers, (x, y), strict=True):
            if transformer is not None:
                transformer.fit(block)
        x, y = self._preprocess(x, y)
        self.basis_, white = self._fit_basis(x, y)
        self.seed_ = int(rng.integers(2**31))
        self.trivial_ = 0 in (white.x.shape[1], white.y.shape[1])
        self.deterministic_ = not self.trivial_ and self.basis_.deterministic_
        if self.known_ is None:
            self._train(white, rng, device, label)
        return self

    @property
    def known_(self):
        """Zero without a varying column on either side, infinity if one side determines the other.

        None otherwise.
        """
        if self.trivial_:
            return 0.0
        return np.inf if self.deterministic_ else None

    @abstractmethod
    def _train(self, white, rng, device, label):
        """Train on a sample in canonical coordinates, and set ``net_``."""

    def _fit_basis(self, x, y):
        """Fitted coordinates, and the sample in them."""
        basis = LinearPreconditioner()
        return basis, basis.fit_transform(x, y)

    def _white(self, x, y):
        """A sample in canonical coordinates."""
        return self.basis_.transform(*self._preprocess(x, y))

    def _preprocess(self, x, y):
        return [
            block if transformer is None else np.asarray(transformer.transform(block), dtype=float)
            for transformer, block in zip(self.transformers, (x, y), strict=True)
        ]
