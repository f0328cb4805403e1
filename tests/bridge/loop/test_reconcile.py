from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge import picture as looking
from bridge.errors import UnreachableError
from bridge.loop import events, reconcile
from bridge.loop.connect import connect, connect_folder
from bridge.loop.intake import Imported
from bridge.loop.reconcile import pull, receive, work_off
from bridge.loop.tool import reach
from bridge.model.annotation import Box, Document, Image, Region, State
from bridge.model.dataset import Dataset
from bridge.model.delivery import DeliveryState
from bridge.model.finding import Finding, Severity
from bridge.model.job import JobState, Node
from bridge.model.project import Source
from bridge.plugin import WriteOptions
from bridge.sample import LABELS
from bridge.store import datasets, findings, images, jobs, nodes, projects, revisions, runs, tokens
from tests.paper_studio import Asked, PaperStudio
from tests.serving import PROJECT
from tests.studio_bench import Bench

NAMES = list(LABELS)
ENGINE = {"engine": "darknet", "fork": "alexeyab", "version": "", "binary": "darknet"}


def box(label: str, x: float = 10.0, own: str = "r") -> dict[str, Any]:
    value = {"x": x, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": [label]}
    shape = {"id": own, "from_name": "label", "to_name": "image", "type": "rectanglelabels", "value": value}
    return {**shape, "original_width": 320, "original_height": 240, "image_rotation": 0}


def told(bench: Bench, source: Source, action: str, **rest: Any) -> str:
    """An event as the webhook hands it in."""
    event = {"action": action, "project": {"id": 1, "token": "secret"}, **rest}
    return receive(bench.ws, source, event, json.dumps(event).encode())


def created(task: int, annotation: int, at: str = "2026-11-24T04:53:53.661287Z") -> dict[str, Any]:
    return {"annotation": {"id": annotation, "task": task, "updated_at": at}, "task": {"id": task}}


def revisions_of(done: list[Imported]) -> int:
    return sum(one.revisions for one in done)


def all_findings(bench: Bench) -> list[Finding]:
    with bench.ws.db.read() as tx:
        return findings.listing(tx, bench.project)


# ---------------------------------------------------------------- polling


def test_a_pull_takes_what_people_did_once(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    name = bench.unseen()[0]
    paper.annotate(bench.task_of(source, name), box(NAMES[0]))
    assert [revisions_of(pull(bench.ws, PROJECT)) for _ in range(2)] == [1, 0]
    document = bench.present()[name].document
    assert document.regions is not None
    found = document.regions[0].box
    assert found is not None
    assert (found.left, found.top, found.right, found.bottom) == pytest.approx((32, 48, 128, 144))
    with bench.ws.db.read() as tx:
        kept = projects.find_source(tx, bench.project, source.name)
        ledger = [line for line in tokens.recorded(tx, bench.project) if line["what"] == "poll"]
    assert kept.cursor is not None
    # What only the poll found is on record.
    assert [line["fields"]["revisions"] for line in ledger] == [1]


def test_a_pull_that_breaks_off_is_done_again(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    for name in bench.unseen():
        paper.annotate(bench.task_of(source, name), box(NAMES[0]))
    paper.faults["GET /api/users/"] = [(503, {"detail": "busy"})] * 2

    def fail(asked: Asked) -> None:
        if asked.query.get("include", "").startswith("id,data"):
            paper.faults["GET /api/tasks/"] = [(500, {"detail": "database is locked"})] * 3

    paper.after = fail
    with pytest.raises(UnreachableError):
        pull(bench.ws, PROJECT)
    with bench.ws.db.read() as tx:
        assert projects.find_source(tx, bench.project, source.name).cursor is None
    paper.after = lambda asked: None
    assert revisions_of(pull(bench.ws, PROJECT)) == 2


def test_the_next_poll_is_always_due_and_old_ones_are_forgotten(bench: Bench, paper: PaperStudio) -> None:
    bench.connect()
    for _ in range(2):
        with bench.ws.db.write() as tx:
            [poll] = [job for job in jobs.listing(tx, bench.project) if job.kind == "pull"]
            held = jobs.lease(tx, poll.id, "bridge", time.time(), 30.0)
            assert held.lease is not None
            jobs.finish(tx, poll.id, held.lease.number, JobState.DONE)
        pull(bench.ws, PROJECT)
    with bench.ws.db.read() as tx:
        [due] = [job for job in jobs.listing(tx, bench.project) if job.kind == "pull"]
    assert due.state is JobState.QUEUED
    assert due.due > time.time() + 200
    # Also when the tool was away.
    paper.faults["GET /api/projects/1/"] = [(503, {"detail": "busy"})] * 3
    with pytest.raises(UnreachableError):
        pull(bench.ws, PROJECT)
    with bench.ws.db.read() as tx:
        assert [job.state for job in jobs.listing(tx, bench.project) if job.kind == "pull"] == [JobState.QUEUED]


def test_deleted_labels_and_tasks_are_kept_and_told(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    first, second = bench.unseen()
    for name in (first, second):
        paper.annotate(bench.task_of(source, name), box(NAMES[0]))
    pull(bench.ws, PROJECT)
    task = paper.tasks[bench.task_of(source, first)]
    task["annotations"], task["updated_at"] = [], "2099-01-01T00:00:00.000000Z"
    del paper.tasks[bench.task_of(source, second)]
    [done] = pull(bench.ws, PROJECT)
    assert {(f.image, f.fields["case"]) for f in done.findings if f.rule == "lost"} == {
        (first, "labels"),
        (second, "picture"),
    }
    assert all(bench.present()[name].document.state is State.LABELLED for name in (first, second))
    # And a poll that finds nothing new leaves the findings of what it did not read.
    pull(bench.ws, PROJECT)
    assert ("lost", second) in {(f.rule, f.image) for f in all_findings(bench)}
    # Nor does one that reads everything again forget it.
    with bench.ws.db.write() as tx:
        projects.set_cursor(tx, source.id, "")
    pull(bench.ws, PROJECT)
    assert [f.image for f in all_findings(bench) if f.rule == "lost" and f.fields["case"] == "picture"] == [second]


def test_findings_of_pictures_that_were_not_read_stay(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    first, second = bench.unseen()
    paper.annotate(bench.task_of(source, first), {**box(NAMES[0]), "type": "polygonlabels", "value": POLYGON})
    pull(bench.ws, PROJECT)
    before = [f for f in all_findings(bench) if f.image == first]
    assert [f.rule for f in before] == ["polygon"]
    paper.tasks[bench.task_of(source, first)]["updated_at"] = "2026-01-01T00:00:00.000000Z"
    paper.annotate(bench.task_of(source, second), box(NAMES[1]))
    pull(bench.ws, PROJECT)
    assert [f.rule for f in all_findings(bench) if f.image == first] == ["polygon"]


POLYGON = {"points": [[10, 10], [50, 10], [50, 50]], "polygonlabels": [NAMES[0]]}


def test_a_task_that_comes_back_is_no_longer_gone(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    number = bench.task_of(source, bench.unseen()[0])
    paper.tasks[number]["updated_at"] = "2026-01-01T00:00:00.000000Z"
    pull(bench.ws, PROJECT)
    task = paper.tasks.pop(number)

    def gone() -> list[bool]:
        pull(bench.ws, PROJECT)
        with bench.ws.db.read() as tx:
            return [item.gone for item in images.items(tx, source.id).values() if item.item == str(number)]

    assert gone() == [True]
    paper.tasks[number] = task  # Unchanged, as after a list that was cut short somewhere.
    assert gone() == [False]


def test_a_second_task_of_a_picture_is_told_and_not_mixed_in(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    name = bench.unseen()[0]
    number = bench.task_of(source, name)
    paper.annotate(number, box(NAMES[0]))
    twin = paper.task(source.options["ls_project"], **{k: paper.tasks[number][k] for k in ("data", "meta")})
    paper.annotate(twin, box(NAMES[1], 50))
    [done] = pull(bench.ws, PROJECT)
    [finding] = [f for f in done.findings if f.rule == "duplicate-asset"]
    assert (finding.image, finding.fields["item"], finding.fields["first"]) == (name, str(twin), str(number))
    assert [r.labels for r in bench.present()[name].document.regions or ()] == [(NAMES[0],)]
    # Once the first is deleted there, the second counts.
    del paper.tasks[number]
    pull(bench.ws, PROJECT)
    paper.annotate(twin, was_cancelled=True)
    pull(bench.ws, PROJECT)
    assert bench.task_of(source, name) == twin


def test_pictures_of_one_name_from_two_places_stay_two(bench: Bench, paper: PaperStudio) -> None:
    bench.connect(number=(number := paper.project(theirs())))
    tasks = [paper.task(number, f"http://{host}.test/a.jpg") for host in ("one", "two")]
    for task, label in zip(tasks, NAMES, strict=False):
        paper.annotate(task, box(label))
    pull(bench.ws, PROJECT)
    found = {n: [r.labels for r in c.document.regions or ()] for n, c in bench.present().items() if "a.jpg" in n}
    assert found == {"a.jpg": [(NAMES[0],)], f"{tasks[1]}/a.jpg": [(NAMES[1],)]}
    # And they stay what they are.
    assert revisions_of(pull(bench.ws, PROJECT)) == 0


def test_a_picture_of_another_size_is_not_taken_for_ours(bench: Bench, paper: PaperStudio) -> None:
    name = bench.unseen()[0]
    bench.connect(number=(number := paper.project(theirs())))
    same = paper.task(number, f"http://one.test/{name}")
    paper.annotate(same, box(NAMES[0]))
    other = paper.task(number, f"http://one.test/x/{bench.unseen()[1]}")
    paper.annotate(other, {**box(NAMES[0]), "original_width": 999})
    pull(bench.ws, PROJECT)
    present = bench.present()
    assert present[name].document.state is State.LABELLED
    assert bench.unseen() != []
    assert f"{other}/{bench.unseen()[0]}" in present


def theirs() -> str:
    labels = "".join(f'<Label value="{label}"/>' for label in LABELS)
    control = f'<RectangleLabels name="label" toName="image">{labels}</RectangleLabels>'
    return f'<View><Image name="image" value="$image"/>{control}</View>'


def test_one_tool_that_is_away_does_not_hold_up_another(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    other = paper.project(theirs())
    connect(bench.ws, PROJECT, bench.place, bench.token, other, name="second")
    paper.annotate(paper.task(other, "http://one.test/b.jpg"), box(NAMES[0]))
    paper.faults[f"GET /api/projects/{source.options['ls_project']}/"] = [(503, {"detail": "busy"})] * 3
    with pytest.raises(UnreachableError):
        pull(bench.ws, PROJECT)
    assert bench.present()["b.jpg"].document.state is State.LABELLED


def test_a_folder_that_loses_a_picture_is_told(bench: Bench, tmp_path: Path, picture: Callable[..., Path]) -> None:
    folder, shown = tmp_path / "vott", tmp_path / "shown"
    folder.mkdir()
    files = [picture(f"{name}.jpg", width, folder=shown) for name, width in (("一", 40), ("二", 50))]
    found = [Image(f.name, w, 48, file=looking.stamp(f)) for f, w in zip(files, (40, 50), strict=True)]
    documents = [Document(image, (Region.rectangle(Box(1, 2, 20, 30), NAMES[0]),)) for image in found]
    write = bench.ws.registry.format("vott-v2").write
    write(Dataset("部品", tuple(LABELS), documents), folder, WriteOptions("none"))
    source = connect_folder(bench.ws, PROJECT, "vott-v2", folder)
    [first] = pull(bench.ws, PROJECT, source.name)
    assert (first.images, [f for f in first.findings if f.rule == "lost"]) == (2, [])
    # When the annotator takes a picture away
    for file in (files[0], *folder.iterdir()):
        file.unlink()
    write(Dataset("部品", tuple(LABELS), documents[1:]), folder, WriteOptions("none"))
    for file in folder.iterdir():
        os.utime(file, (1, 1))  # Nobody is writing it any more.
    [second] = pull(bench.ws, PROJECT, source.name)
    assert [(f.image, f.fields["case"]) for f in second.findings if f.rule == "lost"] == [("一.jpg", "picture")]
    assert bench.present()["一.jpg"].document.state is State.LABELLED


# ---------------------------------------------------------------- events


def test_an_event_is_kept_without_secrets_and_makes_its_work_due_once(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    number = bench.task_of(source, bench.unseen()[0])
    first = told(bench, source, "ANNOTATION_CREATED", **created(number, 5))
    # The same one by another way (the ML backend's webhook), and another one.
    assert told(bench, source, "ANNOTATION_CREATED", **created(number, 5), twin=True) == first
    assert told(bench, source, "ANNOTATION_UPDATED", **created(number, 5)) == first
    kept = bench.events(DeliveryState.PENDING)
    assert sorted(d.body["event"]["action"] for d in kept) == ["ANNOTATION_CREATED", "ANNOTATION_UPDATED"]
    assert all(d.body["event"]["project"] == {"id": 1, "token": "[redacted]"} for d in kept)
    with bench.ws.db.read() as tx:
        assert [job.kind for job in jobs.listing(tx, bench.project)].count("webhook") == 1


def test_events_lead_to_what_the_tool_says_now(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    name = bench.unseen()[0]
    number = bench.task_of(source, name)
    # Two events in the wrong order: what they say does not matter, only where they point.
    annotation = paper.annotate(number, box(NAMES[1]))
    told(bench, source, "ANNOTATION_UPDATED", **created(number, annotation, "2026-11-24T05:00:00Z"))
    told(bench, source, "ANNOTATION_CREATED", **created(number, annotation))
    before = len(paper.asked)
    assert revisions_of(work_off(bench.ws, PROJECT)) == 1
    assert [r.labels for r in bench.present()[name].document.regions or ()] == [(NAMES[1],)]
    assert bench.events(DeliveryState.PENDING) == []
    # Only the named task was asked for.
    queries = [json.loads(a.query["query"]) for a in paper.asked[before:] if a.path == "/api/tasks/"]
    assert [q["filters"]["items"][0]["value"] for q in queries] == [[number]]
    assert work_off(bench.ws, PROJECT) == []


def test_a_deletion_names_no_task_and_is_found_all_the_same(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    name = bench.unseen()[0]
    task = paper.tasks[bench.task_of(source, name)]
    annotation = paper.annotate(task["id"], box(NAMES[0]))
    pull(bench.ws, PROJECT)
    task["annotations"], task["updated_at"] = [], "2099-01-01T00:00:00.000000Z"
    told(bench, source, "ANNOTATIONS_DELETED", annotations=[{"id": annotation}])
    [done] = work_off(bench.ws, PROJECT)
    assert [(f.rule, f.image) for f in done.findings] == [("lost", name)]
    assert bench.present()[name].document.state is State.LABELLED


def test_tasks_that_we_made_ourselves_are_not_read_again(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    ours = [{"id": number} for number in paper.tasks]
    told(bench, source, "TASKS_CREATED", tasks=ours)
    before = len(paper.asked)
    assert work_off(bench.ws, PROJECT) == []
    assert len(paper.asked) == before
    new = paper.task(source.options["ls_project"], "http://one.test/new.jpg")
    told(bench, source, "TASKS_CREATED", tasks=[*ours, {"id": new}])
    assert [one.images for one in work_off(bench.ws, PROJECT)] == [1]


def test_events_wait_while_the_tool_is_away_and_a_poll_settles_them_too(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    number = bench.task_of(source, bench.unseen()[0])
    paper.annotate(number, box(NAMES[0]))
    told(bench, source, "ANNOTATION_CREATED", **created(number, 5))
    paper.faults[f"GET /api/projects/{source.options['ls_project']}/"] = [(503, {"detail": "busy"})] * 3
    with pytest.raises(UnreachableError):
        work_off(bench.ws, PROJECT)
    [waiting] = bench.events(DeliveryState.PENDING)
    assert (waiting.attempts, waiting.outcome) == (1, {"error": "label-studio-failed"})
    assert revisions_of(pull(bench.ws, PROJECT)) == 1
    assert bench.events(DeliveryState.PENDING) == []


def test_an_event_that_fails_for_ever_is_put_aside_and_kept(
    bench: Bench, paper: PaperStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "_MOST_TRIES", 2)
    source = bench.connect()
    told(bench, source, "ANNOTATION_CREATED", **created(bench.task_of(source, bench.unseen()[0]), 5))
    paper.faults[f"GET /api/projects/{source.options['ls_project']}/"] = [(503, {"detail": "busy"})] * 6
    for _ in range(2):
        with pytest.raises(UnreachableError):
            work_off(bench.ws, PROJECT)
    [event] = bench.events()
    assert event.state is DeliveryState.DEAD


def test_events_of_a_connection_that_was_removed_are_settled(bench: Bench) -> None:
    source = bench.connect()
    told(bench, source, "ANNOTATION_CREATED", **created(1, 5))
    with bench.ws.db.write() as tx:
        projects.remove_source(tx, source.id)
    assert work_off(bench.ws, PROJECT) == []
    [event] = bench.events(DeliveryState.DONE)
    assert event.outcome == {"source": "removed"}


def test_a_renamed_picture_in_the_tool_stays_the_same_one(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect(number=(number := paper.project(theirs())))
    task = paper.task(number, "http://one.test/a.jpg")
    paper.annotate(task, box(NAMES[0]))
    pull(bench.ws, PROJECT)
    paper.tasks[task]["data"] = {"image": "http://one.test/renamed.jpg"}
    paper.annotate(task, was_cancelled=True)
    pull(bench.ws, PROJECT)
    assert "renamed.jpg" not in bench.present()
    assert bench.task_of(source, "a.jpg") == task


# ---------------------------------------------------------------- "Start training"


def ready(bench: Bench) -> None:
    """A living node, and no training under way."""
    with bench.ws.db.write() as tx:
        for job in jobs.listing(tx, bench.project):
            jobs.cancel(tx, job.id)
        nodes.put(tx, Node("here", engine=ENGINE, queues=("train", "detect"), seen=time.time() + 600))


def test_start_training_trains_on_what_is_labelled_now(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    ready(bench)
    name = bench.unseen()[0]
    paper.annotate(bench.task_of(source, name), box(NAMES[0]))
    told(bench, source, "ANNOTATION_CREATED", **created(bench.task_of(source, name), 5))
    told(bench, source, events.START_TRAINING)
    work_off(bench.ws, PROJECT)
    with bench.ws.db.read() as tx:
        newest = runs.listing(tx, bench.project)[0]
        members = datasets.find(tx, newest.version).members
    assert newest.state is JobState.QUEUED
    assert name in {member.name for member in members}
    # Pressed again while that goes on: nothing new.
    told(bench, source, events.START_TRAINING)
    work_off(bench.ws, PROJECT)
    outcomes = [d.outcome for d in bench.events(DeliveryState.DONE) if d.body["event"]["action"] == "START_TRAINING"]
    assert outcomes == [{"run": newest.id, "new": False}, {"run": newest.id, "new": True}]


def test_a_training_that_cannot_start_waits_for_a_person(bench: Bench) -> None:
    source = bench.connect()
    with bench.ws.db.write() as tx:
        for job in jobs.listing(tx, bench.project):
            jobs.cancel(tx, job.id)
    told(bench, source, events.START_TRAINING)
    work_off(bench.ws, PROJECT)
    [event] = bench.events(DeliveryState.WAITING)
    assert event.outcome["error"] == "worker-missing"


# ---------------------------------------------------------------- what two tools say


def test_a_clash_with_labels_from_elsewhere_is_an_open_conflict(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    name = next(n for n, c in bench.present().items() if c.heads == 1)
    paper.annotate(bench.task_of(source, name), box(NAMES[0]))
    [done] = pull(bench.ws, PROJECT)
    assert [(f.rule, f.severity, f.image) for f in done.findings if f.rule == "conflict"] == [
        ("conflict", Severity.ERROR, name)
    ]
    with bench.ws.db.read() as tx:
        image = images.find(tx, bench.project, name)
        assert len(revisions.heads(tx, image.id or 0, projects.labels(tx, bench.project))) == 2


def test_a_tool_is_opened_with_the_hosts_that_a_person_allowed(bench: Bench) -> None:
    source = bench.connect()
    ws = replace(bench.ws, settings=replace(bench.ws.settings, fetch_hosts="one.test, two.test:81"))
    assert reach(ws, source)._source.options["fetch_hosts"] == ["one.test", "two.test:81"]  # type: ignore[attr-defined]
