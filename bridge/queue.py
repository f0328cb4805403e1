"""Celery as a bell: it wakes a worker with the id of a job; what there is to do stays in the store.

Only ids travel. Losing a message, or having one twice, does no harm: whoever is woken asks for the job's lease first.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from bridge.errors import MissingPartError, UnreachableError
from bridge.model.job import Job
from bridge.settings import Settings

Role = Literal["train", "detect", "bridge"]

# How many jobs of a role one worker process does at a time: a training has the node's GPUs for itself.
_AT_ONCE: dict[Role, int] = {"train": 1, "detect": 1, "bridge": 2}
# kombu waits one second in BRPOP, so that a worker's reads must be allowed more.
_WORKER_SECONDS = 10.0
_BELL_SECONDS = 1.0
# After SIGTERM a task has this long to stop its program and hand in what it has.
SHUTDOWN_SECONDS = 30


def task_name(kind: str) -> str:
    """The Celery task of a kind of job."""
    return f"labelbridge.{kind}"


def node_name(settings: Settings) -> str:
    """The name of this machine among the nodes: fit for queues and addresses."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", settings.node or socket.gethostname()).strip("-") or "node"


def queues(role: Role, node: str) -> tuple[str, ...]:
    """The queues that a worker listens to: everybody's, and the node's own."""
    return ("bridge",) if role == "bridge" else (role, f"{role}.{node}")


def create_app(settings: Settings, socket_seconds: float = _WORKER_SECONDS) -> Any:
    """The Celery app over the broker of the settings; raises MissingPartError broker-missing when none is named."""
    if not settings.redis_url:
        raise MissingPartError("broker-missing")
    from celery import Celery

    app = Celery("labelbridge", broker=settings.redis_url, set_as_current=False)
    app.conf.update(
        # A late ack would have a task of hours run twice: it is delivered again while it still runs.
        task_acks_late=False,
        # Prefetched messages run twice as well, and a broker outage with one waiting ends the worker (kombu 5.7).
        worker_disable_prefetch=True,
        worker_prefetch_multiplier=1,
        task_ignore_result=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_soft_shutdown_timeout=SHUTDOWN_SECONDS,
        # On a busy machine a child needs longer than the default 4 s to come up.
        worker_proc_alive_timeout=60.0,
        # redis-py's own retries take over when these are off, and they take longer.
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2},
        broker_transport_options={
            "visibility_timeout": 3600,
            "socket_timeout": socket_seconds,
            "socket_connect_timeout": min(socket_seconds, 2.0),
            "socket_keepalive": True,
            "queue_order_strategy": "priority",
        },
        task_serializer="json",
        accept_content=["json"],
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        task_default_queue="bridge",
    )
    return app


def worker_argv(role: Role, node: str, log_level: str = "info") -> list[str]:
    """What `app.worker_main` gets: one process that does this role's jobs, quiet on the broker."""
    return [
        "worker",
        *("--queues", ",".join(queues(role, node))),
        *("--concurrency", str(_AT_ONCE[role])),
        *("--pool", "prefork"),
        *("--hostname", f"{role}@{node}"),
        *("--loglevel", log_level),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]


def _id_of(message: bytes) -> str | None:
    """The job's id; None for a message that is not ours."""
    try:
        return str(json.loads(message)["headers"]["id"])
    except (ValueError, KeyError, TypeError):
        return None


class Bell:
    """Rings for due jobs; raises UnreachableError broker-unreachable within seconds, also from a broker that hangs."""

    def __init__(self, settings: Settings) -> None:
        self._app = create_app(settings, _BELL_SECONDS)
        self._url = settings.redis_url

    def ring(self, job: Job) -> None:
        """Wake a worker for a job."""
        with self._named():
            # The message's id is the job's, so that it can be found again among those that wait.
            self._app.send_task(task_name(job.kind), args=[job.id], queue=job.queue, task_id=job.id)

    def waiting(self, queue: str) -> frozenset[str]:
        """The jobs whose message the broker still holds for a queue: ringing again would only pile them up."""
        with self._named(), self._app.connection_for_write() as connection:
            messages = connection.default_channel.client.lrange(queue, 0, -1)
        return frozenset(id_ for message in messages if (id_ := _id_of(message)) is not None)

    def close(self) -> None:
        """Let go of the broker."""
        self._app.close()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Gives the many errors of a broker that is away one name."""
        from kombu.exceptions import OperationalError
        from redis.exceptions import RedisError

        try:
            yield
        except (OperationalError, RedisError, OSError) as error:
            # The URL may hold a password.
            place = self._url.rpartition("@")[2]
            raise UnreachableError("broker-unreachable", broker=place, reason=str(error)) from error
