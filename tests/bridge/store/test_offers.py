"""What tools show of a model's boxes, and how it was judged, on each kind of store."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.loop.accept import accept, preview
from bridge.loop.tally import tally
from bridge.loop.undo import undo
from bridge.model.annotation import Box, Region
from bridge.model.prediction import Counts, Mark, Prediction
from bridge.store import images, offers, projects, standing
from bridge.store.images import Item
from bridge.store.standing import Standing
from bridge.workspace import Workspace
from tests.filled import Filled, fill

UNSEEN, LABELLED = "未確認.jpg", "浴衣 (1).jpg"


@pytest.fixture
def filled(workspace: Workspace, tmp_path: Path) -> Filled:
    """The filled project, in which a tool shows one box of its model on two pictures, one of them labelled."""
    made = fill(workspace, tmp_path / "撮影")
    author = f"checkpoint:{made.checkpoint}"
    box = Region.rectangle(Box(1.5, 2.5, 31, 29), "水着", author=author, score=0.5)
    mark = Mark(made.checkpoint, 0, "0123abcd").text
    marked = Region(box.kind, box.points, box.labels, mark, author, 0.5)
    with workspace.db.write() as tx:
        [source] = projects.sources(tx, made.project)
        ids = [made.images[name] for name in (UNSEEN, LABELLED)]
        shown = [Prediction(i, "-", made.checkpoint, (box,)) for i in ids]
        offers.put(tx, source.id, shown, projects.labels(tx, made.project))
        standing.put(tx, source.id, [Standing(source.id, i, i == ids[1], (marked,)) for i in ids])
        known = images.items(tx, source.id)[ids[1]]
        images.put_items(tx, source.id, [(Item(ids[1], None, known.content_hash, known.revision_id, open=1), {})])
    return made


def test_what_stands_is_kept_as_it_is(filled: Filled) -> None:
    with filled.ws.db.read() as tx:
        found = {one.image_id: one for one in standing.of_project(tx, filled.project)}
        assert standing.waiting(tx, filled.project) == 1
        assert standing.looked(tx, found[filled.images[UNSEEN]].source_id) == {filled.images[LABELLED]}
    one = found[filled.images[UNSEEN]]
    assert (one.looked, one.regions[0].points, one.regions[0].score) == (False, ((1.5, 2.5), (31, 29)), 0.5)
    with filled.ws.db.write() as tx:
        standing.put(tx, one.source_id, [Standing(one.source_id, one.image_id, True, ())])
        assert filled.images[UNSEEN] not in {s.image_id for s in standing.of_project(tx, filled.project)}


def test_accepting_closes_a_picture_and_undo_opens_it_again(filled: Filled) -> None:
    def half_judged() -> set[int]:
        with filled.ws.db.read() as tx:
            return images.half_judged(tx, filled.project)

    assert half_judged() == {filled.images[LABELLED]}
    assert [p.image.name for p in preview(filled.ws, filled.project).pictures] == [LABELLED]
    assert accept(filled.ws, filled.project).boxes == 1
    assert half_judged() == set()
    [fared] = tally(filled.ws, filled.project)
    assert (fared.pictures, fared.labels) == (1, {"浴衣": Counts(added=1), "水着": Counts(kept=1, added=1)})
    assert undo(filled.ws, filled.project) == 1
    assert half_judged() == {filled.images[LABELLED]}
    assert tally(filled.ws, filled.project) == []


def test_only_what_changed_is_judged_anew(filled: Filled) -> None:
    accept(filled.ws, filled.project, [LABELLED, UNSEEN])
    with filled.ws.db.read() as tx:
        assert len(offers.stale(tx, filled.project)) == 2
    [fared] = tally(filled.ws, filled.project)
    assert (fared.pictures, fared.total.kept) == (2, 2)
    with filled.ws.db.read() as tx:
        assert offers.stale(tx, filled.project) == []
    undo(filled.ws, filled.project, UNSEEN)
    with filled.ws.db.read() as tx:
        assert offers.stale(tx, filled.project) == [filled.images[UNSEEN]]
    [fared] = tally(filled.ws, filled.project)
    assert (fared.pictures, fared.total.kept) == (1, 1)


def test_an_offer_that_was_seen_is_not_changed_by_another_push(filled: Filled) -> None:
    with filled.ws.db.write() as tx:
        [source] = projects.sources(tx, filled.project)
        labels = projects.labels(tx, filled.project)
        ids = [filled.images[name] for name in (UNSEEN, LABELLED)]
        offers.see(tx, ids[:1], source.id)
        offers.put(tx, source.id, [Prediction(i, "-", filled.checkpoint, ()) for i in ids], labels)
        assert offers.unseen(tx, source.id) == {ids[1]}
        offers.see(tx, ids, source.id)
        found = offers.of_images(tx, ids, labels)
        assert [len(found[i][0].regions) for i in ids] == [1, 0]
