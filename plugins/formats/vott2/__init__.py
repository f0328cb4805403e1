"""VoTT 2: a .vott project with one asset file per tagged picture, and the JSON and CSV that VoTT exports."""

from __future__ import annotations

from pathlib import Path

from bridge.model.dataset import Dataset, Reading
from bridge.model.finding import Finding
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.glance import ends, has_keys
from plugins.formats.vott2.losses import losses
from plugins.formats.vott2.project import SUFFIX, candidates
from plugins.formats.vott2.read import read
from plugins.formats.vott2.table import read_table, tables
from plugins.formats.vott2.write import write


class VottV2:
    """Reads what VoTT 2.0 to 2.2 and later builds wrote, writes projects that VoTT 2.2.0 opens."""

    name = "vott-v2"

    def recognises(self, path: Path) -> bool:
        """Whether this is a .vott file or an export (JSON or CSV) of VoTT, or a folder with exactly one of them."""
        found = candidates(path)
        if not found:
            return len(tables(path)) == 1
        if len(found) != 1:
            return False
        return found[0].name.endswith(SUFFIX) or has_keys(ends(found[0]), "tags", "assets")

    def read(self, path: Path, options: ReadOptions) -> Reading:
        """Read a project. Regions come from the asset files, existence, state and size from the .vott file.

        A region that we marked as a model's and nobody has touched since is a prediction, and a picture that holds
        only such ones has no labels; looked then tells whether VoTT has shown it. Encrypted connections are kept
        as they are. Raises NotFoundError, RefusedError (several projects in a folder) or InputError.
        """
        return read(path, options) if candidates(path) or not tables(path) else read_table(path, options)

    def losses(self, dataset: Dataset) -> list[Finding]:
        """Ellipses and turned boxes become polygons; brushes and what was damaged elsewhere are lost."""
        return losses(dataset)

    def write(self, dataset: Dataset, out: Path, options: WriteOptions) -> list[Finding]:
        """Write a project into the folder out, or change the one that is there (out may also be its .vott file).

        Pictures that a project there does not list are added, others stay as they are; a file is only touched if its
        content changes, and kept in .labelbridge-backup before. A model's regions are written, marked, where no
        person has drawn. Raises InputError (cannot be written) or as read.
        """
        return write(dataset, out, options)
