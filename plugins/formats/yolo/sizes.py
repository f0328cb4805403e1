"""The sizes of all boxes of a darknet folder, straight from its label files: no picture is opened for them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.document import decode_text
from bridge.plugin import BoxSizes, ReadOptions
from plugins.formats.yolo.lines import parse_lines
from plugins.formats.yolo.read import Documents, label_of, one_newline, read

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.float64]  # (m, 5): class, x, y, w, h

# A file in which every line is what darknet's own tools write; any other is read line by line, as always.
_NUMBER = rb"(?:\d{1,17}+(?:\.\d{1,17}+)?+|\.\d{1,17}+)"
_PLAIN = re.compile(rb"(?:\d{1,9}+(?: " + _NUMBER + rb"){4}+\r?+(?:\n++|\Z))*+")


def read_sizes(path: Path, options: ReadOptions) -> BoxSizes:
    """Of the pictures that are not held out; a box outside its picture counts as left out. Raises as read.

    A negative side is one whose corners are swapped, as everywhere.
    """
    import numpy as np

    reading = read(path, options)
    assert isinstance(reading.documents, Documents)
    rows = _rows(reading.documents)
    middle, half = rows[:, 1:3], np.abs(rows[:, 3:5]) / 2
    inside = np.minimum(middle + half, 1.0) - np.maximum(middle - half, 0.0)
    kept = (inside > 0).all(axis=1)
    numbers, label = np.unique(rows[kept, 0].astype(np.int64), return_inverse=True)
    names = (label_of(number, reading.labels) for number in numbers.tolist())
    return BoxSizes(tuple(names), label, inside[kept], int((~kept).sum()))


def _rows(documents: Documents) -> Rows:
    """The lines of all label files; those that are no labels are left to a check."""
    import numpy as np

    plain, others = [], []
    for entry in documents.entries:
        data = None if entry.held_out else documents.label_file(entry)[0]
        if not data:
            continue
        if _PLAIN.fullmatch(data):
            plain.append(data)
        else:
            lines = parse_lines(one_newline(decode_text(data)))
            others += [(line.class_id, *line.fractions) for line in lines if line.fractions]
    rows = np.fromstring(b"\n".join(plain), np.float64, sep=" ").reshape(-1, 5)
    return np.vstack([rows, np.array(others, np.float64).reshape(-1, 5)])
