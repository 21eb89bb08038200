"""Lists in sentences."""

from collections.abc import Sequence


def enumerated(items: Sequence[str], most: int, noun: str = "") -> str:
    """The first of many items, at `most` so many, and how many more there are.

    Parameters
    ----------
    items : sequence of str
        As they stand in the sentence.
    most : int
        Number that is written out.
    noun : str, default=""
        What the others are, in the plural.

    Returns
    -------
    text : str
    """
    text = ", ".join(items[:most])
    if len(items) <= most:
        return text
    return f"{text} and {len(items) - most:,} more {noun}".rstrip()
