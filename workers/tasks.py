"""Celery names → the work. The only task decorators of a node; a task gets the id of a job and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.queue import Role, task_name
from bridge.settings import Settings


def register(app: Any, settings: Settings, role: Role, stopping: Callable[[], bool]) -> None:
    """Give the app the tasks of a role; stopping says that this worker is to end."""

    def train(job_id: str) -> None:
        """Train."""
        from workers import node, training

        with node.opened(settings, role) as station:
            training.train(station, job_id, stopping)

    def look(job_id: str) -> None:
        """Detect."""
        from workers import detection, node

        with node.opened(settings, role) as station:
            detection.detect(station, job_id, stopping)

    works = {"train": train} if role == "train" else {"detect": look, "predict": look}
    for kind, work in works.items():
        app.task(name=task_name(kind))(work)
