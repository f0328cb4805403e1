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

How = Literal["exact", "folded", "case", "ambiguous", "missing", "unsafe"]


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
        self._listings: dict[Path, _Listing] = {}

    def find(self, name: str) -> Match:
        """The picture of this name (with "/"): exactly, else NFC-folded, else by case if only one fits."""
        if unsafe(name):
            return Match(None, "unsafe")
        best = Match(None, "missing")
        for root in self.roots:
            match = self._descend(root, name.split("/"))
            if match.path is not None:
                return match
            best = match if match.how == "ambiguous" else best
        return best

    def image(self, name: str, item: str | None = None) -> tuple[Image, tuple[Finding, ...]]:
        """The picture as its file says, or a bare name with a finding that tells why there is none."""
        match = self.find(name)
        place = str(match.path or name)
        if whole(place) != place:  # Neither its name nor its place could be kept.
            return Image(whole(name), item=item), (bad_name(name, place),)
        if match.path is None:
            return Image(name, item=item), (self._absent(name, match.how),)
        findings = [_other_case(name, match.path)] if match.how == "case" else []
        try:
            stamp = picture.stamp(match.path)
        except NotFoundError:
            return Image(name, item=item), (self._absent(name, "missing"),)
        try:
            seen = picture.look(match.path, self._limit)
        except (InputError, NotFoundError) as error:
            fields = {"path": str(match.path), "reason": error.fields.get("reason", error.rule)}
            findings.append(Finding("unreadable", Severity.ERROR, name, fields))
            return Image(name, file=stamp, item=item), tuple(findings)
        return Image(name, seen.width, seen.height, None, seen.orientation, stamp, item), tuple(findings)

    def names(self) -> Iterator[tuple[str, bool]]:
        """Everything in the first folder that exists, as (name, is a folder), in no order."""
        root = next((root for root in self.roots if root.is_dir()), None)
        if root is not None:
            yield from self._listing(root).entries.items()

    def _descend(self, root: Path, parts: list[str]) -> Match:
        path, how = root, "exact"
        for part in parts:
            found, step = self._listing(path).find(part)
            if found is None:
                return Match(None, step)
            path, how = path / found, how if step == "exact" else step
        return Match(path, how)  # type: ignore[arg-type]

    def _listing(self, folder: Path) -> _Listing:
        if folder not in self._listings:
            self._listings[folder] = _Listing(folder)
        return self._listings[folder]

    def _absent(self, name: str, how: How) -> Finding:
        folders = ", ".join(str(root) for root in self.roots)
        if how == "unsafe":
            return Finding("unsafe-name", Severity.WARNING, name, {"name": name})
        rule = "ambiguous-name" if how == "ambiguous" else "missing-image"
        return Finding(rule, Severity.WARNING, name, {"name": name, "folder": folders})


class _Listing:
    """The names in one folder, asked for once."""

    def __init__(self, folder: Path) -> None:
        self.entries: dict[str, bool] = {}
        try:
            with os.scandir(folder) as entries:
                self.entries = {entry.name: entry.is_dir() for entry in entries}
        except OSError:
            pass  # Not there, no folder or not ours to read: it holds no pictures then.
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
        return None, "missing"


def unsafe(name: str) -> bool:
    """Whether a name leads out of its folder (.., absolute, a drive letter) or is none at all."""
    parts = name.split("/")
    drive = len(name) > 1 and name[1] == ":" and name[0].isascii() and name[0].isalpha()
    return drive or "\0" in name or name.startswith("\\") or any(part in ("", ".", "..") for part in parts)


def _other_case(name: str, path: Path) -> Finding:
    return Finding("name-case", Severity.INFO, name, {"name": name, "file": path.name})


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
