"""Into the connected tools: people's labels of elsewhere where a tool is shared files, then a model's predictions.

Every push is a Delivery, so that one that broke off is found and gone on with. What is in the tool already is not sent
again, so that doing it twice does no harm.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection

from bridge.errors import BridgeError, NotFoundError, UnreachableError
from bridge.loop.folder import Wait, as_they_look, know_ours
from bridge.loop.predict import choose
from bridge.loop.settling import QUIET
from bridge.loop.show import show
from bridge.loop.tool import FOLDERS, SERVERS, alone, connected, first_failure, reach, reach_server
from bridge.loop.writeback import WrittenBack, write_back
from bridge.model.delivery import DeliveryState
from bridge.model.finding import Finding
from bridge.model.prediction import Prediction
from bridge.model.project import Project, Source
from bridge.model.training import Checkpoint
from bridge.plugin import PushItem, PushOutcome
from bridge.store import deliveries, images, jobs, offers, predictions, projects, revisions, runs, standing, tokens
from bridge.workspace import Workspace

KIND = "push"
# An older version stays in the tool for so long after it was replaced. Label Studio refuses what an annotator submits
# (400) when the prediction that he started from was deleted while he drew, so it may only go when nobody has it open.
GRACE_SECONDS = 24 * 3600.0
_MOST_TRIES = 20


def push(
    ws: Workspace,
    project: str,
    source_name: str | None = None,
    grace: float = GRACE_SECONDS,
    wait: Wait | None = None,
) -> list[PushOutcome]:
    """Bring the connected tools, or the one of that name, up to the present labels and predictions.

    Predictions are those of the published (else best) checkpoint, and never stand beside a person's labels. Files that
    somebody is writing are written later, or waited for (wait is time.sleep, say). Raises NotFoundError checkpoint-none
    where no tool could take anything else, and what a tool raises once all the others were done.
    """
    found, tools = connected(ws, project, source_name)
    checkpoint, missing = _chosen(ws, found)
    done: list[PushOutcome] = []
    failures: list[BridgeError] = []
    for tool in tools:
        try:
            with alone(ws, tool) as source:
                before = as_they_look(ws, source)
                done.append(_bring(ws, found, source, checkpoint, grace, wait))
                know_ours(ws, source, before)
        except BridgeError as error:
            failures.append(error)
    first_failure(failures)
    if missing is not None and not any(tool.kind in FOLDERS for tool in tools):
        raise missing
    return done


def _chosen(ws: Workspace, project: Project) -> tuple[Checkpoint | None, NotFoundError | None]:
    try:
        with ws.db.read() as tx:
            return choose(tx, project.id), None
    except NotFoundError as missing:
        return None, missing


def _bring(
    ws: Workspace, project: Project, source: Source, checkpoint: Checkpoint | None, grace: float, wait: Wait | None
) -> PushOutcome:
    """Bring one tool, which is held, up to date."""
    back = write_back(ws, project, source, wait) if source.kind in FOLDERS else WrittenBack()
    if back.unsettled:
        payload = {"project": source.project, "source": source.name}
        with ws.db.write() as tx:
            due = time.time() + QUIET
            jobs.put_once(tx, "push", "bridge", payload, source.project, f"unsettled:{source.id}", due)
    if checkpoint is None or back.unsettled:
        return PushOutcome(0, 0, back.findings, written=back.pictures)
    outcome = _push(ws, project, _now(ws, source), checkpoint, grace)
    return replace(outcome, refused=(*back.findings, *outcome.refused), written=back.pictures)


def _push(ws: Workspace, project: Project, source: Source, checkpoint: Checkpoint, grace: float) -> PushOutcome:
    notes: tuple[Finding, ...] = ()
    if source.kind in SERVERS:
        notes = _prepare(ws, project, source)
        source = _now(ws, source)
    with ws.db.read() as tx:
        items = list(_items(tx, project, source, checkpoint))
        others = _other_versions(tx, project, checkpoint)
    delivery = _keep(ws, source, checkpoint, items)
    retired = _retired(source, checkpoint.id, others)
    due = [version for version, since in retired.items() if since <= time.time() - grace]
    try:
        outcome = reach(ws, source).push(checkpoint.id, items, due)
    except BridgeError as error:
        _failed(ws, delivery, error)
        raise
    left = {v: retired.get(v, time.time()) for v in outcome.detail.get("versions", ()) if v in others}
    _done(ws, source, delivery, outcome, left, grace)
    _offered(ws, project, source, items, outcome)
    return replace(outcome, refused=(*notes, *outcome.refused))


def _prepare(ws: Workspace, project: Project, source: Source) -> tuple[Finding, ...]:
    """Labels and pictures come first: predictions of labels or tasks that the tool does not have are dropped there."""
    colors = {label.name: label.color for label in project.classes if label.color}
    notes = reach_server(ws, source).declare(project.label_names(), colors)
    if source.options.get("owns_config"):
        notes += show(ws, project, source).findings
    return tuple(notes)


def _now(ws: Workspace, source: Source) -> Source:
    with ws.db.read() as tx:
        return projects.find_source(tx, source.project, source.name)


# ---------------------------------------------------------------- what to push


def _items(tx: Connection, project: Project, source: Source, checkpoint: Checkpoint) -> Iterator[PushItem]:
    """Predictions for the pictures that the tool has; in a folder only for those that nobody has looked at.

    That is also said of pictures on which he found all of a model's boxes right: accepting them is left to do.
    """
    made = predictions.of_checkpoint(tx, checkpoint.id, project.labels)
    known = images.find_many(tx, list(made))
    items = images.items(tx, source.id)
    server = source.kind in SERVERS
    touched = set() if server else set(revisions.head_hashes(tx, list(made))) | standing.looked(tx, source.id)
    for image_id, prediction in made.items():
        item, image = items.get(image_id), known[image_id]
        if item is None or item.gone or image_id in touched or (server and item.item is None):
            continue
        yield PushItem(item.item or image.name, image.width, image.height, prediction, image.orientation)


def _other_versions(tx: Connection, project: Project, checkpoint: Checkpoint) -> list[str]:
    """Every version that we may have pushed for this project before."""
    found = [c.id for run in runs.listing(tx, project.id, limit=10_000) for c in runs.checkpoints(tx, run.id)]
    return [version for version in found if version != checkpoint.id]


def _retired(source: Source, version: str, others: Sequence[str]) -> dict[str, float]:
    """When each version that may still be there was replaced: those that were shown until now are replaced now."""
    noted: Mapping[str, float] = source.options.get("retired", {})
    there = set(source.options.get("versions", ()))
    now = time.time()
    return {other: noted.get(other, now) for other in others if other in there or other in noted}


# ---------------------------------------------------------------- the delivery


def _keep(ws: Workspace, source: Source, checkpoint: Checkpoint, items: Sequence[PushItem]) -> int:
    """The delivery of exactly these predictions, made once."""
    key = f"push:{source.id}:{checkpoint.id}:{_digest(items)}"
    body = {"source": source.id, "name": source.name, "version": checkpoint.id, "items": len(items)}
    with ws.db.write() as tx:
        number, _ = deliveries.put(tx, "out", KIND, source.project, key, body)
    return number


def _digest(items: Sequence[PushItem]) -> str:
    digest = hashlib.sha256()
    for item in sorted(items, key=lambda i: i.item):
        digest.update(msgspec.json.encode((item.item, _said(item.prediction))))
    return digest.hexdigest()[:24]


def _said(prediction: Prediction) -> list[tuple[Any, ...]]:
    return [(region.kind, region.points, region.labels, region.score) for region in prediction.regions]


def _offered(ws: Workspace, project: Project, source: Source, items: Sequence[PushItem], outcome: PushOutcome) -> None:
    """Remember what a person is shown from now on."""
    refused = {finding.image for finding in outcome.refused}
    shown = [item.prediction for item in items if item.prediction.image not in refused]
    with ws.db.write() as tx:
        offers.put(tx, source.id, shown, project.labels)


def _failed(ws: Workspace, number: int, error: BridgeError) -> None:
    with ws.db.write() as tx:
        delivery = deliveries.find(tx, number)
        again = isinstance(error, UnreachableError) and delivery.attempts + 1 < _MOST_TRIES
        state = DeliveryState.PENDING if again else DeliveryState.DEAD
        deliveries.settle(tx, number, state, {"error": error.rule})


def _done(
    ws: Workspace, source: Source, number: int, outcome: PushOutcome, left: Mapping[str, float], grace: float
) -> None:
    """Settle this delivery and those of the same source that it replaces; what is left there goes in its time."""
    told = {"sent": outcome.sent, "accepted": outcome.accepted, "refused": len(outcome.refused)}
    there = outcome.detail.get("versions", [])
    with ws.db.write() as tx:
        deliveries.settle(tx, number, DeliveryState.DONE, told)
        for older in deliveries.pending(tx, KIND, source.project):
            if older.body["source"] == source.id and older.id < number:
                deliveries.settle(tx, older.id, DeliveryState.DONE, {"replaced": number})
        projects.set_options(tx, source.id, {**source.options, "versions": there, "retired": dict(left)})
        tokens.record(tx, "labelbridge", "push", source.project, {"source": source.name, **told})
        if left:
            payload = {"project": source.project, "source": source.name}
            due = max(min(left.values()) + grace, time.time() + 60)
            jobs.put_once(tx, "push", "bridge", payload, source.project, f"retire:{source.id}", due)
