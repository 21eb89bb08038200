"""Mutual information by denoising diffusion, as scikit-learn estimators."""

import lazy_loader

# The public names are in `__init__.pyi`, and loaded when they are asked for (SPEC 1).
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
