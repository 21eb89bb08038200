"""How the three forms move with the error of what is learned, which is noise or a wrong size."""

import matplotlib.pyplot as plt
import numpy as np

truth = 0.5
noise = np.linspace(0, 0.5, 51)  # variance of the error, relative to that of the difference
size = np.linspace(0.5, 1.5, 51)  # what the difference of the denoisers is multiplied by
forms = {
    "direct": (1 - noise, 1 - (size - 1) ** 2),
    "linear": (np.ones_like(noise), size),
    "orthogonal": (1 + noise, size**2),
}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True, layout="constrained")
for ax, values in zip(axes, (noise, size), strict=True):
    for name, form in forms.items():
        ax.plot(values, truth * form[ax is axes[1]], label=name)
    ax.axhline(truth, color="0.5", linestyle=":", label="truth")
axes[0].set(xlabel="noise of the learned difference, relative variance", ylabel="estimate (nats)")
axes[1].set(xlabel="size of the learned difference, relative")
axes[0].legend()
