"""The denoisers of one fold, by what the denoised side is."""

from dataclasses import replace
from typing import Any

from sklearn_mmg._core.sides import Sides
from sklearn_mmg.diffusion.atomic import AtomicPair
from sklearn_mmg.diffusion.categorical import CategoricalPair
from sklearn_mmg.diffusion.continuous import ContinuousPair
from sklearn_mmg.diffusion.terms import DenoisingSettings
from sklearn_mmg.preprocessing import Transformer

# Of a discrete denoised side, whose class probabilities are learned in few steps.
CATEGORICAL_STEPS = 400

Pair = AtomicPair | CategoricalPair | ContinuousPair


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
    pair : CategoricalPair, ContinuousPair or AtomicPair
    """
    transformers = sides.transformers(preprocessing)

    def categorical(n_classes: int) -> CategoricalPair:
        return CategoricalPair(
            settings=replace(settings, n_steps=settings.n_steps or CATEGORICAL_STEPS),
            transformer=transformers[1],
            n_continuous=sides.condition.n_continuous,
            n_classes=n_classes,
            n_nodes=n_nodes,
        )

    target = sides.target
    if target.kind == "discrete":
        return categorical(len(target.classes_))
    pair = ContinuousPair(
        settings=settings,
        transformers=transformers,
        normal_margin=preprocessing == "gaussianize",
        n_nodes=n_nodes,
        **continuous,
    )
    if len(target.atoms_) == 0:
        return pair
    return AtomicPair(
        atoms=target.atoms_, categorical=categorical(len(target.atoms_) + 1), continuous=pair
    )
