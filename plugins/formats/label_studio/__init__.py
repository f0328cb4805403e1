"""The task files of Label Studio (JSON exports and imports); what talks to a live one uses its parts."""

from __future__ import annotations

import re
from pathlib import Path

from bridge.errors import InputError
from bridge.model.dataset import Dataset, Reading
from bridge.model.finding import Finding
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.glance import ends, json_files

_TASK = re.compile(r'"(?:annotations|completions|predictions)"\s*:\s*\[|"data"\s*:\s*\{')


class LabelStudio:
    """Label Studio: one JSON file of tasks, and label_config.xml beside it."""

    name = "label-studio"

    def recognises(self, path: Path) -> bool:
        """Whether this is a file of tasks, or a folder that holds one."""
        try:
            return bool(_files(path))
        except OSError:
            return False

    def read(self, path: Path, options: ReadOptions) -> Reading:
        """Labels in the order of the labeling config; what we do not know is kept in extra["label-studio"]."""
        found = _files(path) if path.is_dir() else [path]
        if len(found) != 1:
            rule = "several-label-studio" if found else "not-label-studio"
            raise InputError(rule, path=str(path), files=", ".join(file.name for file in found))
        from plugins.formats.label_studio.read import read

        return read(found[0], options)

    def losses(self, dataset: Dataset) -> list[Finding]:
        """What has no place in a task, region by region."""
        from plugins.formats.label_studio.losses import losses

        return losses(dataset)

    def write(self, dataset: Dataset, out: Path, options: WriteOptions) -> list[Finding]:
        """Write tasks that Label Studio imports: labels as annotations, a model's boxes as predictions.

        Raises RefusedError where a file of another kind stands there.
        """
        from plugins.formats.label_studio.write import write

        return write(dataset, out, lambda path: self.recognises(path) or ends(path).strip() == "[]")


def _files(path: Path) -> list[Path]:
    return [file for file in json_files(path) if _is_tasks(ends(file))]


def _is_tasks(text: str) -> bool:
    start = text.lstrip()
    return start.startswith("[") and start[1:].lstrip().startswith("{") and _TASK.search(text) is not None
