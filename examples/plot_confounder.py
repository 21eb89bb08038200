"""
A confounder, and a collider
============================

Two columns may tell each other much only because a third drives both. What is left once the third
is known is conditional mutual information, ``MMGMutualInfo(given=...)``. It can also be more: two
independent causes tell of each other once their effect is known. The data are normal columns, bent
one by one, which changes no mutual information: every true value is known. All values are in nats.
"""

# %%
# Age drives both
# ---------------
# ``x`` and ``y`` follow a common cause ``z``; a part of ``y`` follows ``x`` itself, from nothing to
# much. What is observed are functions of the three.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mmg import GaussianMutualInfo, MMGMutualInfo
from sklearn_mmg.datasets import ThreeNormals

N = 1000


def confounded(effect):
    """``x = z + noise`` and ``y = z + effect * x + noise``, as a distribution."""
    of_noise = np.array([[1, 0, 1], [effect, 1, 1 + effect], [0, 0, 1]])  # x, y and z
    return ThreeNormals(of_noise @ np.diag([0.5, 0.5, 1.0]) ** 2 @ of_noise.T)


def observed(distribution, seed):
    """The columns x and z, bent, and y, bent."""
    x, y, z = distribution.sample(N, random_state=seed)
    return np.hstack([np.sinh(x), np.tanh(z)]), np.sinh(y).ravel()


# %%
# With and without what is given
# ------------------------------
# The Gaussian estimate, a partial correlation in nats, is wrong here: what the confounder explains
# is not linear in the observed columns, and what it fails to take off looks like an effect. Below
# it misses most of what a common effect couples.
ESTIMATES = {
    "x and y": MMGMutualInfo(n_steps=100, cv=2, random_state=0),
    "given z": MMGMutualInfo(given=1, n_steps=100, cv=2, random_state=0),
    "given z, Gaussian": GaussianMutualInfo(given=1),
}


def estimate(distributions):
    """Estimates and their intervals, by name, of shape (n_distributions, 3)."""
    found = {name: [] for name in ESTIMATES}
    for seed, distribution in enumerate(distributions):
        X, y = observed(distribution, seed)
        for name, estimator in ESTIMATES.items():
            fitted = estimator.fit(X[:, [0]] if name == "x and y" else X, y)
            found[name].append([fitted.mutual_info_, *fitted.mutual_info_interval(0.95)])
    return {name: np.array(values) for name, values in found.items()}


def truth(distribution):
    """Of x and y alone, and given z."""
    return distribution.mutual_information_xy, distribution.conditional_mutual_information


def report(title, places, distributions, found):
    print(f"\n{title}")
    for i, (place, distribution) in enumerate(zip(places, distributions, strict=True)):
        alone, given = truth(distribution)
        print(f"{place:6.2f}: x and y {found['x and y'][i, 0]:z.3f} (truth {alone:.3f})", end="")
        for name in ("given z", "given z, Gaussian"):
            print(f", {name} {found[name][i, 0]:z.3f}", end="")
        print(f" (truth {given:z.3f})")


effects = [0.0, 0.5, 1.0]
of_effects = [confounded(effect) for effect in effects]
driven = estimate(of_effects)
report("effect of x on y", effects, of_effects, driven)

# %%
# Two causes of one effect
# ------------------------
# Here ``x`` and ``y`` are independent and act on ``z``. To "control for" an effect makes a
# dependence where there was none.
strengths = [0.0, 0.45, 0.65]
of_strengths = [ThreeNormals.collider(strength) for strength in strengths]
caused = estimate(of_strengths)
report("correlation with z", strengths, of_strengths, caused)

# %%
# Pictures, with 95 % intervals.
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")


def draw(ax, places, found, distribution):
    grid = np.linspace(places[0], places[-1], 50)
    truths = np.array([truth(distribution(place)) for place in grid])
    ax.plot(grid, truths[:, 1], color="C2", alpha=0.5)
    ax.plot(grid, truths[:, 0], color="C0", alpha=0.5)
    for name, colour, marker in zip(found, ("C0", "C2", "C3"), "oos", strict=True):
        value, low, high = found[name].T
        errors = np.abs([value - low, high - value])
        ax.errorbar(
            places, value, yerr=errors, fmt=marker, capsize=3, color=colour, label=name, mfc="white"
        )
    ax.plot([], [], color="0.6", label="truth")
    ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    ax.legend()


draw(left, effects, driven, confounded)
left.set(title="z drives both", xlabel="effect of x on y", ylabel="mutual information (nats)")
draw(right, strengths, caused, ThreeNormals.collider)
right.set(title="Both drive z", xlabel="correlation of x and y with z")

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "confounder.png", dpi=100)
