"""A tool's own state → the store: what its events name, and a poll, since an event that gets lost never comes again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog
from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.loop import events, undecided
from bridge.loop.cut import CutOptions, cut
from bridge.loop.folder import Doubt, Wait, at_rest, changed_cause, look_again
from bridge.loop.intake import Imported, take
from bridge.loop.joining import Joining
from bridge.loop.tool import FOLDERS, alone, connected, first_failure, reach, reach_server
from bridge.loop.train import PlanOptions, plan, start
from bridge.loop.vanished import remember, vanished
from bridge.model.annotation import Document
from bridge.model.dataset import Reading
from bridge.model.delivery import Delivery, DeliveryState
from bridge.model.job import ENDED
from bridge.model.project import Project, Source
from bridge.model.rectangles import labels_of
from bridge.plugin import Changes, Progress, no_progress
from bridge.store import deliveries, findings, images, jobs, projects, runs, tokens
from bridge.workspace import Workspace

log = structlog.get_logger()

# A poll finds what no event told; this long a lost one stays unnoticed.
POLL_SECONDS = 300.0
# A push that is asked for with a pull begins so much later: then the pull tells what was new.
PULL_FIRST = 0.5
# A delivery that failed so often is put aside, kept and listed.
_MOST_TRIES = 20


def pull(
    ws: Workspace,
    project: str,
    source_name: str | None = None,
    progress: Progress = no_progress,
    who: str | None = None,
    wait: Wait | None = None,
) -> list[Imported]:
    """Read what changed in the connected tools (or the one of that name); the rest goes on when one fails.

    What a tool refuses waits as a Delivery until a person has decided; who is the one that has (None: nobody asked).
    Files that somebody is writing are read later, by a job of their own, or waited for (wait is time.sleep, say).
    """
    found, tools = connected(ws, project, source_name)
    done: list[Imported] = []
    failures: list[BridgeError] = []
    for tool in tools:
        try:
            with alone(ws, tool) as source:
                done.append(catch_up(ws, found, source, progress, who, wait))
        except BridgeError as error:
            failures.append(error)
        with ws.db.write() as tx:
            plan_next(tx, tool)
    first_failure(failures)
    return done


def catch_up(
    ws: Workspace,
    project: Project,
    source: Source,
    progress: Progress = no_progress,
    who: str | None = None,
    wait: Wait | None = None,
) -> Imported:
    """Read what changed in a tool that is held; raises what it raises."""
    with undecided.kept(ws, source):
        source, pause = at_rest(ws, source, wait)
        if pause is not None:
            return look_again(ws, project, source, pause)
        waiting = _pending(ws, source)
        done = _pull(ws, project, source, "poll", progress)
        undecided.settle_pull(ws, source, done.outcome, who)
        _conclude(ws, project, waiting, [done])
    return done


def plan_next(tx: Connection, source: Source) -> None:
    """Make the next poll of a tool due, once; those that are over are forgotten."""
    cause = f"poll:{source.id}"
    for over in (cause, changed_cause(source)):
        jobs.forget(tx, "pull", over)
    payload = {"project": source.project, "source": source.name}
    jobs.put_once(tx, "pull", "bridge", payload, source.project, cause, time.time() + POLL_SECONDS)


def _pull(ws: Workspace, project: Project, source: Source, how: str, progress: Progress = no_progress) -> Imported:
    """One reading of a tool that is held; the cursor moves only when all of it was taken."""
    return _take(ws, project, source, reach(ws, source).pull(source.cursor), how, progress)


def _take(
    ws: Workspace, project: Project, source: Source, changes: Changes, how: str, progress: Progress = no_progress
) -> Imported:
    """Take changes into the store; the ledger tells what came by events and what only a poll found."""
    began = time.monotonic()
    with ws.db.read() as tx:
        items = images.items(tx, source.id)
        known = images.known_images(tx, project.id)
    joining = Joining(known, items, changes.present)
    documents = joining.documents(changes.documents)
    used: set[str] = set()
    if source.kind in FOLDERS:
        documents = Doubt.of(ws, project, source, changes, known, items).documents(documents)
        documents = (_itemed(document, used) for document in documents)
    reading = Reading(
        changes.labels,
        documents,
        0,
        declared=bool(changes.labels),
        findings=changes.findings,
        colors=changes.colors,
        extra=changes.extra or source.options.get("extra", {}),
    )
    done = take(ws, project, source, reading, source.name, progress, partial=not changes.whole)
    gone = vanished(joining, changes)
    with ws.db.write() as tx:
        said = [*joining.findings, *remember(tx, source, joining, gone, changes.whole)]
        ids = {folded: image.id for folded, image in known.items() if image.id is not None}
        findings.add(tx, project.id, f"import:{source.id}", said, ids)
        if changes.cursor:
            projects.set_cursor(tx, source.id, changes.cursor)
        if source.kind in FOLDERS and changes.whole:
            listed = {"labels": list(changes.labels), "undeclared": sorted(used - set(changes.labels))}
            _note(tx, source, {**listed, "took": round(time.monotonic() - began, 1)})
        if done.revisions or gone:
            fields = {
                "source": source.name,
                "images": done.images,
                "revisions": done.revisions,
                "gone": sum(gone.values()),
            }
            tokens.record(tx, source.name, how, project.id, fields)
    return replace(done, findings=(*done.findings, *said))


def _note(tx: Connection, source: Source, facts: Mapping[str, Any]) -> None:
    """Remember what a reading showed of a source."""
    options = projects.find_source(tx, source.project, source.name).options
    projects.set_options(tx, source.id, {**options, **facts})


def _itemed(document: Document, used: set[str]) -> Document:
    """A picture of a tool that knows it by its file name keeps that as its id there: ours may be another one.

    used takes up the labels that its regions carry.
    """
    used.update(labels_of(document.regions or ()))
    image = document.image
    return document if image.item is not None else replace(document, image=replace(image, item=image.name))


# ---------------------------------------------------------------- what events told


def receive(ws: Workspace, source: Source, event: Mapping[str, Any], raw: bytes) -> str:
    """Keep an event and make its work due, in one transaction; gives the job's id. The tool is not asked here.

    An annotator waits for the answer to this, and after one second Label Studio gives up on it for ever.
    """
    # Who presses "Start training" again after a training means it; anything else that is equal came twice.
    key = f"ls:{source.id}:train:{time.time_ns()}" if events.trains(event) else events.key_of(event, source.id, raw)
    body = events.body_of(event, source.id)
    with ws.db.write() as tx:
        deliveries.put(tx, "in", events.KIND, source.project, key, body)
        return jobs.put_once(tx, "webhook", "bridge", {"project": source.project}, source.project, "webhook")


def work_off(ws: Workspace, project: str) -> list[Imported]:
    """Read again what waiting events name, and settle them; raises what the tool raises, and then they wait on."""
    found, tools = connected(ws, project)
    _settle_orphans(ws, found, tools)
    done: list[Imported] = []
    failures: list[BridgeError] = []
    for tool in tools:
        waiting = _pending(ws, tool)
        if not waiting:
            continue
        try:
            with alone(ws, tool) as source:
                done += _work_off(ws, found, source, waiting)
        except BridgeError as error:
            _again(ws, waiting, error)
            failures.append(error)
    first_failure(failures)
    return done


def _pending(ws: Workspace, source: Source) -> list[Delivery]:
    """Events of this source that nobody has worked on."""
    with ws.db.read() as tx:
        pending = deliveries.pending(tx, events.KIND, source.project, limit=5000)
    return [delivery for delivery in pending if delivery.body["source"] == source.id]


def _settle_orphans(ws: Workspace, project: Project, tools: Sequence[Source]) -> None:
    with ws.db.read() as tx:
        pending = deliveries.pending(tx, events.KIND, project.id, limit=5000)
    known = {tool.id for tool in tools}
    orphans = [delivery for delivery in pending if delivery.body["source"] not in known]
    _settle(ws, orphans, DeliveryState.DONE, {"source": "removed"})


def _work_off(ws: Workspace, project: Project, source: Source, waiting: Sequence[Delivery]) -> list[Imported]:
    told = [delivery.body["event"] for delivery in waiting]
    done = []
    if any(events.deletes(event) for event in told):
        done.append(_pull(ws, project, source, "webhook"))
    named = _named(ws, source, told)
    if named:
        changes = reach_server(ws, source).fetch(named)
        done.append(_take(ws, project, source, changes, "webhook"))
    _conclude(ws, project, waiting, done)
    return done


def _named(ws: Workspace, source: Source, told: Sequence[Mapping[str, Any]]) -> list[str]:
    """Tasks to read again; events that only say that a task of ours was made are not worth it."""
    with ws.db.read() as tx:
        ours = images.tool_ids(tx, source.id)
    named = [
        task for event in told for task in events.tasks_of(event) if not (events.only_new_tasks(event) and task in ours)
    ]
    return list(dict.fromkeys(named))


def _conclude(ws: Workspace, project: Project, waiting: Sequence[Delivery], done: Sequence[Imported]) -> None:
    """Settle events whose tasks were read, and start the training that was asked for."""
    asked = [delivery for delivery in waiting if events.trains(delivery.body["event"])]
    read = [delivery for delivery in waiting if delivery not in asked]
    _settle(ws, read, DeliveryState.DONE, {"revisions": sum(one.revisions for one in done)})
    if asked:
        state, outcome = _train(ws, project)
        _settle(ws, asked, state, outcome)


def _settle(ws: Workspace, settled: Sequence[Delivery], state: DeliveryState, outcome: Mapping[str, Any]) -> None:
    if settled:
        with ws.db.write() as tx:
            for delivery in settled:
                deliveries.settle(tx, delivery.id, state, outcome)


def _again(ws: Workspace, waiting: Sequence[Delivery], error: BridgeError) -> None:
    for delivery in waiting:
        given_up = delivery.attempts + 1 >= _MOST_TRIES
        state = DeliveryState.DEAD if given_up else DeliveryState.PENDING
        _settle(ws, [delivery], state, {"error": error.rule})


# ---------------------------------------------------------------- "Start training"


def _train(ws: Workspace, project: Project) -> tuple[DeliveryState, dict[str, Any]]:
    """Cut what is labelled now and start a training, unless one is under way; what forbids it waits for a person."""
    with ws.db.read() as tx:
        running = [run for run in runs.listing(tx, project.id) if run.state not in ENDED]
    if running:
        return DeliveryState.DONE, {"run": running[0].id, "new": False}
    try:
        version = cut(ws, project.id, CutOptions(who="label-studio")).version
        run = start(ws, plan(ws, project.id, PlanOptions(version=version.id), "label-studio"), "label-studio")
    except BridgeError as error:
        log.warning("training-not-started", project=project.id, rule=error.rule)
        return DeliveryState.WAITING, {"error": error.rule, "fields": {k: str(v) for k, v in error.fields.items()}}
    return DeliveryState.DONE, {"run": run.id, "new": True}
