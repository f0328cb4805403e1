"""JSON for other programs to read: one line, names as they are, nothing that a strict reader refuses."""

from __future__ import annotations

import json
import math
from typing import Any


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
