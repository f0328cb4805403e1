"""The stored form of a revision: one JSON document, label ids instead of names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, cast

import msgspec

from bridge.model.annotation import Kind, Region
from bridge.model.rectangles import Rectangles, labels_of

Number = float | None  # JSON has no NaN


class StoredRegion(msgspec.Struct, omit_defaults=True):
    """One region with short keys (a million of them are stored)."""

    k: str
    p: list[tuple[Number, Number]]
    l: list[int] = []  # noqa: E741
    id: str | None = None
    a: str | None = None
    s: float | None = None
    x: dict[str, Any] = {}


class StoredDocument(msgspec.Struct, omit_defaults=True):
    """One picture's regions; x keeps what the tool wrote beside them."""

    r: list[StoredRegion]
    x: dict[str, Any] = {}


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(StoredDocument)


def encode(regions: Sequence[Region], extra: Mapping[str, Any], ids: Mapping[str, int]) -> bytes:
    """Regions to bytes; every label name must have an id."""
    stored = _from_columns(regions, ids) if isinstance(regions, Rectangles) else _stored(regions, ids)
    return _encoder.encode(StoredDocument(stored, dict(extra)))


def _from_columns(regions: Rectangles, ids: Mapping[str, int]) -> list[StoredRegion]:
    corners = zip(regions.left, regions.top, regions.right, regions.bottom, strict=True)
    extras: Iterable[dict[str, Any]] = regions.extras or repeat({})
    return [
        StoredRegion("rectangle", [(a, b), (c, d)], [ids[name] for name in labels], own, None, None, extra)
        for labels, own, (a, b, c, d), extra in zip(regions.labels, regions.ids, corners, extras, strict=False)
    ]


def _stored(regions: Sequence[Region], ids: Mapping[str, int]) -> list[StoredRegion]:
    return [
        StoredRegion(
            r.kind,
            [(_finite(x), _finite(y)) for x, y in r.points],
            [ids[name] for name in r.labels],
            r.region_id,
            r.author,
            r.score,
            r.extra,
        )
        for r in regions
    ]


def decode(data: bytes, names: Mapping[int, str]) -> tuple[tuple[Region, ...], dict[str, Any]]:
    """Bytes to regions with the labels' present names, and the document's extra."""
    document = _decoder.decode(data)
    regions = tuple(
        Region(
            cast(Kind, s.k),
            tuple((_number(x), _number(y)) for x, y in s.p),
            tuple(dict.fromkeys(names[i] for i in s.l)),  # Two of its labels may be one by now.
            s.id,
            s.a,
            s.s,
            s.x,
        )
        for s in document.r
    )
    return regions, document.x


def label_counts(regions: Sequence[Region], ids: Mapping[str, int]) -> dict[int, int]:
    """How many regions carry each label."""
    counts: dict[int, int] = {}
    for name in labels_of(regions):
        counts[ids[name]] = counts.get(ids[name], 0) + 1
    return counts


def _finite(value: float) -> Number:
    return value if math.isfinite(value) else None


def _number(value: Number) -> float:
    return math.nan if value is None else value
