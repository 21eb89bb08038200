"""The denoisers of one fold, by what the denoised side is."""

from dataclasses import replace
from functools import partial
from typing import Any

from sklearn_mmg._core.sides import Sides
from sklearn_mmg.diffusion.atomic import AtomicPair
from sklearn_mmg.diffusion.categorical import CategoricalPair
from sklearn_mmg.diffusion.categorical_given import GivenCategoricalPair
from sklearn_mmg.diffusion.categorical_vector import CategoricalVectorPair
from sklearn_mmg.diffusion.continuous import ContinuousPair
from sklearn_mmg.diffusion.fold_training import default_steps
from sklearn_mmg.diffusion.terms import DenoisingSettings
from sklearn_mmg.preprocessing import Transformer, make_transformer

# Of a discrete denoised column, whose class probabilities are learned in few steps.
CATEGORICAL_STEPS = 400

Pair = AtomicPair | CategoricalPair | CategoricalVectorPair | GivenCategoricalPair | ContinuousPair


def new_pair(
    sides: Sides,
    *,
    preprocessing: str | Transformer | None,
    settings: DenoisingSettings,
    n_nodes: int,
    **continuous: Any,
) -> Pair:
    """Unfitted denoisers of the target of `sides`.

    Parameters
    ----------
    sides : Sides
    preprocessing : {"gaussianize", "standardize"}, transformer or None
    settings : DenoisingSettings
    n_nodes : int
        Log-SNR nodes per evaluated sample.
    **continuous : further parameters of :class:`ContinuousPair`

    Returns
    -------
    pair : Pair
    """
    transformers, given = sides.transformers(preprocessing), sides.given_codes

    def categorical(n_classes: int) -> CategoricalPair | GivenCategoricalPair:
        pair = partial(
            CategoricalPair,
            settings=replace(settings, n_steps=settings.n_steps or CATEGORICAL_STEPS),
            n_classes=n_classes,
            n_nodes=n_nodes,
        )
        n_continuous = sides.condition.n_continuous
        of_all = pair(transformer=transformers[1], n_continuous=n_continuous)
        if not given.any():
            return of_all
        n_numbers = int(given[:n_continuous].sum())
        transformer = make_transformer(preprocessing, n_numbers, int(given.sum()) - n_numbers)
        return GivenCategoricalPair(
            of_all=of_all,
            of_given=pair(transformer=transformer, n_continuous=n_numbers),
            given=given,
        )

    target = sides.target
    if target.kind == "discrete" and target.n_columns > 1:
        return CategoricalVectorPair(
            settings=replace(
                settings, n_steps=settings.n_steps or default_steps(target.n_samples_)
            ),
            transformer=transformers[1],
            n_continuous=sides.condition.n_continuous,
            n_levels=target.n_levels_,
            given=given,
            n_nodes=n_nodes,
        )
    if target.kind == "discrete":
        return categorical(target.n_dims + 1)
    pair = ContinuousPair(
        settings=settings,
        transformers=transformers,
        normal_margin=preprocessing == "gaussianize",
        n_nodes=n_nodes,
        given=given,
        **continuous,
    )
    if len(target.atoms_) == 0:
        return pair
    return AtomicPair(
        atoms=target.atoms_, categorical=categorical(len(target.atoms_) + 1), continuous=pair
    )
