"""What a picture looks like in a kilobyte, and how alike two of them are.

The bytes are 32 x 32 levels of grey of the picture as a viewer turns it. Compared are the steps from each cell to its
right and lower neighbour, as a dHash does; but with their size, after a slanted plane was taken off, and with what
stands out clipped. A dHash of bits takes two pale walls that get darker to the right for the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge import picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FINE, COARSE = 32, 16

# So many times the usual step of a picture is the most that one step counts: a watermark must not outweigh the rest.
_MOST = 8.0
# … but so many levels always count in full.
_FULL = 5.0
# A picture whose steps are smaller than this is a wall or a sky: nothing in it tells one from another.
_PLAIN = 1.5


def fingerprint(path: Path | str, max_megapixels: int = 200) -> bytes:
    """The kilobyte of a picture file; a JPEG is decoded at a fraction of its size. Raises as picture.grey."""
    levels = picture.grey(path, FINE, max_megapixels)
    turn = picture.look(path, max_megapixels).orientation
    return levels if turn == 1 else _upright(levels, turn)


def _upright(levels: bytes, orientation: int) -> bytes:
    """The cells as a viewer turns them by the EXIF mark."""
    import numpy as np

    cells: NDArray[Any] = np.frombuffer(levels, np.uint8).reshape(FINE, FINE)
    if orientation in (5, 6, 7, 8):
        cells = cells.T
    if orientation in (2, 3, 6, 7):
        cells = cells[:, ::-1]
    if orientation in (3, 4, 7, 8):
        cells = cells[::-1]
    return cells.tobytes()


def vectors(fingerprints: Sequence[bytes], grid: int = COARSE) -> NDArray[np.float32]:
    """Of each fingerprint a row of length 1, so that the product of two rows is their likeness; 0 for plain ones."""
    import numpy as np

    cells: NDArray[Any] = (
        np.frombuffer(b"".join(fingerprints), np.uint8).reshape(len(fingerprints), FINE, FINE).astype(np.float32)
    )
    if grid < FINE:
        every = FINE // grid
        cells = cells.reshape(len(cells), grid, every, grid, every).mean((2, 4), dtype=np.float32)
    flat = cells.reshape(len(cells), grid * grid)
    plane = _plane(grid)
    cells = (flat - (flat @ plane) @ plane.T).reshape(len(flat), grid, grid)
    across, down = np.diff(cells, axis=2), np.diff(cells, axis=1)
    steps: NDArray[np.float32] = np.concatenate([_rows(across), _rows(down)], 1)
    plain = np.sqrt((steps**2).mean(1)) < _PLAIN
    most = np.maximum(np.median(np.abs(steps), axis=1, keepdims=True) * _MOST, _FULL)
    steps = np.clip(steps / most.astype(np.float32), -1, 1)
    steps /= np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), 1e-6)
    steps[plain] = 0
    return steps


def _rows(steps: NDArray[np.float32]) -> NDArray[np.float32]:
    return steps.reshape(len(steps), steps.shape[1] * steps.shape[2])


def _plane(grid: int) -> NDArray[np.float32]:
    """Three orthogonal columns of length 1: level, slant to the right, slant down."""
    import numpy as np

    y, x = np.mgrid[0:grid, 0:grid].reshape(2, -1) - (grid - 1) / 2
    columns = np.stack([np.ones_like(x), x, y], 1)
    found: NDArray[np.float32] = (columns / np.linalg.norm(columns, axis=0)).astype(np.float32)
    return found
