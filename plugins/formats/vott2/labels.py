"""The asset file of one asset, <id>-asset.json: its regions, also when the file was damaged."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bridge.errors import InputError, NotFoundError
from bridge.model.finding import Finding, Severity
from plugins.formats.halves import bad_text
from plugins.formats.mending import read_settled
from plugins.formats.vott2.asset import Record

# How deep the smallest whole things lie: the fields of a region, so that a rectangle whose points were cut off is
# still known by its box.
_FIELD_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Labels:
    """What is known of one asset's labels: the content of its asset file.

    cut tells that the file was damaged so that regions may be missing; damage is the finding about it.
    notes tell what else reading it showed.
    """

    content: Record
    damage: tuple[Finding, ...] = ()
    cut: bool = False
    notes: tuple[Finding, ...] = ()

    @property
    def regions(self) -> list[Any]:
        """The region records."""
        regions = self.content.get("regions")
        return regions if isinstance(regions, list) else []


def read_labels(path: str, max_megabytes: int) -> Labels:
    """An asset file; a damaged one as far as it can be read."""
    content = None
    try:
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - called for every picture
            if os.fstat(stream.fileno()).st_size <= max_megabytes * 1_000_000:
                content = msgspec.json.decode(stream.read())
    except (OSError, ValueError, msgspec.DecodeError, RecursionError):
        content = None
    if type(content) is dict and type(content.get("regions")) is list:
        return Labels(content)
    return _mended(Path(path), max_megabytes)


def _mended(path: Path, max_megabytes: int) -> Labels:
    try:
        mended = read_settled(path, max_megabytes, _FIELD_DEPTH)
    except (InputError, NotFoundError) as error:
        return Labels({}, (_damage(path, "unreadable", error.rule, 0),), cut=True)
    content = mended.value if isinstance(mended.value, dict) else {}
    regions = content.get("regions")
    if not isinstance(regions, list):
        return Labels(content, (_damage(path, "unreadable", "no regions", mended.lost),), cut=True)
    cut = mended.how == "cut" and not _regions_end(path, mended.lost)
    whole = [region for region in regions if _is_whole(region)] if cut else regions
    damage = (_damage(path, "regions" if cut else "", mended.how, mended.lost),) if mended.how else ()
    return Labels({**content, "regions": whole}, damage, cut, bad_text(path, mended.halves))


def _regions_end(path: Path, lost: int) -> bool:
    """Whether the list of regions was closed before the cut: then only the outermost bracket was open."""
    try:
        text = path.read_bytes().decode("utf-8", "ignore")
        return bool(json.loads(text[: len(text) - lost].rstrip().removesuffix(",") + "}"))
    except (OSError, ValueError):
        return False


def _is_whole(region: Any) -> bool:
    """Whether nothing that matters was cut off a region; VoTT writes tags and box before the points."""
    if not isinstance(region, dict):
        return False
    box = region.get("boundingBox")
    boxed = region.get("type") in ("RECTANGLE", "SQUARE") and isinstance(box, dict) and len(box) >= 4
    return boxed or "points" in region


def _damage(path: Path, case: str, how: str, lost: int) -> Finding:
    """The finding about a damaged file; lost counts characters left out, a case means that labels may be among them."""
    severity = Severity.ERROR if case else Severity.WARNING
    fields = {"path": path.name, "how": how, "lost": lost} | ({"case": case} if case else {})
    return Finding("damaged", severity, None, fields)
