"""What a person made in a v1 file and the labels to write do not know: nobody may replace that unseen."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bridge.model.annotation import Document, Image, fold_name
from bridge.model.finding import Finding, Severity
from bridge.plugin import Earlier
from plugins.formats.marked import unmarked
from plugins.formats.vott1.project import last_part
from plugins.formats.vott1.region import EXTRA, read_region


def unknown_by_name(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    documents: Mapping[str, Document],
    earlier: Earlier,
) -> Iterator[Finding]:
    """A finding for each frame with regions that are neither kept, nor replaced under their id, nor ever read.

    documents are by the folded name of their picture in the file.
    """
    for key, frame in before.items():
        document = documents.get(fold_name(last_part(key)))
        if document is None or frame == after[key]:
            continue
        kept = [*_persons(after[key]), *_raws([document])]
        left = [raw for raw in _persons(frame) if not _is_among(raw, kept)]
        if left:
            kept = list(_raws(earlier(document)))
            left = [raw for raw in left if not _is_among(raw, kept)]
        if left:
            yield _told(document.image.name, len(left))


def unknown_by_place(before: Mapping[str, Any], documents: Iterable[Document], earlier: Earlier) -> Iterator[Finding]:
    """One finding, where frames without names hold regions, or say that a picture is empty, and nobody ever read that.

    A place in the folder means no certain picture, so regions are known by all that they say, wherever they lie.
    """
    standing = Counter(_text(raw) for frame in before.values() for raw in _persons(frame))
    empty = sum(isinstance(frame, list) and not any(map(_is_region, frame)) for frame in before.values())
    known: Counter[str] = Counter()
    for document in documents:
        if not standing - known and empty <= 0:
            return
        versions = (document, *earlier(document))
        ever: Counter[str] = Counter()
        for version in versions:
            ever |= Counter(map(_text, _raws([version])))
        known += ever
        empty -= any(version.regions is not None and not version.regions for version in versions)
    count = (standing - known).total() + max(empty, 0)
    if count:
        yield _told(None, count)


def _told(image: str | None, count: int) -> Finding:
    return Finding("replaced", Severity.WARNING, image, {"count": count})


def _persons(frame: object) -> Iterator[dict[str, Any]]:
    """The regions of a frame, without a model's that nobody has touched."""
    for raw in frame if isinstance(frame, list) else ():
        if _is_region(raw):
            region, _ = read_region(raw, Image(""), 0)
            if unmarked(region.region_id or "", region) is None:
                yield raw


def _is_region(raw: object) -> bool:
    return isinstance(raw, dict) and bool(raw)


def _raws(documents: Iterable[Document]) -> Iterator[dict[str, Any]]:
    """The regions of documents as they were read, else what is known of them: their id."""
    for document in documents:
        for region in document.regions or ():
            raw = region.extra.get(EXTRA, {}).get("raw")
            yield raw if raw else {"UID": region.region_id}


def _is_among(raw: dict[str, Any], others: list[dict[str, Any]]) -> bool:
    uid = raw.get("UID")
    return any(raw == other or (bool(uid) and uid == other.get("UID")) for other in others)


def _text(raw: object) -> str:
    return json.dumps(raw, sort_keys=True)
