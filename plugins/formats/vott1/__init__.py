"""The project files of VoTT v1 (1.0 to 1.7.2)."""

from __future__ import annotations

from pathlib import Path

from bridge.model.dataset import Dataset, Reading
from bridge.model.finding import Finding
from bridge.model.verified import Verified
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.vott1 import read, write
from plugins.formats.vott1.project import candidates


class VottV1:
    """VoTT v1: one JSON file beside a folder of pictures or a video."""

    name = "vott-v1"

    def recognises(self, path: Path) -> bool:
        """Whether this is a v1 project file, or a folder beside or around one."""
        try:
            return bool(candidates(path))
        except OSError:
            return False

    def read(self, path: Path, options: ReadOptions) -> Reading:
        """Tags in class order and one document per picture; what only VoTT says is kept in extra["vott-v1"]."""
        return read.read(path, options)

    def losses(self, dataset: Dataset) -> list[Finding]:
        """Tags, shapes and names that v1 cannot hold as they are."""
        return write.losses(dataset)

    def write(self, dataset: Dataset, out: Path, options: WriteOptions) -> list[Finding]:
        """Write out (a .json file, or a folder in which <name>.json is made) as v1.7.2 does, pictures beside it."""
        return write.write(dataset, out, options)

    def verify(self, path: Path, labels: Path, options: ReadOptions) -> Verified:
        """Hold a darknet export of VoTT's own against the project: which labels are right, and what damaged others."""
        from plugins.formats.vott1.exports.verdict import verify

        return verify(path, labels, options)


__all__ = ["VottV1"]
