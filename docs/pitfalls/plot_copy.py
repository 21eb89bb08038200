"""
A copy of the target
====================

A column that is computed from the target tells everything, and of a continuous target everything
is without end. Rounding, or noise that nobody sees, makes it a large number that says nothing but
how exact the copy is.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mmg import mutual_info_mmg

rng = np.random.default_rng(0)
y = rng.normal(size=1000)
noise = np.geomspace(1e-3, 1, 10)
scores = mutual_info_mmg(y[:, None] + noise * rng.normal(size=(1000, 10)), y, random_state=0)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    exact = mutual_info_mmg(np.column_stack([y, 2 * y + 1, y > 0]), y, random_state=0)
print("copy, line, sign:", exact.round(3), *{str(w.message) for w in caught}, sep="\n")

# %%
# An infinite value, or one of several nats among tenths, is not a good column. Look for where it
# comes from: an identifier, a later measurement, the target under another name. A sign tells one
# bit, ``log(2)``, however often it is copied.
figure, ax = plt.subplots(layout="constrained")
ax.plot(noise, scores, "o", label="mutual_info_mmg")
ax.plot(noise, 0.5 * np.log1p(1 / noise**2), color="0.5", linestyle=":", label="truth")
ax.set(xscale="log", xlabel="standard deviation of the noise on the copy", ylabel="score (nats)")
ax.legend()
plt.show()
