"""Cost of the skorch-managed loop against a plain torch loop of the same steps, and memory.

Run ``python benchmarks/training_cost.py``. Both loops train the same module on the same tensors
with the same optimizer, clipping, schedule, averaging and noise, in turn within one process; the
ratio is the median over pairs. ``--memory`` instead fits 100,000 x (50 + 50) and prints the peak.
"""

import argparse
import copy
import resource
import statistics
import time
from functools import partial

import numpy as np
import torch

from sklearn_mmg import MMGMutualInfo, ResidualScaleSampler
from sklearn_mmg._core.network import initialise
from sklearn_mmg._core.training import TensorRows, TrainingSettings, cosine_decay, train
from sklearn_mmg.datasets import JointNormal
from sklearn_mmg.diffusion.denoiser import ContinuousDenoiser
from sklearn_mmg.diffusion.draws import draw_noise

N_STEPS = 200


def task(n_dims):
    """Module, training rows and noise of one fit."""
    X, y = JointNormal.sparse(n_dims).sample(8000, random_state=0)
    X, y = (torch.as_tensor(a, dtype=torch.float32) for a in (X, y))
    distribution = ResidualScaleSampler().distribution([0.5])
    quantiles = torch.as_tensor(distribution.ppf(np.linspace(0, 1, 4097)), dtype=torch.float32)
    support = tuple(distribution.grid[[0, -1]])
    module = ContinuousDenoiser(
        n_dims,
        n_dims,
        [0.5] * n_dims,
        [1.0] * n_dims,
        True,
        0.5,
        width=64,
        depth=3,
        embedding=8,
        support=support,
    )
    rows = TensorRows(target=X, residual=X - 0.7 * y, condition=y)
    return module, rows, partial(draw_noise, quantiles=quantiles, n_dims=n_dims)


def plain_loop(module, rows, draw, settings):
    """What one would write by hand, with the same work per step."""
    generator = torch.Generator().manual_seed(0)
    initialise(module, generator)
    average = copy.deepcopy(module).requires_grad_(False)
    optimizer = torch.optim.Adam(
        module.parameters(), lr=settings.learning_rate, betas=(0.9, 0.99), fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, partial(cosine_decay, n_steps=settings.n_steps)
    )
    for step in range(settings.n_steps):
        index = torch.randint(len(rows), (settings.batch_size,), generator=generator)
        loss = module(**rows[index][0], **draw(settings.batch_size, generator)).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            torch._foreach_lerp_(
                list(average.parameters()), list(module.parameters()), min(0.02, 10 / (step + 10))
            )
    return average


def measure_ratio(n_dims, batch_size, repeats=5):
    """Median ratio of the two loops' seconds, taken in turn."""
    settings = TrainingSettings(
        n_steps=N_STEPS,
        batch_size=batch_size,
        learning_rate=6e-3,
        lr_schedule="cosine",
        ema_decay=0.98,
        validation_fraction=0.0,
        tolerance=0.0,
        verbose=0,
    )
    ratios = []
    for _ in range(repeats + 1):
        seconds = []
        for loop in ("plain", "skorch"):
            module, rows, draw = task(n_dims)
            start = time.perf_counter()
            if loop == "plain":
                plain_loop(module, rows, draw, settings)
            else:
                train(module, rows, None, settings, draw=draw, seed=0, device="cpu", label="")
            seconds.append(time.perf_counter() - start)
        ratios.append(seconds[1] / seconds[0])
    ratio = statistics.median(ratios[1:])  # the first pair warms up
    print(f"{n_dims} + {n_dims} columns, batch {batch_size}: skorch / plain = {ratio:.2f}")


def measure_memory():
    """Peak resident memory of the whole process after one fit."""
    task = JointNormal.sparse(50, correlations=(0.75, 0.75))
    X, y = task.sample(100_000, random_state=0)
    start = time.perf_counter()
    mmg = MMGMutualInfo(random_state=0).fit(X, y)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"100,000 x (50 + 50): {mmg.mutual_info_:.3f} nats (truth {task.mutual_information:.3f}), "
        f"{time.perf_counter() - start:.0f} s, peak {peak:.2f} GiB"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory", action="store_true")
    if parser.parse_args().memory:
        measure_memory()
    else:
        for n_dims, batch_size in ((1, 128), (3, 2048)):
            measure_ratio(n_dims, batch_size)
