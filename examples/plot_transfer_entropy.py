"""
Which series drives which
=========================

Transfer entropy is what the past of one series tells of the next value of another beyond its own
past: conditional mutual information of lagged columns, ``MMGMutualInfo(given=...)``. First for a
pair of linear series, where the truth is known in closed form, then where one series drives the
spread of the other and a linear-Gaussian estimate sees nothing. All values are in nats.
"""

# %%
# A linear pair
# -------------
# ``a`` drives ``b``, and not the other way round. The covariance of the stationary pair solves a
# Lyapunov equation; the one of both at a lag follows, and of normals it tells everything.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import solve_discrete_lyapunov
from scipy.stats import norm

from sklearn_mmg import GaussianMutualInfo, MMGMutualInfo

N = 2000
STRETCH = 50  # samples in a row that count as one: long against the memory of the series
rng = np.random.default_rng(0)

coupling = np.array([[0.7, 0.0], [0.4, 0.5]])  # the next a and b from these
noise = np.eye(2)


def lagged_covariance(lag):
    """Of a and b now, and a and b `lag` steps later."""
    now = solve_discrete_lyapunov(coupling, noise)
    later = np.linalg.matrix_power(coupling, lag) @ now
    return np.block([[now, later.T], [later, now]])


def variance_given(covariance, column, given):
    cross = covariance[np.ix_(given, [column])]
    explained = cross.T @ np.linalg.solve(covariance[np.ix_(given, given)], cross)
    return covariance[column, column] - explained.item()


def lagged_truth(source, target, lag):
    covariance = lagged_covariance(lag)
    alone = covariance[2 + target, 2 + target]
    return 0.5 * np.log(alone / variance_given(covariance, 2 + target, [source]))


def transfer_truth(source, target):
    covariance = lagged_covariance(1)
    alone = variance_given(covariance, 2 + target, [target])
    return 0.5 * np.log(alone / variance_given(covariance, 2 + target, [source, target]))


def linear_pair(n):
    series = np.zeros((n + 100, 2))
    for t in range(1, len(series)):
        series[t] = coupling @ series[t - 1] + rng.normal(size=2)
    return series[100:]


# %%
# Both directions, lag by lag
# ---------------------------
# Lagged mutual information is above zero both ways, because what drives ``b`` lives on in ``a``.
# Transfer entropy tells the direction. Stretches of the series are ``groups``: they stay on one
# side of every split, and the interval counts each as one sample. All lags are of one sample, and
# err together: this one shares more than most.


def estimate(past, following, given=None, estimator=MMGMutualInfo):
    quick = {} if estimator is GaussianMutualInfo else {"n_steps": 300, "random_state": 0}
    fitted = estimator(given=given, **quick)
    groups = np.arange(len(following)) // STRETCH
    fitted.fit(past, following, groups=groups)
    return fitted.mutual_info_, fitted.mutual_info_interval(0.95)


def transfer_entropy(series, source, target, estimator=MMGMutualInfo):
    return estimate(series[:-1], series[1:, target], given=target, estimator=estimator)


def told(name, value, interval, truth):
    low, high = interval
    print(f"{name:>34}: {value:z6.3f}, 95 % [{low:z6.3f}, {high:z6.3f}], truth {truth:z.3f}")


series = linear_pair(N)
LAGS = (1, 2, 4)
DIRECTIONS = {"a to b": (0, 1), "b to a": (1, 0)}
lagged = {
    direction: [
        estimate(series[:-lag, [source]], series[lag:, target], estimator=GaussianMutualInfo)
        for lag in LAGS
    ]
    for direction, (source, target) in DIRECTIONS.items()
}
for direction, (source, target) in DIRECTIONS.items():
    for lag, found in zip(LAGS, lagged[direction], strict=True):
        told(f"{direction} at lag {lag}, shared", *found, lagged_truth(source, target, lag))
transfers = {}
for direction, ends in DIRECTIONS.items():
    transfers[f"linear, {direction}"] = (
        transfer_entropy(series, *ends),
        transfer_entropy(series, *ends, estimator=GaussianMutualInfo),
        transfer_truth(*ends),
    )

# %%
# Where a covariance sees nothing
# -------------------------------
# Here ``a`` is white noise, and ``b`` follows its square: both signs push in the same direction.
# The two are uncorrelated at every lag. The truth is the entropy of what enters ``b`` less that of
# its own noise, an integral over a grid.


def squared_pair(n):
    a, b = rng.normal(size=n + 100), np.zeros(n + 100)
    for t in range(1, len(b)):
        b[t] = 0.5 * b[t - 1] + 0.7 * a[t - 1] ** 2 + rng.normal()
    return np.column_stack([a, b])[100:]


def squared_truth():
    driver, drive_step = np.linspace(-7, 7, 1401, retstep=True)
    pushed, step = np.linspace(-7, 45, 4001, retstep=True)
    density = norm.pdf(pushed[:, None] - 0.7 * driver**2) @ norm.pdf(driver) * drive_step
    entropy = -np.sum(density * np.log(np.maximum(density, 1e-300))) * step
    return entropy - norm.entropy()


series = squared_pair(N)
for direction, ends in DIRECTIONS.items():
    transfers[f"squared, {direction}"] = (
        transfer_entropy(series, *ends),
        transfer_entropy(series, *ends, estimator=GaussianMutualInfo),
        squared_truth() if direction == "a to b" else 0.0,
    )
for name, (mmg, gaussian, truth) in transfers.items():
    told(f"{name}, MMG", *mmg, truth)
    told(f"{name}, Gaussian", *gaussian, truth)

# %%
# Pictures, with 95 % intervals.


def draw(ax, places, found, label, **style):
    values = np.array([value for value, _ in found])
    errors = np.abs(np.array([interval for _, interval in found]).T - values)
    ax.errorbar(places, values, yerr=errors, fmt="o", capsize=3, label=label, **style)


figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
for (direction, ends), colour in zip(DIRECTIONS.items(), ("C0", "C1"), strict=True):
    truth = [lagged_truth(*ends, lag) for lag in range(1, LAGS[-1] + 1)]
    left.plot(range(1, len(truth) + 1), truth, "_-", color=colour, alpha=0.5)
    draw(left, LAGS, lagged[direction], direction, color=colour)
left.plot([], [], "-", color="0.6", label="truth")
left.set(title="Shared at a lag: both ways", xlabel="lag", ylabel="mutual information (nats)")
left.set_xticks(range(1, LAGS[-1] + 1))
left.set_ylim(bottom=0)
left.legend()

places = np.arange(len(transfers))
mmg, gaussian, truth = zip(*transfers.values(), strict=True)
right.hlines(truth, places - 0.3, places + 0.3, color="0.5", label="truth")
draw(right, places - 0.1, mmg, "MMGMutualInfo", color="C2")
draw(right, places + 0.1, gaussian, "GaussianMutualInfo", color="C3", markerfacecolor="white")
right.set_xticks(places, [name.replace(", ", "\n") for name in transfers])
right.axhline(0, color="0.8", linewidth=0.8, zorder=0)
right.set(title="Beyond its own past: the direction", ylabel="transfer entropy (nats)")
right.legend()

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "transfer_entropy.png", dpi=100)
