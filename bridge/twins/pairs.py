"""Pairs of like pictures among a hundred thousand, without comparing each with each.

Each fingerprint gets 384 bits: on which side of 384 random planes it lies. Of two that are alike nearly all bits
agree, so that they meet in at least one of 24 bands of 16 bits, where each is also looked up with its three least
certain bits turned over. Who meets is compared by all bits, then exactly, and in case of doubt by finer cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bridge.twins.fingerprint import FINE, vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Below this two pictures are not alike; up to SURE the finer cells must say so too. Two benches of planks that
# happen to be equally wide agree in the coarse cells.
LEAST, SURE, LEAST_FINE = 0.66, 0.85, 0.66

_BANDS, _WIDTH = 24, 16
_TURNED = 3
# More differing bits than those of a likeness of LEAST (104) and twice their scatter.
_MOST_BITS = 122
# In a crowded band each is compared with so many that follow it in order, and of each so many links are kept: a
# thousand frames of one scene stay linear.
_WINDOW, _LINKS = 8, 8
_SLICE = 8192


def find_pairs(fingerprints: Sequence[bytes]) -> NDArray[np.float64]:
    """Index, index and likeness (up to 1) of the like pairs, one a row, the first index smaller."""
    import numpy as np

    slices = range(0, max(len(fingerprints), 1), _SLICE)
    rows = np.concatenate([vectors(fingerprints[at : at + _SLICE]) for at in slices])
    lively = np.flatnonzero(rows.any(1))
    if len(lively) < 2:
        return np.empty((0, 3))
    bands, doubtful = _bits(rows, lively)
    met: NDArray[Any] = np.empty(0, np.int64)
    for band in range(_BANDS):
        met = np.union1d(met, _meet(bands, doubtful, band))
    first, second = lively[met // len(lively)], lively[met % len(lively)]
    table = np.column_stack([first, second, np.minimum(_products(rows, first, second), 1.0)]).astype(np.float64)
    table = _strongest(table[table[:, 2] >= LEAST])
    return table[(table[:, 2] >= SURE) | _alike_in_detail(fingerprints, table)]


def _bits(rows: NDArray[np.float32], lively: NDArray[Any]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Per picture and band its bits as a number, and the weights of the bits that are least certain."""
    import numpy as np

    planes = np.random.default_rng(20181101).standard_normal((rows.shape[1], _BANDS * _WIDTH), np.float32)
    weights = (1 << np.arange(_WIDTH)).astype(np.uint64)
    bands, doubtful = [], []
    for at in range(0, len(lively), _SLICE):
        sides = (rows[lively[at : at + _SLICE]] @ planes).reshape(-1, _BANDS, _WIDTH)
        bands.append((sides > 0) @ weights)
        doubtful.append(weights[np.argpartition(np.abs(sides), _TURNED, axis=2)[:, :, :_TURNED]])
    return np.concatenate(bands), np.concatenate(doubtful)


def _meet(bands: NDArray[np.uint64], doubtful: NDArray[np.uint64], band: int) -> NDArray[np.int64]:
    """Pairs that meet in a band and agree in most bits, as first * count + second."""
    import numpy as np

    count = len(bands)
    own: NDArray[Any] = bands[:, band]
    places: NDArray[Any] = np.concatenate([own, *(own ^ doubtful[:, band, n] for n in range(_TURNED))])
    rest: NDArray[Any] = np.zeros(count, np.uint64)
    for further in range(1, 4):  # Within a place, order by the bits of the next bands: like ones stand close.
        rest = rest << np.uint64(_WIDTH) | bands[:, (band + further) % _BANDS]
    order = np.argsort(places << np.uint64(48) | np.tile(rest, _TURNED + 1))
    places = places[order]
    owners = np.tile(np.arange(count), _TURNED + 1)[order]
    signs = bands.astype(np.uint16).view(np.uint64)
    met = [np.empty(0, np.int64)]
    for step in range(1, _WINDOW + 1):
        together = np.flatnonzero(places[step:] == places[:-step])
        a, b = owners[together], owners[together + step]
        near = np.bitwise_count(signs[a] ^ signs[b]).sum(1) <= _MOST_BITS
        a, b = a[near], b[near]
        met.append(np.minimum(a, b) * count + np.maximum(a, b))
    return np.unique(np.concatenate(met))


def _products(rows: NDArray[np.float32], first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float32]:
    """The likeness of each pair of rows."""
    import numpy as np

    slices = [slice(at, at + _SLICE) for at in range(0, len(first), _SLICE)]
    return np.concatenate([np.empty(0, np.float32), *((rows[first[s]] * rows[second[s]]).sum(1) for s in slices)])


def _strongest(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each picture its closest links only."""
    import numpy as np

    ends, likeness = table[:, :2].T.ravel(), np.tile(table[:, 2], 2)
    order = np.lexsort((-likeness, ends))
    starts = np.searchsorted(ends[order], ends[order])
    kept = np.zeros(len(ends), bool)
    kept[order[np.arange(len(order)) - starts < _LINKS]] = True
    return table[kept.reshape(2, -1).any(0)]


def _alike_in_detail(fingerprints: Sequence[bytes], table: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the finer cells of those pairs agree that are not alike beyond doubt."""
    import numpy as np

    alike = np.zeros(len(table), bool)
    doubted = np.flatnonzero(table[:, 2] < SURE)
    for at in range(0, len(doubted), _SLICE):
        some = doubted[at : at + _SLICE]
        first, second = (vectors([fingerprints[int(index)] for index in table[some, end]], FINE) for end in (0, 1))
        alike[some] = (first * second).sum(1) >= LEAST_FINE
    return alike
