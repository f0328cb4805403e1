"""Where the pictures of a project lie on this machine, which need not be the one where they were labelled."""

from __future__ import annotations

import os
from collections.abc import Iterator, Set
from dataclasses import replace
from pathlib import Path

from bridge.model.annotation import Image, fold_name
from bridge.model.finding import Finding, Severity
from plugins.formats.nearby import Nearby
from plugins.formats.pictures import PictureFolder
from plugins.formats.vott2.asset import size_of
from plugins.formats.vott2.entries import Entry
from plugins.formats.vott2.shown import grid_of

Found = tuple[Image, tuple[Finding, ...]]

# A project folder may lie in a home folder with very many others.
_MOST_FOLDERS = 200


class Whereabouts:
    """Looks in the folder a person named, then where the project says, then by file name in folders nearby.

    names are those of all the project's pictures, folded: what lies under the name of one is not taken for another
    whose folders are only not known here.
    """

    def __init__(self, project: Path, images: Path | None, max_megapixels: int, names: Set[str] = frozenset()) -> None:
        self._project, self._images, self._limit = project.absolute(), images, max_megapixels
        self._names = names
        self._folders: dict[str, PictureFolder] = {}
        self._denied: dict[str, Finding] = {}
        self._nearby: Nearby | None = None

    def image(self, entry: Entry) -> Found:
        """The picture with its size as stored, or as recorded and the finding missing-image."""
        for folder, name in self._places(entry):
            found = self._look(entry, folder, name)
            if found is not None:
                return found
        return self._nearby_image(entry) or self._missing(entry)

    def _places(self, entry: Entry) -> Iterator[tuple[str, str]]:
        """Folders and names to try in turn."""
        if entry.file is not None:
            folder, _, name = entry.file.rpartition("/")
            yield folder or "/", name
        if self._images is not None:
            folder = str(self._images.absolute())
            parts = entry.path.strip("/").split("/")
            told = (entry.name, *("/".join(parts[n:]) for n in range(len(parts))), _spelled(entry))
            yield from ((folder, name) for name in told if not self._is_anothers(name, entry))
        if os.path.isabs(entry.path):  # noqa: PTH117 - a path as the project spells it
            folder, _, name = entry.path.rpartition("/")
            yield folder or "/", name

    def _folder(self, path: str) -> PictureFolder:
        if path not in self._folders:
            self._folders[path] = PictureFolder(Path(path), max_megapixels=self._limit)
        return self._folders[path]

    def _look(self, entry: Entry, folder: str, name: str) -> Found | None:
        image, findings = self._folder(folder).image(name, entry.id)
        if image.file is None and not any(f.rule == "bad-text" for f in findings):  # It is there, and cannot be used.
            if findings and findings[0].rule == "unreadable":
                self._denied[entry.id] = findings[0]
            return None
        if not image.width:
            width, height = size_of(entry.asset)  # Not a picture that can be read: labels keep their frame.
            image = replace(image, width=width, height=height)
        if image.name != entry.name:
            image, findings = replace(image, name=entry.name), tuple(replace(f, image=entry.name) for f in findings)
        return image, findings

    def _nearby_image(self, entry: Entry) -> Found | None:
        """A file of the same name in a folder nearby, if it can be the picture and no other is as likely."""
        if self._nearby is None:
            self._nearby = _nearby(self._project)
        path = self._nearby.find(entry.path, _spelled(entry))
        if path is None or any(self._is_anothers(tail, entry) for tail in _tails(path, entry.name)):
            return None
        found = self._look(entry, *path.rsplit("/", 1))
        return found if found is not None and _can_be(entry, found[0]) else None

    def _is_anothers(self, name: str, entry: Entry) -> bool:
        return fold_name(name) in self._names and fold_name(name) != fold_name(entry.name)

    def _missing(self, entry: Entry) -> Found:
        width, height = size_of(entry.asset)
        folder = self._images or entry.path.rpartition("/")[0] or self._project
        fields = {"name": entry.name, "folder": str(folder)}
        finding = Finding("missing-image", Severity.WARNING, entry.name, fields)
        if denied := self._denied.get(entry.id):  # It may well be there.
            finding = replace(denied, image=entry.name)
        return Image(entry.name, width, height, item=entry.id), (finding,)


def _tails(path: str, name: str) -> list[str]:
    """The ends of a path that a picture may have as its name; none if it is the picture of this name."""
    parts = path.split("/")
    tails = ["/".join(parts[n:]) for n in range(1, len(parts))]
    return [] if fold_name(name) in map(fold_name, tails) else tails


def _spelled(entry: Entry) -> str:
    """The file name still encoded: VoTT's own exports copy pictures under it."""
    name = entry.asset.get("name")
    return name if isinstance(name, str) else ""


def _nearby(project: Path) -> Nearby:
    """Files beside the project, in folders in it, in the folder around it, and in that one's other folders."""
    nearby = Nearby()
    around = ([project], _sub_folders(project), [project.parent], _sub_folders(project.parent))
    known: set[Path] = set()
    for rank, folders in enumerate(around):
        for folder in (folder for folder in folders if folder not in known):
            known.add(folder)
            for name, is_folder in PictureFolder(folder).names():
                if not is_folder:
                    nearby.add(f"{folder}/{name}", rank)
    return nearby


def _sub_folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if e.is_dir(follow_symlinks=False) and not e.name.startswith(".")]
    except OSError:
        return []
    return [folder / name for name in sorted(names)[:_MOST_FOLDERS]]


def _can_be(entry: Entry, image: Image) -> bool:
    """Whether the shape of the picture is the one that was labelled."""
    return grid_of(entry.asset, image).note != "aspect"
