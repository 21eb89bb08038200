"""The settings of the MMG paper, as parameters of ``MMGMutualInfo``."""

from numbers import Integral

from sklearn_mmg.diffusion.samplers import AdaptiveLogisticSampler, LogisticSampler

VARIANTS = ("MMG", "MMG-adaptive", "MMG-orthogonal", "MMG-orthogonal-adaptive")


def paper_parameters(variant, n_dims):
    """Tables 2 and 3 of Yu et al. 2025, for `n_dims` dimensions of both sides together."""
    if variant not in VARIANTS:
        raise ValueError(f"variant must be one of {VARIANTS}. Got {variant!r} instead.")
    if not isinstance(n_dims, Integral) or n_dims < 2:
        raise ValueError(f"n_dims must be an int in the range [2, inf). Got {n_dims!r} instead.")
    size = 0 if n_dims <= 10 else 1 if n_dims <= 50 else 2
    width = (64, 128, 256)[size]
    return dict(
        estimator="orthogonal" if "orthogonal" in variant else "direct",
        sampler=AdaptiveLogisticSampler() if "adaptive" in variant else LogisticSampler(),
        preprocessing="standardize",
        precondition=False,
        width=width,
        depth=3,
        gated=False,
        embedding_size=width,
        n_steps=(390_000, 290_000, 290_000)[size],
        batch_size=(128, 256, 256)[size],
        learning_rate=(1e-3, 2e-3, 2e-3)[size],
        lr_schedule="plateau",
        ema_decay=0.999,
        unconditional_probability=0.5,
        cv=0.1,
        early_stopping=False,
        n_nodes=10,
    )
