"""The pictures that a label file names: folders listed once, names compared as people see them, nothing outside."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bridge import picture
from bridge.errors import InputError, NotFoundError
from bridge.model.annotation import Image, fold_name
from bridge.model.finding import Finding, Severity
from plugins.formats.halves import bad_name, whole

How = Literal["exact", "folded", "case", "ambiguous", "denied", "missing", "unsafe"]


@dataclass(frozen=True, slots=True)
class Match:
    """The file that a name stands for, and how it was found: exact, NFC-folded, by case, or why not."""

    path: Path | None
    how: How


class PictureFolder:
    """One or more folders searched in order; a name is only ever matched against what the folders list.

    So a name from outside never becomes a path unchecked: "..", absolute names and drive letters are in no listing.
    """

    def __init__(self, *roots: Path | None, max_megapixels: int = 200) -> None:
        self.roots = tuple(root.absolute() for root in roots if root is not None)
        self._limit = max_megapixels
        self._folders = tuple(map(str, self.roots))
        self._listings: dict[str, _Listing] = {}

    def find(self, name: str) -> Match:
        """The picture of this name (with "/"): exactly, else NFC-folded, else by case if only one fits."""
        path, how = self._find(name)
        return Match(Path(path) if path is not None else None, how)

    def _find(self, name: str) -> tuple[str | None, How]:
        if unsafe(name):
            return None, "unsafe"
        if len(self._folders) == 1 and name in self._listing(self._folders[0]).entries:
            return f"{self._folders[0]}/{name}", "exact"
        parts, worst = name.split("/"), "missing"
        for root in self._folders:
            path, how = self._descend(root, parts)
            if path is not None:
                return path, how
            worst = how if how == "ambiguous" or worst == "missing" else worst
        return None, worst  # type: ignore[return-value]

    def image(self, name: str, item: str | None = None) -> tuple[Image, tuple[Finding, ...]]:
        """The picture as its file says, or a bare name with a finding that tells why there is none."""
        path, how = self._find(name)
        place = path or name
        if not place.isascii() and whole(place) != place:  # Neither its name nor its place could be kept.
            return Image(whole(name), item=item), (bad_name(name, place),)
        if path is None:
            return Image(name, item=item), (self._absent(name, how),)
        findings = (_other_case(name, path),) if how == "case" else ()
        try:
            stamp, seen = picture.stamped_look(path, self._limit)
        except NotFoundError:
            return Image(name, item=item), (self._absent(name, "missing"),)
        except InputError as error:
            fields = {"path": path, "reason": error.fields.get("reason", error.rule)}
            unreadable = Finding("unreadable", Severity.ERROR, name, fields)
            return Image(name, file=picture.stamp(path), item=item), (*findings, unreadable)
        return Image(name, seen.width, seen.height, None, seen.orientation, stamp, item, None, seen.format), findings

    def names(self) -> Iterator[tuple[str, bool]]:
        """Everything in the first folder that exists, as (name, is a folder), in no order."""
        root = next((root for root in self.roots if root.is_dir()), None)
        if root is not None:
            yield from self._listing(str(root)).entries.items()

    def _descend(self, path: str, parts: list[str]) -> tuple[str | None, How]:
        how: How = "exact"
        for part in parts:
            found, step = self._listing(path).find(part)
            if found is None:
                return None, step
            path, how = os.path.join(path, found), how if step == "exact" else step  # noqa: PTH118 - for every picture
        return path, how

    def _listing(self, folder: str) -> _Listing:
        if folder not in self._listings:
            self._listings[folder] = _Listing(folder)
        return self._listings[folder]

    def _absent(self, name: str, how: How) -> Finding:
        folders = ", ".join(str(root) for root in self.roots)
        if how == "unsafe":
            return Finding("unsafe-name", Severity.WARNING, name, {"name": name})
        if how == "denied":
            return Finding("unreadable", Severity.ERROR, name, {"case": "folder", "folder": folders})
        rule = "ambiguous-name" if how == "ambiguous" else "missing-image"
        return Finding(rule, Severity.WARNING, name, {"name": name, "folder": folders})


class _Listing:
    """The names in one folder, asked for once."""

    def __init__(self, folder: str) -> None:
        self.entries: dict[str, bool] = {}
        self._absent: How = "missing"
        try:
            with os.scandir(folder) as entries:
                self.entries = {entry.name: _is_folder(entry) for entry in entries}
        except PermissionError:
            self._absent = "denied"
        except OSError:
            pass  # Not there or no folder: it holds no pictures then.
        self._folded: dict[str, list[str]] = defaultdict(list)
        self._cased: dict[str, list[str]] = defaultdict(list)

    def find(self, name: str) -> tuple[str | None, How]:
        """The entry of this name, and how it was found."""
        if name in self.entries:
            return name, "exact"
        if self.entries and not self._folded:
            for entry in self.entries:
                self._folded[fold_name(entry)].append(entry)
                self._cased[fold_name(entry).casefold()].append(entry)
        steps: list[tuple[list[str], How]] = [
            (self._folded.get(fold_name(name), []), "folded"),
            (self._cased.get(fold_name(name).casefold(), []), "case"),
        ]
        for found, how in steps:
            if found:
                return (found[0], how) if len(found) == 1 else (None, "ambiguous")
        return None, self._absent


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link that leads in a circle must not cost the whole folder.
        return False


def unsafe(name: str) -> bool:
    """Whether a name leads out of its folder (.., absolute, a drive letter) or is none at all."""
    if name[1:2] != ":" and "/" not in name and "\0" not in name:  # Nearly all are the bare name of a file.
        return name[:1] in ("", "\\") or name in (".", "..")
    parts = name.split("/")
    drive = len(name) > 1 and name[1] == ":" and name[0].isascii() and name[0].isalpha()
    return drive or "\0" in name or name.startswith("\\") or any(part in ("", ".", "..") for part in parts)


def _other_case(name: str, path: str) -> Finding:
    return Finding("name-case", Severity.INFO, name, {"name": name, "file": os.path.basename(path)})  # noqa: PTH119


def place(source: Path, target: Path, how: Literal["link", "copy"]) -> None:
    """Put a picture at target unless something is there: a hard link, or a copy where none can be made."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if how == "link":
        try:
            target.hardlink_to(source)
            return
        except OSError:
            pass  # Another file system, or one without links.
    shutil.copy2(source, target)
