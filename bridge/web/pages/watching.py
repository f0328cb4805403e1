"""A run as its page shows it, and the pieces of that page that change while it trains."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template
from sqlalchemy import Connection

from bridge.loop import transcript
from bridge.model.job import ENDED, JobState
from bridge.model.scores import Scores
from bridge.model.training import Checkpoint, Run, RunEvent
from bridge.store import jobs, projects, runs
from bridge.web import live
from bridge.web.pages.curve import POINTS, Curve, Point, curve, points_of, thin
from bridge.workspace import Workspace

# The pieces, each a template runs/<name>.html and an element with that id.
PIECES = ("head", "curve", "checkpoints", "log")
_EVENTS = 14
_LINES = 40
# A curve is not worth drawing more often.
DRAW_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Watched:
    """Everything that the page of a run shows."""

    run: Run
    waiting_since: str
    cancel_wanted: bool
    checkpoints: list[Checkpoint]
    scores: dict[str, Scores]
    published: str | None
    last: RunEvent | None
    curve: Curve | None
    log: list[str]

    @property
    def ended(self) -> bool:
        """Whether it trains no more."""
        return self.run.state in ENDED

    @property
    def share(self) -> float:
        """How much of the planned course is done, 0 to 1."""
        return min(self.run.iteration / max(self.run.recipe.max_batches, 1), 1.0)

    @property
    def hours_left(self) -> float | None:
        """What the program says of the time left."""
        left = self.last.fields.get("hours_left") if self.last else None
        return float(left) if left is not None and self.run.state is JobState.RUNNING else None

    @property
    def best(self) -> str | None:
        """The checkpoint with the highest mAP; the earliest of equals."""
        measured = [c for c in self.checkpoints if c.id in self.scores]
        return max(measured, key=lambda c: (self.scores[c.id].map, -c.iteration)).id if measured else None


def watched(ws: Workspace, run_id: str, points: Sequence[Point]) -> Watched:
    """The run as it is now."""
    with ws.db.read() as tx:
        run = runs.find(tx, run_id)
        job = jobs.find(tx, run.job_id)
        found = _kept(tx, run)
        last = runs.last_event(tx, run.id, "iteration")
        events = runs.latest(tx, run.id, _EVENTS)
    ended = run.state in ENDED
    log = transcript.tail(ws, run.id, _LINES) if ended else [line(event) for event in events]
    drawn = curve(points, run.recipe.max_batches)
    return Watched(run, job.created, job.cancel_wanted, *found, last, drawn, log)


def _kept(tx: Connection, run: Run) -> tuple[list[Checkpoint], dict[str, Scores], str | None]:
    return runs.checkpoints(tx, run.id), runs.scores(tx, run.id), projects.published(tx, run.project)


def first_points(ws: Workspace, run_id: str) -> list[Point]:
    """The course so far, thinned by the store."""
    with ws.db.read() as tx:
        return points_of(runs.thinned(tx, run_id, "iteration", POINTS))


def line(event: RunEvent) -> str:
    """An event as a line of a log."""
    f = event.fields
    if event.kind == "iteration":
        loss, average = _figure(f.get("loss")), _figure(f.get("avg_loss"))
        return f"{f.get('iteration')}: loss {loss}, average {average}, {_figure(f.get('seconds'))} s"
    if event.kind == "message":
        return str(f.get("text", ""))
    return f"{event.kind} " + ", ".join(f"{key} {value}" for key, value in f.items())


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "nan"


def pieces(found: Watched) -> dict[str, str]:
    """The changing pieces as HTML."""
    return {name: render_template(f"runs/{name}.html", w=found) for name in PIECES}


def piece_stream(ws: Workspace, run_id: str, mark: live.Mark) -> Iterator[str]:
    """The pieces that have changed, as they change; then "end", on which the page loads itself again."""
    points, sent, drawn = first_points(ws, run_id), dict[str, str](), -DRAW_SECONDS
    for beat in live.beats(ws, run_id, mark):
        if beat is None:
            yield live.HEARTBEAT
            continue
        points = thin(points + [p for p in points_of(beat.events) if not points or p[0] > points[-1][0]])
        time.sleep(max(0.0, drawn + DRAW_SECONDS - time.monotonic()))
        drawn = time.monotonic()
        for name, html in pieces(watched(ws, run_id, points)).items():
            if sent.get(name) != html:
                sent[name] = html
                yield live.message(name, html, beat.mark)
        if beat.ended:
            yield live.message("end", beat.run.state.value)
