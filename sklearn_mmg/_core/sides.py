"""Blocks of columns: which are discrete, and how each side is encoded."""

from collections.abc import Sequence

import numpy as np
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from sklearn_mmg._atoms import TieSpreader, atom_codes, find_atoms, is_discrete_column
from sklearn_mmg.preprocessing import Transformer, make_transformer

# With fewer samples per class a discrete side is hard to denoise.
MIN_SAMPLES_PER_CLASS = 10
# In up to so many classes it is easier than a single continuous column. With more the logits have
# more to learn: of a normal rounded to 0.5 standard deviations they lose 0.02 nats of 0.38 with
# 2,000 samples, and the other column 0.01.
FEW_CLASSES = 4


class Block:
    """One side of the mutual information, and its encodings.

    Parameters
    ----------
    columns : ndarray of shape (n_samples, n_columns)
    discrete : ndarray of bool of shape (n_columns,)
    keep_atoms : bool, default=False
        Whether a single continuous column keeps its heavy levels, ``atoms_``, where it is denoised.
        Otherwise all its ties are spread.
    crosses : bool, default=False
        Whether discrete columns are one where they are denoised, whose levels, ``classes_``, are
        the combinations of theirs that there are. Otherwise each keeps its own.

    Attributes
    ----------
    n_levels_ : list of int
        Of a discrete block as something to be denoised.
    """

    def __init__(
        self,
        columns: np.ndarray,
        discrete: np.ndarray,
        *,
        keep_atoms: bool = False,
        crosses: bool = False,
    ) -> None:
        self.discrete = discrete
        self.n_samples_ = len(columns)
        self.kind = "continuous"
        self.classes_: dict[bytes, int] = {}
        if discrete.any():
            self.kind = "discrete" if discrete.all() else "mixed"
            # A category that is new tells nothing.
            self.one_hot_ = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
            self.one_hot_.fit(columns[:, discrete])
            self.ordinal_ = OrdinalEncoder(
                handle_unknown="use_encoded_value", unknown_value=-1
            ).fit(columns[:, discrete])
        if self.kind == "discrete":
            self.n_levels_ = [len(levels) for levels in self.ordinal_.categories_]
            if crosses and len(discrete) > 1:
                # Numbers of the combinations of values that there are.
                self.classes_ = {row: i for i, row in enumerate(sorted(set(self._rows(columns))))}
                self.n_levels_ = [len(self.classes_)]
            return
        continuous = columns[:, ~discrete].astype(float)
        self.spreaders_ = [TieSpreader(column) for column in continuous.T]
        self.atoms_ = np.empty(0)
        if keep_atoms and self.kind == "continuous" and len(discrete) == 1:
            atoms = find_atoms(continuous[:, 0])
            self.atoms_ = atoms if np.ptp(continuous) > 0 else self.atoms_

    @property
    def n_dims(self) -> int:
        """Dimension of the block as something to be denoised; of a discrete column, free shares."""
        if self.kind == "discrete":
            return sum(n - 1 for n in self.n_levels_)
        return len(self.discrete)

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.discrete)

    @property
    def n_continuous(self) -> int:
        """Number of leading continuous columns in :meth:`as_condition`."""
        return int((~self.discrete).sum())

    @property
    def n_discrete(self) -> int:
        """Number of discrete columns."""
        return int(self.discrete.sum())

    @property
    def column_of_code(self) -> np.ndarray:
        """Which column each of those of :meth:`as_condition` stands for."""
        numbers, codes = np.flatnonzero(~self.discrete), np.flatnonzero(self.discrete)
        if len(codes):
            codes = np.repeat(codes, [len(levels) for levels in self.one_hot_.categories_])
        return np.concatenate([numbers, codes])

    @property
    def has_rare_classes(self) -> bool:
        """Whether a discrete block has too few samples for its classes to be denoised well."""
        return self.n_samples_ < MIN_SAMPLES_PER_CLASS * (self.n_dims + 1)

    @property
    def difficulty(self) -> tuple[int, int, bool]:
        """What orders blocks by how hard they are to denoise.

        Class probabilities are known at all noise levels at once, and bounded by an entropy: few
        classes come first. A single column, whose unconditional denoiser has a closed form, comes
        before many classes and before several columns.
        """
        n_dims, rank = self.n_dims, 2
        if self.kind == "mixed":
            rank = 3
        elif self.kind == "discrete":
            if not self.has_rare_classes:
                rank = 0 if n_dims < FEW_CLASSES else 1
        elif n_dims == 1:
            rank = 1
            n_dims += len(self.atoms_)
        return rank, n_dims, self.kind == "continuous"

    def as_condition(self, columns: np.ndarray) -> np.ndarray:
        """Continuous columns first, then the one-hot codes of the discrete ones.

        That of a category that was not seen in fit is zero.
        """
        continuous = columns[:, ~self.discrete].astype(float)
        if self.kind == "continuous":
            return continuous
        codes = self.one_hot_.transform(columns[:, self.discrete])
        return np.hstack([continuous, np.asarray(codes)])

    def n_new(self, columns: np.ndarray) -> int:
        """Number of rows with a discrete value that was not seen in fit."""
        if self.kind == "continuous":
            return 0
        return int((self.ordinal_.transform(columns[:, self.discrete]) < 0).any(axis=1).sum())

    def as_target(self, columns: np.ndarray, seed: int) -> np.ndarray:
        """What is denoised: codes of a discrete block, else columns without ties.

        Of several discrete columns the codes are of shape (n, n_columns), unless they are crossed.
        A level that was not seen in fit has the code -1.

        Ties are spread over the gap to their neighbours, and the codes of a discrete column next
        to continuous ones over their unit. The value can be read off the sum and the noise is
        independent of all else, so the mutual information is unchanged.
        """
        if self.kind != "discrete":
            rng = np.random.default_rng(seed)
            continuous = self._spread(columns[:, ~self.discrete].astype(float), rng)
            if self.kind == "continuous":
                return continuous
            codes = self.ordinal_.transform(columns[:, self.discrete])
            return np.hstack([continuous, codes + rng.uniform(size=codes.shape)])
        if self.classes_:
            return np.array([self.classes_.get(row, -1) for row in self._rows(columns)])
        codes = self.ordinal_.transform(columns).astype(np.int64)
        return codes[:, 0] if self.n_columns == 1 else codes

    def _spread(self, continuous: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        spread = np.column_stack(
            [f(column, rng) for f, column in zip(self.spreaders_, continuous.T, strict=True)]
        )
        if len(self.atoms_) == 0:
            return spread
        return np.where(atom_codes(continuous, self.atoms_) > 0, continuous, spread)

    def _rows(self, columns: np.ndarray) -> list[bytes]:
        """The codes of every sample as bytes; -1 is a value that is new."""
        codes = self.ordinal_.transform(columns[:, self.discrete]).astype(np.int64)
        return [row.tobytes() for row in codes]


class Sides:
    """Both blocks, and which of them is denoised.

    Parameters
    ----------
    X, y : ndarray of shape (n_samples, n_columns)
    masks : tuple of two ndarrays of bool
        Discrete columns of either.
    denoise : {"auto", "X", "y"}
    seed : int
        Of the noise that spreads ties and discrete codes.
    split_atoms : bool, default=False
        Whether heavy levels of a single denoised column are outcomes of their own. A column that
        has little else is then denoised as a discrete one; otherwise ties are spread.
    given : ndarray of bool of shape (n_columns of `X`,), default=None
        Columns of `X` that are no part of either side, and condition both denoisers.
    crosses : bool, default=False
        Whether several discrete columns are denoised as one, as in :class:`Block`.
    """

    def __init__(
        self,
        X: np.ndarray,
        y: np.ndarray,
        masks: Sequence[np.ndarray],
        denoise: str,
        seed: int,
        split_atoms: bool = False,
        given: np.ndarray | None = None,
        crosses: bool = False,
    ) -> None:
        self.given = np.zeros(X.shape[1], dtype=bool) if given is None else given
        x_mask, y_mask = masks
        columns = {"X": X[:, ~self.given], "y": y}
        discrete = {"X": x_mask[~self.given], "y": y_mask}
        targets = {
            side: Block(
                block,
                discrete[side] | (split_atoms and is_discrete_column(block)),
                keep_atoms=split_atoms,
                crosses=crosses,
            )
            for side, block in columns.items()
        }
        self.denoised = denoise
        if denoise == "auto":
            self.denoised = min(targets, key=lambda side: targets[side].difficulty)
        self.other = other = "y" if self.denoised == "X" else "X"
        self.target = targets[self.denoised]
        # As a condition ties do no harm, and an order of levels helps.
        self.condition = Block(
            self.split(X, y)[1],
            np.concatenate([discrete[other], x_mask[self.given]]),
        )
        self.n_other = len(discrete[other])
        self.seed = seed

    @property
    def order(self) -> str:
        """The sides in the order in which models see them."""
        return self.denoised + self.other

    def transformers(
        self, preprocessing: str | Transformer | None
    ) -> tuple[Transformer | None, Transformer | None]:
        """Unfitted preprocessing of what is denoised and of what conditions."""
        condition = self.condition
        return (
            make_transformer(preprocessing, self.target.n_dims),
            make_transformer(preprocessing, condition.n_continuous, condition.n_discrete),
        )

    @property
    def given_codes(self) -> np.ndarray:
        """Which of the encoded columns that condition are given, and seen by both denoisers."""
        return self.condition.column_of_code >= self.n_other

    def split(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The columns that are denoised, and those that condition, the given ones last."""
        free = X[:, ~self.given]
        target, other = (free, y) if self.denoised == "X" else (y, free)
        return target, np.hstack([other, X[:, self.given]])

    def encode(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is denoised, and the columns that condition."""
        target, condition = self.split(X, y)
        return (
            self.target.as_target(target, self.seed),
            self.condition.as_condition(condition),
        )


class CodedSides:
    """Both blocks as numbers: continuous columns, then the one-hot codes of discrete ones.

    Parameters
    ----------
    X, y : ndarray of shape (n_samples, n_columns)
    masks : sequence of two ndarrays of bool
        Discrete columns of either.
    """

    order = "Xy"

    def __init__(self, X: np.ndarray, y: np.ndarray, masks: Sequence[np.ndarray]) -> None:
        self.blocks = [Block(*side) for side in zip((X, y), masks, strict=True)]

    def transformers(
        self, preprocessing: str | Transformer | None
    ) -> tuple[Transformer | None, ...]:
        """Unfitted preprocessing of both, in which codes stay as they are."""
        return tuple(
            make_transformer(preprocessing, block.n_continuous, block.n_discrete)
            for block in self.blocks
        )

    def encode(self, X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """Both blocks as the models take them."""
        return [block.as_condition(a) for block, a in zip(self.blocks, (X, y), strict=True)]


class PlainSides:
    """Both blocks of continuous columns as they are."""

    order = "Xy"

    def transformers(
        self, preprocessing: str | Transformer | None
    ) -> tuple[Transformer | None, Transformer | None]:
        """Unfitted preprocessing of both."""
        return make_transformer(preprocessing), make_transformer(preprocessing)

    def encode(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both blocks as the models take them."""
        return X, y
