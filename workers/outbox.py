"""What is to be told to the bridge, on disk until it has arrived: in order, through outages and kill -9."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import structlog

from bridge.errors import AccessError, BridgeError, NotFoundError, StaleLeaseError
from bridge.model.training import CheckpointKind, RunEvent
from bridge.model.work import Events, NewCheckpoint
from workers.desk import Desk, passes

log = structlog.get_logger()

_LONGEST_PAUSE = 10.0
_TABLES = """
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL, refused TEXT
);
CREATE INDEX IF NOT EXISTS entry_job ON entry (job, id);
CREATE TABLE IF NOT EXISTS weights (job TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (job, sha256));
"""


@dataclass(frozen=True, slots=True)
class Weights:
    """A checkpoint's file on this node, under a name that nothing overwrites."""

    path: str
    sha256: str
    iteration: int
    kind: CheckpointKind
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to tell; body is JSON of RunEvents or Weights."""

    id: int
    job: str
    kind: Literal["events", "weights"]
    body: bytes


class Outbox:
    """The entries of one node; usable from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def put_events(self, job: str, events: Sequence[RunEvent]) -> None:
        """Keep events to tell."""
        with self._writing():
            self._put(job, "events", msgspec.json.encode(events))

    def put_weights(self, job: str, weights: Weights) -> bool:
        """Keep a checkpoint to hand in; False when these bytes were put before, delivered or not."""
        with self._writing():
            known = self._db.execute(
                "INSERT OR IGNORE INTO weights (job, sha256) VALUES (?, ?)", (job, weights.sha256)
            ).rowcount
            if known:
                self._put(job, "weights", msgspec.json.encode(weights))
        return bool(known)

    def _put(self, job: str, kind: str, body: bytes) -> None:
        self._db.execute("INSERT INTO entry (job, kind, body) VALUES (?, ?, ?)", (job, kind, body))

    def knows(self, job: str, sha256_start: str) -> bool:
        """Whether bytes with a hash that begins so were put, delivered or not."""
        with self._lock:
            row = self._db.execute(
                "SELECT 1 FROM weights WHERE job = ? AND substr(sha256, 1, ?) = ?",
                (job, len(sha256_start), sha256_start),
            ).fetchone()
        return row is not None

    def first(self, job: str) -> Entry | None:
        """The oldest entry of a job that was not refused."""
        with self._lock:
            row = self._db.execute(
                "SELECT id, job, kind, body FROM entry WHERE job = ? AND refused IS NULL ORDER BY id LIMIT 1", (job,)
            ).fetchone()
        return Entry(*row) if row else None

    def drop(self, entry: Entry) -> None:
        """It has arrived."""
        with self._writing():
            self._db.execute("DELETE FROM entry WHERE id = ?", (entry.id,))

    def refuse(self, entry: Entry, reason: str) -> None:
        """The bridge will never take it: keep it aside, so that what comes after it can go."""
        with self._writing():
            self._db.execute("UPDATE entry SET refused = ? WHERE id = ?", (reason, entry.id))

    def forget(self, job: str) -> None:
        """The job is over: nothing of it is needed any more."""
        with self._writing():
            self._db.execute("DELETE FROM entry WHERE job = ?", (job,))
            self._db.execute("DELETE FROM weights WHERE job = ?", (job,))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


class Courier:
    """A thread that carries one job's entries to the bridge, oldest first, for as long as the lease holds."""

    def __init__(self, outbox: Outbox, desk: Desk, job: str, number: int) -> None:
        self._outbox, self._desk, self._job, self._number = outbox, desk, job, number
        self._stop = threading.Event()
        self._wake = threading.Event()
        self.lost = threading.Event()
        # Set while the bridge does not answer.
        self.held_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def __enter__(self) -> Courier:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._wake.set()
        # It may be in the middle of a large upload: that can be done again, nobody waits for it.
        self._thread.join(2.0)

    def wake(self) -> None:
        """There is something new."""
        self._wake.set()

    def drain(self, going_on: Callable[[], bool]) -> bool:
        """Wait until all has arrived, or going_on says no; whether all has."""
        while self._outbox.first(self._job) is not None:
            if self.lost.is_set() or not going_on():
                return False
            self._wake.set()
            self.lost.wait(0.05)
        return True

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            entry = self._outbox.first(self._job)
            if entry is None:
                pause = 0.0
                self._wake.wait(1.0)
                self._wake.clear()
                continue
            try:
                self._deliver(entry)
            except BridgeError as error:
                if _final(error):
                    log.warning("outbox-not-wanted", job=self._job, rule=error.rule)
                    self.lost.set()
                    return
                pause = 0.0 if self._stop.is_set() else self._held_up(entry, error, pause)
            else:
                if self._stop.is_set():
                    return  # Nobody waited for it; it will be told again, which is harmless.
                self._outbox.drop(entry)
                self.held_up.clear()
                pause = 0.0

    def _held_up(self, entry: Entry, error: BridgeError, pause: float) -> float:
        """How long to wait before the next try; what will never be taken is put aside."""
        if passes(error):
            self.held_up.set()
            if not pause:
                log.warning("outbox-waits", job=self._job, rule=error.rule, fields=error.fields)
            return min(max(pause * 2, 0.5), _LONGEST_PAUSE)
        log.error("outbox-refused", job=self._job, kind=entry.kind, rule=error.rule, fields=error.fields)
        self._outbox.refuse(entry, str(error))
        return 0.0

    def _deliver(self, entry: Entry) -> None:
        if entry.kind == "events":
            events = msgspec.json.decode(entry.body, type=tuple[RunEvent, ...])
            self._desk.events(self._job, Events(self._number, events))
            return
        weights = msgspec.json.decode(entry.body, type=Weights)
        path = Path(weights.path)
        if not path.is_file():
            raise NotFoundError("file-missing", path=weights.path)
        self._desk.upload(path, weights.sha256)
        said = NewCheckpoint(self._number, weights.sha256, weights.iteration, weights.kind, weights.size)
        self._desk.checkpoint(self._job, said)


def _final(error: BridgeError) -> bool:
    """Whether the bridge wants no more of this job from us: another has it, it ended, is gone, or we are shut out."""
    gone = isinstance(error, NotFoundError) and error.rule in ("job-missing", "run-missing")
    return gone or isinstance(error, StaleLeaseError | AccessError)
