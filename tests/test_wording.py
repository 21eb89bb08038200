"""Lists in sentences."""

import pytest

from sklearn_mmg._wording import enumerated


@pytest.mark.parametrize(
    ("n", "most", "noun", "text"),
    [
        (0, 3, "columns", ""),
        (3, 3, "columns", "0, 1, 2"),
        (4, 3, "", "0, 1, 2 and 1 more"),
        (2003, 3, "columns", "0, 1, 2 and 2,000 more columns"),
    ],
)
def test_enumerated(n, most, noun, text):
    assert enumerated([str(i) for i in range(n)], most, noun) == text
