from __future__ import annotations

import time
from typing import Any

import pytest

from bridge.loop import prelabel
from bridge.loop.prelabel import answer, version, versions
from bridge.model.job import Job, JobState
from bridge.model.project import Source
from bridge.store import images, jobs, projects
from bridge.store.tables import prediction
from tests.paper_studio import CONFIG
from tests.serving import PROJECT
from tests.studio_bench import Bench


@pytest.fixture
def source(bench: Bench) -> Source:
    return bench.connect()


def asked(bench: Bench) -> list[Job]:
    with bench.ws.db.read() as tx:
        return [job for job in jobs.listing(tx, bench.project) if job.kind == "predict"]


def task(bench: Bench, source: Source, at: int = 0) -> dict[str, Any]:
    name = list(bench.present())[at]
    return {"id": bench.task_of(source, name), "data": {}}


def forget(bench: Bench, *numbers: int) -> None:
    with bench.ws.db.write() as tx:
        tx.execute(prediction.delete().where(prediction.c.image_id.in_(numbers)))


def test_the_version_is_the_checkpoint_that_pre_labels(bench: Bench) -> None:
    assert version(bench.ws, PROJECT) == "none"
    bench.checkpoint("cafe01")
    bench.checkpoint("cafe02")
    assert version(bench.ws, PROJECT) == "cafe02"
    with bench.ws.db.write() as tx:
        projects.publish(tx, bench.project, "cafe01")
    assert version(bench.ws, PROJECT) == "cafe01"
    assert versions(bench.ws, PROJECT) == ["cafe01", "cafe02"]


def test_every_task_gets_its_own_answer_in_order(bench: Bench, source: Source) -> None:
    bench.checkpoint("cafe03", boxes=2)
    tasks = [task(bench, source, 3), {"id": 999_999, "data": {"image": "http://x.test/?.jpg"}}, task(bench, source, 0)]
    results = answer(bench.ws, source, tasks, "", None)
    assert [len(one["result"]) if one else None for one in results] == [2, None, 2]
    assert results[1] == []
    assert results[0]["model_version"] == version(bench.ws, PROJECT) == "cafe03"
    assert 0 < results[0]["score"] < 1
    assert asked(bench) == []


def test_a_picture_is_known_by_what_we_noted_or_by_its_name(bench: Bench, source: Source) -> None:
    bench.checkpoint("cafe04", boxes=1)
    name = next(iter(bench.present()))
    with bench.ws.db.read() as tx:
        number = images.find(tx, bench.project, name).id
    told: list[dict[str, Any]] = [
        {"id": 1, "data": {"labelbridge_name": name}},
        {"id": 2, "data": {"image": f"https://pictures.test/set%201/{name}?sig=1"}},
        {"id": 3, "meta": {"labelbridge": {"project": bench.project, "image_id": number}}, "data": {}},
        {"id": 4, "meta": {"labelbridge": {"project": "another", "image_id": number}}, "data": {}},
        {"id": 5, "data": {"image": "data:image/png;base64," + "A" * 100_000}},
        {"id": 6, "data": None},
        {},
    ]
    results = answer(bench.ws, source, told, "", 999)
    assert [bool(one) for one in results] == [True, True, True, False, False, False, False]


def test_task_numbers_of_another_project_mean_nothing(bench: Bench, source: Source) -> None:
    bench.checkpoint("cafe05")
    known = task(bench, source)
    assert answer(bench.ws, source, [known], "", int(source.options["ls_project"]))[0]
    assert answer(bench.ws, source, [known], "", 4711) == [[]]


def test_what_is_not_there_is_made_due_once(bench: Bench, source: Source) -> None:
    bench.checkpoint("cafe06")
    with bench.ws.db.read() as tx:
        numbers = [i.id for i in images.known_images(tx, bench.project).values() if i.id is not None]
    forget(bench, *numbers[:2])
    tasks = [task(bench, source, at) for at in range(4)]
    for _ in range(2):
        results = answer(bench.ws, source, tasks, "", None)
        assert [bool(one) for one in results] == [False, False, True, True]
    [job] = asked(bench)
    assert (job.queue, job.payload["checkpoint"], job.payload["images"]) == ("detect", "cafe06", numbers[:2])
    # A picture that could not be looked at is not asked for again and again.
    with bench.ws.db.write() as tx:
        held = jobs.lease(tx, job.id, "node", time.time(), 30.0)
        assert held.lease is not None
        jobs.finish(tx, job.id, held.lease.number, JobState.DONE)
    answer(bench.ws, source, tasks, "", None)
    assert len(asked(bench)) == 1
    # But one that is new is.
    forget(bench, numbers[2])
    answer(bench.ws, source, tasks, "", None)
    assert len(asked(bench)) == 2


def test_without_a_model_there_is_nothing_to_make_due(bench: Bench, source: Source) -> None:
    assert answer(bench.ws, source, [task(bench, source)], "", None) == [[]]
    assert asked(bench) == []


def test_one_that_cannot_be_written_does_not_spoil_the_others(
    bench: Bench, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.checkpoint("cafe07")
    bad = next(iter(bench.present()))

    class Fragile:
        def prelabels(self, config: str, version: str, items: list[Any]) -> list[Any]:
            if any(item.prediction.image == bad for item in items):
                raise ZeroDivisionError
            return [{"result": [], "model_version": version} for _ in items]

    monkeypatch.setattr(prelabel, "reach_server", lambda *_: Fragile())
    results = answer(bench.ws, source, [task(bench, source, at) for at in range(4)], "", None)
    assert [bool(one) for one in results] == [False, True, True, True]


def test_the_config_that_asks_decides_the_form(bench: Bench, source: Source) -> None:
    bench.checkpoint("cafe08", boxes=1)
    theirs = CONFIG.replace('name="label"', 'name="kind"')
    [one] = answer(bench.ws, source, [task(bench, source)], theirs, None)
    assert one["result"][0]["from_name"] == "kind"
