"""What a training said: events on their way to the bridge, and its raw output as it came."""

from __future__ import annotations

import base64
import json
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.model.training import RunEvent, Stream
from workers.outbox import Courier, Outbox

# Events go to disk together, since every time costs a sync; a crash loses at most this much of them.
_GATHER_SECONDS = 0.5
_GATHER_EVENTS = 500
# What is remembered of an attempt to judge its end: darknet's last words are enough.
_TAIL_BYTES = 256 << 10
_STEPS = 1000
_OTHERS = 5000
_STEP_KINDS = frozenset({"iteration", "loaded"})


class Journal:
    """Numbers the events of one lease and puts them into the outbox, some at a time."""

    def __init__(self, outbox: Outbox, courier: Courier, job: str, attempt: int) -> None:
        self._outbox, self._courier, self._job, self._attempt = outbox, courier, job, attempt
        self._seq = 0
        self._gathered: list[RunEvent] = []
        self._flushed = time.monotonic()

    def write(self, events: Sequence[RunEvent]) -> list[RunEvent]:
        """Note events; gives them as numbered."""
        now = time.time()
        numbered = [
            replace(event, seq=self._seq + n, at=now, attempt=self._attempt) for n, event in enumerate(events, start=1)
        ]
        self._seq += len(events)
        self._gathered += numbered
        self.flush_if_due()
        return numbered

    def note(self, kind: str, **fields: Any) -> None:
        """Note something of our own, at once."""
        self.write([RunEvent(kind, fields)])
        self.flush()

    def flush_if_due(self) -> None:
        """Put events onto the disk when they are many, or waited long enough."""
        if len(self._gathered) >= _GATHER_EVENTS or time.monotonic() - self._flushed >= _GATHER_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Put what was gathered onto the disk."""
        self._flushed = time.monotonic()
        if self._gathered:
            self._outbox.put_events(self._job, self._gathered)
            self._gathered = []
            self._courier.wake()


class Transcript:
    """Raw output as lines {"stream", "data" (base64)}, last {"exit"}; readable also after a kill -9."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab", buffering=0)

    def write(self, stream: Stream, data: bytes) -> None:
        """Keep a piece of output."""
        self._line({"stream": stream, "data": base64.b64encode(data).decode()})

    def close(self, exit_code: int) -> None:
        """Keep how it ended."""
        self._line({"exit": exit_code})
        os.fsync(self._file.fileno())
        self._file.close()

    def _line(self, entry: dict[str, Any]) -> None:
        self._file.write(json.dumps(entry).encode() + b"\n")


class Memory:
    """What is needed to judge an attempt when it ends: bounded, however long it trained."""

    def __init__(self) -> None:
        self._text: dict[Stream, deque[bytes]] = {"out": deque(), "err": deque()}
        self._sizes: dict[Stream, int] = {"out": 0, "err": 0}
        self._steps: deque[RunEvent] = deque(maxlen=_STEPS)
        self._others: deque[RunEvent] = deque(maxlen=_OTHERS)

    def hear(self, stream: Stream, data: bytes) -> None:
        """Remember output, forgetting the oldest."""
        pieces = self._text[stream]
        pieces.append(data)
        self._sizes[stream] += len(data)
        while len(pieces) > 1 and self._sizes[stream] - len(pieces[0]) >= _TAIL_BYTES:
            self._sizes[stream] -= len(pieces.popleft())

    def note(self, events: Sequence[RunEvent]) -> None:
        """Remember events, forgetting the oldest iterations."""
        for event in events:
            (self._steps if event.kind in _STEP_KINDS else self._others).append(event)

    def text(self, stream: Stream) -> str:
        """The end of what a stream said."""
        return b"".join(self._text[stream]).decode("utf-8", "replace")

    def events(self) -> list[RunEvent]:
        """What is remembered, in order."""
        return sorted([*self._steps, *self._others], key=lambda event: (event.attempt, event.seq))
