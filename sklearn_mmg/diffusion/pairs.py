"""The denoisers that an estimator trains, by what its denoised side is."""

from dataclasses import replace

from sklearn_mmg.diffusion.atomic import AtomicPair
from sklearn_mmg.diffusion.categorical import CategoricalPair
from sklearn_mmg.diffusion.continuous import ContinuousPair
from sklearn_mmg.diffusion.samplers import ResidualScaleSampler
from sklearn_mmg.diffusion.terms import DenoisingSettings
from sklearn_mmg.preprocessing import make_transformer

# Of a discrete denoised side, whose class probabilities are learned in few steps.
CATEGORICAL_STEPS = 400


def new_pair(estimator, sides):
    """Unfitted denoisers of the target of `sides`.

    Parameters
    ----------
    estimator : MMGMutualInfo
        Whose parameters they have.
    sides : Sides

    Returns
    -------
    pair : CategoricalPair, ContinuousPair or AtomicPair
    """
    target = sides.target
    if target.kind == "discrete":
        return _categorical_pair(estimator, sides, len(target.classes_))
    if len(target.atoms_) == 0:
        return _continuous_pair(estimator, sides)
    return AtomicPair(
        target.atoms_,
        _categorical_pair(estimator, sides, len(target.atoms_) + 1),
        _continuous_pair(estimator, sides),
    )


def _categorical_pair(estimator, sides, n_classes):
    settings = _settings(estimator)
    settings = replace(settings, n_steps=settings.n_steps or CATEGORICAL_STEPS)
    n_continuous = sides.condition.n_continuous
    return CategoricalPair(
        settings, _condition(estimator, sides), n_continuous, n_classes, estimator.n_nodes
    )


def _continuous_pair(estimator, sides):
    target = _transformer(estimator, sides.target.n_dims)
    return ContinuousPair(
        _settings(estimator),
        (target, _condition(estimator, sides)),
        estimator.precondition,
        estimator.preprocessing == "gaussianize",
        ResidualScaleSampler() if estimator.sampler is None else estimator.sampler,
        estimator.n_nodes,
    )


def _condition(estimator, sides):
    """Unfitted preprocessing of the condition."""
    return _transformer(estimator, sides.condition.n_continuous, sides.condition.n_discrete)


def _transformer(estimator, n_continuous, n_discrete=0):
    """Unfitted preprocessing of so many continuous columns, those of discrete ones behind."""
    if estimator.preprocessing is None or not n_continuous:
        return None
    return make_transformer(estimator.preprocessing, n_continuous, n_discrete)


def _settings(estimator):
    parameters = estimator.get_params(deep=False)
    fields = {k: v for k, v in parameters.items() if k in DenoisingSettings.__dataclass_fields__}
    if not estimator.early_stopping:
        fields["validation_fraction"] = 0.0
    # Class probabilities do not forgive overconfidence: those of the best bound are kept.
    return DenoisingSettings(**fields, tolerance=0.0, keeps_best=estimator.early_stopping)
