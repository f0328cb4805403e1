"""ImageSets/Main: lists of pictures to train on and to hold out, by the stem of their annotation file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from bridge.document import read_text
from bridge.model.annotation import fold_name
from bridge.model.finding import Finding, Severity

FOLDER = "ImageSets/Main"

# A list of one class has 1, 0 or -1 behind every picture.
_MEMBER = re.compile(r"(.*\S)\s+(?:-1|0|1)")
_HELD_OUT = ("val", "test")


class Split:
    """Which pictures are held out, by any way of spelling them; unknown where no list says."""

    def __init__(self, train: Iterable[str], held_out: Iterable[str]) -> None:
        self._train, self._held_out = set(map(fold_name, train)), set(map(fold_name, held_out))
        both = self._train & self._held_out
        # Measuring on what was trained on holds nothing back.
        self._known = not both or both not in (self._train, self._held_out)
        self.both = len(both) if self._known else 0
        self.example = min(both, default="")

    def held_out(self, *spellings: str) -> bool | None:
        """Whether the picture of this name is held out."""
        names = {fold_name(name) for name in spellings}
        if not self._known or not names & (self._train | self._held_out):
            return None
        return bool(names & self._held_out)

    def findings(self) -> list[Finding]:
        """That some pictures stand on both sides."""
        fields = {"count": self.both, "example": self.example}
        return [Finding("split-overlap", Severity.WARNING, None, fields)] if self.both else []


def read_split(root: Path, max_megabytes: int) -> Split:
    """The lists of a folder: train and val (or test), else those of all single classes, as VoTT writes them."""
    whole = {part: root / FOLDER / f"{part}.txt" for part in ("train", *_HELD_OUT)}
    if any(path.is_file() for path in whole.values()):
        members = {part: list(_lines(path, max_megabytes)) for part, path in whole.items() if path.is_file()}
    else:
        lists = {part: sorted((root / FOLDER).glob(f"*_{part}.txt")) for part in whole}
        members = {part: [m for path in paths for m in _members(path, max_megabytes)] for part, paths in lists.items()}
    return Split(members.get("train", ()), [member for part in _HELD_OUT for member in members.get(part, ())])


def _lines(path: Path, max_megabytes: int) -> Iterator[str]:
    yield from (line.strip() for line in read_text(path, max_megabytes).split("\n") if line.strip())


def _members(path: Path, max_megabytes: int) -> Iterator[str]:
    for line in _lines(path, max_megabytes):
        found = _MEMBER.fullmatch(line)
        yield found[1] if found else line
