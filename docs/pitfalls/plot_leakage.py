"""
Leakage by preprocessing
========================

A hundred columns of noise, two classes, 300 samples. A supervised map that is fitted to all
samples finds a direction that separates these, and the mutual information of what it returns is
that of chance. Held-out folds do not help: the map has seen them.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from sklearn_mmg import MMGMutualInfo

rng = np.random.default_rng(0)
X, y = rng.normal(size=(600, 100)), np.repeat([False, True], 300)[rng.permutation(600)]
fitted = LinearDiscriminantAnalysis().fit(X[:300], y[:300])
samples = {"the samples that it was fitted to": slice(300), "other samples": slice(300, 600)}

figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharex=True, sharey=True, layout="constrained")
for ax, (name, rows) in zip(axes, samples.items(), strict=True):
    projected, label = fitted.transform(X[rows]), y[rows]
    mmg = MMGMutualInfo(n_steps=50, random_state=0).fit(projected, label)
    low, high = mmg.mutual_info_interval()
    print(f"{name}: {mmg.mutual_info_:.2f} in [{low:.2f}, {high:.2f}] nats, truth 0")
    for value in (False, True):
        ax.hist(projected[label == value, 0], bins=20, alpha=0.6, label=f"class {int(value)}")
    ax.set(title=f"{name}: {mmg.mutual_info_:.2f} nats", xlabel="discriminant")
axes[0].set_ylabel("samples")
axes[0].legend()
plt.show()

# %%
# Fit supervised maps, selections of columns included, to other samples than those that the
# estimate is made of. PCA and scaling do not see ``y``, and may see all samples.
