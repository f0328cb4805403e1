"""The right to work on a job, kept alive by a thread until it is given up or lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog

from bridge.errors import BridgeError, StaleLeaseError
from bridge.model.work import Beat, End, Grant
from workers.desk import passes
from workers.node import Station

log = structlog.get_logger()

_LONGEST_PAUSE = 10.0


class Hold:
    """A leased job. lost: somebody else may have it, so stop at once. cancelled: a person asked to stop."""

    def __init__(self, station: Station, job_id: str, grant: Grant) -> None:
        self.job_id, self.grant = job_id, grant
        self._desk = station.desk
        # Whatever this node is set to: three beats must fit into a lease.
        self._seconds = min(station.settings.heartbeat_seconds, grant.seconds / 3)
        self._progress: dict[str, Any] | None = None
        self._stop = threading.Event()
        self.lost = threading.Event()
        self.cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Hold:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(2.0)

    def tell(self, progress: dict[str, Any]) -> None:
        """What the next heartbeat says of the progress."""
        self._progress = progress

    def require(self) -> None:
        """Raise StaleLeaseError when the lease is lost."""
        if self.lost.is_set():
            raise StaleLeaseError("lease-stale", job=self.job_id, number=self.grant.number, held="-", state="-")

    def finish(self, end: End, going_on: Callable[[], bool]) -> bool:
        """Say how it ended, again and again while the bridge is away and going_on allows; whether it arrived."""
        self._last_beat()
        self._stop.set()  # A beat after the last word would find the lease gone.
        pause = 0.5
        while not self.lost.is_set():
            try:
                self._desk.finish(self.job_id, end)
            except BridgeError as error:
                if not passes(error) or not going_on():
                    log.warning("end-not-told", job=self.job_id, rule=error.rule)
                    return False
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                return True
        return False

    def _last_beat(self) -> None:
        """Let the progress that is shown afterwards be the last one."""
        if self._progress is not None and not self.lost.is_set():
            with suppress(BridgeError):
                self._desk.beat(self.job_id, Beat(self.grant.number, self._progress))

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            progress, self._progress = self._progress, None
            try:
                wanted = self._desk.beat(self.job_id, Beat(self.grant.number, progress))
            except BridgeError as error:
                self._progress = self._progress or progress
                if passes(error):
                    continue  # The work goes on; whether it may is heard when the bridge is back.
                log.warning("lease-lost", job=self.job_id, rule=error.rule)
                self.lost.set()
                return
            if wanted:
                self.cancelled.set()


def take(station: Station, job_id: str) -> Hold | None:
    """Take a job that we were woken for; None when somebody has it, it has ended, or the bridge cannot be reached."""
    try:
        grant = station.desk.lease(job_id, station.holder)
    except BridgeError as error:
        # A queued job that nobody takes is sent again, so nothing is lost by going back to sleep.
        quiet = isinstance(error, StaleLeaseError)
        (log.info if quiet else log.warning)("job-not-taken", job=job_id, rule=error.rule, fields=error.fields)
        return None
    return Hold(station, job_id, grant)
