"""
Time series
===========

Two series that know nothing of each other, each with a memory of a hundred steps. Folds that are
drawn at random put neighbours on both sides: whoever has learned one knows the other.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import lfilter
from sklearn.model_selection import TimeSeriesSplit

from sklearn_mmg import MMGMutualInfo

noise = np.random.default_rng(0).normal(size=(2, 1000))
x, y = lfilter([1], [1, -0.99], noise, axis=1)
stretches = np.arange(1000) // 200
found = {
    "random folds": MMGMutualInfo(n_steps=50, n_nodes=8, random_state=0).fit(x[:, None], y),
    "a splitter": MMGMutualInfo(n_steps=50, n_nodes=8, random_state=0, cv=TimeSeriesSplit(3)).fit(
        x[:, None], y
    ),
    "groups": MMGMutualInfo(n_steps=50, n_nodes=8, random_state=0).fit(
        x[:, None], y, groups=stretches
    ),
}
for name, estimator in found.items():
    low, high = estimator.mutual_info_interval()
    print(f"{name:12}: {estimator.mutual_info_:.2f} in [{low:.2f}, {high:.2f}], truth 0")

# %%
# Give such data a splitter, or ``groups``: stretches that are long against the memory stay on one
# side of every split, and count as one sample in the standard error.
figure, (series, ax) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
series.plot(x, label="x")
series.plot(y, label="y")
series.set(xlabel="time", ylabel="value")
series.legend()
for k, estimator in enumerate(found.values()):
    low, high = estimator.mutual_info_interval()
    ax.plot([k, k], [low, high], linewidth=6, alpha=0.4, color=f"C{k}")
    ax.plot(k, estimator.mutual_info_, "o", color=f"C{k}")
ax.axhline(0, color="0.5", linestyle=":")
ax.set_xticks(range(3), found)
ax.set(xlim=(-0.5, 2.5), ylabel="estimate, 95 % interval (nats)")
plt.show()
