from __future__ import annotations

import pytest

from bridge.errors import ConflictError, NotFoundError
from bridge.loop.resolve import resolve
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
