"""The way to Label Studio and back, with the real server, a running bridge and an annotator at a browser's session."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.errors import AccessError, InputError
from bridge.label_studio import Server
from bridge.loop import connect, intake, predict, push, reconcile
from bridge.loop.connect import ConnectOptions
from bridge.loop.cut import CutOptions, cut
from bridge.model.annotation import Document, State, fold_name
from bridge.model.dataset import Reading
from bridge.model.delivery import Delivery, DeliveryState
from bridge.model.project import Source
from bridge.model.training import Checkpoint
from bridge.plugin import PushOutcome
from bridge.sample import LABELS, draw_sample
from bridge.settings import Settings
from bridge.store import deliveries, images, jobs, projects, revisions, runs
from bridge.store.revisions import Current
from bridge.workspace import Workspace, open_workspace
from tests.serving import PROJECT, due_run, recipe, serving
from tests.stories.label_studio import Person, box

pytestmark = pytest.mark.story


@dataclass
class Bench:
    """A running bridge with a project: pictures, some of them labelled, and checkpoints with predictions."""

    ws: Workspace
    server: Server
    project: str = ""
    run: str = ""

    def draw(self, folder: Path, labelled: int, others: int) -> None:
        documents = draw_sample(folder, labelled, others)
        unseen: list[Document] = [replace(d, regions=None) for d in documents[labelled:]]
        said = [*documents[:labelled], *unseen]
        with self.ws.db.write() as tx:
            project = projects.create(tx, PROJECT)
            source = projects.put_source(tx, project.id, "import", "import", str(folder))
        intake.take(self.ws, project, source, Reading(tuple(LABELS), iter(said), len(said)), "test")
        version = cut(self.ws, project.id, CutOptions(fraction=0.5)).version
        self.project, self.run = project.id, due_run(self.ws, version.id, recipe(self.ws)).id

    def checkpoint(self, name: str, boxes: int = 3, shift: float = 0.0) -> str:
        """A published checkpoint that saw these boxes in every picture."""
        with self.ws.db.write() as tx:
            blob = self.ws.blobs.put(name.encode())
            kept, _ = runs.put_checkpoint(tx, Checkpoint(name, self.run, 1000, "numbered", blob, 1))
            found = {
                image.id: [
                    (k % 3, 0.9 - k / 10, 20.0 + 50 * k + shift, 30.0, 60.0 + 50 * k, 90.0) for k in range(boxes)
                ]
                for image in images.known_images(tx, self.project).values()
                if image.id is not None
            }
            predict.keep(tx, self.project, kept.id, found)
            projects.publish(tx, self.project, kept.id)
        return kept.id

    def connect(self, token: str | None = None, number: int | None = None, **options: bool) -> Source:
        place, told = self.server.url, token or self.server.access.token
        return connect.connect(self.ws, self.project, place, told, number, options=ConnectOptions(**options))

    def push(self, **rest: float) -> PushOutcome:
        return push.push(self.ws, self.project, "label-studio", **rest)[0]

    def present(self) -> dict[str, Current]:
        with self.ws.db.read() as tx:
            found = revisions.current(tx, self.project, projects.labels(tx, self.project))
            return {current.document.image.name: current for current in found}

    def task_of(self, source: Source, name: str) -> int:
        with self.ws.db.read() as tx:
            image = images.find(tx, self.project, name)
            return int(images.items(tx, source.id)[image.id or 0].item or 0)

    def events(self, state: DeliveryState | None = None) -> list[Delivery]:
        with self.ws.db.read() as tx:
            return deliveries.listing(tx, self.project, state, "in")

    def waiting(self, action: str) -> list[Delivery]:
        return [d for d in self.events(DeliveryState.PENDING) if d.body["event"]["action"] == action]


@pytest.fixture
def bench(tmp_path: Path, label_studio: Server) -> Iterator[Bench]:
    """Twelve pictures, four of them labelled."""
    with running(tmp_path, label_studio, 4, 8) as made:
        yield made


class running:  # noqa: N801
    """A bench for as long as the block lasts."""

    def __init__(self, folder: Path, server: Server, labelled: int, others: int) -> None:
        self._ws = open_workspace(Settings(data=folder / "data"), create=True)
        self._served = serving(self._ws)
        self._given = (folder / "pictures", labelled, others)
        self._server = server

    def __enter__(self) -> Bench:
        url = self._served.__enter__().url
        made = Bench(replace(self._ws, settings=replace(self._ws.settings, public_url=url)), self._server)
        made.draw(*self._given)
        return made

    def __exit__(self, *_: object) -> None:
        self._served.__exit__(None, None, None)
        self._ws.close()


def unseen(bench: Bench) -> list[str]:
    return [name for name, current in bench.present().items() if current.heads == 0]


def versions(person: Person, project: int) -> dict[str, int]:
    """How many predictions of each version Label Studio holds."""
    found: dict[str, int] = {}
    for one in person.get(f"/api/predictions/?project={project}"):
        found[one["model_version"]] = found.get(one["model_version"], 0) + 1
    return found


def number_of(source: Source) -> int:
    return int(source.options["ls_project"])


# ---------------------------------------------------------------- there


def test_380_pictures_and_their_predictions_reach_the_annotator(tmp_path: Path, label_studio: Server) -> None:
    with running(tmp_path, label_studio, 20, 360) as bench, Person(label_studio) as person:
        # Given a checkpoint that has looked at 380 pictures
        version = bench.checkpoint("cafe0001", boxes=5)
        # When the project is connected and pushed
        source = bench.connect()
        outcome = bench.push()
        # Then every prediction arrived
        assert (outcome.sent, outcome.accepted, outcome.refused) == (380, 380, ())
        assert versions(person, number_of(source)) == {version: 380}
        # And the label stream shows them, over our picture
        task = person.next(number_of(source))
        assert [(p["model_version"], len(p["result"])) for p in task["predictions"]] == [(version, 5)]
        picture = requests.get(task["data"]["image"], timeout=10)
        assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/jpeg")
        # And doing all of it again changes nothing
        assert number_of(bench.connect()) == number_of(source)
        assert [one.new for one in connect.export_tasks(bench.ws, PROJECT)] == [0]
        again = bench.push()
        assert (again.accepted, again.detail["created"], again.detail["changed"]) == (380, 0, 0)
        assert person.get(f"/api/projects/{number_of(source)}/")["task_number"] == 380
        assert len(person.get(f"/api/webhooks/?project={number_of(source)}")) == 1


def test_a_prediction_that_is_left_out_silently_is_reported(bench: Bench, label_studio: Server) -> None:
    with Person(label_studio) as person:
        # Given a project of somebody's own, whose config lacks one of our labels
        config = '<View><Image name="img" value="$picture"/><RectangleLabels name="kind" toName="img">{}</RectangleLabels></View>'
        known = "".join(f'<Label value="{label}"/>' for label in list(LABELS)[:2])
        made = person.ask(
            "POST", "/api/projects/", json={"title": "theirs", "label_config": config.format(known)}
        ).json()
        source = bench.connect(number=made["id"])
        connect.export_tasks(bench.ws, PROJECT, "label-studio")
        # When predictions are pushed, of which each holds one box of the missing label
        bench.checkpoint("cafe0002", boxes=3)
        outcome = bench.push()
        # Then nothing is said to have arrived, and each picture is named with the reason
        assert (outcome.sent, outcome.accepted) == (12, 0)
        refused = [f for f in outcome.refused if f.rule == "push-refused"]
        assert len({f.image for f in refused}) == 12
        assert list(LABELS)[2] in refused[0].fields["reason"]
        assert [f.fields["label"] for f in outcome.refused if f.rule == "label-not-in-tool"] == list(LABELS)[2:]
        # And those without that label arrive
        bench.checkpoint("cafe0003", boxes=2)
        assert bench.push().accepted == 12
        assert person.next(number_of(source))["predictions"][0]["result"][0]["from_name"] == "kind"


# ---------------------------------------------------------------- and back


def test_what_a_person_submits_becomes_a_revision(bench: Bench, label_studio: Server) -> None:
    source = bench.connect()
    name = unseen(bench)[0]
    label = list(LABELS)[0]
    with Person(label_studio) as person:
        # When an annotator draws and submits
        answer = person.submit(bench.task_of(source, name), [box(label, 10, 20, 30, 40, id="r1")])
        assert answer.status_code == 201
        # Then the event was kept before he had his answer
        [event] = bench.waiting("ANNOTATION_CREATED")
        assert event.body["event"]["project"]["token"] == "[redacted]"
        assert bench.present()[name].heads == 0
        # And once it is worked off, his box is there, in pixels and under his name
        [done] = reconcile.work_off(bench.ws, bench.project)
        assert (done.revisions, done.boxes) == (1, 1)
        current = bench.present()[name].document
        image = current.image
        assert current.regions is not None
        found = current.regions[0].box
        assert found is not None
        expected = (0.1 * image.width, 0.2 * image.height, 0.4 * image.width, 0.6 * image.height)
        assert (found.left, found.top, found.right, found.bottom) == pytest.approx(expected)
        with bench.ws.db.read() as tx:
            [revision] = revisions.heads(tx, image.id or 0, projects.labels(tx, bench.project))
        assert revision.author == f"label-studio:{label_studio.access.user}"
        assert bench.events(DeliveryState.PENDING) == [] or not bench.waiting("ANNOTATION_CREATED")
        # And a poll finds nothing new
        assert [one.revisions for one in reconcile.pull(bench.ws, PROJECT)] == [0]
        assert [one.revisions for one in reconcile.pull(bench.ws, PROJECT)] == [0]


def test_a_skipped_picture_is_no_labelling_and_a_lost_event_is_found(bench: Bench, label_studio: Server) -> None:
    source = bench.connect()
    skipped, lost, empty = unseen(bench)[:3]
    label = list(LABELS)[0]
    with Person(label_studio) as person:
        drawn = [box(label, 1, 2, 3, 4, id="r1")]
        person.submit(bench.task_of(source, skipped), drawn, was_cancelled=True)
        person.submit(bench.task_of(source, empty), [])
        reconcile.work_off(bench.ws, bench.project)
        assert bench.present()[skipped].heads == 0
        assert bench.present()[empty].document.state is State.REVIEWED_EMPTY
        # Given an annotation of which no event told us (they are imported without any)
        reconcile.pull(bench.ws, PROJECT)
        number = bench.task_of(source, lost)
        person.ask("POST", f"/api/tasks/{number}/annotations/", json={"result": drawn})
        with bench.ws.db.write() as tx:
            for event in bench.events(DeliveryState.PENDING):
                deliveries.settle(tx, event.id, DeliveryState.DONE, {})
        # When the tool is polled, then it is found
        [done] = reconcile.pull(bench.ws, PROJECT)
        assert done.revisions == 1
        assert bench.present()[lost].document.state is State.LABELLED


def test_what_is_deleted_there_is_kept_here(bench: Bench, label_studio: Server) -> None:
    source = bench.connect()
    first, second = unseen(bench)[:2]
    label = list(LABELS)[0]
    with Person(label_studio) as person:
        made = person.submit(bench.task_of(source, first), [box(label, 1, 2, 30, 40, id="r1")]).json()
        person.submit(bench.task_of(source, second), [box(label, 1, 2, 30, 40, id="r1")])
        reconcile.work_off(bench.ws, bench.project)
        # When one annotation and one whole task are deleted
        assert person.ask("DELETE", f"/api/annotations/{made['id']}/").status_code == 204
        assert person.ask("DELETE", f"/api/tasks/{bench.task_of(source, second)}/").status_code == 204
        assert bench.waiting("ANNOTATIONS_DELETED")
        assert bench.waiting("TASKS_DELETED")
        done = reconcile.work_off(bench.ws, bench.project)
    # Then both pictures keep their labels, and the findings say what is gone
    assert bench.present()[first].document.state is State.LABELLED
    assert bench.present()[second].document.state is State.LABELLED
    lost = {(f.image, f.fields["case"]) for one in done for f in one.findings if f.rule == "lost"}
    assert lost == {(first, "labels"), (second, "picture")}
    # And a picture that a person deleted there is not shown there again
    assert [one.new for one in connect.export_tasks(bench.ws, PROJECT)] == [0]


# ---------------------------------------------------------------- while people work


def test_an_edit_during_a_push_is_not_lost(bench: Bench, label_studio: Server) -> None:
    old = bench.checkpoint("cafe0010")
    source = bench.connect()
    bench.push()
    with Person(label_studio) as person:
        # Given an annotator who has a picture open, with the old version's boxes
        task = person.next(number_of(source))
        [shown] = task["predictions"]
        assert shown["model_version"] == old
        # When a newer version replaces them meanwhile
        new = bench.checkpoint("cafe0011", boxes=2)
        assert bench.push().accepted == 12
        # Then the label stream shows only the new one
        assert [p["model_version"] for p in person.next(number_of(source))["predictions"]] == [new]
        # And what he then submits is taken, since the prediction that it is based on is still there
        moved = [{**shown["result"][0], "origin": "prediction-changed"}, *shown["result"][1:]]
        answer = person.submit(task["id"], moved, parent_prediction=shown["id"])
        assert answer.status_code == 201, answer.text
        reconcile.work_off(bench.ws, bench.project)
        # When nobody can have it open any more, then there is one prediction for each picture
        outcome = bench.push(grace=0)
        assert (outcome.accepted, outcome.detail["removed"]) == (12, 12)
        assert versions(person, number_of(source)) == {new: 12}
        # And his annotation is as he made it
        [annotation] = person.get(f"/api/tasks/{task['id']}/annotations/")
        assert len(annotation["result"]) == 3


def test_predictions_that_changed_are_changed_in_place(bench: Bench, label_studio: Server) -> None:
    version = bench.checkpoint("cafe0012")
    source = bench.connect()
    bench.push()
    with Person(label_studio) as person:
        before = {p["id"]: p["result"] for p in person.get(f"/api/predictions/?project={number_of(source)}")}
        # When the same checkpoint looks again and sees something else
        bench.checkpoint("cafe0012", boxes=2, shift=5)
        outcome = bench.push()
        # Then each prediction is the same one with other boxes
        after = {p["id"]: p["result"] for p in person.get(f"/api/predictions/?project={number_of(source)}")}
        assert outcome.detail["changed"] == 12
        assert set(before) == set(after)
        assert {len(result) for result in after.values()} == {2}
        assert versions(person, number_of(source)) == {version: 12}


def test_a_push_that_broke_off_is_gone_on_with(bench: Bench, label_studio: Server) -> None:
    version = bench.checkpoint("cafe0013")
    source = bench.connect()
    tasks = [bench.task_of(source, name) for name in bench.present()]
    with Person(label_studio) as person:
        # Given that half of them are there already, two of them twice, and one task was deleted
        half = [{"task": task, "result": [], "model_version": version} for task in (*tasks[:6], *tasks[:2])]
        person.ask("POST", f"/api/projects/{number_of(source)}/import/predictions", json=half)
        person.ask("DELETE", f"/api/tasks/{tasks[11]}/")
        # When it is pushed
        outcome = bench.push()
        # Then everything is there once
        assert (outcome.sent, outcome.accepted) == (12, 11)
        assert [f.fields["case"] for f in outcome.refused] == ["gone"]
        assert versions(person, number_of(source)) == {version: 11}


def test_an_event_is_answered_at_once_while_the_store_is_busy(
    bench: Bench, label_studio: Server, tmp_path: Path
) -> None:
    source = bench.connect()
    names = unseen(bench)
    # Given a large import that writes all the time
    stop = threading.Event()
    busy = threading.Thread(target=import_until, args=(bench, stop))
    busy.start()
    try:
        # When an annotator works meanwhile
        with Person(label_studio) as person:
            seconds = []
            for name in names:
                number = bench.task_of(source, name)
                began = time.monotonic()
                assert person.submit(number, [box(list(LABELS)[0], 1, 2, 30, 40, id="r")]).status_code == 201
                seconds.append(time.monotonic() - began)
    finally:
        stop.set()
        busy.join()
    # Then no event was lost: Label Studio gives up after a second and never sends one again
    assert len(bench.waiting("ANNOTATION_CREATED")) == len(names)
    assert sorted(seconds)[len(seconds) // 2] < 0.5


def import_until(bench: Bench, stop: threading.Event) -> None:
    """Import thousands of pictures, again and again with other boxes."""
    with bench.ws.db.write() as tx:
        project = projects.create(tx, "big")
        source = projects.put_source(tx, project.id, "import", "import", "/nowhere")
    labelled = [d for d in bench.present().values() if d.document.regions]
    while not stop.is_set():
        for turn in range(100):
            if stop.is_set():
                return
            regions = labelled[turn % len(labelled)].document.regions
            said = [
                Document(
                    replace(labelled[0].document.image, name=f"{n}-{turn}.jpg", id=None, file=None, sha256=None),
                    regions,
                )
                for n in range(500)
            ]
            intake.take(bench.ws, project, source, Reading(tuple(LABELS), iter(said), len(said)), "test")
