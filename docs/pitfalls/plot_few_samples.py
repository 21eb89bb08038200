"""
Few samples
===========

Five independent columns on either side, 60 samples. What a closed form says of the samples that
it was fitted to is far from zero, and no sample is small enough for it to say so.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mmg import GaussianMutualInfo
from sklearn_mmg.inspection import permutation_test

rng = np.random.default_rng(0)
in_sample, corrected, sizes = [], [], [30, 60, 120, 240, 480]
for n in sizes:
    X, y = rng.normal(size=(2, n, 5))
    blocks = np.corrcoef(np.hstack([X, y]).T)
    log_det = [np.linalg.slogdet(part)[1] for part in (blocks[:5, :5], blocks[5:, 5:], blocks)]
    in_sample.append(0.5 * (log_det[0] + log_det[1] - log_det[2]))
    corrected.append(GaussianMutualInfo().fit(X, y))
    print(f"n = {n:3}: {in_sample[-1]:.3f} in sample, {corrected[-1].mutual_info_:.3f} corrected")

# %%
# The bias is about ``5 * 5 / (2 n)``. Estimates of this package are held out, or corrected for
# it; the interval says what is left, and a permutation test whether there is anything.
X, y = rng.normal(size=(2, 60, 5))
print("p-value:", permutation_test(GaussianMutualInfo(), X, y, random_state=0).pvalue)

low, high = np.transpose([estimator.mutual_info_interval() for estimator in corrected])
figure, ax = plt.subplots(layout="constrained")
ax.plot(sizes, in_sample, "o-", label="in sample")
ax.fill_between(sizes, low, high, alpha=0.3, color="C1")
ax.plot(sizes, [e.mutual_info_ for e in corrected], "s-", color="C1", label="corrected, 95 %")
ax.axhline(0, color="0.5", linestyle=":", label="truth")
ax.set(xscale="log", xlabel="samples", ylabel="estimate (nats)")
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.legend()
plt.show()
