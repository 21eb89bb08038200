"""
Is this estimate to be believed?
================================

An interval knows the error of the sample, and little of what training missed. ``check_reliability``
refits an estimate with fewer samples, with more steps and with the other side denoised, and says
whether it is stable. Here two data sets of the same size that share the same information: normal
columns, and the same columns with one side wound to a spiral. All values are in nats.
"""

# %%
# Straight and wound
# ------------------
# A bijection of one side changes no mutual information: the truth is the same for both.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mmg import MMGMutualInfo, ReliabilityDisplay
from sklearn_mmg.datasets import JointNormal, spiral
from sklearn_mmg.inspection import check_reliability

N, MORE = 1000, 4000
QUICK = MMGMutualInfo(cv=2, n_steps=150, random_state=0)  # less than by default
straight = JointNormal.sparse(3, correlations=(0.8, 0.8))
wound = straight.mapped(spiral())
print(f"truth: {straight.mutual_information:.3f}\n")

results = {}
for name, distribution in (("normal", straight), ("spiral", wound)):
    X, y = distribution.sample(N, random_state=0)
    results[name] = check_reliability(QUICK, X, y, random_state=0)
    print(f"{name} columns\n{results[name]}\n")

# %%
# More samples
# ------------
# The intervals of the spiral are wide and hold the truth, but the refits contradict each other, and
# the remedies are more samples or more steps. Four times the samples, with the steps that are the
# default for so many:
X, y = wound.sample(MORE, random_state=1)
more = MMGMutualInfo(cv=0.33, random_state=0).fit(X, y)
first = results["spiral"].refits[0]
counts, values = [N, MORE], [first.mutual_info, more.mutual_info_]
intervals = [first.interval, more.mutual_info_interval(0.95)]
for count, value, (low, high) in zip(counts, values, intervals, strict=True):
    print(f"spiral, {count:,} samples: {value:.3f}, 95 % [{low:.3f}, {high:.3f}]")

# %%
# Pictures.
figure, axes = plt.subplots(1, 3, figsize=(15, 4), layout="constrained", width_ratios=(3, 3, 2))
for ax, (name, result) in zip(axes, results.items(), strict=False):
    ReliabilityDisplay.from_result(result, ax=ax)
    ax.axvline(straight.mutual_information, color="k", linestyle=":", label="truth")
    ax.set_title(f"{name.capitalize()} columns: {result.verdict}")
    ax.legend()
limits = np.array([ax.get_xlim() for ax in axes[:2]])
for ax in axes[:2]:
    ax.set_xlim(limits[:, 0].min(), limits[:, 1].max())

errors = np.abs(np.array(intervals).T - values)
axes[2].errorbar(range(2), values, yerr=errors, fmt="o", capsize=3, color="C0", label="as it is")
axes[2].axhline(straight.mutual_information, color="k", linestyle=":", label="truth")
axes[2].set_xticks(range(2), [f"{count:,}" for count in counts])
axes[2].set(title="Spiral", xlabel="samples", ylabel="mutual information (nats)", xlim=(-0.5, 1.5))
axes[2].legend(loc="lower right")

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "reliability.png", dpi=100)
