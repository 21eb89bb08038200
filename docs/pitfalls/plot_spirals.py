"""
Spirals
=======

A rotation whose angle depends on the norm hides a simple dependence. With few samples much of it
is missed, and no interval says so: what no held-out sample shows, none covers.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mmg import GaussianMutualInfo, KSGMutualInfo, MMGMutualInfo
from sklearn_mmg.datasets import load_task

task = load_task("spiral-multinormal-sparse-3-3-2-2.0")
sizes = [300, 1000, 3000]
X, y = task.sample(sizes[-1], random_state=0)
estimators = {
    "closed form": GaussianMutualInfo(),
    "nearest neighbours": KSGMutualInfo(),
    "diffusion, 100 steps": MMGMutualInfo(cv=0.5, n_steps=100, n_nodes=4, random_state=0),
}
found = {
    name: [estimator.fit(X[:n], y[:n]).mutual_info_ for n in sizes]
    for name, estimator in estimators.items()
}
for name, values in found.items():
    print(f"{name}: {np.round(values, 2)}, truth {task.mutual_information:.2f}")

# %%
# An estimate that rises with the sample has not arrived. ``check_reliability`` makes such refits,
# and says "still rising".
figure, (shape, ax) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
shape.scatter(X[:, 0], X[:, 1], c=y[:, 0], s=4, cmap="viridis")
shape.set(title="x, coloured by a column of y", xlabel="first column", ylabel="second column")
for name, values in found.items():
    ax.plot(sizes, values, "o-", label=name)
ax.axhline(task.mutual_information, color="0.5", linestyle=":", label="truth")
ax.set(xscale="log", xlabel="samples", ylabel="estimate (nats)", ylim=(0, None))
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.legend()
plt.show()
