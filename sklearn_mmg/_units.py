"""Units of information."""

import math

PER_NAT = {"nats": 1.0, "bits": 1 / math.log(2)}


def in_units(units: str) -> float:
    """How many of the units are in a nat."""
    if units not in PER_NAT:
        raise ValueError(
            f"The 'units' parameter must be a str among {sorted(PER_NAT)}. Got {units!r} instead."
        )
    return PER_NAT[units]
