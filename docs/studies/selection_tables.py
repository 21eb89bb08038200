"""Selection on real tables: how well a model does with the columns that were selected.

Some of the tables are files of the package ISLP, which is not needed otherwise::

    python -m pip download --no-deps ISLP==0.6.0
    python docs/studies/selection_tables.py --wheel islp-0.6.0-py3-none-any.whl

Columns are selected on 70 % of the rows, and a support-vector machine with scikit-learn's defaults
is trained on the selected ones and scored on the other rows: accuracy, or the coefficient of
determination. In brackets is by how much the first selection is better, with the standard error of
the paired differences over repeated splits. Seconds are of the processor for one selection of the
most columns, in one process, with one thread per library.
"""

import argparse
import io
import time
import warnings
from zipfile import ZipFile

import numpy as np
import pandas as pd
from printing import print_head, print_row, report
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from threadpoolctl import threadpool_limits

from sklearn_mmg import PairwiseMutualInfoSelector, SequentialMutualInfoSelector, mutual_info_mmg

NUMBERS = 5, 10, 20
OURS = "`SequentialMutualInfoSelector`"


def breast_cancer(wheel):
    data = load_breast_cancer(as_frame=True)
    return data.data, np.array(["malignant", "benign"])[data.target]


def digits(wheel):
    data = load_digits(as_frame=True)
    return data.data, data.target.astype(str).to_numpy()


def khan(wheel):
    x = pd.concat([from_wheel(wheel, f"Khan_x{part}") for part in ("train", "test")])
    y = pd.concat([from_wheel(wheel, f"Khan_y{part}") for part in ("train", "test")])
    return x.reset_index(drop=True), y.iloc[:, 0].astype(str).to_numpy()


def nci60(wheel):
    """Kinds of tumours with at least five samples."""
    x = np.load(io.BytesIO(ZipFile(wheel).read("ISLP/data/NCI60data.npy")))
    y = from_wheel(wheel, "NCI60labs").iloc[:, 0]
    kept = (y.map(y.value_counts()) >= 5).to_numpy()
    return pd.DataFrame(x[kept]).add_prefix("gene"), y[kept].to_numpy()


def hitters(wheel):
    table = from_wheel(wheel, "Hitters").dropna()
    return table.drop(columns="Salary"), np.log(table["Salary"].to_numpy())


def wage(wheel):
    table = from_wheel(wheel, "Wage")
    table = table.loc[:, table.nunique() > 1]
    return table.drop(columns=["wage", "logwage"]), table["logwage"].to_numpy()


TABLES = {f.__name__: f for f in (breast_cancer, digits, khan, nci60, hitters, wage)}


def from_wheel(wheel, name):
    return pd.read_csv(io.BytesIO(ZipFile(wheel).read(f"ISLP/data/{name}.csv")))


def as_numbers(x):
    """Codes of names, and which columns have them."""
    names = x.select_dtypes(exclude="number").columns
    x = x.copy()
    if len(names):
        x[names] = OrdinalEncoder().fit_transform(x[names])
    return x.to_numpy(dtype=float), x.columns.isin(names)


def conditional(x, y, k, seed):
    selector = SequentialMutualInfoSelector(n_features_to_select=k, random_state=seed)
    return np.argsort(selector.fit(x, y).ranking_)


def columns_mmg(x, y, k, seed):
    return np.argsort(-mutual_info_mmg(x, y, random_state=seed), kind="stable")


def columns_neighbours(x, y, k, seed):
    values, discrete = as_numbers(x)
    scores = mutual_info_regression if y.dtype.kind == "f" else mutual_info_classif
    return np.argsort(-scores(values, y, discrete_features=discrete, random_state=seed))


def mrmr(x, y, k, seed):
    selector = PairwiseMutualInfoSelector(
        "mrmr", n_features_to_select=k, scores="ksg", random_state=seed
    )
    return np.argsort(selector.fit(x, y).ranking_)


def forest(x, y, k, seed):
    kind = RandomForestRegressor if y.dtype.kind == "f" else RandomForestClassifier
    return np.argsort(-kind(300, random_state=seed).fit(as_numbers(x)[0], y).feature_importances_)


SELECTIONS = {
    OURS: conditional,
    "column scores": columns_mmg,
    "neighbours": columns_neighbours,
    "mRMR": mrmr,
    "forest": forest,
}


def scored(train, test, columns):
    """Score of a model with some columns."""
    (x, y), (x_test, y_test) = train, test
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
        remainder=StandardScaler(),
    )
    model = make_pipeline(encode, SVR() if y.dtype.kind == "f" else SVC())
    return model.fit(x.iloc[:, columns], y).score(x_test.iloc[:, columns], y_test)


def study(name, x, y, n_splits):
    numbers = [k for k in NUMBERS if k < x.shape[1]]
    scores = {method: np.zeros((n_splits, len(numbers))) for method in SELECTIONS}
    seconds = dict.fromkeys(SELECTIONS, 0.0)
    for split in range(n_splits):
        classes = None if y.dtype.kind == "f" else y
        parts = train_test_split(x, y, test_size=0.3, random_state=split, stratify=classes)
        train, test = (parts[0], parts[2]), (parts[1], parts[3])
        for method, select in SELECTIONS.items():
            start = time.process_time()
            with threadpool_limits(1):
                order = select(*train, numbers[-1], split)
            seconds[method] += (time.process_time() - start) / n_splits
            scores[method][split] = [scored(train, test, order[:k]) for k in numbers]
        report(f"{name} {split} { {m: s[split].round(3).tolist() for m, s in scores.items()} }")
    for method, of_method in scores.items():
        cells = []
        for i in range(len(numbers)):
            difference = scores[OURS][:, i] - of_method[:, i]
            error = difference.std(ddof=1) / np.sqrt(n_splits)
            cells.append(f"{of_method[:, i].mean():.3f}")
            if method != OURS:
                cells[-1] += f" ({difference.mean():+.3f} ± {error:.3f})"
        cells += ["-"] * (len(NUMBERS) - len(numbers))
        print_row(name.replace("_", " "), method, n_splits, *cells, f"{seconds[method]:.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheel", required=True)
    parser.add_argument("--tables", nargs="*", default=list(TABLES), choices=TABLES)
    parser.add_argument("--splits", type=int, default=5)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    heads = [f"{k} columns" for k in NUMBERS]
    print_head("table", "selection", "splits", *heads, "seconds", words=2)
    for name in arguments.tables:
        study(name, *TABLES[name](arguments.wheel), arguments.splits)


if __name__ == "__main__":
    main()
