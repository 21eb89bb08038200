"""
A pipeline in production
========================

An estimate is a model: in a scikit-learn pipeline it is fitted, saved and loaded like any other,
and it scores data that come later. A machine has four sensors that tell the quality of what it
makes. In the ninth week one of them begins to fail, and soon the score says so, without a threshold
on any sensor. All values are in nats.
"""

# %%
# Fit and save
# ------------
# The true densities are known here: normal, with one column per sensor and the quality as target.
from pathlib import Path
from tempfile import TemporaryDirectory

import joblib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mmg import MMGMutualInfo
from sklearn_mmg.datasets import JointNormal

SENSOR_NOISE = np.array([0.5, 1.0, 1.5, 2.0])


def machine(noise):
    """Sensors that read the quality, each with its own noise, and the quality."""
    reading = np.ones((5, 5)) + np.diag([*noise**2, 0.0])
    return JointNormal(reading, dim_x=4)


def measured(noise, n, seed):
    """In the units of the sensors, which are not those of the model."""
    X, y = machine(noise).sample(n, random_state=seed)
    return 20 + 5 * X, y.ravel()


healthy = machine(SENSOR_NOISE)
X, y = measured(SENSOR_NOISE, 2000, seed=0)
pipeline = make_pipeline(StandardScaler(), MMGMutualInfo(random_state=0)).fit(X, y)
mmg = pipeline[-1]
low, high = mmg.mutual_info_interval(0.95)
print(
    f"sensors and quality: {mmg.mutual_info_:.3f} nats, 95 % [{low:.3f}, {high:.3f}], truth "
    f"{healthy.mutual_information:.3f}"
)

# %%
# Load, and score
# ---------------
# What was saved gives the same numbers elsewhere. Load only files that you trust: a pickle is a
# program.
new, quality = measured(SENSOR_NOISE, 2000, seed=1)
with TemporaryDirectory() as folder:
    path = Path(folder) / "quality.joblib"
    joblib.dump(pipeline, path)
    print(f"saved: {path.stat().st_size / 1024:.0f} KiB")
    deployed = joblib.load(path)
assert deployed.score(new, quality) == pipeline.score(new, quality)

# %%
# Limits for a week
# -----------------
# ``score`` is the mean of ``log q(x|y) + log q(x)`` of new samples. Batches of these, which the
# pipeline has not seen either, say how much it varies from week to week.
WEEK = 200
batches = np.arange(2000) // WEEK
reference = np.array(
    [deployed.score(new[batches == b], quality[batches == b]) for b in np.unique(batches)]
)
limit = reference.mean() - 3 * reference.std(ddof=1)

# %%
# Weeks
# -----
# From the ninth week on the noise of the best sensor grows. Beside the score, the mean of the
# pointwise values: what the sensors still tell **by the model that is deployed**. It falls far
# below what they could tell a model that knew of the failure, because the deployed one trusts the
# sensor: below zero, it would be better off without any of them.
N_WEEKS, FAILS = 16, 9
weeks = np.arange(1, N_WEEKS + 1)
growth = 1 + 0.25 * np.maximum(weeks - FAILS + 1, 0)
scores, told, true_told, possible = [], [], [], []
for week in weeks:
    noise = SENSOR_NOISE * [growth[week - 1], 1, 1, 1]
    X_week, y_week = measured(noise, WEEK, seed=100 + week)
    scores.append(deployed.score(X_week, y_week))
    scaled = deployed[:-1].transform(X_week)
    told.append(deployed[-1].pointwise_mi(scaled, y_week).mean())
    true_told.append(healthy.pointwise_mi((X_week - 20) / 5, y_week[:, None]).mean())
    possible.append(machine(noise).mutual_information)
alarms = weeks[np.array(scores) < limit]
print(f"below the limit of {limit:.2f}: weeks {', '.join(map(str, alarms))}")

# %%
# Pictures.
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
left.axhspan(limit, 2 * reference.mean() - limit, color="0.9", label="limits")
left.axhline(reference.mean(), color="0.6", linewidth=0.8)
alarm = np.array(scores) < limit
left.plot(weeks, scores, "-", color="0.5", linewidth=0.8)
left.plot(weeks[~alarm], np.array(scores)[~alarm], "o", color="C2", label="within")
left.plot(weeks[alarm], np.array(scores)[alarm], "s", color="C3", label="alarm")
left.set(title="Score of the deployed pipeline", ylabel="held-out log-density (nats)")

right.plot(weeks, possible, color="0.6", label="what they could tell")
right.plot(weeks, true_told, "_", color="C0", ms=10, label="by the density of a healthy machine")
right.plot(weeks, told, "o", color="C2", ms=4, label="by the deployed pipeline")
right.axhline(0, color="0.8", linewidth=0.8, zorder=0)
right.set(title="What the sensors tell", ylabel="mean pointwise value (nats)")
for ax in (left, right):
    ax.axvline(FAILS - 0.5, color="0.3", linestyle=":", linewidth=1)
    ax.set_xlabel("week")
    ax.legend(loc="lower left")

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "pipeline.png", dpi=100)
