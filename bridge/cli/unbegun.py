"""Waiting for a job that a worker does, and not for ever where no worker takes it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.errors import UnreachableError
from bridge.model.job import Job, JobState

if TYPE_CHECKING:
    from bridge.cli.side import Side

# So long may a job wait that nobody has begun; a machine is alive that has spoken within as many seconds.
PATIENCE_SECONDS = 120.0


@dataclass(slots=True)
class Begin:
    """Sees to it that somebody begins a job, from now on."""

    since: float = field(default_factory=time.monotonic)

    def check(self, side: Side, job: Job) -> None:
        """Raise UnreachableError job-unbegun once nobody can be expected to begin it; it stays due all the same."""
        waits = job.state is JobState.QUEUED and not job.attempts and job.due <= time.time()
        if not waits or time.monotonic() - self.since < PATIENCE_SECONDS:
            return
        # Workers beside the store are no nodes; on a node it may stand behind others for hours.
        if job.queue != "bridge" and any(_takes(node.seen, node.queues, job.queue) for node in side.nodes()):
            return
        raise UnreachableError("job-unbegun", job=job.id, seconds=round(PATIENCE_SECONDS))


def _takes(seen: float, queues: tuple[str, ...], queue: str) -> bool:
    return queue in queues and time.time() - seen < PATIENCE_SECONDS
