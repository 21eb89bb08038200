"""Denoising diffusion and flow matching: samplers, networks, integrands and estimates."""
