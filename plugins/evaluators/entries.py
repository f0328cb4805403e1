"""The entries of COCO's two kinds of file: all at once, or one by one where one of them is not as it should be."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bridge import document
from bridge.errors import InputError
from plugins.evaluators.columns import Entries, Id, numbers
from plugins.evaluators.notes import Notes
from plugins.evaluators.packed import read_packed

_MOST_MEGABYTES = 2048
# Numbers that JSON does not know, as Python and others write them, and strings, in which the same letters are text.
_NO_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b')
_QUOTE = ord('"')
_DAMAGED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Picture(msgspec.Struct, gc=False):
    """A picture of the truth; state is what `labelbridge export PROJECT coco` adds."""

    id: Id
    file_name: str = ""
    state: str = ""


class Category(msgspec.Struct, gc=False):
    """A class of the truth."""

    id: Id
    name: str = ""


class Annotation(msgspec.Struct, gc=False):
    """A box of the truth."""

    image_id: Id
    category_id: Id
    bbox: tuple[float, float, float, float]
    id: Id | None = None
    area: float | None = None
    iscrowd: int | bool = 0


class Result(msgspec.Struct, gc=False):
    """A detection."""

    image_id: Id
    category_id: Id
    bbox: tuple[float, float, float, float]
    score: float


class Truth(msgspec.Struct):
    """A COCO file."""

    images: list[Picture]
    categories: list[Category]
    annotations: list[Annotation]


class _Bounded(msgspec.Struct, kw_only=True):
    """An entry in which a number may be none."""

    image_id: Id
    category_id: Id
    bbox: tuple[float | None, float | None, float | None, float | None]


class _LooseAnnotation(_Bounded):
    id: Id | None = None
    area: float | None = None
    iscrowd: int | bool = 0


class _LooseResult(_Bounded):
    score: float | None


_LOOSE: dict[type[Any], type[Any]] = {Annotation: _LooseAnnotation, Result: _LooseResult}
Item = TypeVar("Item", bound=msgspec.Struct)


def read_truth_file(path: Path, notes: Notes) -> tuple[Truth, Sequence[int]]:
    """A COCO file, and in which rows its annotations are; what cannot be read is told.

    Raises InputError evaluate-not-coco, evaluate-empty-file, or as document.read_bytes and parse_json.
    """
    data = _read(path)
    try:
        coco = msgspec.json.decode(data, type=Truth)
        return coco, range(len(coco.annotations))
    except _DAMAGED:
        parts = _apart(data, path, dict[str, msgspec.Raw])
    for part in Truth.__struct_fields__:
        if not isinstance(parts, dict) or not bytes(parts.get(part, b"")).lstrip().startswith(b"["):
            raise InputError("evaluate-not-coco", path=str(path), part=part)
    raw = {part: msgspec.json.decode(parts[part], type=list[msgspec.Raw]) for part in Truth.__struct_fields__}
    annotations, rows = _one_by_one(raw["annotations"], Annotation, "annotations", notes)
    images, _ = _one_by_one(raw["images"], Picture, "images", notes)
    return Truth(images, _one_by_one(raw["categories"], Category, "categories", notes)[0], annotations), rows


def read_result_file(path: Path, notes: Notes) -> Entries:
    """COCO's results as columns; what cannot be read is told.

    Raises InputError evaluate-not-results, evaluate-empty-file, or as document.read_bytes and parse_json.
    """
    packed = read_packed(path) if _is_usual(path) else None
    if packed is not None:
        return packed
    data = _read(path)
    raw = _apart(data, path, list[msgspec.Raw])
    if not isinstance(raw, list):
        raise InputError("evaluate-not-results", path=str(path))
    return Entries.of(*_one_by_one(raw, Result, "detections", notes))


def _is_usual(path: Path) -> bool:
    """Whether it is a file, and not too large; else reading it says what is wrong."""
    return path.is_file() and path.stat().st_size <= _MOST_MEGABYTES * 1_000_000


def _read(path: Path) -> bytes:
    data = document.read_bytes(path, _MOST_MEGABYTES)
    if not data.strip(b"\0 \t\r\n"):
        raise InputError("evaluate-empty-file", path=str(path))
    return data


def _apart(data: bytes, path: Path, kind: Any) -> Any:
    """The parts of a document, each as its own bytes; None where it is sound but of another kind."""
    if document.too_deep(data):
        document.parse_json(data, str(path))  # Says so.
    try:
        return msgspec.json.decode(_finite(_as_utf8(data)), type=kind)
    except msgspec.ValidationError:
        return None
    except _DAMAGED:
        document.parse_json(data, str(path))  # Says where it is broken.
        return None


def _as_utf8(data: bytes) -> bytes:
    """UTF-8 without a mark at its beginning, whatever it was."""
    try:
        codecs.utf_8_decode(data, "strict", True)
    except UnicodeDecodeError:
        return document.decode_text(data).encode("utf-8", "replace")
    return data.removeprefix(codecs.BOM_UTF8)


def _finite(data: bytes) -> bytes:
    """JSON with null where a number is none; the same letters in a string stay."""
    if b"NaN" not in data and b"Infinity" not in data:
        return data
    parts, start = [], 0
    for found in _NO_NUMBER.finditer(data):
        if data[found.start()] != _QUOTE:
            parts += [data[start : found.start()], b"null"]
            start = found.end()
    return b"".join((*parts, data[start:]))


def _one_by_one(raw: Iterable[msgspec.Raw], kind: type[Item], part: str, notes: Notes) -> tuple[list[Item], list[int]]:
    """What can be read, and in which rows it is."""
    strict = msgspec.json.Decoder(kind)
    good, rows = [], []
    for row, one in enumerate(raw):
        try:
            good.append(strict.decode(one))
        except _DAMAGED as error:
            _note_damaged(one, kind, row, part, str(error), notes)
        else:
            rows.append(row)
    return good, rows


def _note_damaged(raw: msgspec.Raw, kind: type[Any], row: int, part: str, reason: str, notes: Notes) -> None:
    """An entry whose numbers are none is told as such, another one with what is wrong with its form."""
    try:
        item = msgspec.json.decode(raw, type=_LOOSE[kind])
    except (KeyError, *_DAMAGED):
        notes.add("score-damaged", part=part, row=row, reason=reason)
    else:
        told = numbers((*item.bbox, item.score) if isinstance(item, _LooseResult) else item.bbox)
        notes.add("score-bad-number", part=part, row=row, image_id=item.image_id, numbers=told)
