"""``sklearn-mmg`` and ``python -m sklearn_mmg``."""

import argparse
import codecs
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import TypeAlias

import sklearn_mmg

PROGRAM = "sklearn-mmg"
DESCRIPTION = """\
Mutual information of the columns of a file: CSV, TSV, Parquet or Feather. Numbers are numbers, text
and booleans are categories."""
EPILOG = f"""\
{PROGRAM} COMMAND --help has the options of a command. Several names are separated by commas, as in
--x a,b; one that has a comma itself is in double quotes, as in --x '"a,b",c'."""
DETERMINES = "of what this command draws at random; default: 0"

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # has no public name


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action="version", version=sklearn_mmg.__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_scores(commands)
    add_mi(commands)
    add_pairs(commands)
    add_select(commands)
    add_check(commands)
    commands.add_parser(
        "benchmark", help="run estimators on tasks with known truth", add_help=False
    )
    return parser


def add_scores(commands: Commands) -> None:
    command = add_command(commands, "scores", "what every column tells of a target, by itself")
    add_target(command, "columns to score")
    command.add_argument(
        "--report",
        metavar="FILE",
        help="also write a page of HTML, with all pairs and all columns together",
    )


def add_mi(commands: Commands) -> None:
    command = add_command(commands, "mi", "what two sets of columns tell of each other")
    add_blocks(command)
    command.add_argument(
        "--given",
        action="append",
        metavar="NAMES",
        help="columns that are known: what the others tell beyond them",
    )


def add_pairs(commands: Commands) -> None:
    command = add_command(commands, "pairs", "what any two columns tell of each other")
    add_columns(command, "--x", "columns to pair; default: all")


def add_select(commands: Commands) -> None:
    command = add_command(
        commands, "select", "columns that are enough, by what each adds to those before it"
    )
    add_target(command, "columns to select from")
    command.add_argument(
        "--n-features", type=int, metavar="N", help="how many; default: until none adds anything"
    )


def add_check(commands: Commands) -> None:
    command = add_command(commands, "check", "whether to believe mi: refits in other ways")
    add_blocks(command)


def add_blocks(command: argparse.ArgumentParser) -> None:
    add_columns(command, "--x", "columns of one side; default: all others")
    add_columns(command, "--y", "columns of the other side", required=True)


def add_target(command: argparse.ArgumentParser, role: str) -> None:
    command.add_argument("--target", required=True, metavar="NAME", help="column to tell of")
    add_columns(command, "--x", f"{role}; default: all others")


def add_columns(
    command: argparse.ArgumentParser, option: str, text: str, *, required: bool = False
) -> None:
    command.add_argument(option, action="append", required=required, metavar="NAMES", help=text)


def add_command(commands: Commands, name: str, text: str) -> argparse.ArgumentParser:
    """A command with the options that all have."""
    command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    command.add_argument("file", help=".csv, .tsv, .txt, .parquet or .feather, or compressed")
    columns = command.add_argument_group("columns and rows")
    columns.add_argument("--without", action="append", metavar="NAMES", help="columns to leave out")
    columns.add_argument(
        "--discrete", action="append", metavar="NAMES", help="numbers that are categories: codes"
    )
    missing = columns.add_mutually_exclusive_group()
    missing.add_argument(
        "--drop-missing", action="store_true", help="leave out rows with missing values"
    )
    missing.add_argument(
        "--impute",
        action="store_true",
        help="fill in medians and, in text, a category of its own; never in a target",
    )
    text_files = command.add_argument_group("files of text")
    text_files.add_argument(
        "--sep", type=separator, metavar="TEXT", help="between values; default: by the suffix"
    )
    text_files.add_argument("--decimal", default=".", metavar="TEXT", help="default: a point")
    text_files.add_argument(
        "--encoding", type=encoding, default="utf-8-sig", metavar="NAME", help="default: utf-8"
    )
    text_files.add_argument(
        "--na-values", action="append", default=[], metavar="TEXT", help="what stands for missing"
    )
    run = command.add_argument_group("computation")
    run.add_argument("--seed", type=seed, default=0, metavar="N", help=DETERMINES)
    run.add_argument("--jobs", type=int, metavar="N", help="processes; default: 1")
    run.add_argument("--quiet", action="store_true", help="no progress, no notes beside the output")
    output = command.add_argument_group("output")
    output.add_argument("--bits", action="store_true", help="bits in place of nats")
    form = output.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--csv", action="store_true", help="a table, without what to distrust")
    return command


def seed(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError(f"{number} is not between 0 and {2**32 - 1}")
    return number


def separator(text: str) -> str:
    text = text.replace(r"\t", "\t")
    if len(text) != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not one character")
    return text


def encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and print what it finds.

    Parameters
    ----------
    arguments : sequence of str, default=None
        Those of the command line; None takes them from there.

    Returns
    -------
    status : int
        0, or 2 for what the file or the options do not allow, or 130 after an interrupt.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["benchmark"]:  # which has options of its own
        return in_one_line(lambda: run_benchmark(words[1:]))
    options = make_parser().parse_args(words)
    options.command_line = shlex.join([PROGRAM, *words])
    return in_one_line(lambda: run(options))


def in_one_line(call: Callable[[], None]) -> int:
    """Exit status of a call; its errors are a line each."""
    try:
        call()
        sys.stdout.flush()
    except BrokenPipeError:  # as of `| head`; nothing is left to be written at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        print(f"{PROGRAM}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        return 130
    return 0


def run_benchmark(words: Sequence[str]) -> None:
    from sklearn_mmg.benchmark import __main__ as benchmark

    benchmark.main(words, prog=f"{PROGRAM} benchmark")


def run(options: argparse.Namespace) -> None:
    # Late, because `--help` needs none of them.
    from sklearn_mmg.cli._commands import COMMANDS
    from sklearn_mmg.cli._output import show

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        result = COMMANDS[options.command](options)
    result.distrust[:0] = dict.fromkeys(
        str(w.message) for w in caught if issubclass(w.category, UserWarning | RuntimeWarning)
    )
    if result.together is not None:
        from sklearn_mmg.cli._report import write_report

        write_report(result, options)
    show(result, options)
