"""The settings of the MMG paper, as parameters of the estimators that it compares."""

from numbers import Integral

from sklearn_mmg.diffusion.log_snr import AdaptiveLogisticSampler, LogisticSampler

VARIANTS = ("MMG", "MMG-adaptive", "MMG-orthogonal", "MMG-orthogonal-adaptive")


def training_of_paper(n_dims):
    """What tables 2 and 3 of Yu et al. 2025 say of every diffusion estimator.

    Parameters
    ----------
    n_dims : int
        Dimensions of both sides together.
    """
    if not isinstance(n_dims, Integral) or n_dims < 2:
        raise ValueError(f"n_dims must be an int in the range [2, inf). Got {n_dims!r} instead.")
    size = 0 if n_dims <= 10 else 1 if n_dims <= 50 else 2
    return dict(
        preprocessing="standardize",
        width=(64, 128, 256)[size],
        depth=3,
        n_steps=(390_000, 290_000, 290_000)[size],
        batch_size=(128, 256, 256)[size],
        learning_rate=(1e-3, 2e-3, 2e-3)[size],
        ema_decay=0.999,
        cv=0.1,
        early_stopping=False,
        n_nodes=10,
    )


def paper_parameters(variant, n_dims):
    """Settings of a variant of MMG."""
    if variant not in VARIANTS:
        raise ValueError(f"variant must be one of {VARIANTS}. Got {variant!r} instead.")
    shared = training_of_paper(n_dims)
    return shared | dict(
        estimator="orthogonal" if "orthogonal" in variant else "direct",
        sampler=AdaptiveLogisticSampler() if "adaptive" in variant else LogisticSampler(),
        precondition=False,
        gated=False,
        embedding_size=shared["width"],
        optimizer="adam",
        lr_schedule="plateau",
        unconditional_probability=0.5,
    )
