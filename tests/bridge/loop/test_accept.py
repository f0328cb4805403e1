from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import update

from bench.hands import Hand1, Hand2, box_of, rest
from bridge.errors import ConflictError, InputError
from bridge.loop.accept import accept, preview
from bridge.loop.connect import connect_folder
from bridge.loop.cut import CutOptions, cut
from bridge.loop.intake import IntakeOptions, import_path
from bridge.loop.push import push
from bridge.loop.reconcile import pull
from bridge.loop.undo import undo
from bridge.model.annotation import Box, Document, State
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding
from bridge.plugin import WriteOptions
from bridge.sample import LABELS
from bridge.settings import Settings
from bridge.store import findings, images, projects, revisions, tokens
from bridge.store import tables as t
from bridge.workspace import open_workspace
from tests.studio_bench import Bench, Drawn

NEW = Box(5.0, 6.0, 50.0, 60.0)


@dataclass
class Folder:
    """A VoTT project with a model's boxes on the two pictures that nobody has labelled, and a hand in it."""

    bench: Bench
    hand: Hand1 | Hand2
    format: str
    place: Path
    source: str

    @property
    def pictures(self) -> list[str]:
        return sorted(self.bench.unseen())

    def pull(self) -> tuple[Finding, ...]:
        rest(self.place)
        return pull(self.bench.ws, self.bench.project, self.source)[0].findings

    def push(self) -> None:
        rest(self.place)
        push(self.bench.ws, self.bench.project, self.source)

    def preview(self, *names: str) -> list[str]:
        return sorted(p.image.name for p in preview(self.bench.ws, self.bench.project, names).pictures)

    def accept(self, *names: str) -> tuple[int, int]:
        done = accept(self.bench.ws, self.bench.project, names, who="愛子")
        return done.pictures, done.boxes

    def boxes(self, name: str) -> list[tuple[Box | None, tuple[str, ...]]] | None:
        current = self.bench.present()[name]
        assert current.heads <= 1
        regions = current.document.regions
        return None if regions is None else sorted(((r.box, r.labels) for r in regions), key=str)

    def shown(self, name: str) -> list[tuple[Box | None, tuple[str, ...]]]:
        return sorted(((box_of(r), tuple(r["tags"])) for r in self.hand.regions(name)), key=str)

    def left_out(self) -> list[str | None]:
        made = cut(self.bench.ws, self.bench.project, CutOptions(fraction=0.5))
        return [f.image for f in made.findings if f.rule == "half-judged"]

    def files(self) -> list[Path]:
        return [self.place] if self.place.is_file() else [f for f in self.place.iterdir() if f.is_file()]

    def undo(self, image: str | None = None) -> int:
        return undo(self.bench.ws, self.bench.project, image)

    def id_of(self, name: str, n: int) -> str:
        region = self.hand.regions(name)[n]
        return str(region.get("UID") or region["id"])


def opened(drawn: Drawn, kind: str, folder: Path) -> Folder:
    """Three boxes in each of the two pictures, written as a push writes them, and read back."""
    bench = drawn.copied(folder / "data", "", "")
    place = folder / "vott.json" if kind == "vott-v1" else folder / "vott"
    documents = [Document(c.document.image, c.document.regions) for c in bench.present().values()]
    dataset = Dataset("部品", tuple(LABELS), documents)
    bench.ws.registry.format(kind).write(dataset, place, WriteOptions("copy" if kind == "vott-v1" else "none"))
    source = connect_folder(bench.ws, bench.project, kind, place)  # type: ignore[arg-type]
    found = Folder(bench, Hand1(path=place) if kind == "vott-v1" else Hand2(folder=place), kind, place, source.name)
    found.pull()
    bench.checkpoint("cafe01", boxes=3)
    found.push()
    found.pull()
    with bench.ws.db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    bench.ws.close()
    return found


@pytest.fixture(scope="session")
def opened_once(drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Folder]:
    """Opens a project of a kind once, to copy from."""
    return cache(lambda kind: opened(drawn, kind, tmp_path_factory.mktemp(kind)))


@pytest.fixture(params=["vott-v1", "vott-v2"])
def folder(opened_once: Callable[[str], Folder], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Folder]:
    first = opened_once(request.param)
    shutil.copytree(first.place.parent, tmp_path / "copy")
    place = tmp_path / "copy" / first.place.name
    ws = open_workspace(Settings(data=tmp_path / "copy/data"))
    with ws.db.write() as tx:
        tx.execute(update(t.source).where(t.source.c.name == first.source).values(place=str(place)))
    hand = Hand1(path=place) if request.param == "vott-v1" else Hand2(folder=place)
    yield replace(first, bench=replace(first.bench, ws=ws), hand=hand, place=place)
    ws.close()


def test_only_pictures_that_were_looked_at_are_offered(folder: Folder) -> None:
    first, second = folder.pictures
    assert folder.preview() == []
    with pytest.raises(ConflictError, match="accept-nothing"):
        folder.accept()
    folder.hand.look(first)
    folder.pull()
    assert folder.preview() == [first]
    found = preview(folder.bench.ws, folder.bench.project)
    assert (found.boxes, found.unseen) == (3, 1)
    assert {(row.checkpoint, row.boxes, row.pictures) for row in found.rows} == {("cafe01", 1, 1)}
    assert folder.preview(second) == [second]


def test_what_is_left_on_a_picture_becomes_the_persons(folder: Folder) -> None:
    first, second = folder.pictures
    folder.hand.look(first)
    folder.hand.delete(first, folder.id_of(first, 1))
    folder.pull()
    assert folder.boxes(first) is None
    assert folder.accept() == (1, 2)
    assert folder.boxes(first) == folder.shown(first)
    assert folder.boxes(second) is None
    current = folder.bench.present()[first].document
    assert {r.author for r in current.regions or ()} == {None}
    assert {r.extra["accepted"]["checkpoint"] for r in current.regions or ()} == {"cafe01"}
    with folder.bench.ws.db.read() as tx:
        [line] = [entry for entry in tokens.recorded(tx, folder.bench.project) if entry["what"] == "accept"]
    assert (line["who"], line["fields"]["pictures"], line["fields"]["boxes"]) == ("愛子", 1, 2)
    with pytest.raises(ConflictError, match="accept-nothing"):
        folder.accept()
    with pytest.raises(InputError, match="accept-nothing-there"):
        folder.accept(first)


def test_the_folder_read_again_changes_nothing(folder: Folder) -> None:
    first, _ = folder.pictures
    folder.hand.look(first)
    folder.pull()
    folder.accept()
    accepted = folder.boxes(first)
    folder.hand.look(first)  # A file that changed, so that it is read.
    folder.hand.look(folder.pictures[0])
    said = folder.pull()
    assert not {f.rule for f in said} & {"lost", "conflict"}
    assert folder.boxes(first) == accepted
    assert folder.bench.present()[first].document.state is State.LABELLED


@pytest.mark.parametrize("act", ["move", "retag", "delete", "draw", "all"])
def test_edits_of_accepted_boxes_in_the_tool_are_his_edits(folder: Folder, act: str) -> None:
    first, _ = folder.pictures
    folder.hand.look(first)
    folder.pull()
    folder.accept()
    hand = folder.hand
    edits: dict[str, Callable[[], object]] = {
        "move": lambda: hand.move(first, folder.id_of(first, 0), NEW),
        "retag": lambda: hand.retag(first, folder.id_of(first, 1), LABELS[2]),
        "delete": lambda: hand.delete(first, folder.id_of(first, 1)),
        "draw": lambda: hand.draw(first, NEW, LABELS[0]),
    }
    for edit in edits.values() if act == "all" else [edits[act]]:
        edit()
        said = folder.pull()
        assert not {f.rule for f in said} & {"lost", "conflict"}
        assert folder.boxes(first) == folder.shown(first)
    before = folder.bench.present()[first].revision_id
    hand.look(first)
    folder.pull()
    assert folder.bench.present()[first].revision_id == before


def test_all_accepted_boxes_deleted_leave_an_empty_picture(folder: Folder) -> None:
    first, _ = folder.pictures
    folder.hand.look(first)
    folder.pull()
    folder.accept()
    for _ in range(3):
        folder.hand.delete(first, folder.id_of(first, 0))
        folder.pull()
    assert folder.bench.present()[first].document.state is State.REVIEWED_EMPTY


def test_all_boxes_deleted_need_no_acceptance(folder: Folder) -> None:
    first, _ = folder.pictures
    folder.hand.look(first)
    for _ in range(3):
        folder.hand.delete(first, folder.id_of(first, 0))
    folder.pull()
    assert folder.bench.present()[first].document.state is State.REVIEWED_EMPTY
    assert folder.preview() == []


def test_a_half_judged_picture_can_be_cut_once_the_rest_is_accepted(folder: Folder) -> None:
    first, _ = folder.pictures
    folder.hand.look(first)
    folder.hand.move(first, folder.id_of(first, 0), NEW)
    folder.pull()
    assert len(folder.boxes(first) or []) == 1
    assert folder.left_out() == [first]
    assert folder.accept() == (1, 2)
    assert folder.boxes(first) == folder.shown(first)
    assert folder.left_out() == []
    folder.hand.look(first)
    folder.pull()
    assert (folder.boxes(first), folder.left_out()) == (folder.shown(first), [])
    assert folder.undo() == 1
    assert len(folder.boxes(first) or []) == 1
    assert folder.left_out() == [first]


def test_one_undo_takes_an_acceptance_back_and_it_can_be_made_again(folder: Folder) -> None:
    first, second = folder.pictures
    for name in (first, second):
        folder.hand.look(name)
    folder.pull()
    assert folder.accept() == (2, 6)
    assert folder.undo() == 2
    assert (folder.boxes(first), folder.boxes(second)) == (None, None)
    folder.hand.look(first)
    assert not {f.rule for f in folder.pull()} & {"lost", "conflict"}
    assert folder.boxes(first) is None
    with pytest.raises(ConflictError, match="undo-nothing"):
        folder.undo()
    assert folder.accept() == (2, 6)
    assert folder.undo(first) == 1
    assert (folder.boxes(first), len(folder.boxes(second) or [])) == (None, 3)


def test_a_box_drawn_after_an_undo_is_taken_alone(folder: Folder) -> None:
    first, _ = folder.pictures
    folder.hand.look(first)
    folder.pull()
    folder.accept()
    folder.undo()
    folder.hand.draw(first, NEW, LABELS[0])
    assert not {f.rule for f in folder.pull()} & {"lost", "conflict"}
    assert folder.boxes(first) == [(NEW, (LABELS[0],))]
    assert folder.left_out() == [first]


def test_an_edit_elsewhere_and_one_in_the_tool_both_hold(folder: Folder) -> None:
    first, _ = folder.pictures
    folder.hand.look(first)
    folder.pull()
    folder.accept()
    bench = folder.bench
    with bench.ws.db.write() as tx:  # As if another tool had taken one box away.
        found = projects.find(tx, bench.project)
        image = images.find(tx, found.id, first)
        [head] = revisions.heads(tx, image.id or 0, found.labels)
        kept = head.regions[1:]
        draft = revisions.Draft(image.id or 0, kept, "x" * 64, "玲", "other", (head.id,))
        revisions.put(tx, [draft], found.labels)
    folder.hand.draw(first, NEW, LABELS[0])
    assert not {f.rule for f in folder.pull()} & {"lost", "conflict"}
    assert sorted(folder.boxes(first) or [], key=str) == sorted(
        [(r.box, r.labels) for r in kept] + [(NEW, (LABELS[0],))], key=str
    )


def test_what_was_written_back_under_plain_ids_is_the_same_picture(folder: Folder) -> None:
    first, _ = folder.pictures
    folder.hand.look(first)
    folder.pull()
    folder.accept()
    bench = folder.bench
    head = bench.present()[first]
    regions = tuple(replace(r, extra={}) for r in head.document.regions or ())
    dataset = Dataset("部品", tuple(LABELS), [Document(head.document.image, regions)])
    bench.ws.registry.format(folder.format).write(dataset, folder.place, WriteOptions("none"))
    assert not {f.rule for f in folder.pull()} & {"lost", "conflict"}
    assert bench.present()[first].revision_id == head.revision_id
    assert {folder.id_of(first, n) for n in range(3)} == {r.region_id for r in regions}
    folder.hand.move(first, folder.id_of(first, 0), NEW)
    folder.pull()
    assert folder.boxes(first) == folder.shown(first)


def test_what_changed_since_it_was_shown_is_not_accepted(folder: Folder) -> None:
    first, _ = folder.pictures
    folder.hand.look(first)
    folder.pull()
    seen = preview(folder.bench.ws, folder.bench.project).digest
    folder.hand.delete(first, folder.id_of(first, 0))
    folder.pull()
    with pytest.raises(ConflictError, match="accept-changed"):
        accept(folder.bench.ws, folder.bench.project, shown=seen)
    assert folder.boxes(first) is None


def test_a_picture_in_conflict_is_left_to_a_person(folder: Folder) -> None:
    first, _ = folder.pictures
    folder.hand.look(first)
    folder.pull()
    bench = folder.bench
    with bench.ws.db.write() as tx:
        found = projects.find(tx, bench.project)
        image = images.find(tx, found.id, first)
        drafts = [revisions.Draft(image.id or 0, (), digest * 64, "玲", "other") for digest in "xy"]
        revisions.put(tx, drafts, found.labels)
    shown = preview(bench.ws, bench.project)
    assert ([f.rule for f in shown.findings], shown.pictures) == (["conflict"], ())


def test_the_findings_of_a_reading_tell_nothing_of_accepted_boxes(folder: Folder) -> None:
    folder.hand.look(folder.pictures[0])
    folder.pull()
    folder.accept()
    with folder.bench.ws.db.read() as tx:
        assert not findings.listing(tx, folder.bench.project, rule="lost")


def test_a_newer_model_does_not_write_over_what_was_looked_at(folder: Folder) -> None:
    first, second = folder.pictures
    folder.hand.look(first)
    folder.hand.delete(first, folder.id_of(first, 1))
    left = folder.shown(first)
    for known in (False, True):
        version = folder.bench.checkpoint(f"cafe0{2 + known}", boxes=2)
        folder.push()
        assert folder.shown(first) == left
        assert version in folder.id_of(second, 0)
        folder.pull()
    assert folder.preview() == [first]


def test_the_folder_gets_accepted_boxes_under_plain_ids(folder: Folder) -> None:
    first, second = folder.pictures
    folder.hand.look(first)
    folder.hand.move(first, folder.id_of(first, 2), NEW)
    folder.pull()
    folder.accept()
    head = folder.bench.present()[first]
    shown = folder.shown(first)
    for _ in range(2):
        folder.push()
        assert folder.shown(first) == shown
        # The one that he moved was his before, and keeps its id.
        assert [folder.id_of(first, n)[:12] for n in range(3) if folder.id_of(first, n)[:3] == "lb-"] == [
            "lb-cafe01-2-"
        ]
        assert folder.id_of(second, 0).startswith("lb-cafe01-0-")
        assert not {f.rule for f in folder.pull()} & {"lost", "conflict"}
        assert folder.bench.present()[first].revision_id == head.revision_id
    folder.hand.look(first)
    folder.hand.retag(first, folder.id_of(first, 0), LABELS[1])
    assert not {f.rule for f in folder.pull()} & {"lost", "conflict"}
    assert folder.boxes(first) == folder.shown(first)


def test_an_acceptance_that_was_written_back_can_be_undone(folder: Folder) -> None:
    first, _ = folder.pictures
    folder.hand.look(first)
    folder.pull()
    folder.accept()
    folder.push()
    folder.pull()
    assert folder.undo() == 1
    for _ in range(2):
        folder.push()
        assert not {f.rule for f in folder.pull()} & {"lost", "conflict"}
        assert folder.boxes(first) is None


def test_a_tool_that_writes_its_old_copy_over_takes_nothing_back(folder: Folder) -> None:
    first, _ = folder.pictures
    folder.hand.look(first)
    folder.pull()
    old = {file: file.read_bytes() for file in folder.files()}
    folder.accept()
    accepted = folder.boxes(first)
    folder.push()
    for file, data in old.items():
        file.write_bytes(data)
    assert not {f.rule for f in folder.pull()} & {"lost", "conflict"}
    assert folder.boxes(first) == accepted
    folder.push()
    assert folder.shown(first) == accepted


def test_an_old_import_of_the_folder_offers_nothing_that_was_deleted_since(folder: Folder) -> None:
    first, _ = folder.pictures
    bench = folder.bench
    folder.hand.look(first)
    folder.hand.move(first, folder.id_of(first, 2), NEW)
    import_path(bench.ws, bench.project, folder.place, IntakeOptions(folder.format))
    folder.hand.delete(first, folder.id_of(first, 1))
    folder.pull()
    [shown] = preview(bench.ws, bench.project).pictures
    assert len(shown.regions) == 1
    assert folder.left_out() == [first]
    folder.accept()
    assert folder.boxes(first) == folder.shown(first)
    assert folder.left_out() == []
    with pytest.raises(ConflictError, match="accept-nothing"):
        folder.accept()


def written_back(folder: Folder, moved: bool) -> str:
    """A picture whose boxes were accepted, written under plain ids and read; one was moved by hand before, or none."""
    first, _ = folder.pictures
    folder.hand.look(first)
    if moved:
        folder.hand.move(first, folder.id_of(first, 2), NEW)
    folder.pull()
    folder.accept()
    folder.push()
    folder.hand.look(first)
    folder.pull()
    return first


def ids(folder: Folder, name: str) -> list[str]:
    return [folder.id_of(name, n) for n in range(len(folder.hand.regions(name)))]


@pytest.mark.parametrize("moved", [False, True])
def test_undone_boxes_are_marked_in_the_file_again_and_offered(folder: Folder, moved: bool) -> None:
    before = ids(folder, folder.pictures[0])
    first = written_back(folder, moved)
    shown = folder.shown(first)
    assert not set(before[:2]) & set(ids(folder, first))
    assert folder.undo() == 1
    for _ in range(2):
        folder.push()
        assert folder.shown(first) == shown
        assert sorted(ids(folder, first)) == sorted(before)
        assert not {f.rule for f in folder.pull()} & {"lost", "conflict"}
        assert len(folder.boxes(first) or []) == moved
        assert folder.preview() == [first]
    folder.hand.move(first, before[0], Box(1.0, 2.0, 30.0, 40.0))
    folder.pull()
    assert len(folder.boxes(first) or []) == 1 + moved
    assert folder.accept() == (1, 2 - moved)
    assert folder.boxes(first) == folder.shown(first)


@pytest.mark.parametrize("moved", [False, True])
def test_a_box_touched_before_the_undo_is_written_is_taken_alone(folder: Folder, moved: bool) -> None:
    first = written_back(folder, moved)
    folder.undo()
    touched = next(i for i in ids(folder, first) if not i.startswith("lb-"))
    folder.hand.move(first, touched, Box(1.0, 2.0, 30.0, 40.0))
    assert not {f.rule for f in folder.pull()} & {"lost", "conflict"}
    for _ in range(2):
        assert len(folder.boxes(first) or []) == 1 + moved
        assert len(folder.shown(first)) == 3
        assert folder.preview() == [first]
        folder.push()
        assert not {f.rule for f in folder.pull()} & {"lost", "conflict"}
