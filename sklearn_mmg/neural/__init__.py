"""Networks, the training core that all trained estimators share, and models without diffusion."""
