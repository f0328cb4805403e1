"""Runs watched as they happen: server-sent events, bounded in number and time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from flask import Flask, Response, current_app, request

from bridge.errors import MissingPartError
from bridge.model.job import ENDED
from bridge.model.training import Run, RunEvent
from bridge.store import runs
from bridge.workspace import Workspace

# A stream ends after this; the browser asks again by itself, so that no dead one is kept for ever.
LAST_SECONDS = 300.0
# Proxies drop a line on which nothing is said.
HEARTBEAT_SECONDS = 15.0
LOOK_SECONDS = 1.0
_BATCH = 2000
HEARTBEAT = ": still here\n\n"

Mark = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Beat:
    """One look at a run: what is new since the last, and the run as it is now."""

    run: Run
    events: tuple[RunEvent, ...]
    mark: Mark

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.run.state in ENDED and not self.events


def install(app: Flask, threads: int) -> None:
    """Let at most half of the server's threads be held by streams."""
    app.extensions["streams"] = threading.BoundedSemaphore(max(1, threads // 2))


def stream(body: Iterator[str]) -> Response:
    """The answer that sends these pieces as they come; raises MissingPartError when too many are open."""
    places: threading.BoundedSemaphore = current_app.extensions["streams"]
    if not places.acquire(blocking=False):
        raise MissingPartError("too-many-streams")
    # Not in the generator: one that was never begun would never give its place back.
    answer = Response(body, content_type="text/event-stream")
    answer.call_on_close(places.release)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def mark_of(text: str | None) -> Mark:
    """A place in a run's events as it is written in ids: attempt.number; anything else is the beginning."""
    attempt, _, number = (text or "").partition(".")
    if attempt.isdecimal() and number.isdecimal() and len(attempt) < 9 and len(number) < 15:
        return int(attempt), int(number)
    return 0, -1


def asked_mark(cursor: str | None) -> Mark:
    """Where this request wants to go on: a browser that reconnects says so itself."""
    return mark_of(request.headers.get("Last-Event-ID") or cursor)


def look(ws: Workspace, run_id: str, mark: Mark) -> Beat:
    """What happened after the mark."""
    with ws.db.read() as tx:
        run = runs.find(tx, run_id)
        events = runs.events(tx, run.id, after=mark, limit=_BATCH)
    new = (events[-1].attempt, events[-1].seq) if events else mark
    return Beat(run, tuple(events), new)


def beats(ws: Workspace, run_id: str, mark: Mark) -> Iterator[Beat | None]:
    """A beat whenever something is new or the state has changed, None where a heartbeat is due; at last, the end."""
    started = spoken = time.monotonic()
    state = None
    while time.monotonic() - started < LAST_SECONDS:
        beat = look(ws, run_id, mark)
        if beat.events or beat.run.state is not state or beat.ended:
            state, mark, spoken = beat.run.state, beat.mark, time.monotonic()
            yield beat
        elif time.monotonic() - spoken > HEARTBEAT_SECONDS:
            spoken = time.monotonic()
            yield None
        if beat.ended:
            return
        if len(beat.events) < _BATCH:
            time.sleep(LOOK_SECONDS)


def message(event: str, data: str, mark: Mark | None = None) -> str:
    """One server-sent event."""
    head = f"id: {mark[0]}.{mark[1]}\n" if mark else ""
    lines = "".join(f"data: {line}\n" for line in data.split("\n"))
    return f"{head}event: {event}\n{lines}\n"


def event_stream(ws: Workspace, run_id: str, mark: Mark) -> Iterator[str]:
    """A run's events as JSON, then one event "state" at every change of it and "end" at its end."""
    state = None
    for beat in beats(ws, run_id, mark):
        if beat is None:
            yield HEARTBEAT
            continue
        for event in beat.events:
            yield message(event.kind, json_of(event), (event.attempt, event.seq))
        if beat.run.state is not state:
            state = beat.run.state
            yield message("state", msgspec.json.encode({"state": state.value}).decode())
        if beat.ended:
            yield message("end", msgspec.json.encode({"state": state.value}).decode())


def json_of(event: RunEvent) -> str:
    """An event as one line of JSON."""
    body: dict[str, Any] = {"attempt": event.attempt, "seq": event.seq, "at": event.at, "kind": event.kind}
    return msgspec.json.encode({**body, "fields": event.fields}).decode()
