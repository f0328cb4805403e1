"""The files of a VOC folder that we write.

A new folder appears whole or not at all. In one of ours only what differs is touched, and what is no longer part of it
goes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bridge.document import read_json, write_atomic
from bridge.errors import BridgeError
from plugins.formats.pictures import place
from plugins.formats.voc.folder import ANNOTATIONS, MAP, PICTURES
from plugins.formats.voc.label_map import FILE as LABEL_MAP
from plugins.formats.voc.sets import FOLDER as SETS

_PROGRAM = "labelbridge"
_OURS = re.compile(rf"(?:{ANNOTATIONS}|{PICTURES}|{SETS})/(?!\.+$)[^/\\\0]+|{re.escape(LABEL_MAP)}")


def is_ours(folder: Path) -> bool:
    """Whether a folder is empty or was written by us."""
    return folder.is_dir() and (_map(folder).get("program") == _PROGRAM or not any(folder.iterdir()))


def other_names(roots: Iterable[Path]) -> dict[str, str]:
    """What pictures without an annotation file were called, by file name, in a folder that we wrote."""
    for root in roots:
        names = _map(root.parent).get("names") if root.name == PICTURES else None
        if isinstance(names, dict):
            return {file: name for file, name in names.items() if isinstance(name, str) and name}
    return {}


def _map(folder: Path) -> dict[str, Any]:
    try:
        found = read_json(folder / MAP, 64)
    except BridgeError:
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(slots=True)
class Target:
    """The folder being written: out itself if it is ours, else a new one beside it that takes its place at the end."""

    out: Path
    folder: Path
    fresh: bool
    files: dict[str, None] = field(default_factory=dict)

    @classmethod
    def open(cls, out: Path) -> Target:
        """Start to write; raises OSError."""
        fresh = not out.exists()
        if fresh:
            out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name[:40]}.", suffix=".part")) if fresh else out
        for inside in (ANNOTATIONS, PICTURES, SETS):
            (folder / inside).mkdir(parents=True, exist_ok=True)
        return cls(out, folder, fresh)

    def write(self, path: str, data: bytes) -> None:
        """Write a file of the folder."""
        self.files[path] = None
        if self.fresh:
            (self.folder / path).write_bytes(data)
        else:
            write_atomic(self.folder / path, data, sync=False)

    def place(self, path: str, source: Path, how: Literal["link", "copy"]) -> bool:
        """Put a picture there in place of an older one; False if there is none to put."""
        self.files[path] = None
        target = self.folder / path
        try:
            source = source.resolve() if source.is_symlink() else source
            if not self.fresh and target.exists() and not _is_same(source.stat(), target.stat()):
                target.unlink()
            place(source, target, how)
        except FileNotFoundError:
            return False
        return True

    def finish(self, names: Mapping[str, str]) -> None:
        """Take away what an older export had and this one has not, and let a new folder appear."""
        before = _map(self.folder).get("files") if not self.fresh else None
        for path in before if isinstance(before, list) else ():
            if isinstance(path, str) and path not in self.files and _OURS.fullmatch(path):
                (self.folder / path).unlink(missing_ok=True)
        told = {"program": _PROGRAM, "names": dict(names), "files": list(self.files)}
        write_atomic(self.folder / MAP, json.dumps(told, ensure_ascii=False, indent=1).encode() + b"\n")
        if self.fresh:
            self.folder.chmod(0o755)
            self.folder.rename(self.out)

    def give_up(self) -> None:
        """Leave nothing of a new folder behind."""
        if self.fresh:
            shutil.rmtree(self.folder, ignore_errors=True)


def _is_same(here: os.stat_result, there: os.stat_result) -> bool:
    return os.path.samestat(here, there) or (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns)
