"""COCO annotation files."""

from __future__ import annotations

import re
from pathlib import Path

from bridge.errors import InputError
from bridge.model.dataset import Dataset, Reading
from bridge.model.finding import Finding
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.glance import ends, json_files

# A large file shows only its first and last part at its ends.
_PARTS = ("images", "annotations", "categories")


class Coco:
    """COCO: one JSON file with images, annotations and categories."""

    name = "coco"

    def recognises(self, path: Path) -> bool:
        """Whether this is a COCO file, or a folder that holds one."""
        try:
            return bool(_files(path))
        except OSError:
            return False

    def read(self, path: Path, options: ReadOptions) -> Reading:
        """Categories in the order of their list; what we do not know is kept in extra["coco"]."""
        found = _files(path) if path.is_dir() else [path]
        if len(found) != 1:
            rule = "several-coco" if found else "not-coco"
            raise InputError(rule, path=str(path), files=", ".join(file.name for file in found))
        from plugins.formats.coco.read import read

        return read(found[0], options)

    def losses(self, dataset: Dataset) -> list[Finding]:
        """What was painted or broken in other tools; what else COCO has no word for is written beside it."""
        from plugins.formats.coco.losses import losses

        return losses(dataset)

    def write(self, dataset: Dataset, out: Path, options: WriteOptions) -> list[Finding]:
        """Write the file out (or <name>.json in the folder out); no pictures are placed.

        Raises RefusedError where a file of another kind stands there.
        """
        from plugins.formats.coco.write import write

        return write(dataset, out, self.recognises)


def _files(path: Path) -> list[Path]:
    return [file for file in json_files(path) if _is_coco(ends(file))]


def _is_coco(text: str) -> bool:
    shown = [part for part in _PARTS if re.search(rf'"{part}"\s*:\s*\[', text)]
    return text.lstrip().startswith("{") and len(shown) >= 2


__all__ = ["Coco"]
