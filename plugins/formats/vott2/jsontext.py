"""JSON text as VoTT writes it: JSON.stringify(value, null, 4), byte for byte."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

import msgspec

# JavaScript writes out numbers from here on and up to there; beyond, with an exponent.
_LEAST, _LARGEST = 1e-6, 1e21
_EXACT = 2**53


def stringify(value: Any) -> bytes:
    """The UTF-8 text; no newline at its end."""
    return msgspec.json.format(msgspec.json.encode(_plain(value)), indent=4)


def _plain(value: Any) -> Any:
    if type(value) is dict:
        return {_plain(key): _plain(item) for key, item in value.items()}
    if type(value) is list:
        return [_plain(item) for item in value]
    if type(value) is float:
        return _number(value)
    return _without_halves(value) if type(value) is str and not value.isascii() else value


def _number(value: float) -> Any:
    """A float whose text is JavaScript's; whole numbers have no point there, and there is no NaN."""
    if not math.isfinite(value):
        return None
    if value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if not _LEAST <= abs(value) < _LARGEST:
        return msgspec.Raw(re.sub(r"e([+-])0*", r"e\1", repr(value)).encode())
    return msgspec.Raw(format(Decimal(repr(value)), "f").removesuffix(".0").encode())


def _without_halves(text: str) -> str:
    """Half a surrogate pair has no UTF-8; Node writes the replacement character for it."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if _HALF.search(text) else text


_HALF = re.compile("[\ud800-\udfff]")
