from __future__ import annotations

import time
from typing import Any

import pytest
from flask_openapi.openapi import OpenAPI
from werkzeug.test import TestResponse

from bridge.model.delivery import DeliveryState
from bridge.store import jobs, projects
from bridge.store.tables import prediction
from tests.paper_studio import PaperStudio
from tests.studio_bench import Bench
from tests.studio_calls import Studio, sent


@pytest.fixture
def studio(one_app: OpenAPI, bench: Bench) -> Studio:
    return Studio(one_app, bench)


def said(answer: TestResponse) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json or {}
    return found


def predict_body(studio: Studio, *names: str) -> dict[str, Any]:
    """A real request for predictions, about our own tasks."""
    body = sent("ml_predict_batch3")
    pattern = body["tasks"][0]
    tasks = [{**pattern, "id": studio.bench.task_of(studio.source, name)} for name in names]
    number = studio.source.options["ls_project"]
    return {**body, "tasks": tasks, "project": f"{number}.1795496005"}


@pytest.mark.parametrize("route", ["", "/", "/health", "/health/"])
def test_health_is_told_at_once(studio: Studio, route: str) -> None:
    began = time.monotonic()
    assert said(studio.asks("GET", route))["status"] == "UP"
    assert time.monotonic() - began < 0.2


ROUTES = [
    ("GET", ""),
    ("GET", "/health"),
    ("POST", "/setup"),
    ("POST", "/predict"),
    ("POST", "/train"),
    ("POST", "/job_status"),
    ("GET", "/versions"),
    ("POST", "/webhook"),
]


def test_nothing_is_told_without_the_password(studio: Studio) -> None:
    wrong = [("labelbridge", "wrong"), ("admin", studio.password), ("labelbridge", ""), ("labelbridge", studio.secret)]
    for method, route in ROUTES:
        for user, password in wrong:
            answer = studio.asks(method, route, {}, user=user, password=password)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Basic")
            assert (answer.json or {})["rule"] == "backend-password-wrong"


def test_nobody_at_all_is_asked_for_a_password_too(studio: Studio) -> None:
    for method, route in (("GET", "/health"), ("POST", "/setup"), ("POST", "/predict")):
        assert studio.client.open(f"/ml/{studio.bench.project}{route}", method=method).status_code == 401
    assert studio.client.get("/ml/nobody/health").status_code == 401


def test_setup_and_predict_name_one_version(studio: Studio) -> None:
    assert said(studio.asks("POST", "/setup", sent("ml_setup"))) == {"model_version": "none"}
    studio.bench.checkpoint("cafe01", boxes=2)
    name = next(iter(studio.bench.present()))
    version = said(studio.asks("POST", "/setup", sent("ml_setup")))["model_version"]
    [result] = said(studio.asks("POST", "/predict", predict_body(studio, name)))["results"]
    assert result["model_version"] == version == "cafe01"
    assert said(studio.asks("GET", "/versions")) == {"versions": ["cafe01"]}


def test_setup_keeps_nothing_of_the_token_that_it_is_handed(studio: Studio) -> None:
    studio.asks("POST", "/setup", sent("ml_setup"))
    for file in studio.bench.ws.settings.data.glob("store.sqlite3*"):
        assert b"REDACTED_LEGACY_API_TOKEN" not in file.read_bytes()


def test_there_is_exactly_one_answer_for_each_task_in_order(studio: Studio, paper: PaperStudio) -> None:
    studio.bench.checkpoint("cafe02", boxes=1)
    with studio.bench.ws.db.write() as tx:
        tx.execute(prediction.delete().where(prediction.c.image_id == 2))
    body = predict_body(studio, *studio.bench.present())
    body["tasks"].insert(1, {"id": 987_654, "data": {"image": "http://x.test/unknown.jpg"}})
    body["tasks"].append("no task")
    before = len(paper.asked)
    results = said(studio.asks("POST", "/predict", body))["results"]
    assert [bool(result) for result in results] == [True, False, False, True, True, False]
    assert results[1] == results[2] == results[5] == []
    # What the first asked for is due, and Label Studio, which waits for us, was not asked.
    with studio.bench.ws.db.read() as tx:
        assert [job.payload["images"] for job in jobs.listing(tx, studio.bench.project) if job.kind == "predict"] == [
            [2]
        ]
    assert len(paper.asked) == before


def test_a_thousand_tasks_come_in_one_request(studio: Studio) -> None:
    studio.bench.checkpoint("cafe03", boxes=5)
    body = predict_body(studio, *studio.bench.present())
    body["tasks"] = [body["tasks"][n % 4] for n in range(1200)]
    began = time.monotonic()
    results = said(studio.asks("POST", "/predict", body))["results"]
    assert len(results) == 1200
    assert all(len(result["result"]) == 5 for result in results)
    assert time.monotonic() - began < 10.0


def test_a_smart_tool_asks_for_one_task_with_its_context(studio: Studio) -> None:
    studio.bench.checkpoint("cafe04", boxes=1)
    body = predict_body(studio, next(iter(studio.bench.present())))
    body["params"] = {"login": None, "password": None, "context": {"result": [{"type": "rectanglelabels"}]}}
    assert len(said(studio.asks("POST", "/predict", body))["results"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "rule"),
    [
        ({}, 422, "tasks-missing"),
        ({"tasks": "x"}, 422, "tasks-missing"),
        ([], 422, "event-broken"),
        ({"tasks": [{}], "label_config": "<View>", "project": 5}, 200, ""),
        ({"tasks": [], "label_config": None, "project": None}, 200, ""),
    ],
)
def test_odd_requests_are_answered(studio: Studio, body: object, status: int, rule: str) -> None:
    studio.bench.checkpoint("cafe05")
    answer = studio.asks("POST", "/predict", body)
    assert answer.status_code == status
    if rule:
        assert (answer.json or {})["rule"] == rule


def test_a_broken_config_costs_the_answers_and_not_the_server(studio: Studio) -> None:
    studio.bench.checkpoint("cafe06")
    body = {**predict_body(studio, *studio.bench.present()), "label_config": "<View><Broken"}
    assert said(studio.asks("POST", "/predict", body))["results"] == [[], [], [], []]


def test_start_training_is_kept_with_its_work_and_its_job_can_be_asked_for(studio: Studio) -> None:
    began = time.monotonic()
    answer = said(studio.asks("POST", "/webhook", sent("ml_webhook_START_TRAINING")))
    assert time.monotonic() - began < 0.3
    [event] = studio.bench.events(DeliveryState.PENDING)
    assert event.body["event"]["action"] == "START_TRAINING"
    assert said(studio.asks("POST", "/job_status", {"job": answer["job"]}))["job_status"] == "queued"
    # And by the other route that its code knows.
    said(studio.asks("POST", "/train", {}))
    assert len(studio.bench.events(DeliveryState.PENDING)) == 2
    assert studio.asks("POST", "/job_status", {"job": "nothing"}).status_code == 404


def test_a_job_of_another_project_is_not_told(studio: Studio) -> None:
    with studio.bench.ws.db.write() as tx:
        other = jobs.put(tx, "pull", "bridge", {}, projects.create(tx, "other").id)
    assert said(studio.asks("POST", "/job_status", {"job": other}))["job_status"] == "unknown"


def test_annotation_events_come_with_the_secret_and_without_a_password(studio: Studio) -> None:
    path = "/ml/{project}/webhook"
    assert studio.tells("ml_webhook_ANNOTATION_CREATED", path).status_code == 200
    refused = studio.tells("ml_webhook_ANNOTATION_CREATED", path, **{"X-Labelbridge-Secret": "wrong"})
    assert refused.status_code in (401, 403)
    assert len(studio.bench.events()) == 1


def test_a_start_of_training_needs_the_password(studio: Studio) -> None:
    for path in ("/ml/{project}/webhook", "/webhooks/label-studio/{project}"):
        assert studio.tells("ml_webhook_START_TRAINING", path).status_code in (401, 403)
    assert studio.bench.events() == []
