"""A project for somebody else's machine: the folders of pictures and labels as that machine spells them.

VoTT knows a picture by the hash of its encoded path. If the folder is spelled otherwise than VoTT finds it, it shows
every picture twice: once with labels and no picture, once without labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.model.finding import Finding, Severity
from plugins.formats.vott2.asset import VIDEO_FRAME, Record, decoded_path, frame_time, new_asset, new_frame

_ABSOLUTE = re.compile(r"[A-Za-z]:[\\/]|[\\/]")


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The folder of the pictures, and that of the project ("" where nobody said), as written on the other machine."""

    images: str
    project: str = ""

    @property
    def root(self) -> str:
        """The folder of the pictures with slashes forward and one at its end."""
        return self.images.replace("\\", "/").rstrip("/") + "/"

    def findings(self, out: Path) -> list[Finding]:
        """That folders are not whole paths, or that the labels' one is as this machine spells it."""
        partial = [folder for folder in (self.images, self.project) if folder and not _ABSOLUTE.match(folder)]
        found = [Finding("vott-folder", Severity.WARNING, None, {"folder": folder}) for folder in partial]
        if not self.project and not Path(self.images).is_dir():
            found.append(Finding("vott-folder", Severity.WARNING, None, {"case": "project", "folder": str(out)}))
        return found


def respelled(record: Record, path: str) -> Record:
    """An asset as VoTT makes it of another path; of a frame, its video goes with it."""
    time = frame_time(path) if record.get("type") == VIDEO_FRAME else None
    fresh = new_frame(*time, 0, 0) if time else new_asset(path, 0, 0)
    parent = record.get("parent")
    if time and isinstance(parent, dict):
        return record | _place(fresh) | {"parent": parent | _place(fresh["parent"])}
    return record | _place(fresh)


def _place(record: Record) -> Record:
    return {key: record[key] for key in ("id", "name", "path")}


def moved(asset: Any, roots: Iterable[str], there: str) -> Record | None:
    """An asset that no document brings along (a video) with the pictures that it lay beside; None for any other."""
    path = decoded_path(asset) if isinstance(asset, dict) else ""
    root = next((root for root in roots if root and path.startswith(root)), None)
    return None if root is None else respelled(asset, there + path.removeprefix(root))
