"""``python -m sklearn_mmg.benchmark``."""

import argparse
import sys
import warnings

from sklearn_mmg.benchmark import estimators_by_name, run_benchmark, write_report
from sklearn_mmg.datasets import list_tasks
from sklearn_mmg.datasets._suites import SUITES


def names(text):
    return text.split(",")


def integers(text):
    return [int(item) for item in text.split(",")]


def make_parser():
    parser = argparse.ArgumentParser(prog="python -m sklearn_mmg.benchmark", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add_run(commands)
    report = commands.add_parser("report", help="write tables and figures of the results")
    report.add_argument("folder", metavar="DIR", help="the --output of a run")
    report.set_defaults(call=call_report)
    return parser


def add_run(commands):
    run = commands.add_parser(
        "run",
        help="fit estimators to tasks; the same command goes on where it stopped",
        epilog=f"estimators: {', '.join(estimators_by_name())}",
    )
    suites = ", ".join(SUITES)
    run.add_argument(
        "--suite", type=names, default=[], metavar="NAME,NAME", help=f"one or more of {suites}"
    )
    run.add_argument("--tasks", type=names, default=[], metavar="ID,ID", help="single tasks")
    run.add_argument("--estimators", type=names, required=True, metavar="NAME,NAME")
    run.add_argument(
        "--n-samples", type=integers, default=[10_000], metavar="N,N", help="default: 10000"
    )
    run.add_argument(
        "--n-test",
        type=int,
        metavar="N",
        help="evaluate on N separate samples; default: on what the estimator holds out itself",
    )
    run.add_argument("--seeds", type=int, default=5, metavar="N", help="default: 5, 0 to 4")
    run.add_argument("--n-jobs", type=int, metavar="N", help="fits at the same time; default: 1")
    run.add_argument("--output", required=True, metavar="DIR", help="folder of results.jsonl")
    run.add_argument("--quiet", action="store_true", help="no progress bar")
    run.set_defaults(call=call_run)


def call_run(arguments):
    tasks = arguments.tasks + [task for suite in arguments.suite for task in list_tasks(suite)]
    if not tasks:
        raise ValueError(f"Give --suite, one or more of {', '.join(SUITES)}, or --tasks")
    run_benchmark(
        tasks,
        arguments.estimators,
        n_samples=arguments.n_samples,
        n_test=arguments.n_test,
        seeds=arguments.seeds,
        n_jobs=arguments.n_jobs,
        output=arguments.output,
        verbose=not arguments.quiet,
    )


def call_report(arguments):
    print(*write_report(arguments.folder), sep="\n")


def main():
    parser = make_parser()
    arguments = parser.parse_args()
    warnings.formatwarning = lambda message, *_: f"{message}\n"
    try:
        arguments.call(arguments)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "Interrupted; the same command goes on from here\n")


if __name__ == "__main__":
    sys.exit(main())
