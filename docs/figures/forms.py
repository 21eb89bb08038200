"""How the three forms move with the error of a denoiser: normals, where all of it is known."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import trapezoid

rho, scale = 0.8, np.linspace(-0.6, 0.6, 41)  # the conditional correction times 1 + scale
logsnr = np.linspace(-14, 14, 2001)
gamma = np.exp(logsnr)
truth = -0.5 * np.log(1 - rho**2)
# E|x_c - x_u|² of the best two denoisers: the area is the truth in either form.
gap = gamma / (1 + gamma) - gamma * (1 - rho**2) / (1 + gamma * (1 - rho**2))
full = trapezoid(gap, logsnr) / 2
direct, orthogonal = full * (1 - scale**2), full * (1 + scale) ** 2
linear = full * (1 + scale)

figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
for name, value in {"direct": direct, "linear": linear, "orthogonal": orthogonal}.items():
    ax.plot(scale, value, label=name)
ax.axhline(truth, color="0.5", linestyle=":", label="truth")
ax.set(xlabel="error of the learned difference, relative", ylabel="estimate (nats)")
ax.legend()
