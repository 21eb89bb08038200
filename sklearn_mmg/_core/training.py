"""The one training core: a skorch net, its loader and its callbacks.

A module handed to :class:`RowLossNet` maps the tensors of a batch to one loss per row. What is
to be learned is the module's business; batches, averaging, early stopping, seeds and progress are
the same for all.
"""

import contextlib
import copy
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from skorch import NeuralNet
from skorch.callbacks import Callback, GradientNormClipping, LRScheduler
from skorch.helper import predefined_split
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau
from torch.utils.data import Dataset

from sklearn_mmg._core.network import AnyModule, initialise
from sklearn_mmg._core.soap import SOAP

STEPS_PER_EPOCH = 20  # one skorch epoch: the held-out bound is looked at this often
STOPPING_MARGIN = 0.25  # nats
GRACE_STEPS = 50  # the first steps of a wide network lower the bound before they raise it
MIN_VALIDATION_ROWS = 100
EVALUATION_ROWS = 8192  # rows per forward pass: keeps memory flat however many are evaluated

Columns = dict[str, Tensor]  # tensors of as many rows, by the names that a module gives them


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Parameters of one training that do not depend on the data or on what is learned."""

    n_steps: int | None  # None is for a rule that knows the data
    batch_size: int
    learning_rate: float
    lr_schedule: str
    ema_decay: float
    validation_fraction: float  # 0 trains without early stopping
    tolerance: float  # nats of the held-out bound that may be lost again
    verbose: int
    optimizer: str = "adam"


class TensorRows(Dataset):
    """Named tensors with one row per sample, already on the device of the training."""

    def __init__(self, **tensors: Tensor) -> None:
        self.tensors = tensors

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def __getitem__(self, index: int | slice | Tensor) -> tuple[Columns, int]:
        return {name: tensor[index] for name, tensor in self.tensors.items()}, 0

    def draw(self, n: int, generator: torch.Generator) -> Columns:
        """`n` rows, drawn with replacement."""
        options = {"generator": generator, "device": generator.device}
        return self[torch.randint(len(self), (n,), **options)][0]


class TensorLoader:
    """Batches sliced from tensors; a DataLoader costs three times as much per small step.

    Parameters
    ----------
    dataset : TensorRows
    batch_size : int
    draw : callable, default=None
        ``draw(n) -> dict of tensors`` adds fresh noise to every batch.
    generator : torch.Generator, default=None
        With it, every epoch is `STEPS_PER_EPOCH` batches of rows drawn with replacement; without
        it, one pass over the rows in order, as a fixed validation set needs.
    """

    def __init__(
        self,
        dataset: TensorRows,
        batch_size: int,
        draw: Callable[[int], Columns] | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.draw = draw
        self.generator = generator

    def __len__(self) -> int:
        if self.generator is not None:
            return STEPS_PER_EPOCH
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Columns, int]]:
        for step in range(len(self)):
            if self.generator is None:
                index = slice(step * self.batch_size, (step + 1) * self.batch_size)
                yield self.dataset[index]
            else:
                rows = self.dataset.draw(self.batch_size, self.generator)
                yield (rows if self.draw is None else rows | self.draw(self.batch_size)), 0


class StopTraining(Exception):
    """Raised by a callback to end training early; Ctrl-C stays Ctrl-C."""


class RowLossNet(NeuralNet, Generic[AnyModule]):
    """skorch net for modules that return one loss per row.

    An exponential moving average of the weights, ``average_``, is what is validated and used; the
    losses of an epoch are read from the device once, not once a batch.
    """

    module_: AnyModule
    average_: AnyModule

    def __init__(
        self,
        module: AnyModule,
        *args,
        ema_decay: float = 0.98,
        max_steps: float = math.inf,
        **kwargs,
    ) -> None:
        super().__init__(module, *args, **kwargs)
        self.ema_decay = ema_decay
        self.max_steps = max_steps

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        return []

    def initialize_module(self) -> Self:
        super().initialize_module()
        self.average_ = copy.deepcopy(self.module_).requires_grad_(False)
        self.n_steps_ = 0
        return self

    def get_all_learnable_params(self) -> Iterator[tuple[str, nn.Parameter]]:
        # The average must not reach the optimizer.
        yield from self.module_.named_parameters()

    def infer(self, x: Columns, **fit_params) -> Tensor:
        module = self.module_ if self.module_.training else self.average_
        return module(**x, **fit_params)

    def get_loss(self, y_pred: Tensor, y_true, X=None, training: bool = False) -> Tensor:
        return y_pred.mean()

    def train_step(self, batch, **fit_params):
        step = super().train_step(batch, **fit_params)
        self.n_steps_ += 1
        # The decay warms up, or the average would remember its random start.
        decay = min(self.ema_decay, self.n_steps_ / (self.n_steps_ + 9))
        with torch.no_grad():
            torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]  # no public one
                list(self.average_.parameters()), list(self.module_.parameters()), 1 - decay
            )
        return step

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        if iterator is None:
            return
        total, n_rows = 0.0, 0
        for batch in iterator:
            if training and self.n_steps_ >= self.max_steps:
                break  # the last epoch may be shorter
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            size = len(step["y_pred"])
            total, n_rows = total + step["loss"].detach() * size, n_rows + size
            self.notify("on_batch_end", batch=batch, training=training, **step)
        loss = float(total) / n_rows
        self.history.record(f"{prefix}_loss", loss)
        self.check_finite(prefix, loss)

    def check_finite(self, name: str, loss: float) -> None:
        """Raise an error, after a warning, if a loss is not finite."""
        if not math.isfinite(loss):
            message = (
                f"The {name} loss became non-finite after {self.n_steps_} steps. Lower "
                "learning_rate, or scale the data."
            )
            warnings.warn(message, ConvergenceWarning, stacklevel=2)
            raise FloatingPointError(message)

    def partial_fit(self, X: TensorRows, y=None, classes=None, **fit_params) -> Self:
        # skorch's own version swallows KeyboardInterrupt, its signal for early stopping; here an
        # interrupted fit must not look like a finished one.
        if not self.initialized_:
            self.initialize()
        self.notify("on_train_begin", X=X, y=y)
        with contextlib.suppress(StopTraining):
            self.fit_loop(X, y, **fit_params)
        self.notify("on_train_end", X=X, y=y)
        return self


class HeldOutBound(Callback):
    """Early stopping on the held-out bound, in nats.

    Training stops once the bound has fallen `STOPPING_MARGIN` below its best, and goes back to
    the last weights that were within `tolerance` of it: the untrained ones, the closed-form
    answer, if none ever were.

    Parameters
    ----------
    tolerance : float
        0 keeps the weights of the best bound.
    """

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance

    def on_train_begin(self, net: RowLossNet, **kwargs) -> None:
        self.best_ = 0.0  # the bound of the closed-form answer
        self.state_ = copy.deepcopy(net.average_.state_dict())

    def on_epoch_end(self, net: RowLossNet, **kwargs) -> None:
        last: dict[str, float] = net.history[-1]  # pyright: ignore[reportAssignmentType, reportInvalidTypeArguments]  # a row
        bound = -last["valid_loss"]
        self.best_ = max(self.best_, bound)
        if bound >= self.best_ - self.tolerance:
            self.state_ = copy.deepcopy(net.average_.state_dict())
        elif net.n_steps_ > GRACE_STEPS and bound < self.best_ - STOPPING_MARGIN:
            raise StopTraining

    def on_train_end(self, net: RowLossNet, **kwargs) -> None:
        net.average_.load_state_dict(self.state_)
        del self.state_


class ProgressBar(Callback):
    """A tqdm bar over the steps of one training, with the losses of the last epoch."""

    def __init__(self, description: str) -> None:
        self.description = description

    def on_train_begin(self, net: RowLossNet, **kwargs) -> None:
        from tqdm.auto import tqdm

        self.bar_ = tqdm(total=net.max_steps, desc=self.description, unit="step")

    def on_epoch_end(self, net: RowLossNet, **kwargs) -> None:
        last: dict[str, float] = net.history[-1]  # pyright: ignore[reportAssignmentType, reportInvalidTypeArguments]  # a row
        losses = {k: f"{last[k]:.4f}" for k in ("train_loss", "valid_loss") if k in last}
        self.bar_.set_postfix(losses, refresh=False)
        self.bar_.update(net.n_steps_ - self.bar_.n)

    def on_train_end(self, net: RowLossNet, **kwargs) -> None:
        self.bar_.close()
        del self.bar_


def cosine_decay(step: int, n_steps: int) -> float:
    """Learning-rate factor: 20 steps of linear warm-up, then half a cosine down to zero."""
    return min(1.0, (step + 1) / 20) * 0.5 * (1 + math.cos(math.pi * min(step / n_steps, 1.0)))


def learning_rate_callback(schedule: str, n_steps: int, steps_per_pass: float) -> LRScheduler:
    """The callback of ``schedule="cosine"`` or ``"plateau"`` (halving after 200 passes)."""
    # pyright infers types from the defaults of a constructor that has none.
    if schedule == "cosine":
        return LRScheduler(
            LambdaLR,  # pyright: ignore[reportArgumentType]
            lr_lambda=partial(cosine_decay, n_steps=n_steps),
            step_every="batch",
            event_name=None,  # pyright: ignore[reportArgumentType]
        )
    patience = math.ceil(200 * steps_per_pass / STEPS_PER_EPOCH)
    return LRScheduler(
        ReduceLROnPlateau,  # pyright: ignore[reportArgumentType]
        monitor="train_loss",
        factor=0.5,
        patience=patience,
        event_name=None,  # pyright: ignore[reportArgumentType]
    )


def optimizer_parameters(name: str) -> dict[str, Any]:
    """Parameters of the net that make its optimizer ``"adam"`` or ``"soap"``."""
    if name == "soap":
        return {"optimizer": SOAP}
    return {
        "optimizer": torch.optim.Adam,
        "optimizer__betas": (0.9, 0.99),
        "optimizer__fused": True,
    }


def train(
    module: AnyModule,
    rows: TensorRows,
    valid_rows: TensorRows | None,
    settings: TrainingSettings,
    *,
    draw: Callable[..., Columns] | None = None,
    watch: Sequence[tuple[str, Callback]] = (),
    seed: int,
    device: str,
    label: str,
) -> RowLossNet[AnyModule]:
    """Train `module` and return the fitted net, its tensors on the CPU.

    Parameters
    ----------
    module : nn.Module
        Maps the tensors of a batch to one loss per row.
    rows, valid_rows : TensorRows
        Training rows, and held-out rows with their fixed noise (None trains without early
        stopping).
    settings : TrainingSettings
    draw : callable or None
        ``draw(n, generator) -> dict of tensors``: the noise of a training batch.
    watch : sequence of (name, skorch callback)
        What else looks on, and may raise :class:`StopTraining`.
    seed : int
    device : str
    label : str
        Text of the progress bar.
    """
    cpu_generator = torch.Generator().manual_seed(seed)
    generator = torch.Generator(device).manual_seed(seed)
    initialise(module, cpu_generator)
    n_steps = settings.n_steps
    assert n_steps is not None  # a rule that knows the data has been asked
    n_epochs = math.ceil(n_steps / STEPS_PER_EPOCH)
    steps_per_pass = max(1.0, len(rows) / settings.batch_size)
    callbacks = [
        ("rate", learning_rate_callback(settings.lr_schedule, n_steps, steps_per_pass)),
        *watch,
    ]
    if settings.optimizer == "adam":  # the other one takes no longer step for a larger gradient
        callbacks.insert(0, ("clip", GradientNormClipping(1.0)))
    if valid_rows is not None:
        callbacks.append(("bound", HeldOutBound(settings.tolerance)))
    if settings.verbose:
        callbacks.append(("progress", ProgressBar(label)))
    net = RowLossNet(
        module,
        criterion=torch.nn.Module,  # the module returns its own loss
        **optimizer_parameters(settings.optimizer),
        lr=settings.learning_rate,
        ema_decay=settings.ema_decay,
        max_epochs=n_epochs,
        max_steps=n_steps,
        batch_size=settings.batch_size,
        iterator_train=TensorLoader,
        iterator_train__generator=generator,
        iterator_train__draw=None if draw is None else partial(draw, generator=generator),
        iterator_valid=TensorLoader,
        train_split=None if valid_rows is None else predefined_split(valid_rows),
        callbacks=callbacks,
        device=device,
        verbose=0,
    )
    net.fit(rows, None)
    return _trim(net)


def _trim(net: RowLossNet[AnyModule]) -> RowLossNet[AnyModule]:
    """Keep the averaged weights and the history; drop data, generators and the optimizer."""
    history = copy.deepcopy(net.history)
    net.trim_for_prediction()
    net.iterator_valid = None  # pyright: ignore[reportAttributeAccessIssue]  # never used again
    for name in [name for name in vars(net) if name.startswith("iterator_train__")]:
        delattr(net, name)
    net.module_.load_state_dict(net.average_.state_dict())
    net.average_ = net.module_.cpu()
    net.device = "cpu"  # a net that was fitted on a GPU unpickles on a machine without one
    net.history = history
    return net


def resolve_device(device: str) -> str:
    """The torch device that ``"auto"`` stands for, or `device` itself."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device must be 'auto' or a torch device such as 'cpu' or 'cuda'. Got {device!r}."
        ) from error
    if str(device).startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"device={device!r} was asked for, but torch sees no CUDA device.")
    return device


@contextlib.contextmanager
def on_device(module: AnyModule, device: str) -> Iterator[AnyModule]:
    """`module` on a device for as long as it is used there, also if that fails."""
    try:
        yield module.to(device)
    finally:
        module.cpu()


def slices(n_rows: int, size: int = EVALUATION_ROWS) -> list[slice]:
    """Slices of so many rows that are evaluated at once."""
    return [slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]


def as_tensor(a: ArrayLike, device: str | torch.device) -> Tensor:
    """Single-precision tensor on `device`."""
    return torch.as_tensor(a, dtype=torch.float32, device=device)


def n_validation_rows(n: int, fraction: float) -> int:
    """How many of `n` rows validate: enough to tell something, but no more than a third."""
    return max(math.ceil(fraction * n), min(MIN_VALIDATION_ROWS, n // 3)) if fraction else 0


def train_validation_rows(
    n: int, fraction: float, rng: np.random.Generator, classes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Shuffled row indices of a training and a validation part.

    Both parts have the shares of the `classes`, integer codes, as far as numbers allow.
    """
    order = rng.permutation(n)
    if classes is not None:
        # Members of a class at even distances, from a random start.
        shuffled = classes[order]
        counts = np.bincount(shuffled)
        by_class = np.argsort(shuffled, kind="stable")
        rank = np.empty(n)
        rank[by_class] = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
        position = (rank + rng.uniform(size=len(counts))[shuffled]) / counts[shuffled]
        order = order[np.argsort(position)]
    n_valid = n_validation_rows(n, fraction)
    if n - n_valid < 2:
        raise ValueError(
            f"validation_fraction={fraction} of {n} samples leaves fewer than 2 to train on."
        )
    return order[n_valid:], order[:n_valid]
