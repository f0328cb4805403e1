"""A document → the region records of its asset file; a model's regions are marked, and only where nobody has drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bridge.model.annotation import Document, Region
from bridge.model.prediction import accepted_id
from plugins.formats.grid import Grid
from plugins.formats.marked import mark, unmarked
from plugins.formats.vott2.plain import KEY
from plugins.formats.vott2.region import LOST, drawable, read_region, render_region
from plugins.formats.vott2.shown import shown

_AUTHOR = "checkpoint:"
# Fine enough for any picture, coarse enough that a mark survives arithmetic on the way back.
_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Records:
    """What an asset file is to hold; lost counts regions that VoTT has no shape for, skipped predictions left out.

    marked tells that the file then holds a model's regions only, fresh that some of them did not stand there before.
    """

    regions: list[Any]
    lost: int = 0
    skipped: int = 0
    marked: bool = False
    fresh: bool = False


def records_of(document: Document, grid: Grid) -> Records | None:
    """The records of a document; None where nobody has looked and no model either, so that nothing is known."""
    if document.regions is None and not document.predictions:
        return None
    drawn = [record_of(n, region, document.image.name, grid) for n, region in enumerate(document.regions or ())]
    wanted = [_predicted(n, region, grid) for n, region in enumerate(document.predictions)]
    written = [pair for pair in wanted if document.regions is None or (document.regions and not pair[1])]
    predictions = [record for record, _ in written if record is not LOST]
    kept = [record for record in drawn if record is not LOST]
    return Records(
        _in_order(kept, predictions, document),
        lost=len(drawn) - len(kept),
        skipped=len(wanted) - len(predictions),
        marked=not kept and bool(predictions),
        fresh=any(fresh for _, fresh in written),
    )


def is_marked(record: Any) -> bool:
    """Whether a record is a model's region that nobody has touched."""
    region, _ = read_region(record)
    return unmarked(region.region_id or "", region) is not None


def is_models(before: Sequence[Any], after: Sequence[Any]) -> bool:
    """Whether all records of a file are a model's: marked, or plain ones that get their mark again, untouched.

    The latter stand there where an acceptance of theirs was undone.
    """
    back = {accepted_id(r.get("id")): read_region(r)[0] for r in after if isinstance(r, dict)}
    return all(is_marked(record) or _is_plain(read_region(record)[0], back) for record in before)


def _is_plain(region: Region, back: Mapping[str | None, Region]) -> bool:
    marked = back.get(region.region_id) if region.region_id else None
    return (
        marked is not None and unmarked(marked.region_id or "", replace(region, region_id=marked.region_id)) is not None
    )


def _in_order(drawn: list[Any], predictions: list[Any], document: Document) -> list[Any]:
    """A person's regions, then a model's; or mixed as they were read."""
    places = (document.extra.get(KEY) or {}).get("predicted")
    if not isinstance(places, list) or len(places) != len(predictions):
        return drawn + predictions
    mixed, rest = list(drawn), iter(predictions)
    for place in places:
        mixed.insert(place, next(rest))
    return mixed


def record_of(number: int, region: Region, image: str, grid: Grid) -> Any:
    """The record of a person's region, the n-th of its picture; LOST where VoTT has no shape for it."""
    region = shown(region, grid)
    own = region.region_id or ""
    # An accepted prediction is a person's now: under its old id it would be taken for the model's again.
    accepted = unmarked(own, region) is not None
    made = own if own and not accepted else _made_id(region, image, number)
    record = render_region(region, made)
    return {**record, "id": made} if accepted and record is not LOST else record


def _made_id(region: Region, image: str, number: int) -> str:
    told = f"{image}|{number}|{region.points}"
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:9]


def _predicted(number: int, region: Region, grid: Grid) -> tuple[Any, bool]:
    """The record of a model's region, and whether it is a new one."""
    seen = shown(region, grid)
    if unmarked(seen.region_id or "", seen) is not None:
        return render_region(seen, seen.region_id or ""), False
    drawn = drawable(replace(seen, points=tuple((round(x, _DIGITS), round(y, _DIGITS)) for x, y in seen.points)))
    if drawn is None:
        return LOST, True
    checkpoint = (region.author or "").removeprefix(_AUTHOR) or "model"
    record = render_region(replace(drawn, extra={}), mark(checkpoint, number, drawn))
    return record | ({} if region.score is None else {"score": region.score}), True


def strangers(before: Sequence[Any], after: Sequence[Any]) -> int:
    """How many of a person's records in a file are neither kept nor replaced under the same id."""
    ids = {record.get("id") for record in after if isinstance(record, dict)}
    return sum(
        1
        for record in before
        if record not in after and not (isinstance(record, dict) and record.get("id") in ids) and not is_marked(record)
    )
