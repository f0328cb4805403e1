"""The project files of VoTT v1 (1.0 to 1.7.2)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bridge.model.dataset import Dataset, Reading
from bridge.model.finding import Finding
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.vott1.project import candidates

if TYPE_CHECKING:
    from bridge.model.tidied import Names, Tidied
    from bridge.model.verified import Verified


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
        from plugins.formats.vott1.read import read

        return read(path, options)

    def losses(self, dataset: Dataset) -> list[Finding]:
        """Tags, shapes and names that v1 cannot hold as they are, region by region."""
        from plugins.formats.vott1.losses import losses

        return losses(dataset)

    def write(self, dataset: Dataset, out: Path, options: WriteOptions) -> list[Finding]:
        """Write out (a .json file, or a folder in which <name>.json is made) as v1.7.2 does, pictures beside it."""
        from plugins.formats.vott1.write import write

        return write(dataset, out, options)

    def verify(self, path: Path, labels: Path, options: ReadOptions) -> Verified:
        """Hold a darknet export of VoTT's own against the project: which labels are right, and what damaged others."""
        from plugins.formats.vott1.exports.verdict import verify

        return verify(path, labels, options)

    def tidy(self, path: Path, names: Names, options: ReadOptions, dry_run: bool = False) -> Tidied:
        """Give pictures and project safe names, or end what was begun; a dry run only says how."""
        from plugins.formats.vott1.tidy.tidying import tidy

        return tidy(path, names, options, dry_run)

    def untidy(self, path: Path, options: ReadOptions, dry_run: bool = False) -> Tidied:
        """Give pictures and project their old names back."""
        from plugins.formats.vott1.tidy.tidying import undo

        return undo(path, options, dry_run)


__all__ = ["VottV1"]
