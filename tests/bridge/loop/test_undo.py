from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.errors import ConflictError
from bridge.loop.check import check
from bridge.loop.intake import take
from bridge.loop.undo import undo
from bridge.model.annotation import Document, Image, Region
from bridge.model.dataset import Reading
from bridge.store import images, projects, revisions
from bridge.workspace import Workspace

Corners = tuple[tuple[float, float], ...]
OUT, IN = ((40.0, 20.0), (70.0, 40.0)), ((40.0, 20.0), (64.0, 40.0))
FREE = ((1.0, 1.0), (9.0, 9.0))


def box(points: Corners) -> Region:
    return Region("rectangle", points, ("washer",))


def tool_says(ws: Workspace, **boxes: Sequence[Corners]) -> None:
    documents = [Document(Image(f"{n}.jpg", 64, 48), tuple(map(box, points))) for n, points in boxes.items()]
    with ws.db.write() as tx:
        project = projects.find(tx, "p")
        source = projects.put_source(tx, project.id, "t", "import", "/x")
    take(ws, project, source, Reading(("washer",), tuple(documents), len(documents)), "aiko")


def present(ws: Workspace) -> dict[str, list[Corners]]:
    with ws.db.read() as tx:
        found = projects.find(tx, "p")
        every = list(revisions.current(tx, found.id, found.labels))
    return {Path(c.document.image.name).stem: [r.points for r in c.document.regions or ()] for c in every}


@pytest.fixture
def ws(workspace: Workspace) -> Workspace:
    with workspace.db.write() as tx:
        projects.create(tx, "p")
    return workspace


def test_two_mendings_are_taken_back_one_after_the_other(ws: Workspace) -> None:
    drawn = {"a": [OUT, IN], "b": [OUT]}
    tool_says(ws, **drawn)
    assert check(ws, "p", fix=True).fixed == 2
    assert present(ws) == {"a": [IN, IN], "b": [IN]}
    assert check(ws, "p", fix=True).fixed == 1
    assert present(ws) == {"a": [IN], "b": [IN]}
    assert undo(ws, "p") == 1
    assert present(ws) == {"a": [IN, IN], "b": [IN]}
    assert undo(ws, "p") == 2
    assert present(ws) == drawn
    with pytest.raises(ConflictError, match="undo-nothing"):
        undo(ws, "p")


def test_one_picture_walks_back_to_what_the_tool_said(ws: Workspace) -> None:
    tool_says(ws, a=[OUT, IN])
    check(ws, "p", fix=True)
    check(ws, "p", fix=True)
    back = []
    for _ in range(2):
        undo(ws, "p", "a.jpg")
        back.append(present(ws)["a"])
    assert back == [[IN, IN], [OUT, IN]]
    with pytest.raises(ConflictError, match="undo-nothing"):
        undo(ws, "p", "a.jpg")
    with ws.db.read() as tx:
        found = projects.find(tx, "p")
        image = images.find(tx, found.id, "a.jpg").id or 0
        sources = [r.source for r in revisions.history(tx, image, found.labels)]
    assert sources == ["t", "fix", "fix", "undo", "undo"]


def test_what_was_undone_is_skipped_by_a_later_undo(ws: Workspace) -> None:
    tool_says(ws, a=[OUT, IN])
    check(ws, "p", fix=True)
    undo(ws, "p")
    tool_says(ws, a=[FREE])
    with pytest.raises(ConflictError, match="undo-nothing"):
        undo(ws, "p")
    undo(ws, "p", "a.jpg")
    assert present(ws) == {"a": [OUT, IN]}
    with pytest.raises(ConflictError, match="undo-nothing"):
        undo(ws, "p", "a.jpg")


def test_a_mending_of_many_pictures_is_taken_back_whole(ws: Workspace) -> None:
    drawn = {f"n{n}": [OUT] for n in range(201)}
    tool_says(ws, **drawn)
    assert check(ws, "p", fix=True).fixed == 201
    assert undo(ws, "p") == 201
    assert present(ws) == drawn
