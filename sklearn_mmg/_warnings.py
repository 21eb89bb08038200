"""Warnings that show the line of the user, however deep they arise."""

import os
import sys
import warnings

import joblib
import sklearn

# Frames of these packages are passed over.
_PASSED_OVER = tuple(
    os.path.dirname(os.path.abspath(path)) + os.sep
    for path in (__file__, sklearn.__file__, joblib.__file__)
)


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning at the innermost line that is neither ours nor scikit-learn's."""
    level, frame = 2, sys._getframe(1)  # level 2 is that frame
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PASSED_OVER):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)
