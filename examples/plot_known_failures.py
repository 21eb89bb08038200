"""
Where established estimators fail
=================================

Four limits of mutual information estimators that are known from the literature, each on data of
known truth and next to :class:`~sklearn_mmg.MMGMutualInfo`. Most of the data are normal, because
their mutual information can be set to any value and any number of columns. They are also the data
that the closed-form part of ``MMGMutualInfo`` solves before any training: what the figure shows are
the limits of the others, not a contest. In the last panel they are not normal, and no estimator is
right throughout. All numbers are in nats.

- Poole et al., "On variational bounds of mutual information", ICML 2019.
- McAllester & Stratos, "Formal limitations on the measurement of mutual information", AISTATS 2020.
- Song & Ermon, "Understanding the limitations of variational mutual information estimators",
  ICLR 2020.
- Gao, Ver Steeg & Galstyan, "Efficient estimation of mutual information for strongly dependent
  variables", AISTATS 2015.
"""

# %%
# One held-out part in place of folds, mostly fewer steps than by default, and 2,000 samples, unless
# another number is given, keep the example short.

import math
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mmg import (
    DoEMutualInfo,
    InfoNCEMutualInfo,
    KSGMutualInfo,
    MMGMutualInfo,
    NWJMutualInfo,
)
from sklearn_mmg.datasets import JointNormal, JointStudent

SHORT = {"cv": 0.33, "random_state": 0}
MMG = MMGMutualInfo(**SHORT, n_steps=200)
# The bounds as they are published: by default a critic starts from the closed form of normal
# blocks, which is the truth here, and is read by its linear form.
PUBLISHED = SHORT | {
    "gaussian_start": False,
    "form": "bound",
    "n_steps": 200,
    "batch_size": 64,
    "learning_rate": 2e-3,
}


def normals(nats, n_dims, n_dependent):
    """Two blocks of which the first `n_dependent` pairs of columns share the information."""
    rho = math.sqrt(1 - math.exp(-2 * nats / n_dependent))
    return JointNormal.sparse(n_dims, correlations=[rho] * n_dependent)


def estimate(estimator, distribution, n_samples=2000, seed=0):
    X, y = distribution.sample(n_samples, random_state=seed)
    with warnings.catch_warnings():
        # That InfoNCE warns of its ceiling is as it should be.
        warnings.filterwarnings("ignore", "The estimate, .* is close to log")
        return estimator.fit(X, y).mutual_info_


def estimates(estimator, distributions, n_samples=2000, seeds=(0,)):
    """Array with a row per distribution and a column per sample of it."""
    return np.array(
        [[estimate(estimator, d, n_samples, seed) for seed in seeds] for d in distributions]
    )


def report(title, column, labels, truth, values):
    """Print means over samples, and the standard deviation if there are several."""
    print(f"\n{title}\n{column:>20}{'truth':>8}" + "".join(f"{name:>19}" for name in values))
    for i, label in enumerate(labels):
        cells = [
            f"{v[i].mean():.2f}" + f" ± {v[i].std():.2f}" * (v.shape[1] > 1)
            for v in values.values()
        ]
        print(f"{label:>20}{truth[i]:8.2f}" + "".join(f"{cell:>19}" for cell in cells))


# %%
# InfoNCE has a ceiling
# ---------------------
# InfoNCE tells the partner of a sample from ``batch_size - 1`` others, and no more can be known
# than which of them it is: the bound cannot exceed ``log(batch_size)`` (Poole et al. 2019). With a
# batch of 64 that is 4.2 nats, and the estimate leaves the truth well below.

NATS = [0.5, 2, 4, 6, 10]
tasks = [normals(value, 2, 2) for value in NATS]
infonce = {
    "InfoNCE": estimates(InfoNCEMutualInfo(**PUBLISHED), tasks),
    "MMG": estimates(MMG, tasks),
}
report("InfoNCE, batch_size=64", "columns 2 + 2", NATS, NATS, infonce)

# %%
# NWJ has a variance that grows exponentially
# -------------------------------------------
# NWJ subtracts the mean of an exponential over independent pairs, which rare pairs dominate. With
# the true log-ratio as critic, which makes the bound tight, its variance is at least
# ``(exp(I) - 1) / n`` (Song & Ermon 2020): the hollow squares are that bound for twenty samples of
# 1,000 pairs each. No bound of this kind can vouch for more than about ``log(n)`` (McAllester &
# Stratos 2020). A trained critic does not show that variance, because it avoids it: it claims less,
# and the estimate is then certain and low.


def nwj_of_true_ratio(distribution, seed, n_samples=1000):
    X, y = distribution.sample(n_samples, random_state=seed)
    independent = distribution.pointwise_mi(X, np.roll(y, 1, axis=0))
    return distribution.pointwise_mi(X, y).mean() + 1 - np.exp(independent).mean()


FEWER_NATS = [1, 2, 4, 6]
tasks = [normals(value, 2, 2) for value in FEWER_NATS]
nwj = {
    "NWJ": estimates(NWJMutualInfo(**PUBLISHED), tasks, 1000, range(3)),
    "NWJ, true ratio": np.array(
        [[nwj_of_true_ratio(task, seed) for seed in range(20)] for task in tasks]
    ),
    "MMG": estimates(MMG, tasks, 1000, range(3)),
}
report("NWJ, samples of 1,000", "columns 2 + 2", FEWER_NATS, FEWER_NATS, nwj)

# %%
# KSG does not see far in many columns
# ------------------------------------
# KSG takes the density to be uniform within the distance of the k-th neighbour. The number of
# samples which that needs grows exponentially with the mutual information (Gao et al. 2015), and
# among many columns the nearest of 2,000 samples is no neighbour any more. Here one pair of columns
# holds everything, as much as in the benchmark task ``multinormal-sparse-25-25-2-2.0``, and columns
# of noise are added on either side.

N_COLUMNS = [1, 2, 5, 10, 25]
OF_ONE_PAIR = 1.022
tasks = [normals(OF_ONE_PAIR, d, 1) for d in N_COLUMNS]
ksg = {"KSG": estimates(KSGMutualInfo(), tasks), "MMG": estimates(MMG, tasks)}
report("KSG", "columns of a side", N_COLUMNS, [OF_ONE_PAIR] * len(tasks), ksg)

# %%
# The difference of entropies has the error of its densities
# -----------------------------------------------------------
# DoE subtracts two cross-entropies (McAllester & Stratos 2020), each of which is too high by what
# its family of densities cannot express. The two errors do not cancel, and more samples do not
# help. Here the family takes the columns of a side as independent. Those of a Student distribution
# share one scale, more so the fewer its degrees of freedom; given the other side much of that scale
# is known, so that with heavy tails the margin has the greater error and the estimate is too high.
# ``MMGMutualInfo`` is too low here, because it has to learn the scale from 3,000 samples, few of
# them in the tails, and gains from more.

DOFS = [20, 5, 2, 1]
tasks = [JointStudent(n_dims=5, dof=dof) for dof in DOFS]
of_tails = [task.mutual_information for task in tasks]
doe = {
    "DoE, Gaussian": estimates(DoEMutualInfo(**SHORT, base="gaussian"), tasks, 3000),
    "MMG": estimates(MMGMutualInfo(**SHORT), tasks, 3000),
}
report("DoE with Gaussian densities", "degrees of freedom", DOFS, of_tails, doe)

# %%
# All four panels
# ---------------
STYLES = {"MMG": {"marker": "o", "color": "C0"}, "NWJ, true ratio": {"marker": "s", "mfc": "none"}}
figure, panels = plt.subplots(2, 2, figsize=(10, 8), layout="constrained")
figure.get_layout_engine().set(h_pad=0.1, w_pad=0.1)
ceiling, spread, columns, tails = panels.ravel()


def draw(panel, places, values, **style):
    for name, found in values.items():
        at = np.repeat(places, found.shape[1])
        chosen = {"marker": "s", "color": "C1", "label": name} | STYLES.get(name, {}) | style
        panel.plot(at, found.ravel(), **chosen)


ceiling.axhline(math.log(64), color="0.6", linestyle=":", label="log(64)")
ceiling.plot(NATS, NATS, color="0.6", label="truth")
draw(ceiling, NATS, infonce)
ceiling.set(title="InfoNCE: no more than log(batch_size)", xlabel="true mutual information (nats)")

places = np.arange(len(FEWER_NATS))
spread.hlines(FEWER_NATS, places - 0.35, places + 0.35, color="0.6", label="truth")
for shift, name in zip((-0.2, 0.0, 0.2), nwj, strict=True):
    draw(spread, places + shift, {name: nwj[name]}, linestyle="", alpha=0.7)
spread.set(title="NWJ: samples of 1,000", xlabel="true mutual information (nats)")
spread.set_xticks(places, FEWER_NATS)

columns.axhline(OF_ONE_PAIR, color="0.6", label="truth")
draw(columns, N_COLUMNS, ksg)
columns.set(title="KSG: the same dependence in more columns", xlabel="columns of either side")
columns.set(xscale="log", xticks=N_COLUMNS, xticklabels=N_COLUMNS, ylim=(0, None))
columns.minorticks_off()

tails.plot(DOFS, of_tails, color="0.6", label="truth")
draw(tails, DOFS, doe)
tails.set(title="DoE: Student t, 5 + 5 columns", xlabel="degrees of freedom")
tails.set(xscale="log", xticks=DOFS, xticklabels=DOFS)
tails.minorticks_off()
tails.invert_xaxis()
for panel in panels.ravel():
    panel.set_ylabel("estimate (nats)")
    panel.legend(frameon=False)

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "known_failures.png", dpi=120)
