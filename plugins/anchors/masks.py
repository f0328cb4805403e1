"""Which detection head gets which anchors."""

from __future__ import annotations

from bridge.errors import InputError


def masks(n: int, heads: int) -> tuple[tuple[int, ...], ...]:
    """Share n anchors, smallest first, out over heads, finest grid first, as evenly as it goes.

    So every head keeps its number of filters when other anchors are fitted to other labels, and weights go on fitting.
    Raises InputError anchors-for-heads when a head would get none.
    """
    if heads < 1 or n < heads:
        raise InputError("anchors-for-heads", anchors=n, heads=heads)
    ends = [round(n * (i + 1) / heads) for i in range(heads)]
    return tuple(tuple(range(start, end)) for start, end in zip([0, *ends], ends, strict=False))
