"""Reading tasks from a live Label Studio: by change, by id, or only their ids.

The list is asked for by "id greater than the last one" and not by page number: a task that goes or comes meanwhile
would shift the pages, and one could be missed. GET /api/tasks/<id>/ is never used: with an ML backend connected it
makes Label Studio ask that for predictions, which is us.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.errors import UnreachableError
from plugins.sources.label_studio.client import Client

Task = dict[str, Any]

# Ids alone are cheap; whole tasks come with every annotation and prediction.
_IDS, _BRIEF, _WHOLE = 5000, 500, 100
_BRIEF_FIELDS = "id,data,meta,total_annotations,cancelled_annotations"
_KEPT = ("id", "data", "meta", "annotations", "drafts", "file_upload", "storage_filename")


class Tasks:
    """The tasks of one project."""

    def __init__(self, client: Client, project: int) -> None:
        self._client, self._project = client, project

    def changed(self, since: float | None = None) -> Iterator[Task]:
        """Tasks touched since a time (None: all), by id, with their annotations but without predictions."""
        for page in self._pages(_BRIEF, _since(since), include=_BRIEF_FIELDS):
            marked = [task["id"] for task in page if task["total_annotations"] or task["cancelled_annotations"]]
            whole = {task["id"]: task for task in self.named(marked)}
            # One that was marked and is not there any more was deleted just now.
            yield from (whole.get(t["id"], t) for t in page if t["id"] in whole or t["id"] not in set(marked))

    def named(self, ids: Sequence[int]) -> Iterator[Task]:
        """The tasks of these ids, as far as they are there."""
        for start in range(0, len(ids), _WHOLE):
            listed = {**_filter("id", "in_list", "Number"), "value": list(ids[start : start + _WHOLE])}
            # Not with include=: annotations would come without their results.
            for page in self._pages(_WHOLE, [listed], fields="all"):
                yield from (_trimmed(task) for task in page)

    def ids(self) -> frozenset[str]:
        """The ids of all tasks."""
        return frozenset(str(task["id"]) for page in self._pages(_IDS, [], include="id") for task in page)

    def brief(self) -> Iterator[Task]:
        """All tasks with data and meta alone."""
        for page in self._pages(_IDS, [], include="id,data,meta"):
            yield from page

    def _pages(self, size: int, filters: Sequence[dict[str, Any]], **params: str) -> Iterator[list[Task]]:
        last = 0
        while True:
            after = {**_filter("id", "greater", "Number"), "value": last}
            tasks, total = self._page(size, [*filters, after], params)
            if tasks:
                yield tasks
                last = max(task["id"] for task in tasks)
            if len(tasks) >= total:
                return

    def _page(self, size: int, filters: Sequence[dict[str, Any]], params: dict[str, str]) -> tuple[list[Task], int]:
        """One page and how many tasks fit in all; a page shorter than that promises is asked for once more."""
        query = json.dumps({"filters": {"conjunction": "and", "items": list(filters)}, "ordering": ["tasks:id"]})
        for _ in range(2):
            found = self._client.get(
                "/api/tasks/", project=self._project, page=1, page_size=size, query=query, **params
            )
            tasks, total = found["tasks"], int(found["total"])
            if len(tasks) >= min(size, total):
                return tasks, total
        # A short list must never be taken for deletions.
        raise UnreachableError("label-studio-short", url=self._client.url, found=len(tasks), wanted=min(size, total))


def written(seconds: float) -> str:
    """A time as the task filter wants it; any other spelling makes Label Studio fail with 500."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _since(seconds: float | None) -> list[dict[str, Any]]:
    if seconds is None:
        return []
    return [{**_filter("updated_at", "greater_or_equal", "Datetime"), "value": written(seconds)}]


def _filter(name: str, operator: str, kind: str) -> dict[str, Any]:
    return {"filter": f"filter:tasks:{name}", "operator": operator, "type": kind}


def _trimmed(task: Task) -> Task:
    """A task without what Label Studio computes for its table, and without predictions, which are no labels."""
    return {key: task[key] for key in _KEPT if key in task}
