"""The released code of MMG and MINDE, package diffusion-mi 0.1.0, on exported samples.

It runs in an environment of its own, because the package brings another training framework and
top-level modules named ``estimators`` and ``benchmark``::

    python -m pip install diffusion-mi==0.1.0
    python docs/studies/diffusion_mi.py --samples SAMPLES --output RESULTS

Each sample gives one line in ``RESULTS/diffusion-mi.jsonl``, in the format of the benchmark; the
same command goes on where it stopped. Samples with discrete columns are left out: the package has
no notion of them. A part of each sample is held out for the evaluation. Every fit has a process of
its own, so that its peak memory is its own.
"""

import argparse
import json
import multiprocessing
import platform
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np

PACKAGE = "diffusion-mi==0.1.0"
ESTIMATORS = {"diffusion-mi-mmg": "MMGEstimator", "diffusion-mi-minde": "MINDEEstimator"}
SETTINGS = ("max_epochs", "batch_size", "learning_rate")
PROTOCOL = ("test_fraction", "evaluations")
MEASURED = ("estimate", "fit_seconds", "evaluation_seconds")
KEY = ("task", "estimator", "n_samples", "seed")
DISTRIBUTIONS = ("diffusion-mi", "lightning", "numpy", "pytorch-lightning", "torch")


def make_parser():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=Path, required=True, help="folder of .npz files")
    parser.add_argument("--output", type=Path, required=True, help="folder of the results")
    parser.add_argument("--estimators", nargs="+", choices=ESTIMATORS, default=list(ESTIMATORS))
    # MINDE of the package ignores its max_n_steps, so that steps are set by epochs.
    parser.add_argument("--max-epochs", type=int, help="default: 1000, that of the package")
    parser.add_argument("--batch-size", type=int, help="default: 512 MMG, 64 MINDE, as there")
    parser.add_argument("--learning-rate", type=float, help="default: 1e-4, 5e-5, as there")
    parser.add_argument(
        "--test-fraction", type=float, default=0.2, help="held out for evaluation; default: 0.2"
    )
    parser.add_argument(
        "--evaluations",
        type=int,
        default=1,
        help="calls of the package's estimate, which draws noise, to average; default: 1",
    )
    return parser


def make_estimator(name, settings):
    """Unfitted estimator; what is not in the settings is as the package has it."""
    import dmi

    return getattr(dmi.estimators, ESTIMATORS[name])(**settings)


def read_parameters(estimator):
    """What the package has set, less the labels and the seed that it stores and never uses."""
    unused = ("seed", "task_name", "task_gt")
    return {name: value for name, value in estimator.hparams.items() if name not in unused}


def read_sample(path):
    """Arrays X and y, and the fields that a result line takes from the file."""
    with np.load(path) as data:
        X, y = data["X"], data["y"]
        names = ("task", "n_samples", "seed", "truth", "oracle_standard_error")
        fields = {name: data[name].item() for name in names}
    return X, y, fields | {"dim_x": X.shape[1], "dim_y": y.shape[1]}


def is_continuous(path):
    with np.load(path) as data:
        return not data["discrete"]


def read_results(path):
    """Result lines by key; what a killed process left of a last line is cut off."""
    if not path.exists():
        return {}
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        path.write_bytes(whole)
    lines = map(json.loads, whole.splitlines())
    return {tuple(line[name] for name in KEY): line for line in lines}


def make_plan(paths, parameters, done):
    """Pairs of sample file and estimator that have no result yet."""
    plan = []
    for path in paths:
        fields = read_sample(path)[2]
        for name in parameters:
            line = done.get(tuple((fields | {"estimator": name})[field] for field in KEY))
            if line is None:
                plan.append((path, name))
            elif line["parameters"] != parameters[name]:
                raise ValueError(
                    f"The results have {name!r} with other settings: name another output"
                )
    return plan


def run(path, name, settings, protocol):
    """Result line of one fit, without its parameters; an error is part of the result."""
    import torch

    X, y, fields = read_sample(path)
    torch.manual_seed(fields["seed"])
    np.random.seed(fields["seed"])  # noqa: NPY002 - the package draws from it
    try:
        outcome = measure(make_estimator(name, settings), X, y, **protocol) | {"error": None}
    except Exception as error:
        outcome = dict.fromkeys(MEASURED) | {"error": f"{type(error).__name__}: {error}"}
    unknown = ("n_test", "standard_error", "interval_low", "interval_high")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return {
        **fields,
        "estimator": name,
        **dict.fromkeys(unknown),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit,
        "n_threads": torch.get_num_threads(),
        "versions": {item: version(item) for item in DISTRIBUTIONS}
        | {"python": platform.python_version()},
        **outcome,
    }


def measure(estimator, X, y, test_fraction, evaluations):
    """Estimate in nats, on samples that did not train, and the seconds of both parts."""
    n_train = len(X) - int(np.ceil(test_fraction * len(X)))
    (X, X_test), (y, y_test) = (standardized_split(block, n_train) for block in (X, y))
    start = time.perf_counter()
    estimator.fit(X, y, X_test, y_test)
    fit_seconds = time.perf_counter() - start
    start = time.perf_counter()
    estimates = [estimator.estimate(X_test, y_test) for _ in range(evaluations)]
    estimate = float(np.mean(estimates))
    if not np.isfinite(estimate):
        raise ValueError(f"estimate is {estimate}")
    return dict(zip(MEASURED, (estimate, fit_seconds, time.perf_counter() - start), strict=True))


def standardized_split(block, n_train):
    """Both parts on the scale of the first, as the package's own demonstration has them."""
    train, test = block[:n_train], block[n_train:]
    mean, scale = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / scale, (test - mean) / scale


def run_all(arguments):
    settings = {name: value for name, value in vars(arguments).items() if name in SETTINGS}
    settings = {name: value for name, value in settings.items() if value is not None}
    protocol = {name: vars(arguments)[name] for name in PROTOCOL}
    parameters = {
        name: read_parameters(make_estimator(name, settings)) | protocol
        for name in arguments.estimators
    }
    paths = [path for path in sorted(arguments.samples.glob("*.npz")) if is_continuous(path)]
    if not paths:
        raise FileNotFoundError(f"No samples of continuous columns in {str(arguments.samples)!r}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    results = arguments.output / "diffusion-mi.jsonl"
    plan = make_plan(paths, parameters, read_results(results))
    with ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        for path, name in plan:
            job = pool.submit(run, path, name, settings, protocol)
            line = job.result() | {"parameters": parameters[name]}
            with results.open("a") as file:
                file.write(json.dumps(line, allow_nan=False) + "\n")
            print(f"{path.stem} {name}: {line['estimate']}, truth {line['truth']}", flush=True)


def main():
    parser = make_parser()
    arguments = parser.parse_args()
    try:
        run_all(arguments)
    except ModuleNotFoundError as error:
        reason = f"{error}: python -m pip install {PACKAGE}"
        parser.exit(2, f"{parser.prog}: error: {reason}\n")
    except (ImportError, OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: error: {error.__cause__ or error}\n")


if __name__ == "__main__":
    main()
