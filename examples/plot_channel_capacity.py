"""
The capacity of a channel
=========================

Mutual information depends on how often each input is sent; the **capacity** is its greatest value.
It takes no model of the channel: pointwise values of one estimate, made with inputs that were
equally frequent, are the log-ratios from which the Blahut-Arimoto algorithm finds the best
frequencies. All values are in nats.
"""

# %%
# Four levels of light
# --------------------
# Four brightnesses are sent, and the noise grows with the brightness, as it does when photons are
# counted: the brighter two are often taken for each other.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

from sklearn_mmg import MMGMutualInfo

LEVELS = np.array([0.0, 1.0, 2.0, 3.0])
NOISE = 0.2 + 0.35 * LEVELS
K = len(LEVELS)
rng = np.random.default_rng(0)


def receive(inputs):
    return (LEVELS[inputs] + NOISE[inputs] * rng.normal(size=len(inputs)))[:, None]


inputs = np.arange(2000) % K  # each as often as the others
mmg = MMGMutualInfo(discrete_target=True, random_state=0).fit(receive(inputs), inputs)

# %%
# Log-ratios of all inputs
# ------------------------
# For what was received, ``pointwise_mi`` gives ``log p(received | k) / p(received)`` for every
# input ``k`` that might have been sent. The samples here are new: no value comes from data that
# trained it.
sent = np.arange(2000) % K
received = receive(sent)
log_ratios = np.column_stack(
    [mmg.pointwise_mi(received, np.full(len(received), k)) for k in range(K)]
)

# %%
# Blahut and Arimoto
# ------------------
# With inputs of frequencies ``q`` the divergence of an output from all of them is
# ``D_k = E[log r_k / sum_j q_j r_j]`` over what was received when ``k`` was sent, and the mutual
# information their mean. Inputs with more than the mean are sent more often, in proportion to
# ``exp(D_k)``. At the end all that are sent have the same divergence, the capacity, and one of the
# four is not sent any more: it costs more doubt about its neighbours than it is worth.


def divergences(q, log_ratios, weights):
    """Of every input; `weights` has the distribution of outputs of input k in column k."""
    mixed = logsumexp(log_ratios, b=q, axis=1, keepdims=True)
    return (weights * (log_ratios - mixed)).sum(axis=0)


def blahut_arimoto(log_ratios, weights, n_iter=200):
    """Mutual information of every round, and the frequencies of the last."""
    q, rounds = np.full(K, 1 / K), []
    for _ in range(n_iter):
        of_inputs = divergences(q, log_ratios, weights)
        rounds.append(q @ of_inputs)
        q = q * np.exp(of_inputs - of_inputs.max())
        q /= q.sum()
    return np.array(rounds), q


is_sent = sent[:, None] == np.arange(K)
rounds, frequencies = blahut_arimoto(log_ratios, is_sent / is_sent.sum(axis=0))

# %%
# The truth by quadrature, with the densities of the channel in place of the estimate.
grid, step = np.linspace(-3, 10, 5201, retstep=True)
densities = norm.pdf(grid[:, None], LEVELS, NOISE)
true_rounds, true_frequencies = blahut_arimoto(
    np.log(densities + 1e-300) - np.log(densities.mean(axis=1, keepdims=True) + 1e-300),
    densities * step,
)
print(f"equal frequencies: {rounds[0]:.3f}, truth {true_rounds[0]:.3f}")
print(f"capacity:          {rounds[-1]:.3f}, truth {true_rounds[-1]:.3f}; log(4) = {np.log(4):.3f}")
print("frequencies:      ", frequencies.round(2), "truth", true_frequencies.round(2))

# %%
# Pictures. The dotted curves are those of the estimate: ``p(received | k)`` by its log-ratio and
# the density of all outputs.
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
grid, truth = grid[::20], densities[::20]
for k in range(K):
    ratio = np.exp(mmg.pointwise_mi(grid[:, None], np.full(len(grid), k)))
    left.plot(grid, truth[:, k], color=f"C{k}", alpha=0.5)
    left.plot(grid, ratio * truth.mean(axis=1), ":", color=f"C{k}", label=f"input {k}")
left.plot([], [], color="0.6", label="truth")
left.set(title="What is received", xlabel="output", ylabel="density", xlim=(-1, 7))
left.legend()

middle.axhline(true_rounds[-1], color="0.4", linewidth=1, label="capacity, truth")
middle.semilogx(1 + np.arange(len(rounds)), true_rounds, color="0.6", label="truth")
middle.semilogx(1 + np.arange(len(rounds)), rounds, "--", color="C2", label="estimate")
middle.set(title="Blahut-Arimoto", xlabel="round", ylabel="mutual information (nats)")
middle.legend()

right.bar(np.arange(K) - 0.2, frequencies, 0.4, color="C2", label="estimate")
right.bar(np.arange(K) + 0.2, true_frequencies, 0.4, color="0.6", label="truth")
right.axhline(1 / K, color="0.3", linestyle=":", label="equal")
right.set_xticks(range(K))
right.set(title="Best frequencies", xlabel="input", ylabel="frequency")
right.legend(loc="upper center")

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "channel_capacity.png", dpi=100)
