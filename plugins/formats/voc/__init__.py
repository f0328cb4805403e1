"""Pascal VOC: one XML file of annotations for each picture, as VOC itself, VoTT and many other tools write them."""

from __future__ import annotations

from pathlib import Path

from bridge.model.dataset import Dataset, Reading
from bridge.model.finding import Finding
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.voc.folder import find_folders


class Voc:
    """Reads VOC folders of any tool, writes ones that say themselves how their numbers are meant."""

    name = "voc"

    def recognises(self, path: Path) -> bool:
        """Whether this is an annotation file, or a folder that holds them."""
        try:
            return len(find_folders(path)) == 1
        except OSError:
            return False

    def read(self, path: Path, options: ReadOptions) -> Reading:
        """Read a folder (or one file). An annotation without objects means that somebody looked and found nothing.

        The labels' order is that of a label map beside, else that of first appearance. Whether numbers count pixels
        from 1 or are corners from 0 is decided from all of them, and told. Raises RefusedError (several years of a
        VOCdevkit) or InputError.
        """
        from plugins.formats.voc.read import read

        return read(path, options)

    def losses(self, dataset: Dataset) -> list[Finding]:
        """What has no box is told; other shapes, ids and further labels stand beside, where only we read them."""
        from plugins.formats.voc.losses import losses

        return losses(dataset.documents)

    def write(self, dataset: Dataset, out: Path, options: WriteOptions) -> list[Finding]:
        """Write Annotations, JPEGImages, ImageSets/Main and the label map into the folder out.

        Pictures that nobody has looked at get no annotation. Raises RefusedError where out holds something that is
        not ours, InputError where it cannot be written.
        """
        from plugins.formats.voc.write import write

        return write(dataset, out, options)
