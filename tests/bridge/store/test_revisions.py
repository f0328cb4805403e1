from __future__ import annotations

import math

from sqlalchemy import Connection

from bridge.model.annotation import Box, Image, Region, content_hash
from bridge.store import images, projects, revisions
from bridge.store.database import Database
from bridge.store.revisions import Draft

KIMONO = Region.rectangle(Box(1, 2, 30.25, 40), "着物", region_id="a", extra={"未知": [1, None]})
SWIMSUIT = Region.rectangle(Box(5, 5, 9, 9), "水着")


def begin(tx: Connection, *names: str) -> tuple[str, list[int]]:
    project = projects.create(tx, "撮影 2026")
    projects.add_labels(tx, project.id, ["着物", "水着"], {})
    return project.id, images.put(tx, project.id, [Image(name, 64, 48) for name in names])


def draft(image_id: int, *regions: Region, parents: tuple[int, ...] = ()) -> Draft:
    return Draft(image_id, regions, content_hash("x", 64, 48, regions), "aiko", "vott", parents)


def test_regions_come_back_as_they_went_in(database: Database) -> None:
    odd = Region("damaged", ((math.nan, 2.0),), ("水着",), extra={"x2": "bad"})
    with database.write() as tx:
        project, [image] = begin(tx, "あ.jpg")
        labels = projects.labels(tx, project)
        revisions.put(tx, [draft(image, KIMONO, odd)], labels)
        [revision] = revisions.heads(tx, image, labels)
    assert revision.regions[0] == KIMONO
    assert math.isnan(revision.regions[1].points[0][0])
    assert revision.regions[1].extra == {"x2": "bad"}


def test_a_new_revision_takes_its_parents_place_and_the_old_one_stays(database: Database) -> None:
    with database.write() as tx:
        project, [image] = begin(tx, "a.jpg")
        labels = projects.labels(tx, project)
        [first] = revisions.put(tx, [draft(image, KIMONO)], labels)
        [second] = revisions.put(tx, [draft(image, parents=(first,))], labels)
        assert [r.id for r in revisions.heads(tx, image, labels)] == [second]
        assert [r.id for r in revisions.history(tx, image, labels)] == [first, second]


def test_two_heads_give_their_common_ancestor(database: Database) -> None:
    with database.write() as tx:
        project, [image] = begin(tx, "a.jpg")
        labels = projects.labels(tx, project)
        [first] = revisions.put(tx, [draft(image, KIMONO)], labels)
        [_, _] = revisions.put(tx, [draft(image, SWIMSUIT, parents=(first,)), draft(image, KIMONO, SWIMSUIT)], labels)
        [present] = revisions.current(tx, project, labels)
        assert present.heads == 2
        assert revisions.conflicts(tx, project) == [image]


def test_counts_speak_of_the_heads_only(database: Database) -> None:
    with database.write() as tx:
        project, [one, two, _] = begin(tx, "a.jpg", "b.jpg", "c.jpg")
        labels = projects.labels(tx, project)
        [old] = revisions.put(tx, [draft(one, KIMONO, KIMONO, SWIMSUIT)], labels)
        revisions.put(tx, [draft(one, SWIMSUIT, parents=(old,)), draft(two)], labels)
        found = revisions.counts(tx, project)
    assert (found.images, found.labelled, found.reviewed_empty, found.unknown) == (3, 1, 1, 1)
    assert (found.boxes, found.by_label) == (1, {labels[1].id: 1})


def test_a_renamed_label_is_renamed_in_every_revision(database: Database) -> None:
    from bridge.store import tables as t

    with database.write() as tx:
        project, [image] = begin(tx, "a.jpg")
        revisions.put(tx, [draft(image, KIMONO)], projects.labels(tx, project))
        tx.execute(t.label.update().where(t.label.c.name == "着物").values(name="kimono"))
        [revision] = revisions.heads(tx, image, projects.labels(tx, project))
    assert revision.regions[0].labels == ("kimono",)


def test_pictures_are_found_by_any_spelling_of_their_name(database: Database) -> None:
    with database.write() as tx:
        project, _ = begin(tx, "ガ.jpg")
        assert images.find(tx, project, "\u30ab\u3099.jpg").name == "ガ.jpg"


def test_pages_of_pictures_can_be_filtered(database: Database) -> None:
    with database.write() as tx:
        project, ids = begin(tx, *(f"{n}.jpg" for n in range(5)))
        labels = projects.labels(tx, project)
        revisions.put(tx, [draft(ids[0], KIMONO), draft(ids[1])], labels)
        assert [i.id for i in images.page(tx, project, state="labelled").images] == ids[:1]
        assert [i.id for i in images.page(tx, project, state="reviewed-empty").images] == ids[1:2]
        assert images.page(tx, project, state="unknown").total == 3
        assert [i.id for i in images.page(tx, project, label_id=labels[0].id).images] == ids[:1]
        first = images.page(tx, project, limit=2)
        second = images.page(tx, project, after=first.cursor, limit=3)
    assert [i.id for i in (*first.images, *second.images)] == ids
    assert second.cursor is None


def test_merged_labels_count_and_are_found_as_the_class_they_became(database: Database) -> None:
    with database.write() as tx:
        project, [one, two] = begin(tx, "a.jpg", "b.jpg")
        labels = projects.labels(tx, project)
        revisions.put(tx, [draft(one, KIMONO), draft(two, SWIMSUIT)], labels)
        projects.merge_label(tx, project, "水着", "着物")
        projects.add_labels(tx, project, ["着衣"], {})
        projects.merge_label(tx, project, "着物", "着衣")
        [last] = [label for label in projects.labels(tx, project) if label.alias is None]
        assert revisions.counts(tx, project).by_label == {last.id: 2}
        assert [i.id for i in images.page(tx, project, label_id=last.id).images] == [one, two]
