"""The raw output of a run as our worker keeps it: lines {"stream", "data" (base64)}, last {"exit"}."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

# Colours, titles, bells and clear-screens that darknet prints for a terminal.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[@-~]|\x1b\][^\x07]*\x07|\x07")


def chunks(path: Path) -> Iterator[tuple[str, bytes]]:
    """(stream, bytes) of every chunk; a half-written last line is left out."""
    with path.open("rb") as file:
        for line in file:
            try:
                entry = json.loads(line)
                if "data" in entry:
                    yield str(entry["stream"]), base64.b64decode(entry["data"])
            except (ValueError, KeyError, TypeError, binascii.Error):
                continue


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines a person would have seen, both streams in the order they came."""
    kept: deque[str] = deque(maxlen=count)
    rest = {"out": "", "err": ""}
    for stream, data in chunks(path):
        text = _CONTROL.sub("", rest.get(stream, "") + data.decode("utf-8", "replace"))
        *lines, rest[stream] = re.split(r"[\r\n]+", text)
        kept.extend(line for line in lines if line.strip())
    kept.extend(line for line in rest.values() if line.strip())
    return list(kept)
