from __future__ import annotations

import threading
import time
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI

from bridge.model.job import JobState
from bridge.model.training import RunEvent
from bridge.store import jobs, runs
from bridge.web import live
from bridge.web.pages import watching

STREAM = {"Accept": "text/event-stream"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(live, "LAST_SECONDS", 3.0)
    monkeypatch.setattr(watching, "DRAW_SECONDS", 0.01)


def running(filled: Any) -> str:
    """The finished run, as if it still ran."""
    with filled.ws.db.write() as tx:
        job = runs.find(tx, filled.done).job_id
        jobs.requeue(tx, job)
        jobs.lease(tx, job, "検査室/train", time.time(), 60)
    return job


def end(filled: Any, job: str) -> None:
    with filled.ws.db.write() as tx:
        held = jobs.find(tx, job).lease
        assert held is not None
        jobs.finish(tx, job, held.number, JobState.DONE)


def messages(text: str) -> list[dict[str, str]]:
    parts = [part for part in text.split("\n\n") if part and not part.startswith(":")]
    return [dict(line.split(": ", 1) for line in part.split("\n")) for part in parts]


def test_a_finished_run_is_told_to_its_end(reader: FlaskClient, filled: Any) -> None:
    answer = reader.get(f"/api/v1/runs/{filled.done}/events", headers=STREAM)
    assert answer.mimetype == "text/event-stream"
    told = messages(answer.text)
    assert [m["event"] for m in told[-3:]] == ["message", "state", "end"]
    first = msgspec.json.decode(told[0]["data"])
    assert (told[0]["id"], first["fields"]["iteration"]) == ("1.1", 1)


def test_who_comes_back_goes_on_where_he_was(reader: FlaskClient, filled: Any) -> None:
    answer = reader.get(f"/api/v1/runs/{filled.done}/events", headers={**STREAM, "Last-Event-ID": "1.99"})
    assert [m["id"] for m in messages(answer.text) if "id" in m] == ["1.100", "1.101"]


def test_what_happens_meanwhile_is_told(reader: FlaskClient, filled: Any) -> None:
    job = running(filled)

    def go_on() -> None:
        time.sleep(0.1)
        with filled.ws.db.write() as tx:
            runs.add_events(tx, filled.done, [RunEvent("saved", {"path": "重み"}, 102, 1.0)])
        end(filled, job)

    thread = threading.Thread(target=go_on)
    thread.start()
    answer = reader.get(f"/api/v1/runs/{filled.done}/events?cursor=1.101", headers=STREAM)
    text = answer.text
    thread.join()
    assert "重み" in text
    assert [m["event"] for m in messages(text)] == ["state", "saved", "state", "end"]


def test_a_silent_stream_beats_and_ends_in_time(
    reader: FlaskClient, filled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LAST_SECONDS", 0.3)
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.05)
    running(filled)
    text = reader.get(f"/api/v1/runs/{filled.done}/events?cursor=1.101", headers=STREAM).text
    assert live.HEARTBEAT in text
    assert "event: end" not in text


def test_only_so_many_may_watch(app: OpenAPI, reader: FlaskClient, filled: Any) -> None:
    live.install(app, 2)
    running(filled)
    address = f"/api/v1/runs/{filled.done}/events"
    first = reader.get(address, headers=STREAM, buffered=False)
    refused = reader.get(address, headers=STREAM)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    assert reader.get(address).status_code == 200
    first.close()
    monitored = reader.get(f"/api/v1/runs/{filled.failed}/events", headers=STREAM)
    assert monitored.status_code == 200


def test_a_page_gets_its_pieces_as_they_change(person: FlaskClient, filled: Any) -> None:
    job = running(filled)
    threading.Timer(0.1, end, (filled, job)).start()
    text = person.get(f"/runs/{filled.done}/live?mark=1.50", headers={"Accept-Language": "ja"}).text
    told = [line for line in text.split("\n") if line.startswith("event: ")]
    assert {"event: head", "event: curve", "event: log", "event: end"} <= set(told)
    assert "完了" in text
    assert "保存しました" in text


def test_nonsense_is_the_beginning() -> None:
    assert live.mark_of(None) == live.mark_of("x.y") == live.mark_of("²." + "9" * 40) == (0, -1)
    assert live.mark_of("2.17") == (2, 17)
