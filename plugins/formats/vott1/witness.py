"""Exports that VoTT v1 made of a project: they name the pictures beside the classes of their boxes.

So an export can decide which picture a position means, though never without a warning. VoTT wrote it from its own
listing, most often on the computer where the boxes had just been drawn; but where a project was opened on a system
that lists otherwise and exported there, the export has the labels on the wrong pictures and agrees with that order. It
counts if its classes are this project's, if it knows every labelled picture (a version left out the last one), if it
was there before any picture that came late, and if it agrees with one reading at every picture and contradicts all
others. Its coordinates count for nothing: most versions got them wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from plugins.formats.vott1.evidence import Places, Score
from plugins.formats.vott1.project import tags_of

# Folders that are looked into for exports, and files of one that are read.
_FOLDERS, _FILES, _DEEP = 200, 20_000, 4
_LARGEST = 1_000_000
_NAME = re.compile(r"name: '(.*)'")

Classes = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """What an export says: the classes of the boxes of each picture, by the stem of its name; None: no class of ours.

    made is when it was written.
    """

    folder: Path
    kind: Literal["yolo", "voc"]
    made: float
    classes: Mapping[str, Classes]


def exports(project: Path, labels: Sequence[str]) -> list[Export]:
    """The YOLO and Pascal VOC exports beside a project file whose classes are the project's first ones."""
    found = []
    for folder in islice(_folders(project.parent), _FOLDERS):
        try:
            found += [export for export in (_yolo(folder, labels), _voc(folder, labels)) if export is not None]
        except OSError:
            continue  # Not ours to read.
    return found


def _folders(root: Path) -> Iterator[Path]:
    """A folder and those in it, three levels down, nearest first."""
    level = [root]
    for _ in range(_DEEP):
        yield from level
        level = [path for folder in level for path in _inner(folder)]


def _inner(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.is_dir() and not p.is_symlink() and not p.name.startswith("."))
    except OSError:
        return []


def _yolo(folder: Path, labels: Sequence[str]) -> Export | None:
    names, lines = folder / "obj.names", folder / "obj"
    if not names.is_file() or not lines.is_dir():
        return None
    classes = [name.strip() for name in _text(names).split("\n") if name.strip()]
    if not _first_of(labels, classes):
        return None
    known = dict(enumerate(classes))
    told = {
        path.stem: tuple(known.get(_number(line)) for line in _text(path).splitlines() if line.strip())
        for path in islice(sorted(lines.glob("*.txt")), _FILES)
    }
    return Export(folder, "yolo", names.stat().st_mtime, told)


def _first_of(labels: Sequence[str], classes: Sequence[str]) -> bool:
    """Labels that came later stand at the end."""
    return bool(classes) and list(classes) == list(labels[: len(classes)])


def _number(line: str) -> int:
    first = line.split()[0]
    return int(first) if first.isascii() and first.isdigit() and len(first) < 9 else -1


def _voc(folder: Path, labels: Sequence[str]) -> Export | None:
    marks, notes = folder / "pascal_label_map.pbtxt", folder / "Annotations"
    if not marks.is_file() or not notes.is_dir() or not _first_of(labels, _NAME.findall(_text(marks))):
        return None
    told = {
        path.stem: classes
        for path in islice(sorted(notes.glob("*.xml")), _FILES)
        if (classes := _objects(path, labels)) is not None
    }
    return Export(folder, "voc", marks.stat().st_mtime, told)


def _objects(path: Path, labels: Sequence[str]) -> Classes | None:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(_text(path))
    except (ParseError, DefusedXmlException, ValueError):
        return None  # VoTT escaped nothing, so a label with & made a file that nobody can read.
    names = [found.text or "" for found in root.iterfind("object/name")]
    return tuple(name if name in labels else None for name in names)


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_LARGEST).decode("utf-8-sig", "replace")


# ------------------------------------------------------------ what they say of the candidates


def elected(
    possible: Sequence[Score], places: Places, found: Iterable[Export], labels: Sequence[str], first: float
) -> Score | None:
    """The one candidate that an export agrees with while it contradicts all others; None where they leave a doubt.

    first is when the first of the pictures that came late was written: an export made after that has listed it.
    """
    votes = {id(score): score for export in found if (score := _vote(possible, places, export, labels, first))}
    return next(iter(votes.values())) if len(votes) == 1 else None


def _vote(
    possible: Sequence[Score], places: Places, export: Export, labels: Sequence[str], first: float
) -> Score | None:
    if export.made >= first:
        return None
    agreeing = [score for score in possible if agrees(score, places, export, labels)]
    return agreeing[0] if len(agreeing) == 1 and _complete(agreeing[0], places, export, labels) else None


def agrees(score: Score, places: Places, export: Export, labels: Sequence[str]) -> bool:
    """Whether an export has the classes of this candidate at every picture that both know, and one at least."""
    used = {name: position for position in places.used if (name := score.name(position)) is not None}
    stems = _by_stem(score.candidate.names, export.kind)
    pairs = [
        (classes_at(places, used[name], labels) if name in used else None, classes)
        for stem, classes in export.classes.items()
        if (name := stems.get(stem)) is not None
    ]
    return any(classes for _, classes in pairs) and all(mine == classes for mine, classes in pairs)


def _complete(score: Score, places: Places, export: Export, labels: Sequence[str]) -> bool:
    known = {name for stem, name in _by_stem(score.candidate.names, export.kind).items() if stem in export.classes}
    labelled = [position for position in places.used if classes_at(places, position, labels)]
    return all(score.name(position) in known for position in labelled[:-1])


def _by_stem(names: Iterable[str], kind: str) -> dict[str, str | None]:
    """The picture of each stem, as an export cuts it off; None where two have the same."""
    found: dict[str, str | None] = {}
    for name in names:
        for stem in {Path(name).stem} if kind == "yolo" else _voc_stems(name):
            found[stem] = None if stem in found else name
    return found


def _voc_stems(name: str) -> set[str]:
    # That exporter takes four characters off, whatever the extension; some versions the first dot too.
    return {name[:-4], name[:-4].replace(".", "", 1)}


def classes_at(places: Places, position: int, labels: Sequence[str]) -> Classes:
    """The classes that VoTT exports for a position: of each region its last tag, none for untagged ones."""
    frame = places.frames.get(position)
    raws = [raw for raw in frame if isinstance(raw, dict)] if isinstance(frame, list) else []
    last = [tags[-1] for raw in raws if (tags := tags_of(raw.get("tags")))]
    return tuple(tag if tag in labels else None for tag in last)


def told_of(export: Export, scores: Sequence[Score], places: Places, labels: Sequence[str]) -> dict[str, Any]:
    """An export and the orders it agrees with, as plain values."""
    orders = [score.candidate.key for score in scores if agrees(score, places, export, labels)]
    return {"file": export.folder.name, "kind": export.kind, "agrees": orders}
