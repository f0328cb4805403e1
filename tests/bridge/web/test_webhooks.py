from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask_openapi.openapi import OpenAPI

from bridge.loop import intake
from bridge.model.annotation import Document
from bridge.model.dataset import Reading
from bridge.model.delivery import DeliveryState
from bridge.sample import LABELS
from bridge.store import jobs, projects
from tests.paper_studio import PaperStudio
from tests.studio_bench import Bench
from tests.studio_calls import EVENTS, Studio


@pytest.fixture
def studio(one_app: OpenAPI, bench: Bench) -> Studio:
    return Studio(one_app, bench)


def waiting(studio: Studio) -> list[str]:
    return [str(d.body["event"]["action"]) for d in studio.bench.events(DeliveryState.PENDING)]


def test_an_event_is_kept_with_its_work_and_label_studio_is_not_asked(studio: Studio, paper: PaperStudio) -> None:
    before = len(paper.asked)
    answer = studio.tells("webhook_ANNOTATION_CREATED")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert waiting(studio) == ["ANNOTATION_CREATED"]
    with studio.bench.ws.db.read() as tx:
        [due] = [job for job in jobs.listing(tx, studio.bench.project) if job.kind == "webhook"]
    assert (due.queue, due.payload) == ("bridge", {"project": studio.bench.project})
    assert len(paper.asked) == before


@pytest.mark.parametrize("secret", ["", "wrong", "秘密", "a" * 5000])
def test_without_the_secret_nothing_is_kept(studio: Studio, secret: str) -> None:
    answer = studio.tells("webhook_ANNOTATION_CREATED", **{"X-Labelbridge-Secret": secret.encode().decode("latin-1")})
    assert answer.status_code == 403
    assert answer.json is not None
    assert answer.json["rule"] == "webhook-secret-wrong"
    assert studio.secret not in answer.text
    assert waiting(studio) == []


def test_a_project_that_is_not_there_is_told_as_a_wrong_secret(studio: Studio) -> None:
    assert studio.tells("webhook_ANNOTATION_CREATED", "/webhooks/label-studio/nobody").status_code == 403


def test_the_secret_of_one_project_does_not_open_another(studio: Studio) -> None:
    with studio.bench.ws.db.write() as tx:
        other = projects.create(tx, "other").id
    assert studio.tells("webhook_ANNOTATION_CREATED", f"/webhooks/label-studio/{other}").status_code == 403


@pytest.mark.parametrize(
    "path", ["/webhooks/label-studio/{project}", "/webhooks/label-studio/{project}/", "/ml/{project}/webhook/"]
)
def test_there_is_never_a_redirect(studio: Studio, path: str) -> None:
    """Label Studio would follow it and carry the secret along."""
    assert studio.tells("webhook_ANNOTATION_CREATED", path).status_code == 200
    doubled = studio.tells("webhook_ANNOTATION_CREATED", "/webhooks//label-studio/{project}")
    assert doubled.status_code in (200, 404)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "json-broken"),
        (b"{", "json-broken"),
        (b"[1]", "event-broken"),
        (b"[" * 5000 + b"]" * 5000, "json-too-deep"),
        (b'"text"', "event-broken"),
    ],
)
def test_what_is_no_event_is_refused_by_name(studio: Studio, body: bytes, rule: str) -> None:
    path = f"/webhooks/label-studio/{studio.bench.project}"
    answer = studio.client.post(path, data=body, headers={"X-Labelbridge-Secret": studio.secret})
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["rule"] == rule
    assert waiting(studio) == []


def test_any_object_is_kept_even_if_we_do_not_know_it(studio: Studio) -> None:
    answer = studio.client.post(
        f"/webhooks/label-studio/{studio.bench.project}",
        json={"action": ["?"], "task": "x", "annotation": {"id": {}}, "token": "geheim"},
        headers={"X-Labelbridge-Secret": studio.secret},
    )
    assert answer.status_code == 200
    [kept] = studio.bench.events()
    assert kept.body["event"]["token"] == "[redacted]"


def test_no_secret_of_theirs_is_written_down(studio: Studio) -> None:
    for name in ("webhook_ANNOTATION_CREATED", "webhook_TASKS_CREATED_3", "ml_webhook_ANNOTATION_CREATED"):
        studio.tells(name)
    for file in studio.bench.ws.settings.data.glob("store.sqlite3*"):
        assert b"REDACTED_PROJECT_TOKEN" not in file.read_bytes()


def test_an_event_is_answered_at_once_while_an_import_writes(studio: Studio) -> None:
    stop = threading.Event()
    busy = threading.Thread(target=write_until, args=(studio.bench, stop))
    busy.start()
    seconds = []
    try:
        body = json.loads((EVENTS / "webhook_ANNOTATION_CREATED.json").read_text("utf-8"))["body"]
        for number in range(25):
            body["annotation"]["id"] = number
            began = time.monotonic()
            answer = studio.client.post(
                f"/webhooks/label-studio/{studio.bench.project}",
                json=body,
                headers={"X-Labelbridge-Secret": studio.secret},
            )
            seconds.append(time.monotonic() - began)
            assert answer.status_code == 200
    finally:
        stop.set()
        busy.join()
    # Label Studio waits for one second, then the event is gone for ever.
    assert statistics.median(seconds) < 0.1
    assert max(seconds) < 1.0
    assert len(waiting(studio)) == 25


def write_until(bench: Bench, stop: threading.Event) -> None:
    with bench.ws.db.write() as tx:
        project = projects.create(tx, "big")
        source = projects.put_source(tx, project.id, "import", "import", "/nowhere")
    shown = next(c.document for c in bench.present().values() if c.document.regions)
    bare = replace(shown.image, id=None, file=None, sha256=None)

    def documents(turn: int) -> Iterator[Document]:
        for n in range(2000):
            if stop.is_set():
                return
            yield Document(replace(bare, name=f"{n}-{turn}.jpg"), shown.regions)

    turn = 0
    while not stop.is_set():
        intake.take(bench.ws, project, source, Reading(tuple(LABELS), documents(turn), 2000), "test")
        turn += 1
