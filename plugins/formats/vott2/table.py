"""The table that VoTT 2.1 and later export as CSV: one row for each box and tag, and nothing else of a project.

It has the box around every shape, no size of a picture, no list of tags, and no row for a picture without boxes. A
box with two tags has two rows, and nothing tells them from two boxes that lie on each other.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.document import decode_text, read_text
from bridge.errors import NotFoundError, RefusedError
from bridge.model.annotation import Document, Point, Region, fold_name
from bridge.model.dataset import Reading
from bridge.model.finding import Finding, Severity
from bridge.plugin import ReadOptions
from plugins.formats.halves import whole
from plugins.formats.pixels import number
from plugins.formats.shapes import shape_findings
from plugins.formats.vott2.asset import IMAGE, VIDEO_FRAME, Record, common_name, decoded, frame_time
from plugins.formats.vott2.entries import Entry
from plugins.formats.vott2.project import VottProject
from plugins.formats.vott2.shown import grid_findings, grid_of, stored
from plugins.formats.vott2.unshown import unshown
from plugins.formats.vott2.whereabouts import Whereabouts

_HEADER = ["image", "xmin", "ymin", "xmax", "ymax", "label"]
_HEAD = 4096
KEY = "vott-csv"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the fields as they are, and the corners if all four are numbers."""

    fields: tuple[str, ...]
    corners: tuple[Point, Point] | None

    @property
    def label(self) -> str:
        """The tag; "" where there is none."""
        return self.fields[5]


@dataclass(slots=True)
class _Table:
    """The rows by picture, in the order of the file, and what was wrong with single ones."""

    path: Path
    entries: dict[str, Entry] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def labels(self) -> tuple[str, ...]:
        """All tags in the order in which they appear."""
        return tuple(dict.fromkeys(row.label for rows in self.rows.values() for row in rows if row.label))


def tables(path: Path) -> list[Path]:
    """The tables of VoTT that a path is or holds."""
    try:
        found = sorted(path.glob("*.csv")) if path.is_dir() else [path] if path.suffix == ".csv" else []
        return [file for file in found if _has_header(file)]
    except OSError:
        return []


def _has_header(path: Path) -> bool:
    with path.open("rb") as file:
        line = decode_text(file.read(_HEAD)).split("\n")[0]
    return [name.strip() for name in next(csv.reader([line]), [])] == _HEADER


def read_table(path: Path, options: ReadOptions) -> Reading:
    """The table at a path; raises NotFoundError, RefusedError (several in a folder) or InputError (unreadable)."""
    found = tables(path)
    if len(found) > 1:
        raise RefusedError("vott-several", path=str(path), found=", ".join(p.name for p in found))
    if not found:
        raise NotFoundError("vott-missing", path=str(path))
    table = _sorted_out(found[0], options.max_file_megabytes)
    pictures = Whereabouts(table.path.parent, options.images, options.max_megapixels)
    # Pictures beside those of the table: not in it, so that nobody knows whether they were looked at.
    others, namesakes = unshown(VottProject(table.path, {}, {}), list(table.entries.values()), pictures, options.images)
    labels = table.labels()
    order = Finding("label-order", Severity.WARNING, None, {"path": table.path.name, "labels": ", ".join(labels)})
    only = Finding("boxes-only", Severity.INFO, None, {"path": table.path.name})
    return Reading(
        labels,
        Documents(table, others, pictures),
        len(table.entries) + len(others),
        title=table.path.stem.removesuffix("-export"),
        declared=False,
        findings=(order, only, *table.findings, *namesakes),
    )


def _sorted_out(path: Path, max_megabytes: int) -> _Table:
    table = _Table(path)
    lines = read_text(path, max_megabytes).split("\n")
    for row, line in enumerate(lines[1:], 2):  # Line by line: a quote that never ends costs its own line only.
        if line.strip():
            _take(table, row, line)
    return table


def _take(table: _Table, row: int, line: str) -> None:
    try:
        fields = tuple(whole(text) for text in next(csv.reader([line], strict=True)))
    except csv.Error:
        fields = ()
    name = _name(fields[0]) if fields else ""
    if len(fields) != len(_HEADER) or not name:
        given = {"part": table.path.name, "row": row, "reason": line.strip()[:100]}
        table.findings.append(Finding("damaged-item", Severity.ERROR, None, given))
        return
    key = fold_name(name)
    table.entries.setdefault(key, Entry(fields[0], _asset(fields[0], name), name, name))
    table.rows.setdefault(key, []).append(Row(fields, _corners(fields[1:5])))


def _name(text: str) -> str:
    """The name of a picture: VoTT writes it encoded, a person reads it decoded once."""
    return common_name(decoded(text, frame="#t=" in text), "")


def _asset(text: str, name: str) -> Record:
    """What an asset would say of this picture, as far as the table tells."""
    return {"name": text, "type": VIDEO_FRAME if frame_time(name) else IMAGE}


def _corners(texts: Iterable[str]) -> tuple[Point, Point] | None:
    left, top, right, bottom = (number(text) for text in texts)
    if left is None or top is None or right is None or bottom is None:
        return None
    return ((left, top), (right, bottom))


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of a table, then the pictures beside them; each is made when it is asked for."""

    table: _Table
    others: tuple[Entry, ...]
    pictures: Whereabouts

    def __iter__(self) -> Iterator[Document]:
        for key, entry in self.table.entries.items():
            yield self._document(entry, self.table.rows[key])
        for entry in self.others:
            image, findings = self.pictures.image(entry)
            yield Document(image, None, findings)

    def _document(self, entry: Entry, rows: list[Row]) -> Document:
        image, findings = self.pictures.image(entry)
        if entry.is_frame and image.file is None:
            findings = ()  # A frame is no file unless somebody took it out of its video.
        grid = grid_of(entry.asset, image)
        groups = _grouped(rows)
        regions = tuple(stored(_region(group), grid) for group in groups)
        shapes = shape_findings(entry.name, regions)
        return Document(image, regions, (*findings, *grid_findings(grid), *shapes, *_flaws(entry, groups)))


def _grouped(rows: list[Row]) -> list[list[Row]]:
    """Rows of one region: such as follow each other with the same box and other tags."""
    groups: list[list[Row]] = []
    for row in rows:
        last = groups[-1] if groups else []
        same = row.corners is not None and row.label and last and last[-1].corners == row.corners
        if same and all(other.label and other.label != row.label for other in last):
            last.append(row)
        else:
            groups.append([row])
    return groups


def _region(group: list[Row]) -> Region:
    labels = tuple(row.label for row in group if row.label)
    if group[0].corners is None:
        return Region("damaged", (), labels, extra={KEY: list(group[0].fields)})
    return Region("rectangle", group[0].corners, labels)


def _flaws(entry: Entry, groups: list[list[Row]]) -> Iterator[Finding]:
    for index, group in enumerate(groups):
        labels: dict[str, Any] = {"labels": ", ".join(row.label for row in group)}
        if len(group) > 1:
            yield Finding("same-box", Severity.INFO, entry.name, labels, index)
        if not group[0].label and group[0].corners:
            x, y = group[0].corners[0]
            place = {"box": index + 1, "kind": "rectangle", "x": round(x, 1), "y": round(y, 1)}
            yield Finding("untagged", Severity.ERROR, entry.name, place, index)
