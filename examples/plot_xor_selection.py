"""
An exclusive or among copies
============================

Two columns that tell something only together, and one that comes with three copies of itself: a
ranking of single scores takes the copies, mRMR takes what is least like the first, and neither sees
the pair, of which one may turn up by chance. ``SequentialMutualInfoSelector`` asks what every
column tells **beyond those it has**. All values are in nats.
"""

# %%
# Four classes
# ------------
# One bit of the class is the sign of ``c``, read with noise. The other is whether ``a`` and ``b``
# have the same sign, to which each of the two by itself is a coin. Three copies of ``c`` and twelve
# columns of noise are added.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.integrate import quad
from scipy.special import entr
from scipy.stats import norm
from sklearn.feature_selection import mutual_info_classif

from sklearn_mmg import (
    PairwiseMutualInfoSelector,
    PointwiseContributionDisplay,
    SequentialMutualInfoSelector,
    mutual_info_mmg,
)

NOISE = 0.6
rng = np.random.default_rng(0)
n = 1500
X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
for k in (1, 2, 3):
    X[f"copy {k}"] = X["c"] + 0.1 * rng.normal(size=n)
for k in range(1, 13):
    X[f"noise {k}"] = rng.normal(size=n)
X = X[rng.permutation(X.columns)]
sign_of_c = X["c"] + NOISE * rng.normal(size=n) > 0
y = 2 * sign_of_c + (X["a"] * X["b"] > 0)


def uncertainty(c):
    """Entropy of the sign, given ``c``."""
    return entr(norm.cdf(c / NOISE)) + entr(norm.cdf(-c / NOISE))


truth_of_c = np.log(2) - quad(lambda c: norm.pdf(c) * uncertainty(c), -8, 8)[0]
print(f"truth: c tells {truth_of_c:.3f}, with a and b it is {truth_of_c + np.log(2):.3f}")

# %%
# Three selections
# ----------------
# Of six columns each, but for the last, which ends by itself when nothing that is left adds
# anything beyond chance.
scores = pd.Series(mutual_info_mmg(X, y, random_state=0), X.columns)
neighbours = pd.Series(mutual_info_classif(X, y, random_state=0), X.columns)
mrmr = PairwiseMutualInfoSelector("mrmr", n_features_to_select=6, random_state=0).fit(X, y)
selector = SequentialMutualInfoSelector(random_state=0).fit(X, y)
selections = {
    "single scores": list(scores.nlargest(6).index),
    "nearest neighbours": list(neighbours.nlargest(6).index),
    "mRMR": mrmr.path_,
    "conditional": selector.path_,
}
for name, names in selections.items():
    print(f"{name:>18}: {', '.join(names)}")
truth = [
    truth_of_c * ("c" in names) + np.log(2) * ({"a", "b"} <= set(names))
    for names in (selector.path_[:k] for k in range(len(selector.path_) + 1))
]
path, errors = selector.mutual_information_path_, selector.mutual_information_path_se_
for name, value, error in zip(["nothing", *selector.path_], path, errors, strict=True):
    print(f"  with {name:8} {value:z6.3f} ± {1.96 * error:.3f}")

# %%
# Pictures. On the right, what ``b`` tells of each sample once ``a`` is known: log(2) where ``a``
# and ``b`` are far from zero, and little where a sign is a matter of a little noise.
figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(15, 4.4), layout="constrained", width_ratios=(1.3, 1, 1)
)
COLOURS = {"a": "C0", "b": "C0", "c": "C2", "copy": "C1", "noise": "0.75"}
for row, names in enumerate(selections.values()):
    for place, name in enumerate(names):
        left.scatter(place + 1, row, s=900, color=COLOURS[name.split()[0]])
        left.text(place + 1, row, name.replace(" ", "\n"), ha="center", va="center", fontsize=8)
left.set_yticks(range(len(selections)), selections)
left.set(xlim=(0.4, 6.6), ylim=(len(selections) - 0.5, -0.5), xlabel="place in the selection")
left.set_title("What each selects, in order")

middle.step(range(len(path)), truth, where="mid", color="0.6", label="truth")
middle.errorbar(range(len(path)), path, yerr=1.96 * errors, fmt="o", capsize=3, label="held out")
middle.set_xticks(range(len(path)), ["nothing", *(f"+ {name}" for name in selector.path_)])
middle.set(title="Conditional selection", ylabel="mutual information (nats)", ylim=(-0.05, None))
middle.legend(loc="upper left")

PointwiseContributionDisplay.from_estimator(selector.estimator_, X, y, "b", given="a", ax=right)
right.set_title("What b adds to a, sample by sample")

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "xor_selection.png", dpi=100)
