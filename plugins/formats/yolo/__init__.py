"""Darknet (YOLO) folders: obj.data, names, lists of pictures, and a label file beside each picture."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

from bridge.errors import BridgeError
from bridge.model.dataset import Dataset, Reading
from bridge.model.finding import Finding, Severity
from bridge.plugin import BoxSizes, ReadOptions, WriteOptions
from plugins.formats.shapes import shape_findings
from plugins.formats.yolo.entries import is_picture
from plugins.formats.yolo.folder import data_file, names_file

# So many files of a folder are looked at to find one picture with labels.
_GLANCE = 2000


class Yolo:
    """Reads any darknet folder, writes one that every fork of darknet can use."""

    name = "yolo"

    def recognises(self, path: Path) -> bool:
        """Whether this is a data file, holds one, or holds names and pictures with label files."""
        try:
            if data_file(path) is not None:
                return True
            return path.is_dir() and names_file(path) is not None and _has_labels(path)
        except (BridgeError, OSError):
            return False

    def read(self, path: Path, options: ReadOptions) -> Reading:
        """Read a folder. A picture without a label file was not looked at, one with an empty one holds nothing.

        Names are relative to the folder; one that we wrote tells the names the pictures had. held_out is that of the
        valid list, unless one list holds all of the other. A line that is no label is kept as a damaged region.
        Raises NotFoundError, RefusedError (several data files) or InputError.
        """
        from plugins.formats.yolo.read import read

        return read(path, options)

    def read_sizes(self, path: Path, options: ReadOptions) -> BoxSizes:
        """The sizes of all training boxes from the label files alone, whether or not the pictures are there."""
        from plugins.formats.yolo.sizes import read_sizes

        return read_sizes(path, options)

    def losses(self, dataset: Dataset) -> list[Finding]:
        """Shapes of which darknet gets the box around or nothing at all.

        All of severity info: such a folder is made from labels to train on, never instead of them.
        """
        found = (f for d in dataset.documents for f in shape_findings(d.image.name, d.regions or ()))
        return [replace(finding, severity=Severity.INFO) for finding in found if finding.rule != "no-box"]

    def write(self, dataset: Dataset, out: Path, options: WriteOptions) -> list[Finding]:
        """Write obj.data, obj.names, train.txt, valid.txt and data/ with pictures and labels into the folder out.

        Only labelled and reviewed-empty pictures are written, boxes clipped, under names safe for every darknet; what
        they were called stands in labelbridge.json. Raises RefusedError where out holds something that is not ours,
        InputError where it cannot be written.
        """
        from plugins.formats.yolo.write import write

        return write(dataset, out, options)


def _has_labels(folder: Path) -> bool:
    """Whether some picture among the first files has a label file."""
    from plugins.formats.yolo.read import label_paths

    files = islice((path for path in folder.rglob("*") if is_picture(path.name)), _GLANCE)
    return any(Path(labels).is_file() for path in files for labels in label_paths(path.as_posix()))
