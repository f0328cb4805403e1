from __future__ import annotations

from pathlib import Path

import pytest

from bench.hands import Hand2, rest
from bridge.loop import labels
from bridge.loop.accept import accept
from bridge.loop.connect import connect_folder
from bridge.loop.prelabel import answer
from bridge.loop.push import push
from bridge.loop.reconcile import pull
from bridge.loop.resolve import conflicts, resolve
from bridge.loop.tally import tally
from bridge.loop.undo import undo
from bridge.model.annotation import Box, Document
from bridge.model.dataset import Dataset
from bridge.model.prediction import Counts
from bridge.model.project import Source
from bridge.plugin import WriteOptions
from bridge.sample import LABELS
from bridge.store import projects
from tests.paper_studio import PaperStudio
from tests.studio_bench import Bench

A, B, C = LABELS[:3]
NEW = Box(5.0, 6.0, 50.0, 60.0)


def fared(bench: Bench) -> dict[str, tuple[int, dict[str, Counts]]]:
    return {one.checkpoint: (one.pictures, dict(one.labels)) for one in tally(bench.ws, bench.project)}


@pytest.fixture
def hand(bench: Bench, tmp_path: Path) -> Hand2:
    """VoTT on a folder with three boxes of a model (one of each class) on the two pictures that nobody labelled."""
    folder = tmp_path / "vott"
    folder.mkdir()
    documents = [Document(c.document.image, c.document.regions) for c in bench.present().values()]
    bench.ws.registry.format("vott-v2").write(Dataset("部品", tuple(LABELS), documents), folder, WriteOptions("none"))
    connect_folder(bench.ws, bench.project, "vott-v2", folder)
    hand = Hand2(folder=folder)
    read(bench, hand)
    bench.checkpoint("cafe01")
    rest(folder)
    push(bench.ws, bench.project, "vott-v2")
    return hand


def region_id(hand: Hand2, name: str, n: int) -> str:
    return str(hand.regions(name)[n]["id"])


def read(bench: Bench, hand: Hand2) -> None:
    rest(hand.folder)
    pull(bench.ws, bench.project, "vott-v2")


def test_what_an_annotator_did_in_vott_is_counted_once_all_is_judged(bench: Bench, hand: Hand2) -> None:
    first, second = sorted(bench.unseen())
    assert fared(bench) == {}
    hand.look(first)
    hand.move(first, region_id(hand, first, 0), NEW)
    hand.draw(first, Box(100, 100, 150, 160), A)
    hand.delete(first, region_id(hand, first, 1))
    read(bench, hand)
    assert fared(bench) == {}  # The third box is not judged yet.
    accept(bench.ws, bench.project)
    judged = {A: Counts(moved=1, added=1), B: Counts(deleted=1), C: Counts(kept=1)}
    assert fared(bench) == {"cafe01": (1, judged)}
    hand.look(second)
    hand.retag(second, region_id(hand, second, 2), A)
    for n in (1, 0):
        hand.delete(second, region_id(hand, second, n))
    read(bench, hand)
    both = {A: Counts(moved=1, added=1, deleted=1), B: Counts(deleted=2), C: Counts(kept=1, relabelled=1)}
    assert fared(bench) == {"cafe01": (2, both)}


def test_a_picture_of_which_all_was_deleted_counts(bench: Bench, hand: Hand2) -> None:
    first = min(bench.unseen())
    hand.look(first)
    for n in (2, 1, 0):
        hand.delete(first, region_id(hand, first, n))
    read(bench, hand)
    assert fared(bench) == {"cafe01": (1, {name: Counts(deleted=1) for name in (A, B, C)})}


def test_undo_and_later_edits_change_the_numbers(bench: Bench, hand: Hand2) -> None:
    first = min(bench.unseen())
    hand.look(first)
    read(bench, hand)
    accept(bench.ws, bench.project)
    kept = {name: Counts(kept=1) for name in (A, B, C)}
    assert fared(bench) == {"cafe01": (1, kept)}
    undo(bench.ws, bench.project)
    assert fared(bench) == {}
    accept(bench.ws, bench.project)
    hand.retag(first, region_id(hand, first, 0), B)
    read(bench, hand)
    assert fared(bench) == {"cafe01": (1, kept | {A: Counts(relabelled=1)})}
    labels.merge(bench.ws, bench.project, A, B, "愛子")
    assert fared(bench) == {"cafe01": (1, {B: Counts(kept=2), C: Counts(kept=1)})}
    labels.rename(bench.ws, bench.project, B, "ボルト", "愛子")
    assert fared(bench) == {"cafe01": (1, {"ボルト": Counts(kept=2), C: Counts(kept=1)})}


def test_boxes_that_a_newer_model_replaced_unseen_are_not_judged(bench: Bench, hand: Hand2) -> None:
    first = min(bench.unseen())
    bench.checkpoint("cafe02", boxes=2)
    rest(hand.folder)
    push(bench.ws, bench.project, "vott-v2")
    hand.look(first)
    read(bench, hand)
    accept(bench.ws, bench.project)
    assert fared(bench) == {"cafe02": (1, {A: Counts(kept=1), B: Counts(kept=1)})}


# ---------------------------------------------------------------- Label Studio


def submit(bench: Bench, paper: PaperStudio, name: str, *left_out: int, **rest: object) -> None:
    """Submit what the tool shows, but some of the boxes."""
    [source] = [s for s in sources(bench) if s.kind == "label-studio"]
    task = bench.task_of(source, name)
    shown = next(p for p in paper.predictions.values() if p["task"] == task)
    result = [{**r, "origin": "prediction"} for n, r in enumerate(shown["result"]) if n not in left_out]
    paper.annotate(task, *result, parent_prediction=shown["id"], **rest)


def sources(bench: Bench) -> list[Source]:
    with bench.ws.db.read() as tx:
        return list(projects.sources(tx, bench.project))


def test_what_an_annotator_submitted_in_label_studio_is_counted(bench: Bench, paper: PaperStudio) -> None:
    bench.checkpoint("cafe01")
    bench.connect()
    bench.push()
    first, second = sorted(bench.unseen())
    submit(bench, paper, first, 1)
    submit(bench, paper, second, 0, 1, 2)
    pull(bench.ws, bench.project, "label-studio")
    assert fared(bench) == {
        "cafe01": (2, {A: Counts(kept=1, deleted=1), B: Counts(deleted=2), C: Counts(kept=1, deleted=1)})
    }


def test_who_began_without_the_models_boxes_judged_none(bench: Bench, paper: PaperStudio) -> None:
    bench.checkpoint("cafe01")
    source = bench.connect()
    bench.push()
    paper.annotate(bench.task_of(source, min(bench.unseen())))
    pull(bench.ws, bench.project, "label-studio")
    assert fared(bench) == {}


def test_a_version_that_comes_after_the_labels_was_not_judged(bench: Bench, paper: PaperStudio) -> None:
    bench.checkpoint("cafe01")
    bench.connect()
    bench.push()
    first = min(bench.unseen())
    submit(bench, paper, first)
    pull(bench.ws, bench.project, "label-studio")
    bench.checkpoint("cafe02", boxes=1)
    bench.push()
    pull(bench.ws, bench.project, "label-studio")
    assert fared(bench) == {"cafe01": (1, {name: Counts(kept=1) for name in (A, B, C)})}


def test_on_a_picture_labelled_elsewhere_it_counts_once_that_is_settled(bench: Bench, paper: PaperStudio) -> None:
    labelled = min(name for name, current in bench.present().items() if current.heads)
    bench.checkpoint("cafe01")
    bench.connect()
    bench.push()
    submit(bench, paper, labelled, 2)
    pull(bench.ws, bench.project, "label-studio")
    assert fared(bench) == {}
    with bench.ws.db.read() as tx:
        [clash] = conflicts(tx, projects.find(tx, bench.project))
    resolve(bench.ws, bench.project, labelled, clash.heads[1].id)
    assert fared(bench) == {"cafe01": (1, {A: Counts(kept=1), B: Counts(kept=1), C: Counts(deleted=1)})}


def test_boxes_that_the_backend_answered_count_too(bench: Bench, paper: PaperStudio) -> None:
    bench.checkpoint("cafe01")
    source = bench.connect()
    first = min(bench.unseen())
    task = bench.task_of(source, first)
    for _ in range(2):
        [made] = answer(bench.ws, source, [{"id": task, "data": {}}], "", None)
    result = [{**r, "origin": "prediction"} for r in made["result"][:2]]
    paper.annotate(task, *result, parent_prediction=1)
    pull(bench.ws, bench.project, "label-studio")
    assert fared(bench) == {"cafe01": (1, {A: Counts(kept=1), B: Counts(kept=1), C: Counts(deleted=1)})}
