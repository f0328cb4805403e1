"""What a training program wrote, as text."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from bridge.document import decode_text
from bridge.errors import NotFoundError
from bridge.store import runs
from bridge.workspace import Workspace

# Of a transcript that is read for a page; the end is what matters.
_TAIL_BYTES = 400_000


def text(ws: Workspace, run_id: str) -> str:
    """The whole output of a run that has ended, else the messages that came in so far."""
    with ws.db.read() as tx:
        blob, _ = runs.blobs(tx, run_id)
    if blob is not None and ws.blobs.has(blob):
        return decode_text(b"".join(_chunks(ws.blobs.path(blob).read_bytes())))
    return "\n".join(_messages(ws, run_id))


def tail(ws: Workspace, run_id: str, lines: int = 40) -> list[str]:
    """The last lines of it."""
    with ws.db.read() as tx:
        blob, _ = runs.blobs(tx, run_id)
    try:
        found = ws.blobs.path(blob) if blob is not None else None
    except NotFoundError:
        found = None
    if found is None:
        return _messages(ws, run_id)[-lines:]
    with found.open("rb") as file:
        file.seek(max(0, found.stat().st_size - _TAIL_BYTES))
        data = file.read()
    # darknet redraws lines with a bare carriage return.
    return decode_text(b"".join(_chunks(data))).replace("\r", "\n").split("\n")[-lines:]


def _chunks(data: bytes) -> Iterator[bytes]:
    for line in data.split(b"\n"):
        record = _record(line)
        if isinstance(record.get("data"), str):
            yield base64.b64decode(record["data"])


def _record(line: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return {}  # Cut in the middle, at the beginning of a tail or by a crash.
    return found if isinstance(found, dict) else {}


def _messages(ws: Workspace, run_id: str) -> list[str]:
    with ws.db.read() as tx:
        events = runs.events(tx, run_id, ["message", "saved", "nan"], limit=2000)
    return [str(event.fields.get("text") or f"{event.kind} {event.fields}") for event in events]
