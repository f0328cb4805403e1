"""What an annotator's tool asks of us as its ML backend: answered from the prediction store, never by a model now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from sqlalchemy import Connection

from bridge.errors import NotFoundError
from bridge.loop.predict import choose
from bridge.loop.tool import reach_server
from bridge.model.annotation import Image
from bridge.model.job import JobState
from bridge.model.prediction import Prediction
from bridge.model.project import Project, Source
from bridge.model.training import Checkpoint
from bridge.plugin import PushItem, ToolServer
from bridge.store import images, jobs, offers, predictions, projects
from bridge.workspace import Workspace

log = structlog.get_logger()

# What the version is called while there is no checkpoint; nothing is ever stored under it.
NO_VERSION = "none"
_LONGEST_NAME = 4000

Task = Mapping[str, Any]


def version(ws: Workspace, project: str) -> str:
    """The checkpoint that pre-labels now. Asked for at every page, so it touches nothing but the store."""
    with ws.db.read() as tx:
        chosen = _chosen(tx, projects.find(tx, project).id)
    return chosen.id if chosen else NO_VERSION


def versions(ws: Workspace, project: str) -> list[str]:
    """Checkpoints that have predictions, the one that pre-labels first."""
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        chosen = _chosen(tx, found.id)
        made = predictions.counts(tx, found.id)
    return list(dict.fromkeys([*([chosen.id] if chosen else []), *made]))


def answer(ws: Workspace, source: Source, tasks: Sequence[Task], config: str, there: int | None) -> list[Any]:
    """For each task its prediction, or [] where there is none yet (then it is made due, once).

    there is the number of the tool's project: task ids mean nothing in another one.
    """
    with ws.db.read() as tx:
        project = projects.find(tx, source.project)
        chosen = _chosen(tx, project.id)
        found = _pictures(tx, source, tasks, there in (None, source.options.get("ls_project")))
        ids = [image.id for image in found if image is not None and image.id is not None]
        made = _predictions(tx, project, chosen, ids)
    if chosen is None:
        return [[] for _ in tasks]
    if any(i not in made for i in ids):
        _ask(ws, project, chosen)
    asked = [(n, made[image.id]) for n, image in enumerate(found) if image is not None and image.id in made]
    results: list[Any] = [[] for _ in tasks]
    answers = _prelabels(reach_server(ws, source, ""), config, chosen.id, [item for _, item in asked])
    for (n, _), one in zip(asked, answers, strict=True):
        results[n] = one
    _offered(ws, project, source, [item.prediction for (_, item), one in zip(asked, answers, strict=True) if one])
    return results


def _offered(ws: Workspace, project: Project, source: Source, shown: Sequence[Prediction]) -> None:
    """Remember what an annotator is about to see, the first time."""
    if not shown:
        return
    with ws.db.read() as tx:
        known = offers.known(tx, source.id, shown[0].checkpoint_id, [p.image_id for p in shown])
    fresh = [prediction for prediction in shown if prediction.image_id not in known]
    if fresh:
        with ws.db.write() as tx:
            offers.put(tx, source.id, fresh, project.labels)


def _chosen(tx: Connection, project: str) -> Checkpoint | None:
    try:
        return choose(tx, project)
    except NotFoundError:
        return None


def _predictions(
    tx: Connection, project: Project, chosen: Checkpoint | None, ids: Sequence[int]
) -> dict[int | None, PushItem]:
    if chosen is None or not ids:
        return {}
    known = images.find_many(tx, ids)
    made: dict[int | None, PushItem] = {}
    for start in range(0, len(ids), 500):
        part = predictions.of_checkpoint(tx, chosen.id, project.labels, ids[start : start + 500])
        for image_id, prediction in part.items():
            image = known[image_id]
            made[image_id] = PushItem("", image.width, image.height, prediction, image.orientation)
    return made


def _prelabels(server: ToolServer, config: str, version: str, items: Sequence[PushItem]) -> list[Any]:
    """All at once; if one of them cannot be written, the others are not lost with it."""
    try:
        return list(server.prelabels(config, version, items))
    except Exception as error:  # A plugin's code over whatever a detector drew.
        log.warning("prelabels-failed", items=len(items), reason=repr(error))
        if len(items) < 2:
            return [[] for _ in items]
    return [one for item in items for one in _prelabels(server, config, version, [item])]


# ---------------------------------------------------------------- which pictures are meant


def _pictures(tx: Connection, source: Source, tasks: Sequence[Task], same_project: bool) -> list[Image | None]:
    """Our picture of each task: by the task's id, by what we noted in it, else by its name."""
    by_item = images.tool_ids(tx, source.id) if same_project else {}
    noted = {n: by_item.get(str(task.get("id"))) or _noted(task, source.project) for n, task in enumerate(tasks)}
    known = images.find_many(tx, [i for i in noted.values() if i is not None])
    return [known.get(noted[n] or 0) or _by_name(tx, source.project, task) for n, task in enumerate(tasks)]


def _noted(task: Task, project: str) -> int | None:
    meta = task.get("meta")
    ours = meta.get("labelbridge") if isinstance(meta, Mapping) else None
    if isinstance(ours, Mapping) and ours.get("project") == project and isinstance(ours.get("image_id"), int):
        return int(ours["image_id"])
    return None


def _by_name(tx: Connection, project: str, task: Task) -> Image | None:
    data = task.get("data")
    if not isinstance(data, Mapping):
        return None
    told = data.get("labelbridge_name") or next((v for v in data.values() if isinstance(v, str)), "")
    if len(str(told)) > _LONGEST_NAME:  # A picture in the task itself.
        return None
    for name in dict.fromkeys([str(told), unquote(urlsplit(str(told)).path.rpartition("/")[2])]):
        try:
            return images.find(tx, project, name)
        except NotFoundError:
            continue
    return None


# ---------------------------------------------------------------- what is not there yet


def _ask(ws: Workspace, project: Project, chosen: Checkpoint) -> None:
    """Make predictions due for all pictures that have none, unless that is under way or was tried already."""
    cause = f"asked:{chosen.id}"
    with ws.db.write() as tx:
        if jobs.open_count(tx, "predict", cause):
            return
        missing = predictions.missing(tx, project.id, chosen.id)
        before = [job for job in jobs.listing(tx, project.id, JobState.DONE, kind="predict") if job.cause == cause]
        # What was looked at and has no prediction cannot be read; asking again would not help.
        tried = {i for job in before for i in job.payload.get("images") or ()}
        if set(missing) - tried:
            payload = {"checkpoint": chosen.id, "project": project.id, "images": missing}
            jobs.put(tx, "predict", "detect", payload, project.id, cause)
