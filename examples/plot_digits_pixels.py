"""
Which pixels carry the label
============================

A score of single columns says what each pixel tells by itself. Pixels repeat each other, and the
scores add up to many times the entropy of the label. Denoisers of whole images divide what all
pixels tell together: ``mutual_info_from_denoisers`` takes any pair of them, here closed forms that
are fitted to other images, and returns what every pixel of every image contributes. All values are
in nats.
"""

# %%
# Denoisers of digits
# -------------------
# Images of a digit are taken to be normal. The denoiser that knows the digit is linear; the other
# weighs the ten of them by what the noisy image says of the digit. A pair of networks is called in
# the same way.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit, softmax
from sklearn.covariance import LedoitWolf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_mmg import mutual_info_from_denoisers, mutual_info_mmg

LEVEL = 1.0  # log-SNR up to which the denoisers are good: see below
images, labels = load_digits(return_X_y=True)
images = images / 8 - 1
train, test, label_train, label_test = train_test_split(
    images, labels, test_size=0.4, stratify=labels, random_state=0
)
normals = [LedoitWolf().fit(train[label_train == digit]) for digit in range(10)]
means = np.array([normal.location_ for normal in normals])
variances, axes_of = np.linalg.eigh([normal.covariance_ for normal in normals])


def of_every_digit(z, logsnr):
    """Noise predictions, and log-densities of the noisy images, as if they were of each digit."""
    a, b = np.sqrt(expit(logsnr))[:, None], np.sqrt(expit(-logsnr))[:, None]
    for mean, variance, axes in zip(means, variances, axes_of, strict=True):
        along = (z - a * mean) @ axes
        spread = a**2 * variance + b**2
        yield b * (along / spread) @ axes.T, -0.5 * (along**2 / spread + np.log(spread)).sum(axis=1)


def conditional(z, logsnr, label):
    predictions, _ = zip(*of_every_digit(z, logsnr), strict=True)
    return np.array(predictions)[label, np.arange(len(z))]


def unconditional(z, logsnr):
    predictions, densities = zip(*of_every_digit(z, logsnr), strict=True)
    return np.einsum("kn,knd->nd", softmax(densities, axis=0), predictions)


# %%
# What is left of the label in a noisy image
# ------------------------------------------
# These images did not fit the denoisers. The integral up to a log-SNR is the information in an
# image with that much noise. Nearly all of it is there early. Later the two forms of the identity
# part, because images of a digit are normal only through noise: from there on the denoisers are
# not to be believed.
for level in (-4.0, -2.0, LEVEL, 6.0):
    noisy = mutual_info_from_denoisers(
        test, label_test, conditional, unconditional, max_logsnr=level, random_state=0
    )
    print(
        f"image at log-SNR {level:2.0f}: gap of the errors {noisy.mutual_info:.2f}, squared "
        f"difference {noisy.orthogonal.mean():.2f} nats"
    )

# %%
# What every pixel contributes
# ----------------------------
# Alone, pixels seem to tell five times what there is.
result = mutual_info_from_denoisers(
    test,
    label_test,
    conditional,
    unconditional,
    max_logsnr=LEVEL,
    per_column=True,
    random_state=0,
)
low, high = result.interval()
print(
    f"label and image at log-SNR {LEVEL:.0f}: {result.mutual_info:.2f} nats, "
    f"95 % [{low:.2f}, {high:.2f}]; entropy of the label {np.log(10):.2f}"
)
alone = mutual_info_mmg(images, labels, discrete_target=True, random_state=0)
together = result.contributions.mean(axis=0)
print(f"pixels by themselves add up to {alone.sum():.1f}, contributions to {together.sum():.2f}")

# %%
# Pictures. Below, the mean contributions to the images of every digit, with the outline of their
# mean: what tells it from the others.
figure = plt.figure(figsize=(11, 6.2), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=(1.2, 1.5))
maps = {
    f"Pixels by themselves: {alone.sum():.1f} nats in all": alone,
    f"What they contribute: {together.sum():.2f} nats in all": together,
}
for ax, (title, values) in zip(above.subplots(1, 2), maps.items(), strict=True):
    shown = ax.imshow(values.reshape(8, 8), cmap="viridis", vmin=0)
    above.colorbar(shown, ax=ax, label="nats")
    ax.set(title=title, xticks=[], yticks=[])
of_digits = [result.contributions[label_test == digit].mean(axis=0) for digit in range(10)]
scale = np.abs(of_digits).max()
drawn = below.subplots(2, 5)
for digit, (ax, values) in enumerate(zip(drawn.flat, of_digits, strict=True)):
    shown = ax.imshow(values.reshape(8, 8), cmap="RdBu_r", vmin=-scale, vmax=scale)
    mean_image = means[digit].reshape(8, 8)
    ax.contour(mean_image, levels=[0], colors="0.3", linewidths=1)
    ax.set(title=f"{digit}: {values.sum():.2f} nats", xticks=[], yticks=[])
below.colorbar(shown, ax=drawn, label="nats")

folder = Path("examples/output")
folder.mkdir(parents=True, exist_ok=True)
figure.savefig(folder / "digits_pixels.png", dpi=100)
