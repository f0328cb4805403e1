"""Reasons to stop work before its end, and how much time is left then."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import structlog

from bridge.errors import BridgeError, MissingPartError, StaleLeaseError, UnreachableError
from bridge.queue import SHUTDOWN_SECONDS

log = structlog.get_logger()

# A person asked, this worker is to end, somebody else has the job, the training diverged, or its program hangs.
Why = Literal["cancelled", "stopping", "lost", "nan", "silent"]
State = Literal["done", "failed", "cancelled", "queued"]

# What a worker that is to end takes for its last words, of the seconds it is given.
_LAST_SECONDS = SHUTDOWN_SECONDS * 0.6


class Halt(Exception):
    """The work must stop here."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the work ended, as the bridge shall hear it."""

    state: State
    failure: dict[str, Any] | None = None


def _failed(error: BridgeError) -> Outcome:
    """The end of work that a named error stopped."""
    plain = {k: v if isinstance(v, str | int | float | bool) else str(v) for k, v in error.fields.items()}
    return Outcome("failed", {"rule": error.rule, "fields": plain})


def _halted(why: Why) -> Outcome | None:
    """What to say of work that was halted; nothing under a lost lease. What is only interrupted is given back."""
    if why == "lost":
        return None
    return Outcome("cancelled" if why == "cancelled" else "queued")


def attempted(act: Callable[[], Outcome], job: str) -> Outcome | None:
    """Do the work of a job; gives what to say of its end, whichever way it came, or None under a lost lease."""
    try:
        return act()
    except Halt as halt:
        return _halted(halt.why)
    except StaleLeaseError:
        return None
    except UnreachableError as error:
        log.warning("bridge-away", job=job, rule=error.rule, fields=error.fields)
        return Outcome("queued")
    except BridgeError as error:
        return _failed(error)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            log.exception("work-broken", job=job)
            return _failed(BridgeError("work-broken", reason=repr(error)))
        return _failed(MissingPartError("disk-full", path=str(error.filename or "-"), reason=str(error.strerror)))
    except Exception as error:  # Engine and detector may be anybody's code.
        log.exception("work-broken", job=job)
        return _failed(BridgeError("work-broken", reason=repr(error)))


class Reasons:
    """Looks at all that may stop a job."""

    def __init__(
        self, cancelled: threading.Event, lost: tuple[threading.Event, ...], stopping: Callable[[], bool]
    ) -> None:
        self._cancelled, self._lost, self._stopping = cancelled, lost, stopping
        self._until: float | None = None

    def why(self) -> Why | None:
        """The reason to stop now, if there is one."""
        if any(event.is_set() for event in self._lost):
            return "lost"
        if self._cancelled.is_set():
            return "cancelled"
        return "stopping" if self._stopping() else None

    def check(self) -> None:
        """Raise Halt if there is a reason."""
        why = self.why()
        if why is not None:
            raise Halt(why)

    def time_left(self) -> bool:
        """Whether things may still be handed in: a worker that is to end has a little time for it."""
        if any(event.is_set() for event in self._lost):
            return False
        if not self._stopping():
            return True
        self._until = self._until or time.monotonic() + _LAST_SECONDS
        return time.monotonic() < self._until

    def may_wait(self) -> bool:
        """Whether there is time for a bridge that does not answer: the rest can be told under the next lease."""
        return self.time_left() and not self._stopping()
