"""
Ties
====

Two independent columns, rounded. Counting how often which numbers meet is right for a few grades.
Of many levels it counts chance: with two decimals every sample is a level of its own, and knows
all.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import mutual_info_score

from sklearn_mmg import mutual_info_mmg

rng = np.random.default_rng(0)
x, y = rng.normal(size=(2, 1000))
decimals, counted, scores = [0, 1, 2], [], []
for digits in decimals:
    a, b = x.round(digits), y.round(digits)
    counted.append(mutual_info_score(np.unique(a, return_inverse=True)[1], b.astype(str)))
    scores.append(mutual_info_mmg(a[:, None], b, random_state=0)[0])
    levels = len(np.unique(a))
    print(f"{levels:3} levels: {counted[-1]:.3f} counted, {scores[-1]:.3f} by mutual_info_mmg")

# %%
# Leave counts, grades and rounded numbers as numbers: heavy levels are outcomes of their own,
# other ties are spread. Declare columns discrete whose numbers are names.
figure, ax = plt.subplots(layout="constrained")
ax.plot(decimals, counted, "o-", label="counted")
ax.plot(decimals, scores, "s-", label="mutual_info_mmg")
ax.axhline(0, color="0.5", linestyle=":", label="truth")
ax.set_xticks(decimals)
ax.set(xlabel="decimals", ylabel="nats")
ax.legend()
plt.show()
