"""The pictures of a darknet folder: each once, with the file it stands for, its name and the part it belongs to."""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bridge.document import read_json
from bridge.errors import BridgeError
from bridge.model.annotation import fold_name
from bridge.model.finding import Finding, Severity
from bridge.picture import EXTENSIONS
from plugins.formats.halves import whole
from plugins.formats.nearby import Nearby
from plugins.formats.pictures import PictureFolder
from plugins.formats.yolo.folder import DarknetFolder

MAP, _PROGRAM = "labelbridge.json", "labelbridge"


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture: the text of its line, its file (None: not found), its name, and whether it is held out."""

    text: str
    file: str | None
    name: str
    held_out: bool | None


class Seeker:
    """Finds the files that list lines mean; folders are listed once, and the base that served last is tried first."""

    def __init__(self, folder: DarknetFolder, max_megapixels: int) -> None:
        self._root, self._limit = str(folder.root), max_megapixels
        self._bases = [str(base) for base in folder.bases]
        self._folders: dict[str, PictureFolder] = {}
        self._nearby: Nearby | None = None

    def folder(self, path: str) -> PictureFolder:
        """The listing of a folder."""
        if path not in self._folders:
            self._folders[path] = PictureFolder(Path(path or "/"), max_megapixels=self._limit)
        return self._folders[path]

    def find(self, text: str) -> str | None:
        """The picture file that a line means: absolute, relative to a base, or of another machine by its name."""
        path = text.replace("\\", "/")
        if path.startswith("/"):
            return self._at(path) or self._elsewhere(path)
        for base in self._bases:
            found = self._at(f"{base}/{path}")
            if found is not None:
                if base != self._bases[0]:
                    self._bases.remove(base)
                    self._bases.insert(0, base)
                return found
        return self._elsewhere(path)

    def _at(self, path: str) -> str | None:
        if "/." in path or "//" in path:
            path = posixpath.normpath(path)
        folder, _, name = path.rpartition("/")
        found = self.folder(folder).find(name).path
        return None if found is None else str(found)

    def _elsewhere(self, path: str) -> str | None:
        """The one file of this name under the root that shares most of its path."""
        if self._nearby is None:
            self._nearby = Nearby()
            for file in self.walk(self._root):
                self._nearby.add(file)
        return self._nearby.find(path)

    def walk(self, folder: str, depth: int = 16) -> Iterator[str]:
        """All pictures under a folder, by name."""
        inside = sorted(self.folder(folder).names())
        yield from (f"{folder}/{name}" for name, is_folder in inside if not is_folder and is_picture(name))
        for name, is_folder in inside if depth else ():
            if is_folder and not name.startswith("."):
                yield from self.walk(f"{folder}/{name}", depth - 1)


def is_picture(name: str) -> bool:
    """Whether the extension is that of a picture."""
    return posixpath.splitext(name)[1].lower() in EXTENSIONS


def entries_of(folder: DarknetFolder, seeker: Seeker) -> tuple[tuple[Entry, ...], tuple[Finding, ...]]:
    """All pictures of the lists in their order, else all under the root, and what is odd about the lists."""
    findings: list[Finding] = []
    parts = _parts(folder, findings)
    if parts is None:
        files: dict[str, str | None] = {file: file for file in seeker.walk(str(folder.root))}
        parts = dict.fromkeys(files)
    else:
        files = {text: seeker.find(text) for text in parts}
        findings += _unlisted(files.values(), seeker)
    names = _names(files, folder.root)
    entries: dict[str, Entry] = {}
    for text, held_out in parts.items():
        entry = Entry(text, files[text], names[text], held_out)
        first = entries.setdefault(fold_name(entry.name), entry)
        if first is not entry:
            same = first.file == entry.file and entry.file is not None
            fields = {"path": whole(entry.text), "other": whole(first.text)} | ({"case": "listed"} if same else {})
            findings.append(Finding("name-clash", Severity.INFO if same else Severity.ERROR, entry.name, fields))
    return tuple(entries.values()), tuple(findings)


def _parts(folder: DarknetFolder, findings: list[Finding]) -> dict[str, bool | None] | None:
    """Lines of both lists and whether they are held out; nothing is known of that if one list serves as both."""
    if folder.train is None and folder.valid is None:
        return None
    train, valid = folder.train or (), folder.valid or ()
    held_out = set(valid)
    both = held_out.intersection(train)
    if both and (both == held_out or both == set(train)):
        # Measuring on what was trained on holds nothing back.
        return dict.fromkeys((*train, *valid))
    if both:
        fields = {"count": len(both), "example": min(both)}
        findings.append(Finding("split-overlap", Severity.WARNING, None, fields))
    known = folder.valid is not None and folder.train is not None
    return {text: (text in held_out if known else None) for text in (*train, *valid)}


def _unlisted(files: Iterable[str | None], seeker: Seeker) -> list[Finding]:
    """Pictures with labels that lie among the listed ones and stand in no list."""
    listed = {file for file in files if file is not None}
    left_out = []
    for folder in sorted({file.rpartition("/")[0] for file in listed}):
        inside = {name for name, is_folder in seeker.folder(folder).names() if not is_folder}
        labelled = (n for n in inside if is_picture(n) and posixpath.splitext(n)[0] + ".txt" in inside)
        left_out += [f"{folder}/{name}" for name in labelled if f"{folder}/{name}" not in listed]
    if not left_out:
        return []
    fields = {"count": len(left_out), "example": whole(min(left_out).rpartition("/")[2])}
    return [Finding("unlisted", Severity.INFO, None, fields)]


def _names(files: Mapping[str, str | None], root: Path) -> dict[str, str]:
    """Names relative to the root, or to the common folder of what lies elsewhere; our own exports tell the old name."""
    here = str(root) + "/"
    outside = [file for file in files.values() if file is not None and not file.startswith(here)]
    common = os.path.commonpath([posixpath.dirname(file) for file in outside]).rstrip("/") + "/" if outside else ""
    original = original_names(root)
    names = {}
    for text, file in files.items():
        if file is None:
            names[text] = whole(original.get(text, "")) or text.replace("\\", "/").replace(":/", "/", 1).lstrip("/")
        else:
            name = file.removeprefix(here) if file.startswith(here) else file.removeprefix(common)
            names[text] = whole(original.get(name, name))
    return names


def original_names(root: Path) -> dict[str, str]:
    """By path relative to the root, what the pictures of a folder that we wrote were called; empty for any other."""
    pictures = _map(root).get("pictures")
    return {k: v for k, v in pictures.items() if isinstance(v, str) and v} if isinstance(pictures, dict) else {}


def is_ours(folder: Path) -> bool:
    """Whether a folder is empty or was written by us."""
    return folder.is_dir() and (_map(folder).get("program") == _PROGRAM or not any(folder.iterdir()))


def _map(folder: Path) -> dict[str, Any]:
    try:
        found = read_json(folder / MAP)
    except BridgeError:
        return {}
    return found if isinstance(found, dict) else {}


def map_text(pictures: Mapping[str, str]) -> str:
    """The text of the map."""
    whole = {"program": _PROGRAM, "pictures": dict(pictures)}
    try:
        return msgspec.json.format(msgspec.json.encode(whole), indent=1).decode() + "\n"
    except UnicodeEncodeError:  # Names that are no text.
        return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
