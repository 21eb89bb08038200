"""Parameters with which an estimator runs in milliseconds."""

from sklearn_mmg import MMGMutualInfo

TINY = dict(n_steps=20, batch_size=64, width=8, depth=1, cv=0.3, n_nodes=4, random_state=0)
TINY_BASELINE = dict(n_steps=20, batch_size=32, width=8, depth=1, cv=0.3, random_state=0)
CHEAP = dict(n_splines=8, n_condition_splines=6, n_nodes=4, random_state=0)  # of column scores


def tiny(**parameters):
    """An MMGMutualInfo of the smallest budget, with other parameters on top."""
    return MMGMutualInfo(**(TINY | parameters))
