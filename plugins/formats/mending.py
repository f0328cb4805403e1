"""JSON that another program left damaged: cut short, or two writes over each other."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bridge.document import decode_text, json_of, parse_json, read_bytes, too_deep, whole_number
from bridge.errors import InputError
from bridge.model.finding import Finding, Severity
from plugins.formats.halves import bad_text, made_whole

# A file younger than this may still be being written; wait so long, and again, before it counts as damaged.
_SETTLING, _WAITS = 2.0, (0.25, 0.5)

# A whole string, a string that never ends, or one sign of structure.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|"(?:[^"\\]|\\.?)*\Z|[\[\]{},]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mended:
    """What could be read; how it was damaged (None: not at all); lost is how many characters were left out.

    halves is how many strings had half a character in them, which was replaced.
    """

    value: Any
    how: Literal["trailing", "cut"] | None = None
    lost: int = 0
    halves: int = 0


def read_mended(path: Path, max_megabytes: int, depth: int) -> Mended:
    """A JSON file, mended if damaged; depth as in mend. Raises InputError where nothing can be made of it."""
    data = read_bytes(path, max_megabytes)
    mended = mend(data, str(path), depth)
    if b"\\" not in data and mended.how is None:
        return mended  # Only an escape can spell half a character.
    value, halves = made_whole(mended.value)
    return replace(mended, value=value, halves=halves)


def read_settled(path: Path, max_megabytes: int, depth: int) -> Mended:
    """A JSON file as read_mended gives it, when nobody is writing it any more; raises the same."""
    for wait in _WAITS:
        try:
            mended = read_mended(path, max_megabytes, depth)
            if mended.how is None or not _is_new(path):
                return mended
        except InputError as error:
            if error.rule not in ("json-broken", "file-unreadable") or not _is_new(path):
                raise
        time.sleep(wait)
    return read_mended(path, max_megabytes, depth)


def _is_new(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < _SETTLING
    except OSError:  # Gone since.
        return False


def mend(data: bytes, name: str, depth: int) -> Mended:
    """JSON bytes, mended if damaged: the first whole document, else all that was whole before the cut.

    depth is how deep the smallest whole things lie (the brackets around one region): a thing that was cut is left
    out, for its last number may have lost digits. Raises InputError json-broken or json-too-deep.
    """
    try:
        return Mended(parse_json(data, name))
    except InputError as error:
        if error.rule != "json-broken" or too_deep(data):
            raise
        mended = _first_document(data) or _closed(_text(data), depth)
        if mended is None:
            raise
        return mended


def damaged(mended: Mended, path: Path) -> tuple[Finding, ...]:
    """The findings that a file had to be mended, if so; a cut one may have lost labels."""
    if mended.how is None:
        return bad_text(path, mended.halves)
    severity = Severity.ERROR if mended.how == "cut" else Severity.WARNING
    found = Finding("damaged", severity, None, {"path": str(path), "how": mended.how, "lost": mended.lost})
    return (found, *bad_text(path, mended.halves))


def _first_document(data: bytes) -> Mended | None:
    text = data.decode("utf-8-sig", "surrogateescape")
    try:
        value, end = json.JSONDecoder(parse_int=whole_number).raw_decode(text, len(text) - len(text.lstrip()))
        text[:end].encode()  # Where two writes meet, a character may be cut in half; not inside the first document.
    except ValueError:
        return None
    return Mended(value, "trailing", len(text) - end) if isinstance(value, (dict, list)) else None


def _text(data: bytes) -> str:
    for short in range(4):  # A cut may go through the last character.
        try:
            return data[: len(data) - short].decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
    return decode_text(data)


def _closed(text: str, depth: int) -> Mended | None:
    """Everything up to the last whole thing at most `depth` brackets deep, with the open brackets closed."""
    stack: list[str] = []
    end, closing = 0, ""
    for token in _TOKEN.finditer(text):
        sign = token.group()
        if sign in "[{":
            stack.append("]" if sign == "[" else "}")
        elif sign in "]}" and (not stack or stack.pop() != sign):
            break
        if len(stack) <= depth and stack and sign in "]},":
            end, closing = token.start() if sign == "," else token.end(), "".join(reversed(stack))
    if not end:
        return None
    try:
        return Mended(json_of(text[:end] + closing), "cut", len(text) - end)
    except ValueError:
        return None
