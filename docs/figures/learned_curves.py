"""Curves that networks learned, of a dependence that has no correlation."""

import numpy as np

from sklearn_mmg import MMGMutualInfo, MMSECurveDisplay

rng = np.random.default_rng(0)
X = rng.normal(size=(3000, 2))
y = np.linalg.norm(X, axis=1) + 0.3 * rng.normal(size=3000)
mmg = MMGMutualInfo(random_state=0).fit(X, y)
MMSECurveDisplay.from_estimator(mmg)
