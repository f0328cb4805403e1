from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import NotFoundError, UnreachableError
from bridge.loop.connect import connect, connect_folder, export_tasks
from bridge.loop.intake import take
from bridge.loop.labels import rename
from bridge.loop.push import push
from bridge.model.annotation import Document
from bridge.model.dataset import Dataset, Reading
from bridge.model.delivery import Delivery, DeliveryState
from bridge.model.project import Project
from bridge.plugin import ReadOptions, WriteOptions
from bridge.sample import LABELS
from bridge.store import deliveries, jobs, projects
from tests.paper_studio import Asked, PaperStudio
from tests.serving import PROJECT
from tests.studio_bench import Bench

NAMES = list(LABELS)


def known(bench: Bench) -> Project:
    with bench.ws.db.read() as tx:
        return projects.find(tx, bench.project)


def pushes(bench: Bench) -> list[Delivery]:
    with bench.ws.db.read() as tx:
        return deliveries.listing(tx, bench.project, direction="out")


def test_every_push_is_one_delivery_however_often_it_is_done(bench: Bench, paper: PaperStudio) -> None:
    version = bench.checkpoint("cafe01")
    bench.connect()
    for _ in range(2):
        outcome = bench.push()
        assert (outcome.sent, outcome.accepted) == (4, 4)
    [delivery] = pushes(bench)
    assert (delivery.state, delivery.attempts, delivery.body["version"]) == (DeliveryState.DONE, 2, version)
    assert paper.versions() == {version: 4}


def test_a_push_without_a_model_says_so(bench: Bench) -> None:
    bench.connect()
    with pytest.raises(NotFoundError, match="checkpoint-none"):
        push(bench.ws, PROJECT)


def test_pictures_and_labels_that_are_new_go_along(bench: Bench, paper: PaperStudio) -> None:
    bench.connect()
    paper.tasks.clear()
    with bench.ws.db.write() as tx:
        tx.exec_driver_sql("DELETE FROM source_item WHERE item IS NOT NULL")
        projects.add_labels(tx, bench.project, ["猫"], {})
    bench.checkpoint("cafe02")
    assert bench.push().accepted == 4
    assert len(paper.tasks) == 4
    assert 'value="猫"' in next(iter(paper.projects.values()))["label_config"]


def test_an_older_version_goes_only_when_nobody_can_have_it_open(bench: Bench, paper: PaperStudio) -> None:
    old = bench.checkpoint("cafe03")
    bench.connect()
    bench.push()
    new = bench.checkpoint("cafe04")
    bench.push()
    assert paper.versions() == {old: 4, new: 4}
    assert next(iter(paper.projects.values()))["model_version"] == new
    # Its end is due already.
    with bench.ws.db.read() as tx:
        [later] = [job for job in jobs.listing(tx, bench.project) if job.kind == "push"]
    assert later.due > time.time() + 23 * 3600
    bench.push()
    assert paper.versions() == {old: 4, new: 4}
    bench.push(grace=0.0)
    assert paper.versions() == {new: 4}


def test_a_version_that_comes_back_is_not_deleted(bench: Bench, paper: PaperStudio) -> None:
    first = bench.checkpoint("cafe05")
    bench.connect()
    bench.push()
    second = bench.checkpoint("cafe06")
    bench.push()
    with bench.ws.db.write() as tx:
        projects.publish(tx, bench.project, first)
    bench.push(grace=0.0)
    assert paper.versions() == {first: 4}
    assert second not in paper.versions()


def test_a_version_left_by_a_crash_is_found(bench: Bench, paper: PaperStudio) -> None:
    old = bench.checkpoint("cafe07")
    bench.connect()
    bench.push()
    with bench.ws.db.write() as tx:  # As if the end of that push had never been written.
        source = projects.find_source(tx, bench.project, "label-studio")
        options = {k: v for k, v in source.options.items() if k not in ("versions", "retired")}
        projects.set_options(tx, source.id, options)
    new = bench.checkpoint("cafe08")
    bench.push()
    bench.push(grace=0.0)
    assert (old, paper.versions()) == ("cafe07", {new: 4})


def test_a_server_that_is_away_leaves_the_push_pending(bench: Bench, paper: PaperStudio) -> None:
    bench.checkpoint("cafe09")
    bench.connect()
    number = next(iter(paper.projects))
    paper.faults[f"POST /api/projects/{number}/import/predictions"] = [(503, {"detail": "busy"})]
    with pytest.raises(UnreachableError):
        bench.push()
    [delivery] = pushes(bench)
    assert (delivery.state, delivery.outcome) == (DeliveryState.PENDING, {"error": "label-studio-failed"})
    bench.push()
    assert [d.state for d in pushes(bench)] == [DeliveryState.DONE]


def test_a_newer_push_settles_what_an_older_one_left(bench: Bench, paper: PaperStudio) -> None:
    bench.checkpoint("cafe10")
    bench.connect()
    number = next(iter(paper.projects))
    paper.faults[f"POST /api/projects/{number}/import/predictions"] = [(503, {"detail": "busy"})]
    with pytest.raises(UnreachableError):
        bench.push()
    bench.checkpoint("cafe11")
    bench.push()
    newest, older = pushes(bench)
    assert older.outcome == {"replaced": newest.id}
    assert [d.state for d in (newest, older)] == [DeliveryState.DONE, DeliveryState.DONE]


def test_one_tool_that_fails_does_not_hold_up_another(bench: Bench, paper: PaperStudio) -> None:
    bench.checkpoint("cafe12")
    bench.connect()
    other = paper.project()
    with bench.ws.db.read() as tx:
        first = projects.find_source(tx, bench.project, "label-studio")
    connect(bench.ws, PROJECT, bench.place, bench.token, other, name="second")
    export_tasks(bench.ws, PROJECT, "second")
    paper.projects[other]["label_config"] = paper.projects[first.options["ls_project"]]["label_config"]
    paper.faults[f"POST /api/projects/{first.options['ls_project']}/import/predictions"] = [(500, {"detail": "x"})]
    with pytest.raises(UnreachableError):
        push(bench.ws, PROJECT)
    assert paper.versions() == {"cafe12": 4}


def test_an_annotation_made_during_a_push_stays(bench: Bench, paper: PaperStudio) -> None:
    bench.checkpoint("cafe13")
    source = bench.connect()
    task = bench.task_of(source, bench.unseen()[0])

    def submit(asked: Asked) -> None:
        if asked.path.endswith("/import/predictions"):
            paper.annotate(task, {"id": "r"})

    paper.after = submit
    bench.push()
    assert [a["result"] for a in paper.tasks[task]["annotations"]] == [[{"id": "r"}]]


def test_predictions_carry_the_names_that_labels_have_now(bench: Bench, paper: PaperStudio) -> None:
    bench.checkpoint("cafe14", boxes=1)
    bench.connect()
    rename(bench.ws, PROJECT, NAMES[0], "ワッシャー", "test")
    assert bench.push().accepted == 4
    labels = {one["result"][0]["value"]["rectanglelabels"][0] for one in paper.predictions.values()}
    assert labels == {"ワッシャー"}


# ---------------------------------------------------------------- into a folder


@pytest.fixture
def vott(bench: Bench, tmp_path: Path) -> Path:
    """A VoTT project with the bench's pictures, of which a person has labelled one."""
    folder = tmp_path / "vott"
    folder.mkdir()
    documents = [replace(c.document, regions=None, extra={}) for c in bench.present().values()]
    labelled = next(c.document for c in bench.present().values() if c.document.regions)
    said = [replace(d, regions=labelled.regions) if d.image.name == labelled.image.name else d for d in documents]
    dataset = Dataset("部品", tuple(LABELS), [Document(d.image, d.regions) for d in said])
    bench.ws.registry.format("vott-v2").write(dataset, folder, WriteOptions("none"))
    return folder


def test_in_a_folder_only_pictures_that_nobody_looked_at_get_boxes(bench: Bench, vott: Path) -> None:
    version = bench.checkpoint("cafe20", boxes=2)
    source = connect_folder(bench.ws, PROJECT, "vott-v2", vott)
    reading = bench.ws.registry.format("vott-v2").read(vott, ReadOptions())
    take(bench.ws, known(bench), source, Reading(reading.labels, reading.documents, 4), "test")
    unseen = set(bench.unseen())
    [outcome] = push(bench.ws, PROJECT, source.name)
    assert (outcome.sent, outcome.accepted) == (len(unseen), len(unseen))
    again = bench.ws.registry.format("vott-v2").read(vott, ReadOptions())
    marked = {d.image.name: {r.author for r in d.predictions} for d in again.documents if d.predictions}
    assert marked == {name: {f"checkpoint:{version}"} for name in unseen}
    before = {file: file.read_bytes() for file in vott.rglob("*") if file.is_file()}
    assert push(bench.ws, PROJECT, source.name)[0].accepted == len(unseen)
    assert {file: file.read_bytes() for file in vott.rglob("*") if file.is_file()} == before
