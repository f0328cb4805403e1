"""Where the annotation files of a folder are, and what they are relative to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from plugins.formats.glance import ends

ANNOTATIONS, PICTURES = "Annotations", "JPEGImages"
# In a folder that we wrote: which files are ours.
MAP = "labelbridge-voc.json"

_YEAR = re.compile(r"VOC\d{4}")
_ANNOTATION = re.compile(r"<annotation[\s>/]")
_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class VocFolder:
    """Annotation files; root is what Annotations, JPEGImages and ImageSets lie in. alone: one file was asked for."""

    root: Path
    annotations: tuple[Path, ...]
    alone: bool = False

    @property
    def picture_folders(self) -> tuple[Path, ...]:
        """Where the pictures may be, the likeliest first."""
        beside = dict.fromkeys(path.parent for path in self.annotations)
        return tuple(dict.fromkeys((self.root / PICTURES, self.root, self.root / "images", *beside)))


def find_folders(path: Path) -> list[VocFolder]:
    """The VOC folders that a path is or holds: itself, or the years of a VOCdevkit; empty if there are none."""
    if path.is_file():
        return [VocFolder(_root_of(path.parent), (path,), alone=True)] if is_annotation(path) else []
    below = sorted(child for child in path.glob("VOC*") if _YEAR.fullmatch(child.name))
    found = [_in_folder(root) for root in (path, *below)]
    return [folder for folder in found if folder is not None]


def _in_folder(root: Path) -> VocFolder | None:
    if (root / ANNOTATIONS).is_dir():
        files = tuple(_xml_files(root / ANNOTATIONS))
        return VocFolder(root, files) if _are_annotations(files) or (root / MAP).is_file() else None
    try:
        files = tuple(sorted(path for path in root.glob("*.xml") if path.is_file()))
    except OSError:
        return None
    return VocFolder(_root_of(root), files) if _are_annotations(files) else None


def _root_of(folder: Path) -> Path:
    return folder.absolute().parent if folder.absolute().name == ANNOTATIONS else folder


def _xml_files(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(here, name) for name in sorted(names) if name.lower().endswith(".xml") and name[0] != ".")


def _are_annotations(files: tuple[Path, ...]) -> bool:
    return any(is_annotation(path) for path in islice(files, _SAMPLES))


def is_annotation(path: Path) -> bool:
    """Whether this looks like an annotation file."""
    return path.suffix.lower() == ".xml" and _ANNOTATION.search(ends(path)) is not None
