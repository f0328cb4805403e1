"""What a run's program wrote: the raw output as our worker keeps it, or what came in of it so far.

A transcript is lines {"stream", "data" (base64)}, last {"exit"}.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from bridge.document import decode_text
from bridge.errors import NotFoundError
from bridge.store import runs
from bridge.workspace import Workspace

# Colours, titles, bells and clear-screens that darknet prints for a terminal.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[@-~]|\x1b\][^\x07]*\x07|\x07")
# Of a transcript of which only the last lines are wanted.
_TAIL_BYTES = 400_000


def text(ws: Workspace, run_id: str) -> str:
    """The whole output of a run that has ended, else the messages that came in so far."""
    path = _path(ws, run_id)
    if path is None:
        return "\n".join(_messages(ws, run_id))
    return decode_text(b"".join(data for _, data in chunks(path)))


def tail(ws: Workspace, run_id: str, count: int) -> list[str]:
    """The last lines of it."""
    path = _path(ws, run_id)
    return _messages(ws, run_id)[-count:] if path is None else last_lines(path, count)


def chunks(path: Path, start: int = 0) -> Iterator[tuple[str, bytes]]:
    """(stream, bytes) of every chunk from a place in the file on; lines that are cut are left out."""
    with path.open("rb") as file:
        file.seek(start)
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
    rest: dict[str, bytes] = {}
    for stream, data in chunks(path, max(0, path.stat().st_size - _TAIL_BYTES)):
        # darknet redraws lines with a bare carriage return.
        *lines, rest[stream] = re.split(rb"[\r\n]+", rest.get(stream, b"") + data)
        kept.extend(filter(str.strip, map(_shown, lines)))
    kept.extend(filter(str.strip, map(_shown, rest.values())))
    return list(kept)


def _shown(line: bytes) -> str:
    return _CONTROL.sub("", decode_text(line))


def _path(ws: Workspace, run_id: str) -> Path | None:
    with ws.db.read() as tx:
        blob, _ = runs.blobs(tx, run_id)
    try:
        return ws.blobs.path(blob) if blob is not None else None
    except NotFoundError:
        return None


def _messages(ws: Workspace, run_id: str) -> list[str]:
    with ws.db.read() as tx:
        events = runs.events(tx, run_id, ["message", "saved", "nan"], limit=2000)
    return [str(event.fields.get("text") or f"{event.kind} {event.fields}") for event in events]
