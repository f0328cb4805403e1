from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.errors import ConflictError, NotFoundError
from bridge.loop.resolve import conflicts, resolve
from bridge.model.annotation import Box, Image, Region
from bridge.store import images, projects, revisions, tokens
from bridge.store.revisions import Draft
from bridge.workspace import Workspace

KIMONO = Region.rectangle(Box(1, 2, 30, 40), "着物", extra={"未知": 1})
OBI = Region.rectangle(Box(5, 5, 9, 9), "着物")


def test_the_chosen_labels_hold_and_the_others_stay_in_the_history(workspace: Workspace) -> None:
    with workspace.db.write() as tx:
        project = projects.create(tx, "浴衣")
        labels = projects.add_labels(tx, project.id, ["着物"], {})
        [image] = images.put(tx, project.id, [Image("あ.jpg", 64, 48)])
        [base] = revisions.put(tx, [Draft(image, (KIMONO,), "a", "愛子", "vott")], labels)
        [first] = revisions.put(tx, [Draft(image, (KIMONO, OBI), "b", "愛子", "vott", (base,))], labels)
        [second] = revisions.put(tx, [Draft(image, (OBI,), "c", "健太", "label-studio", base=base)], labels)
        assert len(revisions.heads(tx, image, labels)) == 2
    with pytest.raises(NotFoundError, match="revision-missing"):
        resolve(workspace, project.id, "あ.jpg", base)
    new = resolve(workspace, project.id, "あ.jpg", first, "健太")
    with workspace.db.read() as tx:
        [head] = revisions.heads(tx, image, labels)
        assert (head.id, head.regions, head.author, head.parent_id) == (new, (KIMONO, OBI), "健太", first)
        assert [r.id for r in revisions.history(tx, image, labels)] == [base, first, second, new]
        assert revisions.conflicts(tx, project.id) == []
        assert tokens.recorded(tx)[0]["fields"] == {"image": "あ.jpg", "kept": first}
    with pytest.raises(ConflictError, match="resolve-nothing"):
        resolve(workspace, project.id, "あ.jpg", first)


def test_what_each_changed_is_told_against_what_both_were_made_from(workspace: Workspace) -> None:
    kimono, obi = replace(KIMONO, region_id="k"), replace(OBI, region_id="o")
    moved, relabelled = replace(kimono, points=((2, 2), (31, 40))), replace(kimono, labels=("浴衣",))
    new = Region.rectangle(Box(40, 5, 50, 30), "帯")
    with workspace.db.write() as tx:
        project = projects.create(tx, "浴衣")
        labels = projects.add_labels(tx, project.id, ["着物", "浴衣", "帯"], {})
        [image] = images.put(tx, project.id, [Image("あ.jpg", 64, 48)])
        [base] = revisions.put(tx, [Draft(image, (kimono, obi), "a", "愛子", "vott")], labels)
        [first] = revisions.put(tx, [Draft(image, (moved, obi, new), "b", "愛子", "vott", (base,))], labels)
        [second] = revisions.put(tx, [Draft(image, (relabelled,), "c", "健太", "label-studio", base=base)], labels)
        [conflict] = conflicts(tx, projects.find(tx, project.id))
    assert [[(c.kind, c.region.labels) for c in conflict.changes(head)] for head in conflict.heads] == [
        [("moved", ("着物",)), ("added", ("帯",))],
        [("relabelled", ("浴衣",)), ("removed", ("着物",))],
    ]
    assert conflict.base is not None
    assert (conflict.base.id, [h.id for h in conflict.heads]) == (base, [first, second])
    # Together: moved and relabelled, the new one there, the other one gone.
    resolve(workspace, project.id, "あ.jpg", None, "健太")
    with workspace.db.read() as tx:
        [head] = revisions.heads(tx, image, labels)
    assert sorted((r.points, r.labels) for r in head.regions) == [
        (((2, 2), (31, 40)), ("浴衣",)),
        (((40, 5), (50, 30)), ("帯",)),
    ]
