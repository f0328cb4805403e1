from __future__ import annotations

import time
from typing import Any, cast

import pytest

from bridge.cli.side import Side
from bridge.cli.unbegun import Begin
from bridge.errors import UnreachableError
from bridge.model.job import Job, JobState, Node

LONG_AGO = time.monotonic() - 3600


class House:
    """A side with these machines."""

    def __init__(self, *found: Node) -> None:
        self.found = list(found)

    def nodes(self) -> list[Node]:
        return self.found


def side(*found: Node) -> Side:
    return cast(Side, House(*found))


def job(queue: str = "bridge", **rest: Any) -> Job:
    return Job("abc", "push", queue, {}, **rest)


def test_a_job_that_nobody_begins_is_not_waited_for_for_ever() -> None:
    Begin().check(side(), job())
    with pytest.raises(UnreachableError, match="job-unbegun"):
        Begin(LONG_AGO).check(side(), job())


def test_one_that_is_begun_or_not_due_is_waited_for() -> None:
    Begin(LONG_AGO).check(side(), job(state=JobState.RUNNING))
    Begin(LONG_AGO).check(side(), job(attempts=1))
    Begin(LONG_AGO).check(side(), job(due=time.time() + 60))


def test_a_machine_that_is_alive_may_be_busy_for_hours() -> None:
    alive = Node("gpu", queues=("detect",), seen=time.time())
    Begin(LONG_AGO).check(side(alive), job("detect"))
    for other in (Node("gpu", queues=("train",), seen=time.time()), Node("gpu", queues=("detect",), seen=1.0)):
        with pytest.raises(UnreachableError):
            Begin(LONG_AGO).check(side(other), job("detect"))
