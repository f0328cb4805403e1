from __future__ import annotations

import pytest

from bridge.errors import ConflictError, InputError
from bridge.loop import labels
from bridge.loop.intake import take
from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.dataset import Reading
from bridge.store import projects, revisions
from bridge.workspace import Workspace


def tool_says(ws: Workspace, name: str, *named: str) -> None:
    document = Document(Image(name, 64, 48), (Region.rectangle(Box(1, 1, 9, 9), *named),))
    with ws.db.write() as tx:
        project = projects.find(tx, "p")
        source = projects.put_source(tx, project.id, "t", "import", "/x")
    take(ws, project, source, Reading(named, (document,), 1), "aiko")


def present(ws: Workspace) -> set[tuple[str, ...]]:
    with ws.db.read() as tx:
        found = projects.find(tx, "p")
        return {r.labels for c in revisions.current(tx, found.id, found.labels) for r in c.document.regions or ()}


def test_a_merged_label_counts_to_the_other_now_and_later(workspace: Workspace) -> None:
    with workspace.db.write() as tx:
        projects.create(tx, "p")
    tool_says(workspace, "a.jpg", "washer")
    tool_says(workspace, "b.jpg", "Washer")
    assert labels.merge(workspace, "p", "Washer", "washer", "aiko").label_names() == ("washer",)
    tool_says(workspace, "c.jpg", "Washer")
    assert present(workspace) == {("washer",)}
    with workspace.db.read() as tx:
        found = projects.find(tx, "p")
        assert revisions.counts(tx, found.id).by_label == {found.classes[0].id: 3}


def test_a_renamed_label_is_known_by_its_old_name_too(workspace: Workspace) -> None:
    with workspace.db.write() as tx:
        projects.create(tx, "p")
    tool_says(workspace, "a.jpg", "washer")
    labels.rename(workspace, "p", "washer", "座金", "aiko")
    tool_says(workspace, "b.jpg", "washer")
    assert present(workspace) == {("座金",)}


def test_a_rename_can_be_taken_back_as_often_as_one_likes(workspace: Workspace) -> None:
    with workspace.db.write() as tx:
        projects.create(tx, "p")
    tool_says(workspace, "a.jpg", "cat")
    for old, new in (("cat", "子猫"), ("子猫", "cat"), ("cat", "子猫")):
        made = labels.rename(workspace, "p", old, new, "aiko")
        assert [(label.name, label.alias) for label in made.labels] == [(new, None), (new, old)]
        tool_says(workspace, f"{new}.jpg", old)
        assert present(workspace) == {(new,)}
    with workspace.db.write() as tx:
        projects.add_labels(tx, "p", ["dog"], {})
    with pytest.raises(ConflictError, match="label-exists"):
        labels.rename(workspace, "p", "dog", "cat", "aiko")


@pytest.mark.parametrize("name", ["", "　 ", "washer\nnut", "wash\ter", "a\u2028b", "\x7f"])
def test_what_no_list_of_names_can_hold_is_no_name(workspace: Workspace, name: str) -> None:
    with workspace.db.write() as tx:
        projects.create(tx, "p")
        projects.add_labels(tx, "p", ["washer"], {})
    with pytest.raises(InputError, match="label-name"):
        labels.rename(workspace, "p", "washer", name, "aiko")


def test_a_box_that_carried_both_merged_labels_counts_once(workspace: Workspace) -> None:
    with workspace.db.write() as tx:
        projects.create(tx, "p")
    tool_says(workspace, "a.jpg", "car", "auto")
    labels.merge(workspace, "p", "auto", "car", "aiko")
    assert present(workspace) == {("car",)}
