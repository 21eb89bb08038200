"""Pure functions of the MMSE-gap identity: no state, no validation.

The channel at log-SNR ``lam`` is ``z = a x + b eps`` with ``a**2 = sigmoid(lam)``,
``b**2 = sigmoid(-lam)`` and ``gamma = exp(lam)``.  A denoiser is written
``x_hat = x_hat0 + tau F``, where ``x_hat0`` and ``tau**2`` are the posterior mean and variance
under the Gaussian model ``x ~ N(m, s2)`` and ``F`` is what a network adds.  With the target
``t = (x - x_hat0) / tau`` and the weight ``w = gamma tau**2``, errors in noise units read
``gamma |x - x_hat|**2 = w |t - F|**2``.

Three integrands estimate the same quantity (MMG: Yu et al. 2025, eqs. 8 and 12):

``direct``
    ``w_c (2 t_c F_c - F_c**2) - w_u (2 t_u F_u - F_u**2)``, the gap of the two errors.
``orthogonal``
    ``gamma |x_hat_c - x_hat_u|**2``.
``linear``
    ``w_c t_c F_c - w_u t_u F_u``.  The direct form loses the squared training error of a
    denoiser and the orthogonal form gains it; this one is linear in ``F``, so an unbiased
    training error averages out of it on held-out data.
"""

import torch
from torch import Tensor


def residual_coordinates(
    r: Tensor, s2: Tensor, logsnr: Tensor, eps: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Innovation, target, weight and posterior scale of the Gaussian denoiser.

    Parameters
    ----------
    r : tensor of shape (..., d)
        ``x - m``, the signal less its Gaussian prediction.
    s2 : tensor of shape (d,) or (..., d)
        Variance of ``r`` under the Gaussian model.
    logsnr : tensor of shape (...,)
    eps : tensor of shape (..., d)
        Standard normal noise of the channel.

    Returns
    -------
    u, t, w, tau : tensors of shape (..., d)
    """
    a2 = torch.sigmoid(logsnr)[..., None]
    b2 = torch.sigmoid(-logsnr)[..., None]
    a, b = a2.sqrt(), b2.sqrt()
    v = a2 * s2 + b2
    sqrt_v, s = v.sqrt(), s2.sqrt()
    u = (a * r + b * eps) / sqrt_v
    t = (b * r / s - a * s * eps) / sqrt_v
    return u, t, a2 * s2 / v, s * b / sqrt_v


def noise_coordinates(
    r: Tensor, s2: Tensor, logsnr: Tensor, eps: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The same four quantities for plain noise prediction, ``x_hat = (z - b F) / a``.

    This is the Gaussian model of infinite variance, whatever `s2` is: the target is ``eps`` and
    the weight one, the parametrisation of MMG and of most diffusion code.
    """
    a = torch.sigmoid(logsnr).sqrt()[..., None]
    b = torch.sigmoid(-logsnr).sqrt()[..., None]
    return a * r + b * eps, eps, torch.ones_like(eps), -b / a


def bracket(t: Tensor, w: Tensor, f: Tensor) -> Tensor:
    """``w (2 t F - F**2)`` summed over components: what ``F`` takes off the squared error."""
    return (w * (2 * t * f - f * f)).sum(dim=-1)


def orthogonal_excess(logsnr: Tensor, difference0: Tensor, difference: Tensor) -> Tensor:
    """``gamma (|d0 + d|**2 - |d0|**2)``: the orthogonal integrand beyond its closed form."""
    return torch.exp(logsnr) * (2 * difference0 * difference + difference**2).sum(dim=-1)
