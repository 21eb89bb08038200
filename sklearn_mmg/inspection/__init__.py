"""Whether to believe an estimate: significance and comparison."""

from sklearn_mmg.inspection._difference import paired_difference
from sklearn_mmg.inspection._permutation import permutation_test

__all__ = ["paired_difference", "permutation_test"]
