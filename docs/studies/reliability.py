"""Whether `check_reliability` flags the estimates that are off, and no others.

Run ``python docs/studies/reliability.py``; ``--tasks`` takes some by name, of the benchmark or of
scikit-learn's ``diabetes``, ``wine`` and ``breast_cancer``, whose truth nobody knows, and
``--samples`` sets their number. A row is printed for every task and seed: the error of the
estimate, the changes that refits make, what more samples would add, and the verdict. A second table
counts verdicts on estimates that are off by more than 0.1 nats, and on the others. Seconds are of
the processor, with one thread per library.
"""

import argparse
import math
import time

import numpy as np
from printing import print_head, print_row
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from threadpoolctl import threadpool_limits

from sklearn_mmg import MMGMutualInfo
from sklearn_mmg.datasets import list_tasks, load_task
from sklearn_mmg.inspection import check_reliability

ORDINARY = {
    "diabetes": (load_diabetes, False),
    "wine": (load_wine, True),
    "breast_cancer": (load_breast_cancer, True),
}
OFF = 0.1
COLUMNS = ("half", "a quarter", "twice the steps", "denoise")


def load(name, n_samples, seed):
    """Both blocks, the truth if it is known, and whether y is a class."""
    if name in ORDINARY:
        loader, discrete = ORDINARY[name]
        return *loader(return_X_y=True), math.nan, discrete
    task = load_task(name)
    X, y = task.sample(n_samples, random_state=seed)
    return X, y, task.mutual_information, False


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", nargs="*", default=list_tasks("bmi40"))
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    arguments = parser.parse_args()
    errors = "truth", "estimate", "error"
    print_head("task", "seed", *errors, *COLUMNS, "missing", "verdict", "seconds")
    flagged = {True: [], False: []}
    for name in arguments.tasks:
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            X, y, truth, discrete = load(name, arguments.samples, seed)
            start = time.process_time()
            with threadpool_limits(1):
                estimator = MMGMutualInfo(discrete_target=discrete, random_state=seed)
                result = check_reliability(estimator, X, y, random_state=seed)
            seconds = time.process_time() - start
            value = result.refits[0].mutual_info
            if np.isfinite(truth):
                flagged[abs(value - truth) > OFF].append(result.verdict != "stable")
            cells = [name, seed, f"{truth:.3f}", f"{value:.3f}", f"{value - truth:+.3f}"]
            cells += [changed(result, column) for column in COLUMNS]
            missing = result.missing
            cells += [f"{missing.difference:+.3f} ± {missing.standard_error:.3f}"]
            print_row(*cells, result.verdict, f"{seconds:.0f}")
    print()
    print_head("estimates", "not stable")
    for off, verdicts in flagged.items():
        kind = f"off by more than {OFF}" if off else "others"
        print_row(kind, f"{sum(verdicts)} of {len(verdicts)}")


def changed(result, column):
    for refit in result.refits:
        if refit.name.startswith(column):
            mark = ", warns" if refit.caveats else ""
            return f"{refit.change.difference:+.3f} ± {refit.change.standard_error:.3f}{mark}"
    return ""


if __name__ == "__main__":
    main()
