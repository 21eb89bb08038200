"""
Selecting columns that tell something together
==============================================

Scores of single columns cannot see what takes two of them. ``SequentialMutualInfoSelector`` selects
by **conditional** mutual information of any columns given any others, all from one network: first
on an exclusive or, where the right answer is known, then on measurements of breast tumours, where
most columns repeat each other. All values are in nats.
"""

# %%
# An exclusive or
# ---------------
# The label depends on the signs of two columns of twenty-two. Neither tells anything by itself, so
# that every score of single columns is noise.
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mmg import (
    ColumnInformationDisplay,
    MMGScore,
    PairwiseMutualInfoSelector,
    PointwiseContributionDisplay,
    SelectionPathDisplay,
    SequentialMutualInfoSelector,
    mutual_info_mmg,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 22))
y = X[:, 3] * X[:, 7] > 0
single = mutual_info_mmg(X, y, random_state=0)
print(f"scores of columns 3 and 7: {single[[3, 7]].round(4)}, greatest of all: {single.max():.4f}")

selector = SequentialMutualInfoSelector(random_state=0).fit(X, y)
print(f"selected: {selector.path_}, after which nothing else has a gain")
for k, value in enumerate(selector.mutual_information_path_):
    print(f"  with {k} columns: {value:.3f} ± {1.96 * selector.mutual_information_path_se_[k]:.3f}")

# %%
# Given one of the two, the other tells nearly all of log(2) = 0.693, to every sample.
figure, axes = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
SelectionPathDisplay.from_estimator(selector, ax=axes[0])
PointwiseContributionDisplay.from_estimator(selector.estimator_, X, y, 7, given=3, ax=axes[1])
folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "selection_exclusive_or.png", dpi=100)

# %%
# Measurements that repeat each other
# -----------------------------------
# Thirty measurements of cell nuclei: many tell much of the diagnosis, most of them the same. With
# 569 samples the gain of few is beyond doubt; of a fixed number the others are taken all the same.
cancer = load_breast_cancer(as_frame=True)
columns: pd.DataFrame = cancer.data
diagnosis = cancer.target_names[cancer.target]
k = 5
selector = SequentialMutualInfoSelector(n_features_to_select=k, random_state=0)
selector.fit(columns, diagnosis)
print(f"\nbreast cancer: {', '.join(selector.path_)}")
print(
    f"{selector.mutual_information_path_[-1]:.3f} nats of {selector.estimator_.mutual_info_:.3f} "
    "that all thirty tell"
)

# %%
# How well a logistic regression does with as many columns of other selections.
selections = {
    "conditional (this)": selector,
    "scores of columns": SelectKBest(MMGScore(random_state=0), k=k),
    "neighbours": SelectKBest(mutual_info_classif, k=k),
    "mRMR": PairwiseMutualInfoSelector("mrmr", n_features_to_select=k, random_state=0),
    "CMIM": PairwiseMutualInfoSelector("cmim", n_features_to_select=k, random_state=0),
}
for name, select in selections.items():
    chosen = select.fit(columns, cancer.target).get_support()
    model = make_pipeline(StandardScaler(), LogisticRegression())
    accuracy = cross_val_score(model, columns.loc[:, chosen], cancer.target, cv=10)
    error = accuracy.std() / np.sqrt(len(accuracy))
    print(f"{k} columns by {name:18}: accuracy {accuracy.mean():.3f} ± {error:.3f}")

# %%
# A column that was selected late may have a large Shapley value: it shares much with those before.
figure, axes = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
SelectionPathDisplay.from_estimator(selector, ax=axes[0])
ColumnInformationDisplay.from_estimator(
    selector, n_columns=12, n_permutations=64, random_state=0, ax=axes[1]
)
figure.savefig(folder / "selection_breast_cancer.png", dpi=100)
