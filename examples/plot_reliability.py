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
# What more samples would add
# ---------------------------
# If what is missing falls as one over the number of samples, ``missing`` says how much it is. It is
# a guess in the right direction. Four times the samples show it, and the steps that are the default
# for so many.
X, y = wound.sample(MORE, random_state=1)
more = MMGMutualInfo(cv=2, random_state=0).fit(X, y)
missing = results["spiral"].missing
first = results["spiral"].refits[0]
print(
    f"spiral, {N:,} samples: {first.mutual_info:.3f}, and {missing.difference:+.3f} "
    f"± {missing.standard_error:.3f} that more samples would add"
)
print(f"spiral, {MORE:,} samples: {more.mutual_info_:.3f} ± {1.96 * more.mutual_info_se_:.3f}")

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

counts = [refit.n_samples for refit in results["spiral"].refits if not refit.parameters]
values = [refit.mutual_info for refit in results["spiral"].refits if not refit.parameters]
axes[2].semilogx(counts, values, "o-", color="C1", label="refits")
axes[2].errorbar(
    MORE,
    more.mutual_info_,
    yerr=1.96 * more.mutual_info_se_,
    fmt="s",
    color="C2",
    label="more data",
)
axes[2].axhline(straight.mutual_information, color="k", linestyle=":", label="truth")
axes[2].set_xticks([*counts, MORE], [*counts, MORE])
axes[2].minorticks_off()
axes[2].set(title="Spiral", xlabel="samples", ylabel="mutual information (nats)")
axes[2].legend(loc="lower right")

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "reliability.png", dpi=100)
