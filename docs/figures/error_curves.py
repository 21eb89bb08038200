"""Exact error curves of two normals with correlation 0.9, and the area between them."""

import matplotlib.pyplot as plt
import numpy as np

rho = 0.9
logsnr = np.linspace(-8, 10, 400)
gamma = np.exp(logsnr)
alone = gamma / (1 + gamma)  # in units of the noise
given = gamma * (1 - rho**2) / (1 + gamma * (1 - rho**2))
area = np.trapezoid(alone - given, logsnr) / 2

figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
ax.plot(logsnr, alone, label="denoiser of z alone")
ax.plot(logsnr, given, label="denoiser that sees y")
ax.fill_between(logsnr, given, alone, color="0.85")
ax.annotate(f"2 × {area:.3f} nats", (0.8, 0.5), ha="center")
ax.set(xlabel="log-SNR of the channel", ylabel="squared error (noise units)")
ax.set_title(f"truth: {-0.5 * np.log(1 - rho**2):.3f} nats")
ax.legend()
