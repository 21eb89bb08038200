"""What a denoiser sees of every group of columns, and quantities of information made of that."""

from typing import NamedTuple


class View(NamedTuple):
    """Every group of columns is noised, clean or, with neither, absent.

    A denoiser of the noised groups that sees the clean ones knows the density of the former given
    the latter, whatever the absent ones are.
    """

    noised: tuple[bool, ...]
    clean: tuple[bool, ...]


class Contrast(NamedTuple):
    """A quantity of information: a sum of the log-densities of views, each with its sign."""

    signs: tuple[int, ...]
    views: tuple[View, ...]


X_GIVEN_Y = View(noised=(True, False), clean=(False, True))
Y_GIVEN_X = View(noised=(False, True), clean=(True, False))
X_ALONE = View(noised=(True, False), clean=(False, False))
X_AND_Y = View(noised=(True, True), clean=(False, False))

# The same with a third group, which is given.
X_GIVEN_Y_AND_Z = View(noised=(True, False, False), clean=(False, True, True))
X_GIVEN_Z = View(noised=(True, False, False), clean=(False, False, True))

# The density of one group.
ALONE = Contrast((1,), (View(noised=(True,), clean=(False,)),))
# Mutual information of the groups x and y, from the densities of x or from all of them.
ONE_SIDE = Contrast((1, -1), (X_GIVEN_Y, X_ALONE))
BOTH_SIDES = Contrast((1, 1, -1), (X_GIVEN_Y, Y_GIVEN_X, X_AND_Y))
# Conditional mutual information of x and y given z.
ONE_SIDE_GIVEN = Contrast((1, -1), (X_GIVEN_Y_AND_Z, X_GIVEN_Z))
