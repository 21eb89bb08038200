"""
Mutual information of real data
===============================

Two data sets that scikit-learn ships: the diabetes study (442 patients, ten columns, progression
after a year as target) and the breast cancer study (569 tumours, thirty columns, malignant or
benign). Every number below is in nats and made on data that did not train it.
"""

# %%
# Rank the columns
# ----------------
# ``mutual_info_mmg`` stands where ``mutual_info_regression`` or ``mutual_info_classif`` did.

from pathlib import Path

from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.feature_selection import SelectKBest, mutual_info_classif, mutual_info_regression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mmg import MMGMutualInfo, MMGScore, MMSECurveDisplay, mutual_info_mmg


def print_ranking(title, names, scores, reference, reference_name):
    print(f"\n{title}\n{'column':>26}  mutual_info_mmg  {reference_name}")
    for j in scores.argsort()[::-1]:
        print(f"{names[j]:>26}  {scores[j]:15.3f}  {reference[j]:{len(reference_name)}.3f}")


diabetes = load_diabetes()
sex = [diabetes.feature_names.index("sex")]  # the only discrete column
print_ranking(
    "Diabetes: columns and disease progression",
    diabetes.feature_names,
    mutual_info_mmg(diabetes.data, diabetes.target, discrete_features=sex, random_state=0),
    mutual_info_regression(diabetes.data, diabetes.target, discrete_features=sex, random_state=0),
    "mutual_info_regression",
)

cancer = load_breast_cancer()
print_ranking(
    "Breast cancer: columns and diagnosis",
    cancer.feature_names,
    mutual_info_mmg(cancer.data, cancer.target, discrete_target=True, random_state=0),
    mutual_info_classif(cancer.data, cancer.target, random_state=0),
    "mutual_info_classif",
)

# %%
# Ask for all columns at once
# ---------------------------
# No score of single columns can say what they know together: they repeat and complete each other.
# The estimate comes with an interval, and with the curves that it was made from.

progression = MMGMutualInfo(discrete_features=sex, random_state=0)
progression.fit(diabetes.data, diabetes.target)

diagnosis = MMGMutualInfo(discrete_target=True, random_state=0)
diagnosis.fit(cancer.data, cancer.target)

print()
for title, fitted in (("Diabetes", progression), ("Breast cancer", diagnosis)):
    low, high = fitted.mutual_info_interval(0.95)
    print(f"{title:>13}, all columns: {fitted.mutual_info_:.3f} nats, 95 % [{low:.3f}, {high:.3f}]")

# %%
# Select columns in a pipeline
# ----------------------------

for k in (3, 10):
    score = MMGScore(discrete_target=True, random_state=0)
    pipeline = make_pipeline(StandardScaler(), SelectKBest(score, k=k), LogisticRegression())
    accuracy = cross_val_score(pipeline, cancer.data, cancer.target, cv=5)
    print(f"Accuracy with the best {k:2d} columns: {accuracy.mean():.3f} ± {accuracy.std():.3f}")

# %%
# Look at the curves
# ------------------
# The shaded area is twice the mutual information. The two integrands agree where both denoisers
# are good, and the density says where log-SNR was sampled.

display = MMSECurveDisplay.from_estimator(progression)

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
display.figure_.savefig(folder / "quickstart.png", dpi=120)
print(f"\nFigure: {folder / 'quickstart.png'}")
