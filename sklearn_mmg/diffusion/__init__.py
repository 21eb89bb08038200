"""Denoising diffusion: channel, samplers, preconditioning, networks and integrands."""
