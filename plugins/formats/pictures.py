"""Picture files: found by name in folders that are listed once, and put into a folder that is being written."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from bridge.model.annotation import FileStamp, fold_name
from bridge.picture import EXTENSIONS

File = os.DirEntry[str]

# The first bytes of a file tell its format; its extension does not (VoTT v1 writes JPEG under any name).
_MAGIC = ((b"\xff\xd8\xff", ".jpg"), (b"\x89PNG\r\n\x1a\n", ".png"), (b"BM", ".bmp"), (b"GIF8", ".gif"))


class Folder:
    """The files and sub-folders of one folder; a missing or closed one is empty."""

    __slots__ = ("_caseless", "_folded", "files", "folders")

    def __init__(self, path: str) -> None:
        self.files: dict[str, File] = {}
        self.folders: list[str] = []
        self._folded: dict[str, list[File]] | None = None
        self._caseless: dict[str, list[File]] = {}
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    self._take(entry)
        except OSError:
            pass

    def _take(self, entry: File) -> None:
        if entry.is_file():
            self.files[entry.name] = entry
        elif entry.is_dir(follow_symlinks=False):
            self.folders.append(entry.path)

    def matches(self, name: str) -> list[File]:
        """The file of that name; else those equal to it in NFC; else those that differ in case only."""
        if exact := self.files.get(name):
            return [exact]
        if self._folded is None:
            self._folded = {}
            for file in self.files.values():
                self._folded.setdefault(fold_name(file.name), []).append(file)
                self._caseless.setdefault(fold_name(file.name).casefold(), []).append(file)
        folded = fold_name(name)
        return self._folded.get(folded) or self._caseless.get(folded.casefold(), [])


class Listing:
    """Folders by path, each read once, so that ten thousand pictures do not cost ten thousand look-ups on disk."""

    def __init__(self) -> None:
        self._folders: dict[str, Folder] = {}

    def folder(self, path: str) -> Folder:
        """What is in a folder."""
        found = self._folders.get(path)
        if found is None:
            found = self._folders[path] = Folder(path)
        return found

    def find(self, path: str) -> File | None:
        """The file at a path whose last part may differ in Unicode form or case, if just one does."""
        folder, _, name = path.rpartition("/")
        matches = self.folder(folder or "/").matches(name)
        return matches[0] if len(matches) == 1 else None

    def walk(self, path: str, depth: int = 32) -> Iterator[File]:
        """All picture files under a folder, by name, hidden folders and links to folders left out."""
        found = self.folder(path)
        for name in sorted(found.files):
            if is_picture(name):
                yield found.files[name]
        for folder in sorted(found.folders) if depth else ():
            if not folder.rpartition("/")[2].startswith("."):
                yield from self.walk(folder, depth - 1)


def is_picture(name: str) -> bool:
    """Whether the extension is that of a picture."""
    return os.path.splitext(name)[1].lower() in EXTENSIONS  # noqa: PTH122 - called for every file of a folder


def stamp_of(file: File) -> FileStamp:
    """Where the file is, and its size and time."""
    found = file.stat()
    return FileStamp(file.path, found.st_size, found.st_mtime_ns)


def extension_of(path: str | Path) -> str:
    """The extension that fits the file's first bytes, "" for a format that not every darknet reads; may raise OSError."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - called for every picture
        head = file.read(8)
    return next((extension for magic, extension in _MAGIC if head.startswith(magic)), "")


def place(source: str | Path, target: Path, how: Literal["link", "copy"]) -> None:
    """Put a picture at a place: a hard link, or a copy where that is impossible; never a symlink; may raise OSError.

    A file that is there already is replaced in one step, unless it is the same one.
    """
    source = os.path.realpath(source)
    if target.exists():
        if _same(os.stat(source), target.stat(), how):
            return
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as folder:
            fresh = Path(folder, target.name)
            _put(source, fresh, how)
            fresh.replace(target)
    else:
        _put(source, target, how)


def _same(a: os.stat_result, b: os.stat_result, how: str) -> bool:
    if os.path.samestat(a, b):
        return how == "link"
    return (a.st_size, a.st_mtime_ns) == (b.st_size, b.st_mtime_ns)


def _put(source: str, target: Path, how: str) -> None:
    if how == "link":
        try:
            os.link(source, target)
            return
        except OSError:
            pass  # Another disk, no right, too many links, a file system without them.
    shutil.copyfile(source, target)
    shutil.copystat(source, target)
