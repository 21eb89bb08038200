"""
What error curves mean
======================

A block goes through a Gaussian channel. At a low signal-to-noise ratio a denoiser sees coarse
structure only, at a high one the details. Half the area between the error curve of a denoiser that
does not see the other block and that of one that does is the mutual information, and **where** the
area lies says which scale the information is about. Three pairs of columns, each of which shares
log(2) = 0.693 nats, and the closed forms of their curves.
"""

# %%
# Two clusters, or none
# ---------------------
# In the first pair ``x`` is normal, and ``y`` explains three quarters of its variance. In the
# others ``x`` has two clusters: ``y`` is the cluster, or explains three quarters of the variance
# within it and says nothing about which one it is. ``x`` has variance one throughout.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit
from scipy.stats import norm

from sklearn_mmg import MMGMutualInfo

N = 1500
WITHIN = 0.04  # variance of a cluster
CENTRE = np.sqrt(1 - WITHIN)
rng = np.random.default_rng(0)

normal, detail = rng.normal(size=(2, N))
cluster = rng.integers(2, size=N)
x = CENTRE * (2 * cluster - 1) + np.sqrt(WITHIN) * detail
PAIRS = {
    "both normal": (normal, normal + rng.normal(size=N) / np.sqrt(3)),
    "y tells the cluster": (x, cluster),
    "y tells what is within": (x, detail + rng.normal(size=N) / np.sqrt(3)),
}

# %%
# Closed forms
# ------------
# All posteriors here are normal, or mixtures of two normals that are known. The error, in units of
# the noise, is the variance that is left within a cluster, and what is in doubt between the two.
GRID, STEP = np.linspace(-9, 9, 1801, retstep=True)


def error(logsnr, centre, variance):
    """Of the best denoiser of clusters at `centre` and at its negative, each of one `variance`."""
    a2, b2 = expit(logsnr)[:, None], expit(-logsnr)[:, None]
    spread = a2 * variance + b2  # of a noisy cluster
    noisy = np.sqrt(a2) * centre + np.sqrt(spread) * GRID
    side = 2 * np.sqrt(a2) * centre * noisy / spread  # log odds of the right cluster
    doubt = (expit(side) * expit(-side) * norm.pdf(GRID)).sum(axis=1, keepdims=True) * STEP
    of_signal = variance * b2 / spread + doubt * (2 * centre * b2 / spread) ** 2
    return (of_signal * a2 / b2).ravel()


CLOSED_FORMS = {  # centre and variance, without and with y
    "both normal": ((0, 1), (0, 1 / 4)),
    "y tells the cluster": ((CENTRE, WITHIN), (0, WITHIN)),
    "y tells what is within": ((CENTRE, WITHIN), (CENTRE, WITHIN / 4)),
}

# %%
# The same number, from three parts of the axis
# ---------------------------------------------
# ``denoise="X"``, because a label would be denoised by default, and ``"standardize"`` keeps the
# clusters where they are. The estimate is the direct form, the area that is drawn: the default form
# starts from a linear-Gaussian model, which takes two clusters for one wide normal. The points are
# errors of networks on samples that they have not seen. An interval ends at the entropy of a label.
SETTINGS = {
    "denoise": "X",
    "preprocessing": "standardize",
    "form": "direct",
    "cv": 2,
    "n_steps": 300,
    "random_state": 0,
}
logsnr = np.linspace(-10, 14, 481)
figure, axes = plt.subplots(
    2, 3, figsize=(13, 6), sharex=True, sharey="row", layout="constrained", height_ratios=(2, 1)
)
for (name, (one, other)), (upper, lower) in zip(PAIRS.items(), axes.T, strict=True):
    mmg = MMGMutualInfo(**SETTINGS).fit(one[:, None], other)
    without, given = (error(logsnr, *parameters) for parameters in CLOSED_FORMS[name])
    gap = without - given
    area = np.trapezoid(gap, logsnr) / 2
    centre = np.trapezoid(gap * logsnr, logsnr) / (2 * area)
    low, high = mmg.mutual_info_interval(0.95)
    print(
        f"{name:>22}: {mmg.mutual_info_:.3f} nats, 95 % [{low:.3f}, {high:.3f}], half the area of "
        f"the closed forms {area:.3f}, around a log-SNR of {centre:z.1f}"
    )
    curves = mmg.mmse_curves_
    upper.plot(logsnr, without, color="C0", alpha=0.4)
    upper.plot(logsnr, given, color="C1", alpha=0.4)
    upper.fill_between(logsnr, given, without, color="0.9")
    upper.plot(curves.logsnr, curves.mmse_unconditional, ".", color="C0", label="without y")
    upper.plot(curves.logsnr, curves.mmse_conditional, ".", color="C1", label="with y")
    upper.plot([], [], color="0.6", label="closed form")
    upper.set_title(f"{name}: {mmg.mutual_info_:.2f} nats")
    lower.fill_between(logsnr, gap / 2, color="0.85", label="closed form")
    lower.plot(curves.logsnr, curves.gap / 2, ".", color="C2", label="estimate")
    lower.set_xlabel("log-SNR")
axes[0, 0].set_ylabel("denoising error (noise units)")
axes[1, 0].set_ylabel("nats per log-SNR")
axes[0, 0].legend()
axes[1, 0].legend()

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "mmse_curves.png", dpi=100)
