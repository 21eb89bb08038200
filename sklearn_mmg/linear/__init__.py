"""The linear-Gaussian model of two blocks, in closed form, and models that start from it."""
