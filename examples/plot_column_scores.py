"""
Column scores beside nearest neighbours
=======================================

``mutual_info_mmg`` and ``mutual_info_test`` next to scikit-learn's ``mutual_info_regression`` and
``mutual_info_classif``: how much noise they see in columns that tell nothing, how far they are off
where the truth is known, what they cost, and cases in which a number can be seen to be impossible.
All values are in nats.
"""

# %%
# Columns that tell nothing
# -------------------------
# The score of an independent column should be zero. What it is instead is the noise floor, below
# which a selection by score is a lottery.
import time
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.feature_selection import SelectFdr, mutual_info_classif, mutual_info_regression

from sklearn_mmg import (
    MMGTest,
    MutualInfoMatrixDisplay,
    mutual_info_matrix,
    mutual_info_mmg,
    mutual_info_test,
)

rng = np.random.default_rng(0)
SIZES = [85, 300, 2000]
null = {}
for n in SIZES:
    X, y = rng.normal(size=(n, 60)), rng.normal(size=n)
    null[n] = mutual_info_mmg(X, y, random_state=0), mutual_info_regression(X, y, random_state=0)
    print(
        f"60 independent columns, n = {n:5}: mean score {null[n][0].mean():.4f}, nearest "
        f"neighbours {null[n][1].mean():.4f}"
    )

# %%
# Known truths
# ------------
# Normal columns of all strengths, a parabola, an oscillation, unequal spread, counts.
n = 1000
x = rng.normal(size=n)
strengths = [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95]
columns = [r * x + np.sqrt(1 - r**2) * rng.normal(size=n) for r in strengths]
truth = [-0.5 * np.log1p(-(r**2)) for r in strengths]
X_known = np.column_stack(columns)
known = (
    mutual_info_mmg(X_known, x, random_state=0),
    mutual_info_regression(X_known, x, random_state=0),
)
for name, scores in zip(("mutual_info_mmg", "nearest neighbours"), known, strict=True):
    print(
        f"mean error over {len(truth)} normal columns: {np.abs(scores - truth).mean():.4f} {name}"
    )

# %%
# Time
# ----
# Processor seconds per column. Both functions take ``n_jobs``.
times = {}
mutual_info_mmg(X_known[:, :1], x)  # tables that all later calls share
for n in (300, 1000, 3000, 10_000, 30_000):
    X, y = rng.normal(size=(n, 8)), rng.normal(size=n)
    y = y + X[:, 0]
    seconds = []
    for function in (mutual_info_mmg, mutual_info_regression):
        start = time.process_time()
        function(X, y, random_state=0)
        seconds.append((time.process_time() - start) / X.shape[1])
    times[n] = seconds
    print(f"n = {n:6}: {1e3 * seconds[0]:6.1f} ms a column, neighbours {1e3 * seconds[1]:6.1f} ms")

# %%
# Numbers that cannot be
# ----------------------
# A constant column tells nothing, a shift changes nothing, a continuous copy tells everything, and
# a column of counts no more than its entropy.
n = 5000
x = rng.normal(size=n)
y = x + rng.normal(size=n)
classes = np.arange(n) < 100
counts = rng.poisson(1, size=n)
entropy = -sum(p * np.log(p) for p in np.bincount(counts) / n if p > 0)
zeros = np.where(rng.random(n) < 0.8, 0.0, rng.exponential(size=n))
cases = [
    ("constant column, 2 % positive", np.ones(n), classes, mutual_info_classif, "0"),
    ("x + 1e12", x + 1e12, y, mutual_info_regression, "0.347"),
    ("y = x", x, x, mutual_info_regression, "infinite"),
    ("counts, y = x", counts, counts, mutual_info_regression, f"{entropy:.3f}"),
    ("80 % zeros, independent", zeros, y, mutual_info_regression, "0"),
    (
        "independent, every row five times",
        np.repeat(x[:1000], 5),
        np.repeat(y[1000:2000], 5),
        mutual_info_regression,
        "0 (copies are no new samples)",
    ),
]
print(f"\n{'case':>34} {'truth':>12} {'ours':>9} {'neighbours':>11}")
for name, column, target, reference, expected in cases:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that what is infinite is infinite
        ours = mutual_info_mmg(column[:, None], target, random_state=0)[0]
    theirs = reference(column[:, None].astype(float), target, random_state=0)[0]
    print(f"{name:>34} {expected:>12} {ours:9.3f} {theirs:11.3f}")

# %%
# Real data, with p-values
# ------------------------
# Thirty measurements of cell nuclei, and thirty of their permutations, which tell nothing.
cancer = load_breast_cancer()
X = np.hstack([cancer.data, rng.permuted(cancer.data, axis=0)])
result = mutual_info_test(X, cancer.target, random_state=0)
selected = SelectFdr(MMGTest(random_state=0)).fit(X, cancer.target).get_support()
print(
    f"\nbreast cancer: {selected[:30].sum()} of 30 measurements and {selected[30:].sum()} of 30 "
    "permuted ones selected at a false discovery rate of 5 %"
)

# %%
# Pictures.
figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
positions = np.arange(len(SIZES))
for shift, k, name, colour in ((-0.18, 0, "mutual_info_mmg", "C0"), (0.18, 1, "neighbours", "C1")):
    boxes = axes[0, 0].boxplot(
        [null[n][k] for n in SIZES], positions=positions + shift, widths=0.3, patch_artist=True
    )
    for box in boxes["boxes"]:
        box.set(facecolor=colour, alpha=0.6)
    axes[0, 0].plot([], [], color=colour, label=name)
axes[0, 0].set_xticks(positions, [f"n = {n}" for n in SIZES])
axes[0, 0].set(title="Scores of independent columns (truth 0)", ylabel="nats")
axes[0, 0].legend()

axes[0, 1].plot(truth, truth, color="0.6", label="truth")
axes[0, 1].plot(truth, known[0], "o", label="mutual_info_mmg")
axes[0, 1].plot(truth, known[1], "x", label="neighbours")
axes[0, 1].set(title="Normal columns, n = 1,000", xlabel="truth in nats", ylabel="score in nats")
axes[0, 1].legend()

sizes = list(times)
axes[1, 0].loglog(sizes, [times[n][0] for n in sizes], "o-", label="mutual_info_mmg")
axes[1, 0].loglog(sizes, [times[n][1] for n in sizes], "x-", label="neighbours")
axes[1, 0].set(title="Processor seconds a column", xlabel="samples")
axes[1, 0].legend()

order = np.argsort(result.scores[:30])
axes[1, 1].errorbar(
    result.scores[order], range(30), xerr=1.96 * result.standard_errors[order], fmt="o", ms=4
)
axes[1, 1].plot(result.scores[30:], range(30), "x", color="0.6", label="permuted")
axes[1, 1].set_yticks(range(30), cancer.feature_names[order], fontsize=7)
axes[1, 1].set(title="Breast cancer, with standard errors", xlabel="nats with the diagnosis")
axes[1, 1].legend()

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "column_scores.png", dpi=100)

# %%
# All pairs
# ---------
# What the measurements tell about each other: sizes, shapes and their errors form groups.
matrix = mutual_info_matrix(cancer.data[:, :10], random_state=0)
display = MutualInfoMatrixDisplay(matrix, cancer.feature_names[:10]).plot()
display.figure_.savefig(folder / "column_scores_pairs.png", dpi=100)
