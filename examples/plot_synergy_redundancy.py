"""
Synergy and redundancy
======================

Three columns may tell the same, or something only together. The **O-information** is positive for
the former and negative for the latter, and ``MultiInformation`` estimates it, of any number of
groups of columns, as a sum of mutual information. The true values are known. All are in nats.
"""

# %%
# Copies, a sum, a parity
# -----------------------
# Three noisy copies of a common cause; a sum of two columns; and a column whose sign is the product
# of the signs of two others, but for one sample in ten. Of the last any two are independent, and
# all correlations are zero: a Gaussian estimate, which is exact for the first two, sees nothing.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import entr

from sklearn_mmg import GaussianMutualInfo, MMGMutualInfo, MultiInformation

N = 1000
FLIPPED = 0.1
rng = np.random.default_rng(0)

COPIES = np.ones((3, 3)) + 0.5 * np.eye(3)  # covariances
mixing = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0.75]])
SUM = mixing @ mixing.T


def parity(n):
    one, other, size = rng.normal(size=(3, n))
    sign = np.sign(one * other) * np.where(rng.random(n) < FLIPPED, -1, 1)
    return np.column_stack([one, other, sign * np.abs(size)])


def entropy(covariance):
    """Of normal columns, up to constants that cancel."""
    return 0.5 * np.linalg.slogdet(covariance)[1]


def o_information(covariance):
    n = len(covariance)
    total = (n - 2) * entropy(covariance)
    for i in range(n):
        others = np.delete(np.delete(covariance, i, 0), i, 1)
        total += entropy(covariance[i : i + 1, i : i + 1]) - entropy(others)
    return total


systems = {
    "copies": (rng.multivariate_normal(np.zeros(3), COPIES, size=N), o_information(COPIES)),
    "sum": (rng.multivariate_normal(np.zeros(3), SUM, size=N), o_information(SUM)),
    "parity": (parity(N), entr(FLIPPED) + entr(1 - FLIPPED) - np.log(2)),
}
quick = MMGMutualInfo(cv=2, n_steps=200, random_state=0)  # less than by default
found = {}
for name, (X, truth) in systems.items():
    mmg = MultiInformation(estimator=quick).fit(X)
    gaussian = MultiInformation(estimator=GaussianMutualInfo()).fit(X)
    found[name] = [(m.o_information_, m.o_information_se_) for m in (mmg, gaussian)]
    print(f"{name:>8}: truth {truth:6.3f}", end="")
    for label, (value, error) in zip(("MMG", "Gaussian"), found[name], strict=True):
        print(f", {label} {value:z6.3f} ± {1.96 * error:.3f}", end="")
    print()

# %%
# Which columns do what
# ---------------------
# The copies and the sum side by side, six columns that are independent of each other across the
# two. The O-information adds up, and what is redundant hides most of what is
# synergistic. The **gradient**,
# what a column adds to the O-information of the others, tells them apart. Everything is linear
# here, so that the Gaussian estimate does, in no time.
both = np.zeros((6, 6))
both[:3, :3], both[3:, 3:] = COPIES, SUM
X = rng.multivariate_normal(np.zeros(6), both, size=N)
NAMES = ["copy 1", "copy 2", "copy 3", "addend 1", "addend 2", "sum"]
whole = MultiInformation(estimator=GaussianMutualInfo(), gradients=True).fit(X)
of_others = [o_information(np.delete(np.delete(both, i, 0), i, 1)) for i in range(len(both))]
true_gradients = o_information(both) - np.array(of_others)
print(
    f"\nall six: O-information {whole.o_information_:z.3f} ± {1.96 * whole.o_information_se_:.3f}, "
    f"truth {o_information(both):z.3f}, of a total correlation of {whole.total_correlation_:.2f}"
)
for name, value, error, truth in zip(
    NAMES, whole.gradients_, whole.gradients_se_, true_gradients, strict=True
):
    print(f"{name:>10} adds {value:z6.3f} ± {1.96 * error:.3f}, truth {truth:6.3f}")

# %%
# Pictures, with 95 % intervals. Above zero is redundancy, below it synergy.
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
places = np.arange(len(systems))
left.hlines([truth for _, truth in systems.values()], places - 0.3, places + 0.3, color="0.5")
for shift, k, label, colour in ((-0.1, 0, "MMG", "C2"), (0.1, 1, "Gaussian", "C3")):
    values, errors = np.array([found[name][k] for name in systems]).T
    left.errorbar(
        places + shift, values, yerr=1.96 * errors, fmt="o", capsize=3, color=colour, label=label
    )
left.plot([], [], color="0.5", label="truth")
left.set_xticks(places, systems)
left.set(title="Three columns", ylabel="O-information (nats)")
left.legend()

places = np.arange(len(NAMES))
colours = np.where(whole.gradients_ > 0, "C1", "C0")
right.bar(places, whole.gradients_, yerr=1.96 * whole.gradients_se_, capsize=3, color=colours)
right.hlines(true_gradients, places - 0.4, places + 0.4, color="0.2", label="truth")
right.set_xticks(places, [name.replace(" ", "\n") for name in NAMES])
right.set(
    title=f"Six columns: O-information {whole.o_information_:z.2f}",
    ylabel="gradient of the O-information (nats)",
)
right.legend()
for ax in (left, right):
    ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "synergy_redundancy.png", dpi=100)
