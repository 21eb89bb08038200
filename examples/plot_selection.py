"""
Measurements that repeat each other
===================================

A ranking of single columns takes the best one and then its copies. ``SequentialMutualInfoSelector``
selects by **conditional** mutual information of any columns given any others, all from one network:
here on measurements of breast tumours, where most columns repeat each other. All values are in
nats.
"""

# %%
# Five measurements of thirty
# ---------------------------
# Many measurements of cell nuclei tell much of the diagnosis, most of them the same. Of the 569
# tumours 400 select; the others will say what a selection is worth. With so few samples the gain of
# few columns is beyond doubt; of a fixed number the others are taken all the same.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mmg import (
    ColumnInformationDisplay,
    MMGScore,
    PairwiseMutualInfoSelector,
    SelectionPathDisplay,
    SequentialMutualInfoSelector,
)

cancer = load_breast_cancer(as_frame=True)
columns, later, diagnosis, diagnosis_later = train_test_split(
    cancer.data,
    cancer.target_names[cancer.target],
    train_size=400,
    stratify=cancer.target,
    random_state=0,
)
k = 5
selector = SequentialMutualInfoSelector(n_features_to_select=k, random_state=0)
selector.fit(columns, diagnosis)
print(f"selected: {', '.join(selector.path_)}")
print(
    f"{selector.mutual_information_path_[-1]:.3f} ± "
    f"{1.96 * selector.mutual_information_path_se_[-1]:.3f} nats on tumours that did not choose; "
    f"all thirty tell {selector.estimator_.mutual_info_:.3f}, on all that selected"
)

# %%
# How well a logistic regression does on the others, with as many columns of other selections.
selections = {
    "conditional (this)": selector,
    "scores of columns": SelectKBest(MMGScore(random_state=0), k=k).fit(columns, diagnosis),
    "neighbours": SelectKBest(mutual_info_classif, k=k).fit(columns, diagnosis),
}
for criterion in ("mrmr", "cmim"):
    pairwise = PairwiseMutualInfoSelector(criterion, n_features_to_select=k, random_state=0)
    selections[criterion.upper()] = pairwise.fit(columns, diagnosis)
for name, selection in selections.items():
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(selection.transform(columns), diagnosis)
    accuracy = model.score(selection.transform(later), diagnosis_later)
    error = np.sqrt(accuracy * (1 - accuracy) / len(later))
    print(f"{k} columns by {name:18}: accuracy {accuracy:.3f} ± {error:.3f}")

# %%
# A column that was selected late may have a large Shapley value: it shares much with those before.
figure, axes = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
SelectionPathDisplay.from_estimator(selector, ax=axes[0])
ColumnInformationDisplay.from_estimator(
    selector, n_columns=12, n_permutations=32, random_state=0, ax=axes[1]
)

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "selection.png", dpi=100)
