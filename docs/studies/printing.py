"""What studies print: on the standard output the table that `docs/results/tables` keeps, and on
the standard error what they are at."""

import sys


def print_head(*columns, words=1):
    """Of a Markdown table, which has words in the first columns and numbers in the others."""
    print_row(*columns)
    print(f"|{'---|' * words}{'--:|' * (len(columns) - words)}", flush=True)


def print_row(*cells):
    """A row of the table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def report(text):
    """A line that is not for the table."""
    print(text, file=sys.stderr, flush=True)
