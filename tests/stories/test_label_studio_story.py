"""The way to Label Studio and back, with the real server, a running bridge and an annotator at a browser's session."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.errors import AccessError, InputError, MissingPartError
from bridge.label_studio import Server, fresh_server
from bridge.loop import connect, intake, reconcile
from bridge.loop.resolve import resolve
from bridge.loop.tally import tally
from bridge.model.annotation import Box, Document, State
from bridge.model.dataset import Reading
from bridge.model.delivery import DeliveryState
from bridge.model.job import JobState, Node
from bridge.model.prediction import Counts
from bridge.model.project import Source
from bridge.running import Running, free_port
from bridge.sample import LABELS
from bridge.settings import Settings
from bridge.store import deliveries, images, jobs, nodes, projects, revisions, runs
from bridge.store.tables import prediction
from bridge.texts import render
from bridge.workspace import open_workspace
from tests.parts import CHROMIUM, absent
from tests.serving import PROJECT, serving
from tests.stories.label_studio import Person, box
from tests.studio_bench import Bench

pytestmark = pytest.mark.story
NAMES = list(LABELS)


@pytest.fixture
def bench(tmp_path: Path, label_studio: Server) -> Iterator[Bench]:
    """Twelve pictures, four of them labelled."""
    with running(tmp_path, label_studio, 4, 8) as made:
        yield made


@contextmanager
def running(folder: Path, server: Server, labelled: int, others: int) -> Iterator[Bench]:
    """A bench behind a running web server."""
    ws = open_workspace(Settings(data=folder / "data"), create=True)
    try:
        with serving(ws) as served:
            ws = replace(ws, settings=replace(ws.settings, public_url=served.url))
            made = Bench(ws, server.url, server.access.token)
            made.draw(folder / "pictures", labelled, others)
            yield made
    finally:
        ws.close()


def versions(person: Person, project: int) -> dict[str, int]:
    """How many predictions of each version Label Studio holds."""
    found: dict[str, int] = {}
    for one in person.get(f"/api/predictions/?project={project}"):
        found[one["model_version"]] = found.get(one["model_version"], 0) + 1
    return found


def boxes_of(labels: list[str]) -> str:
    """A labeling config of somebody's own."""
    known = "".join(f'<Label value="{label}"/>' for label in labels)
    control = f'<RectangleLabels name="label" toName="image">{known}</RectangleLabels>'
    return f'<View><Image name="image" value="$image"/>{control}</View>'


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
        config = (
            boxes_of(NAMES[:2]).replace('"image"', '"img"').replace("$image", "$picture").replace('"label"', '"kind"')
        )
        made = person.ask("POST", "/api/projects/", json={"title": "theirs", "label_config": config}).json()
        source = bench.connect(number=made["id"])
        connect.export_tasks(bench.ws, PROJECT, "label-studio")
        # When predictions are pushed, of which each holds one box of the missing label
        bench.checkpoint("cafe0002", boxes=3)
        outcome = bench.push()
        # Then nothing is said to have arrived, and each picture is named with the reason
        assert (outcome.sent, outcome.accepted) == (12, 0)
        refused = [f for f in outcome.refused if f.rule == "push-refused"]
        assert len({f.image for f in refused}) == 12
        assert NAMES[2] in refused[0].fields["reason"]
        assert [f.fields["label"] for f in outcome.refused if f.rule == "label-not-in-tool"] == NAMES[2:]
        # And those without that label arrive
        bench.checkpoint("cafe0003", boxes=2)
        assert bench.push().accepted == 12
        assert person.next(number_of(source))["predictions"][0]["result"][0]["from_name"] == "kind"


# ---------------------------------------------------------------- and back


def test_what_a_person_submits_becomes_a_revision(bench: Bench, label_studio: Server) -> None:
    source = bench.connect()
    name = bench.unseen()[0]
    label = NAMES[0]
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
    skipped, lost, empty = bench.unseen()[:3]
    label = NAMES[0]
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
    first, second = bench.unseen()[:2]
    label = NAMES[0]
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
    names = bench.unseen()
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
                assert person.submit(number, [box(NAMES[0], 1, 2, 30, 40, id="r")]).status_code == 201
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


def test_in_a_real_browser_boxes_are_seen_and_submitted_while_a_newer_version_comes(
    bench: Bench, label_studio: Server, tmp_path: Path
) -> None:
    from playwright.sync_api import sync_playwright

    if not Path(CHROMIUM).exists():
        absent("chromium")
    bench.checkpoint("cafe0040")
    source = bench.connect()
    bench.push()
    with Person(label_studio) as person, sync_playwright() as play:
        page = play.chromium.launch(executable_path=CHROMIUM).new_context(viewport={"width": 1400, "height": 900})
        page.add_cookies(person.cookies())  # type: ignore[arg-type]
        stream = page.new_page()
        pictures: list[Any] = []
        stream.on("response", lambda answer: pictures.append(answer) if "/pictures/" in answer.url else None)
        # Given a person who opens the label stream
        stream.goto(f"{label_studio.url}/projects/{number_of(source)}/data?labeling=1")
        stream.wait_for_selector(".lsf-outliner-item__title", timeout=60_000)
        # Then our picture is drawn, and the predicted boxes are listed with their scores
        titles = stream.locator(".lsf-outliner-item__title")
        assert [title.strip() for title in titles.all_inner_texts()] == NAMES[:3]
        stream.wait_for_function("[...document.images].some(i => i.naturalWidth === 320)", timeout=30_000)
        assert [answer.status for answer in pictures] == [200]
        stream.screenshot(path=str(tmp_path / "annotator.png"))
        # When a newer version replaces the one on the screen, and then Submit is pressed
        bench.checkpoint("cafe0041", boxes=2)
        bench.push()
        with stream.expect_response(lambda r: "/annotations" in r.url and r.request.method == "POST") as answered:
            stream.get_by_test_id("bottombar-submit-button").click()
        # Then it is taken
        assert answered.value.status == 201
        task = int(answered.value.json()["task"])
    # And it is here, box by box where the model had seen it, as a person's work
    reconcile.work_off(bench.ws, bench.project)
    with bench.ws.db.read() as tx:
        image_id = images.tool_ids(tx, source.id)[str(task)]
        newest = revisions.history(tx, image_id, projects.labels(tx, bench.project))[-1]
        _, picture = images.find_id(tx, image_id)
    assert newest.author == f"label-studio:{label_studio.access.user}"
    found = [(region.labels, region.author, region.box) for region in newest.regions]
    for (labels, author, drawn), (k, label) in zip(found, enumerate(NAMES[:3]), strict=True):
        assert (labels, author) == ((label,), None)
        assert drawn is not None
        assert (drawn.left, drawn.top, drawn.right, drawn.bottom) == pytest.approx((20 + 50 * k, 30, 60 + 50 * k, 90))
    # When his labels are preferred to those from elsewhere, what he judged are the boxes that were on the screen
    assert tally(bench.ws, bench.project) == []
    resolve(bench.ws, bench.project, picture.name, newest.id)
    [fared] = tally(bench.ws, bench.project)
    assert (fared.checkpoint, fared.pictures, fared.total) == ("cafe0040", 1, Counts(kept=3))


# ---------------------------------------------------------------- as ML backend


def test_we_are_an_ml_backend_with_a_password(bench: Bench, label_studio: Server) -> None:
    version = bench.checkpoint("cafe0050")
    with Person(label_studio) as person:
        # When the project is connected with us as ML backend
        source = bench.connect(backend=True)
        number = number_of(source)
        [backend] = person.get(f"/api/ml/?project={number}")
        assert (backend["readable_state"], backend["model_version"]) == ("Connected", version)
        # Then Label Studio does not ask us at every "next task", and its own webhook carries our secret
        assert not person.get(f"/api/projects/{number}/")["model_version"]
        hooks = person.get(f"/api/webhooks/?project={number}")
        assert len(hooks) == 2
        assert all(hook["headers"].get("X-Labelbridge-Secret") for hook in hooks)
        assert not any(hook["send_for_all_actions"] for hook in hooks)
        # When predictions are retrieved, twice
        for _ in range(2):
            path = f"/api/dm/actions?id=retrieve_tasks_predictions&project={number}"
            got = person.ask("POST", path, json={"selectedItems": {"all": True, "excluded": []}})
            assert got.ok
        # Then each task has one, and a push finds nothing to do
        assert versions(person, number) == {version: 12}
        assert bench.push().detail["created"] == 0
        assert person.get(f"/api/ml/{backend['id']}/versions") == {"versions": [version]}
        # And a wrong password is told as such
        wrong = {"project": number, "url": backend["url"], "title": "x", "auth_method": "BASIC_AUTH"}
        wrong |= {"basic_auth_user": "labelbridge", "basic_auth_pass": "wrong"}
        assert "authentication parameters" in person.ask("POST", "/api/ml/", json=wrong).text
        # And connecting once more doubles nothing
        bench.connect(backend=True)
        assert len(person.get(f"/api/ml/?project={number}")) == 1
        assert len(person.get(f"/api/webhooks/?project={number}")) == 2
        assert person.get(f"/api/projects/{number}/")["model_version"] == version


def test_a_saved_annotation_comes_once_although_two_webhooks_tell_of_it(bench: Bench, label_studio: Server) -> None:
    source = bench.connect(backend=True)
    with Person(label_studio) as person:
        person.submit(bench.task_of(source, bench.unseen()[0]), [box(NAMES[0], 1, 2, 30, 40, id="r")])
    assert len(bench.waiting("ANNOTATION_CREATED")) == 1
    assert [one.revisions for one in reconcile.work_off(bench.ws, bench.project)] == [1]


def test_what_is_not_predicted_yet_is_made_due_once(bench: Bench, label_studio: Server) -> None:
    version = bench.checkpoint("cafe0051")
    with bench.ws.db.write() as tx:
        tx.execute(prediction.delete().where(prediction.c.image_id.in_([1, 2])))
    with Person(label_studio) as person:
        source = bench.connect(backend=True)
        for _ in range(2):
            path = f"/api/dm/actions?id=retrieve_tasks_predictions&project={number_of(source)}"
            assert person.ask("POST", path, json={"selectedItems": {"all": True, "excluded": []}}).ok
        assert versions(person, number_of(source)) == {version: 10}
    with bench.ws.db.read() as tx:
        [asked] = [job for job in jobs.listing(tx, bench.project) if job.kind == "predict"]
    assert (asked.payload["checkpoint"], asked.payload["images"]) == (version, [1, 2])


def test_start_training_is_answered_at_once_and_begun_later(bench: Bench, label_studio: Server) -> None:
    with bench.ws.db.write() as tx:
        for job in jobs.listing(tx, bench.project):
            jobs.cancel(tx, job.id)
        engine = {"engine": "darknet", "fork": "alexeyab", "version": "", "binary": "darknet"}
        nodes.put(tx, Node("here", engine=engine, queues=("train", "detect"), seen=time.time() + 600))
    with Person(label_studio) as person:
        source = bench.connect(backend=True)
        [backend] = person.get(f"/api/ml/?project={number_of(source)}")
        # When "Start training" is pressed
        began = time.monotonic()
        assert person.ask("POST", f"/api/ml/{backend['id']}/train", json={}).ok
        assert time.monotonic() - began < 1.0
        assert [d.body["event"]["action"] for d in bench.waiting("START_TRAINING")] == ["START_TRAINING"]
        # Then a run is due once it is worked off, and pressing again while it goes on makes no second one
        reconcile.work_off(bench.ws, bench.project)
        person.ask("POST", f"/api/ml/{backend['id']}/train", json={})
        reconcile.work_off(bench.ws, bench.project)
    with bench.ws.db.read() as tx:
        due = [run for run in runs.listing(tx, bench.project) if run.state is JobState.QUEUED]
    assert len(due) == 1
    outcomes = [d.outcome for d in bench.events(DeliveryState.DONE) if d.body["event"]["action"] == "START_TRAINING"]
    assert sorted(outcome["new"] for outcome in outcomes) == [False, True]


# ---------------------------------------------------------------- other ways in


def test_a_personal_access_token_works_and_a_wrong_one_is_named(bench: Bench, label_studio: Server) -> None:
    with Person(label_studio) as person:
        made = person.ask("POST", "/api/token/", json={})
        token = made.json()["token"]
        assert number_of(bench.connect(token=token))
        assert [one.images for one in reconcile.pull(bench.ws, PROJECT)] == [12]
        sealed = bench.ws.settings.data / "store.sqlite3"
        assert token.encode() not in sealed.read_bytes()
        person.ask("POST", "/api/token/blacklist/", json={"refresh": token})
    for wrong in (token, "0" * 40):
        with pytest.raises(AccessError, match="label-studio-token-refused"):
            bench.connect(token=wrong)


def test_pictures_that_somebody_uploaded_there_come_here(
    bench: Bench, label_studio: Server, picture: Callable[..., Path]
) -> None:
    label = NAMES[0]
    with Person(label_studio) as person:
        number = person.ask(
            "POST", "/api/projects/", json={"title": "theirs", "label_config": boxes_of([label])}
        ).json()["id"]
        # Given two uploads of one name, and a task whose picture lies on a host that nobody allowed
        for shade, width in (("a", 64), ("b", 80)):
            path = picture(f"{shade}/犬.jpg", width, 48, exif=turned() if shade == "b" else b"")
            with path.open("rb") as file:
                sent = person.ask("POST", f"/api/projects/{number}/import", files={"file": (path.name, file)})
            assert sent.ok, sent.text
        away = [{"data": {"image": "http://127.0.0.1:9/away.jpg"}}]
        person.ask("POST", f"/api/projects/{number}/import", json=away)
        tasks = person.get(f"/api/tasks/?project={number}&fields=all")["tasks"]
        for task in tasks[:2]:
            shown = (64, 48) if task is tasks[0] else (48, 80)
            drawn = box(label, 50, 0, 50, 100, id="r") | {"original_width": shown[0], "original_height": shown[1]}
            person.submit(task["id"], [drawn])
        # When the project is connected and pulled
        bench.connect(number=number)
        [done] = reconcile.pull(bench.ws, PROJECT)
        # Then both are two pictures of ours, with bytes, and boxes in the stored pixels (the second is turned by EXIF)
        found = {n: c.document for n, c in bench.present().items() if "犬" in n}
        assert sorted(found) == sorted(["犬.jpg", f"{tasks[1]['id']}/犬.jpg"])
        sizes = {(d.image.width, d.image.height, d.image.sha256 is not None) for d in found.values()}
        assert sizes == {(64, 48, True), (80, 48, True)}
        boxes = {d.image.width: d.regions[0].box for d in found.values() if d.regions}
        assert boxes[64] == Box(32, 0, 64, 48)
        assert boxes[80] == Box(0, 0, 80, 24)
        # And the third is known without its bytes
        assert [(f.rule, f.image) for f in done.findings if f.rule == "not-fetched"] == [("not-fetched", "away.jpg")]
        # And pulling again fetches and changes nothing
        assert [one.revisions for one in reconcile.pull(bench.ws, PROJECT)] == [0]
        assert len(bench.present()) == 15


def turned() -> bytes:
    """EXIF that says: turn a quarter clockwise to show."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def test_pictures_can_be_sent_where_browsers_cannot_reach_us(bench: Bench, label_studio: Server) -> None:
    # When the pictures are uploaded instead of linked
    source = bench.connect(upload=True)
    with Person(label_studio) as person:
        tasks = person.get(f"/api/tasks/?project={number_of(source)}&fields=all")["tasks"]
        # Then Label Studio serves each one itself, under the name that we know it by
        assert {task["data"]["labelbridge_name"] for task in tasks} == set(bench.present())
        for task in tasks:
            shown = person.ask("GET", task["data"]["image"])
            with bench.ws.db.read() as tx:
                image = images.find(tx, bench.project, task["data"]["labelbridge_name"])
            assert hashlib.sha256(shown.content).hexdigest() == image.sha256
        # And a second run uploads nothing
        bench.connect(upload=True)
        assert person.get(f"/api/projects/{number_of(source)}/")["task_number"] == 12


def test_a_project_without_boxes_is_refused(bench: Bench, label_studio: Server) -> None:
    with Person(label_studio) as person:
        choice = '<Choices name="c" toName="image"><Choice value="x"/></Choices>'
        config = f'<View><Image name="image" value="$image"/>{choice}</View>'
        number = person.ask("POST", "/api/projects/", json={"title": "choices", "label_config": config}).json()["id"]
    with pytest.raises(InputError, match="label-config-no-boxes"):
        bench.connect(number=number)
    with bench.ws.db.read() as tx:
        assert [source.kind for source in projects.sources(tx, bench.project)] == ["import"]


def test_a_new_label_is_added_to_a_config_that_is_ours(bench: Bench, label_studio: Server) -> None:
    source = bench.connect()
    with bench.ws.db.write() as tx:
        projects.add_labels(tx, bench.project, ["猫 <&>"], {})
    bench.checkpoint("cafe0060")
    assert bench.push().refused == ()
    with Person(label_studio) as person:
        config = person.get(f"/api/projects/{number_of(source)}/")["parsed_label_config"]
    assert config["label"]["labels"] == [*LABELS, "猫 <&>"]


def test_a_label_studio_that_calls_no_private_address_says_what_to_set(label_studio: Server, tmp_path: Path) -> None:
    # Given one as it comes, which the one that the other stories use is not
    assert label_studio.url
    with fresh_server(tmp_path / "guarded", guarded=True) as server, running(tmp_path, server, 4, 2) as bench:
        # When the project is connected
        with pytest.raises(MissingPartError) as caught:
            bench.connect()
        # Then the sentence names the variables, and after they were set the same command completes the connection
        assert caught.value.rule == "label-studio-blocks-address"
        assert "LABEL_STUDIO_USE_DEFAULT_BANNED_SUBNETS=false" in render(
            "errors", caught.value.rule, caught.value.fields
        )
        folder = server.folder
        server.stop()
        with fresh_server(folder, port=int(server.url.rpartition(":")[2])), Person(server) as person:
            source = bench.connect()
            assert person.get(f"/api/projects/{number_of(source)}/")["task_number"] == 6
            assert len(person.get("/api/projects/")["results"]) == 1


def test_with_everything_running_a_submit_arrives_by_itself(label_studio: Server, tmp_path: Path) -> None:
    # Given `labelbridge up`, with its own broker and its worker beside the store
    with Running(Settings(data=tmp_path / "data", port=free_port()), queues=()) as up, Person(label_studio) as person:
        bench = Bench(up.ws, label_studio.url, label_studio.access.token)
        bench.draw(tmp_path / "pictures", 4, 2)
        source = bench.connect()
        name = bench.unseen()[0]
        # When an annotator submits
        assert person.submit(bench.task_of(source, name), [box(NAMES[0], 1, 2, 30, 40, id="r")]).status_code == 201
        # Then nobody has to do anything
        deadline = time.monotonic() + 30
        while name in bench.unseen() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert bench.present()[name].document.state is State.LABELLED
        assert [d.state for d in bench.events() if d.body["event"]["action"] == "ANNOTATION_CREATED"] == [
            DeliveryState.DONE
        ]
