"""Halves of characters (lone surrogates): JSON can spell them and names on Linux disks hold them, no store can."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from bridge.document import read_json
from bridge.model.finding import Finding, Severity

_HALF = re.compile("[\ud800-\udfff]")


def whole(text: str) -> str:
    """The text with every half as a replacement character and its number, so that unlike names stay unlike."""
    return text if text.isascii() else _HALF.sub(lambda half: f"\ufffd{ord(half[0]):X}", text)


def made_whole(value: Any) -> tuple[Any, int]:
    """A JSON value without halves, and how many of its strings had one."""
    try:
        msgspec.json.encode(value)  # Finds one faster than we could look.
    except (UnicodeEncodeError, OverflowError):
        halved: list[str] = []
        return _walked(value, halved), len(halved)
    return value, 0


def _walked(value: Any, halved: list[str]) -> Any:
    if isinstance(value, dict):
        return {_walked(key, halved): _walked(item, halved) for key, item in value.items()}
    if isinstance(value, list):
        return [_walked(item, halved) for item in value]
    if isinstance(value, str) and _HALF.search(value):
        halved.append(value)
        return whole(value)
    return value


def read_whole(path: Path, max_megabytes: int) -> tuple[Any, tuple[Finding, ...]]:
    """A JSON document without halves, and the finding that there were some; raises as read_json."""
    value, count = made_whole(read_json(path, max_megabytes))
    return value, bad_text(path, count)


def bad_text(path: Path, count: int) -> tuple[Finding, ...]:
    """The finding that so many texts of a file had halves of characters, if any."""
    return (Finding("bad-text", Severity.WARNING, None, {"path": path.name, "count": count}),) if count else ()


def bad_name(name: str, place: str) -> Finding:
    """The finding that the place of a picture (its name or a folder it lies in) is no text."""
    return Finding("bad-text", Severity.WARNING, whole(name), {"case": "name", "name": whole(place)})
