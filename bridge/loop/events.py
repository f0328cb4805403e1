"""What a Label Studio webhook says: which tasks it is about, what makes it the same one again, and no secrets.

An event is a hint and never the truth: it comes once or not at all, in any order, and a deletion names only ids of
annotations. So nothing is read from it but where to look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

KIND = "label-studio"
START_TRAINING = "START_TRAINING"
# These name no tasks that are still there: only a reading of what changed finds out.
_DELETIONS = ("ANNOTATIONS_DELETED", "TASKS_DELETED")
_SECRETS = frozenset(
    {"token", "access_token", "refresh", "password", "basic_auth_pass", "task_data_login", "task_data_password"}
)


def redacted(value: Any) -> Any:
    """The event without tokens and passwords (it carries the project's)."""
    if isinstance(value, Mapping):
        return {k: "[redacted]" if k in _SECRETS and v else redacted(v) for k, v in value.items()}
    return [redacted(item) for item in value] if isinstance(value, list) else value


def key_of(event: Mapping[str, Any], source_id: int, raw: bytes) -> str:
    """What is equal for two deliveries of one event: the annotation's version, else all that was said."""
    annotation = event.get("annotation")
    if isinstance(annotation, Mapping) and annotation.get("id") and annotation.get("updated_at"):
        return f"ls:{source_id}:{event.get('action')}:{annotation['id']}:{annotation['updated_at']}"[:200]
    return f"ls:{source_id}:{hashlib.sha256(raw).hexdigest()}"


def tasks_of(event: Mapping[str, Any]) -> list[str]:
    """Ids of the tasks that an event names (deleted ones are of no use)."""
    if event.get("action") in _DELETIONS:
        return []
    named = [*_each(event.get("task")), *_each(event.get("tasks"))]
    ids = [task.get("id") for task in named]
    ids += [annotation.get("task") for annotation in _each(event.get("annotation"))]
    return list(dict.fromkeys(str(i) for i in ids if type(i) is int))


def deletes(event: Mapping[str, Any]) -> bool:
    """Whether something is gone."""
    return event.get("action") in _DELETIONS


def trains(event: Mapping[str, Any]) -> bool:
    """Whether somebody pressed "Start training"."""
    return event.get("action") == START_TRAINING


def only_new_tasks(event: Mapping[str, Any]) -> bool:
    """Whether it only says that tasks were made (mostly by us)."""
    return event.get("action") == "TASKS_CREATED"


def _each(value: Any) -> list[Mapping[str, Any]]:
    """One object or a list of them: bulk events have a list under the singular name."""
    found = value if isinstance(value, list) else [value]
    return [item for item in found if isinstance(item, Mapping)]


def body_of(event: Mapping[str, Any], source_id: int) -> dict[str, Any]:
    """What the store keeps of an event."""
    body: dict[str, Any] = msgspec.to_builtins({"source": source_id, "event": redacted(event)})
    return body
