"""Time and memory of an import, of a fit and of column scores."""

import numpy as np

from sklearn_mmg import MMGMutualInfo, mutual_info_mmg
from sklearn_mmg.datasets import load_task


def timeraw_import():
    """In a fresh interpreter: PyTorch is to be left for the first fit."""
    return "import sklearn_mmg"


class Fit:
    """1,000 samples and a tenth of the steps."""

    params = ("1v1-normal-0.75", "spiral-multinormal-sparse-3-3-2-2.0")
    param_names = ("task",)
    timeout = 300

    def setup(self, task):
        self.X, self.y = load_task(task).sample(1000, random_state=0)

    def fit(self):
        MMGMutualInfo(n_steps=120, random_state=0).fit(self.X, self.y)

    def time_fit(self, task):
        self.fit()

    def peakmem_fit(self, task):
        self.fit()


class ColumnScores:
    """Twenty columns, a tenth of them of no use."""

    params = (1000, 10_000)
    param_names = ("n_samples",)

    def setup(self, n_samples):
        rng = np.random.default_rng(0)
        self.y = rng.normal(size=n_samples)
        self.X = self.y[:, None] * np.arange(20).clip(1) / 10 + rng.normal(size=(n_samples, 20))
        self.X[:, :2] = rng.normal(size=(n_samples, 2))

    def scores(self):
        mutual_info_mmg(self.X, self.y, random_state=0)

    def time_scores(self, n_samples):
        self.scores()

    def peakmem_scores(self, n_samples):
        self.scores()
