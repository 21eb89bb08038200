"""
Few samples
===========

Five independent columns on either side. What a closed form says of the samples that it was fitted
to is far from zero, the more so the fewer there are.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mmg import GaussianMutualInfo
from sklearn_mmg.inspection import permutation_test

rng = np.random.default_rng(0)
sizes = [30, 60, 120, 240, 480]
in_sample, corrected = np.empty((2, len(sizes), 20))
for i, k in np.ndindex(in_sample.shape):
    X, y = rng.normal(size=(2, sizes[i], 5))
    blocks = np.corrcoef(np.hstack([X, y]).T)
    parts = blocks[:5, :5], blocks[5:, 5:], blocks
    in_sample[i, k] = 0.5 * np.dot([1, 1, -1], [np.linalg.slogdet(part)[1] for part in parts])
    corrected[i, k] = GaussianMutualInfo().fit(X, y).mutual_info_
for i, n in enumerate(sizes):
    print(f"n = {n:3}: {in_sample[i].mean():.3f} in sample, {corrected[i].mean():.3f} corrected")

# %%
# The bias is about ``5 * 5 / (2 n)``. Estimates of this package are held out, or corrected for it.
# What is left is spread, which an interval covers; a permutation test says whether there is
# anything.
X, y = rng.normal(size=(2, 60, 5))
print("p-value:", permutation_test(GaussianMutualInfo(), X, y, random_state=0).pvalue)

figure, ax = plt.subplots(layout="constrained")
for name, values in {"in sample": in_sample, "corrected": corrected}.items():
    ax.errorbar(sizes, values.mean(axis=1), values.std(axis=1), fmt="o-", capsize=4, label=name)
ax.axhline(0, color="0.5", linestyle=":", label="truth")
ax.set(xscale="log", xlabel="samples", ylabel="mean ± spread of 20 (nats)")
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.legend()
plt.show()
