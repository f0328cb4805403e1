"""JSON for other programs to read: one line, names as they are, nothing that a strict reader refuses."""

from __future__ import annotations

import json
import math
import re
from typing import Any

# What no file system or only some take in a name: separators and control characters.
_NO_NAME = re.compile(r"[/\\\x00-\x1f]")


def json_name(name: str) -> str:
    """The file name for a dataset of this name."""
    return (_NO_NAME.sub("_", name) or "labels") + ".json"


def json_line(value: Any) -> bytes:
    """The value as JSON.stringify writes it; NaN becomes null, half a character its escape."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except ValueError:
        return json.dumps(_without_nan(value), separators=(",", ":")).encode()


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
