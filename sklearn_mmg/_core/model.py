"""The model of one fold: what every trained estimator does, whatever it learns."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, Self

import numpy as np

from sklearn_mmg._core.network import AnyModule
from sklearn_mmg._core.preconditioning import Basis, LinearPreconditioner, Whitened
from sklearn_mmg._core.training import (
    Columns,
    RowLossNet,
    TensorRows,
    TrainingSettings,
    as_tensor,
    train,
    train_validation_rows,
)
from sklearn_mmg.preprocessing import Transformer


class Run(NamedTuple):
    """One training: what makes it repeatable, where it runs, and what it is called."""

    seed: int
    device: str
    label: str


class Held(NamedTuple):
    """What a model makes of samples that did not train it."""

    values: Any  # ndarray of shape (n_samples,), or several of them by name
    shared_variance: float = 0.0  # of the mean, by what the samples have in common
    curves: Any = None  # of whatever kind the model has


class FoldModel(Protocol):
    """What estimators ask of the model of a fold: a :class:`Model`, or several that are one."""

    @property
    def basis_(self) -> Basis | None:
        """Coordinates of the linear-Gaussian model, if there is one."""
        ...

    @property
    def deterministic_(self) -> bool:
        """Whether one side determines the other."""
        ...

    @property
    def nets_(self) -> list[RowLossNet]:
        """What was trained."""
        ...

    def fit(self, x: np.ndarray, y: np.ndarray, run: Run, /) -> Self: ...

    def hold_out(self, x: np.ndarray, y: np.ndarray, device: str, /) -> Held: ...

    def pointwise(self, x: np.ndarray, y: np.ndarray, device: str, /) -> Any: ...


class Model(ABC, Generic[AnyModule]):
    """A model in the coordinates in which the linear-Gaussian one is diagonal.

    A subclass implements ``_train``, which leaves the trained net in ``net_``, ``_pointwise``, and
    where they differ from it ``_hold_out`` and ``_score``. They take a sample in the coordinates
    of ``basis_``, and are not asked where those already tell the mutual information.

    Parameters
    ----------
    transformers : tuple of transformers or None
        Unfitted preprocessing of `x` and of `y`.
    settings : TrainingSettings

    Attributes
    ----------
    basis_ : Basis
    net_ : skorch net or None
        None where nothing was trained.
    seed_ : int
        Of the noise of evaluations.
    """

    basis_: Basis
    net_: RowLossNet[AnyModule] | None = None

    def __init__(
        self, *, transformers: Sequence[Transformer | None], settings: TrainingSettings
    ) -> None:
        self.transformers = transformers
        self.settings = settings

    def fit(self, x: np.ndarray, y: np.ndarray, run: Run) -> Self:
        """Fit on `x` of shape (n, d_x) and `y` of shape (n, d_y)."""
        rng = np.random.default_rng(run.seed)
        for transformer, block in zip(self.transformers, (x, y), strict=True):
            if transformer is not None:
                transformer.fit(block)
        x, y = self._preprocess(x, y)
        self.basis_, white = self._fit_basis(x, y)
        self.seed_ = int(rng.integers(2**31))
        self.trivial_ = 0 in (white.x.shape[1], white.y.shape[1])
        self.deterministic_ = not self.trivial_ and self.basis_.deterministic_
        if self.known_ is None:
            self._train(white, rng, run)
        return self

    def hold_out(self, x: np.ndarray, y: np.ndarray, device: str) -> Held:
        """Values of held-out samples; a model may calibrate itself on them."""
        if self.known_ is not None:
            return Held(self._constant(len(x)))
        return self._hold_out(self._white(x, y), device)

    def pointwise(self, x: np.ndarray, y: np.ndarray, device: str) -> Any:
        """Values of later data."""
        return self._of_other_data(self._pointwise, x, y, device)

    def score(self, x: np.ndarray, y: np.ndarray, device: str) -> Any:
        """What is safe to maximise, per sample."""
        return self._of_other_data(self._score, x, y, device)

    def _of_other_data(
        self, quantity: Callable[[Whitened, str], Any], x: np.ndarray, y: np.ndarray, device: str
    ) -> Any:
        if self.known_ is not None:
            return self._constant(len(x))
        return quantity(self._white(x, y), device)

    def _constant(self, n_samples: int) -> Any:
        """Values of samples where the mutual information is known."""
        return np.full(n_samples, self.known_)

    @abstractmethod
    def _train(self, white: Whitened, rng: np.random.Generator, run: Run) -> None:
        """Train on a sample in canonical coordinates, and set ``net_``."""

    @abstractmethod
    def _pointwise(self, white: Whitened, device: str) -> Any:
        """Values per sample."""

    def _hold_out(self, white: Whitened, device: str) -> Held:
        return Held(self._pointwise(white, device))

    def _score(self, white: Whitened, device: str) -> Any:
        return self._pointwise(white, device)

    @property
    def module_(self) -> AnyModule:
        """The module that was trained."""
        assert self.net_ is not None
        return self.net_.module_

    @property
    def nets_(self) -> list[RowLossNet]:
        """What was trained."""
        return [] if self.net_ is None else [self.net_]

    @property
    def known_(self) -> float | None:
        """Zero without a varying column on either side, infinity if one side determines the other.

        None otherwise.
        """
        if self.trivial_:
            return 0.0
        return np.inf if self.deterministic_ else None

    def _learn(
        self,
        module: AnyModule,
        columns: dict[str, np.ndarray],
        rng: np.random.Generator,
        run: Run,
        *,
        draw: Callable[..., Columns] | None = None,
        fixed: Callable[[Columns], TensorRows] | None = None,
        settings: TrainingSettings | None = None,
    ) -> None:
        """Train `module` on a part of the samples, and let the others say when to stop.

        Parameters
        ----------
        module : nn.Module
            Maps tensors of the names of `columns` to one loss per row.
        columns : dict of str to ndarray of n_samples rows
        rng : numpy Generator
        run : Run
        draw : callable, default=None
            Of the noise of a training batch.
        fixed : callable, default=None
            ``fixed(columns) -> TensorRows`` gives validation rows their noise, once and for all.
        settings : TrainingSettings, default=None
            None for those of the model.
        """
        settings = settings or self.settings
        n_samples = len(next(iter(columns.values())))
        train_part, valid_part = (
            {name: as_tensor(a[part], run.device) for name, a in columns.items()}
            for part in train_validation_rows(n_samples, settings.validation_fraction, rng)
        )
        valid_rows = None
        if settings.validation_fraction:
            valid_rows = TensorRows(**valid_part) if fixed is None else fixed(valid_part)
        self.net_ = train(
            module,
            TensorRows(**train_part),
            valid_rows,
            settings,
            draw=draw,
            seed=int(rng.integers(2**31)),
            device=run.device,
            label=run.label,
        )

    def _fit_basis(self, x: np.ndarray, y: np.ndarray) -> tuple[Basis, Whitened]:
        """Fitted coordinates, and the sample in them."""
        basis = LinearPreconditioner()
        return basis, basis.fit_transform(x, y)

    def _white(self, x: np.ndarray, y: np.ndarray) -> Whitened:
        """A sample in canonical coordinates."""
        return self.basis_.transform(*self._preprocess(x, y))

    def _preprocess(self, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        return [
            block if transformer is None else np.asarray(transformer.transform(block), dtype=float)
            for transformer, block in zip(self.transformers, (x, y), strict=True)
        ]
