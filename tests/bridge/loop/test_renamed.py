"""A picture that comes back under another name is the same picture."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.loop.connect import connect_folder
from bridge.loop.cut import CutOptions, cut
from bridge.loop.export import export
from bridge.loop.intake import Imported, IntakeOptions, import_path
from bridge.loop.reconcile import pull
from bridge.model.annotation import Document
from bridge.plugin import WriteOptions
from bridge.store import findings, projects, revisions
from bridge.workspace import Workspace

Make = Callable[..., Path]


def project(folder: Path, **frames: list[tuple[float, ...]]) -> Path:
    """A VoTT 1 project beside the folder imgs, with boxes by file name (two underscores for a dot)."""
    made: dict[str, Any] = {}
    for name, boxes in frames.items():
        corners = [dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)) for box in boxes]
        made[name.replace("__", ".")] = [
            {**c, "box": c, "width": 64, "height": 48, "tags": ["a"], "type": "rect"} for c in corners
        ]
    path = folder / "imgs.json"
    path.write_text(json.dumps({"frames": made, "inputTags": "a", "visitedFrames": list(made)}, ensure_ascii=False))
    return path


def taken(ws: Workspace, path: Path) -> Imported:
    return import_path(ws, "p", path, IntakeOptions())


def documents(ws: Workspace) -> dict[str, Document]:
    with ws.db.read() as tx:
        found = projects.find(tx, "p")
        return {c.document.image.name: c.document for c in revisions.current(tx, found.id, found.labels)}


def told(done: Imported, rule: str) -> list[str | None]:
    return [finding.image for finding in done.findings if finding.rule == rule]


def test_it_keeps_its_labels_and_its_side_of_the_split(workspace: Workspace, picture: Make, tmp_path: Path) -> None:
    names = [f"{n}.jpg" for n in range(10)]
    for n, name in enumerate(names):
        picture(name, 64, 48, comment=str(n), folder=tmp_path / "imgs")
    frames: Any = {name.replace(".", "__"): [(1, 1, 20, 20)] for name in names}
    taken(workspace, project(tmp_path, **frames))
    before = documents(workspace)
    version = cut(workspace, "p", CutOptions(held_out=frozenset({"3.jpg"}))).version
    for name in names:
        (tmp_path / "imgs" / name).rename(tmp_path / "imgs" / f"新{name}")
    done = taken(workspace, project(tmp_path, **{f"新{name}": boxes for name, boxes in frames.items()}))
    after = documents(workspace)
    assert told(done, "renamed") == [f"新{name}" for name in names]
    assert (told(done, "lost"), told(done, "near-duplicate")) == ([], [])
    assert {d.image.id: d.regions for d in after.values()} == {d.image.id: d.regions for d in before.values()}
    assert set(after) == {f"新{name}" for name in names}
    again = cut(workspace, "p", CutOptions()).version
    assert [m.image_id for m in again.part("valid")] == [m.image_id for m in version.part("valid")]
    assert taken(workspace, tmp_path / "imgs.json").revisions == 0


def test_an_export_holds_out_what_is_called_otherwise_now(workspace: Workspace, picture: Make, tmp_path: Path) -> None:
    for n, name in enumerate(("a.jpg", "b.jpg")):
        picture(name, 64, 48, comment=str(n), folder=tmp_path / "imgs")
    taken(workspace, project(tmp_path, a__jpg=[(1, 1, 20, 20)], b__jpg=[(1, 1, 20, 20)]))
    cut(workspace, "p", CutOptions(held_out=frozenset({"a.jpg"})))
    (tmp_path / "imgs" / "a.jpg").rename(tmp_path / "imgs" / "c.jpg")
    taken(workspace, project(tmp_path, c__jpg=[(1, 1, 20, 20)], b__jpg=[(1, 1, 20, 20)]))
    export(workspace, "p", "yolo", tmp_path / "out", WriteOptions("none"))
    assert (tmp_path / "out" / "valid.txt").read_text() == "data/c.jpg\n"


def test_an_edit_that_came_with_the_new_name_is_an_edit(workspace: Workspace, picture: Make, tmp_path: Path) -> None:
    picture("a.jpg", 64, 48, folder=tmp_path / "imgs")
    taken(workspace, project(tmp_path, a__jpg=[(1, 1, 20, 20)]))
    (tmp_path / "imgs" / "a.jpg").rename(tmp_path / "imgs" / "b.jpg")
    taken(workspace, project(tmp_path, b__jpg=[(1, 1, 30, 30)]))
    (document,) = documents(workspace).values()
    assert document.image.name == "b.jpg"
    assert [region.points for region in document.regions or ()] == [((1, 1), (30, 30))]


def test_a_copy_is_a_picture_of_its_own(workspace: Workspace, picture: Make, tmp_path: Path) -> None:
    file = picture("a.jpg", 64, 48, folder=tmp_path / "imgs")
    taken(workspace, project(tmp_path, a__jpg=[(1, 1, 20, 20)]))
    (tmp_path / "imgs" / "b.jpg").write_bytes(file.read_bytes())
    done = taken(workspace, project(tmp_path, a__jpg=[(1, 1, 20, 20)], b__jpg=[(1, 1, 30, 30)]))
    assert told(done, "renamed") == []
    assert set(documents(workspace)) == {"a.jpg", "b.jpg"}


def test_two_equal_pictures_that_both_went_are_not_guessed_at(
    workspace: Workspace, picture: Make, tmp_path: Path
) -> None:
    file = picture("a.jpg", 64, 48, folder=tmp_path / "imgs")
    (tmp_path / "imgs" / "b.jpg").write_bytes(file.read_bytes())
    taken(workspace, project(tmp_path, a__jpg=[(1, 1, 20, 20)], b__jpg=[(1, 1, 30, 30)]))
    (tmp_path / "imgs" / "a.jpg").rename(tmp_path / "imgs" / "c.jpg")
    (tmp_path / "imgs" / "b.jpg").unlink()
    done = taken(workspace, project(tmp_path, c__jpg=[(1, 1, 20, 20)]))
    assert [f.fields["case"] for f in done.findings if f.rule == "renamed"] == ["proposed"]
    assert set(told(done, "lost")) == {"a.jpg", "b.jpg"}


def test_an_old_name_that_the_file_still_lists_stays_apart(workspace: Workspace, picture: Make, tmp_path: Path) -> None:
    """Renamed by hand: the project has labels under the old name and none under the new one yet."""
    picture("a.jpg", 64, 48, folder=tmp_path / "imgs")
    taken(workspace, project(tmp_path, a__jpg=[(1, 1, 20, 20)]))
    (tmp_path / "imgs" / "a.jpg").rename(tmp_path / "imgs" / "b.jpg")
    done = taken(workspace, project(tmp_path, a__jpg=[(1, 1, 20, 20)]))
    found = documents(workspace)
    assert [f.fields["case"] for f in done.findings if f.rule == "renamed"] == ["proposed"]
    assert found["a.jpg"].regions is not None
    assert found["b.jpg"].regions is None


def test_a_connected_folder_knows_it_too(workspace: Workspace, picture: Make, tmp_path: Path) -> None:
    for n, name in enumerate(("a.jpg", "b.jpg")):
        picture(name, 64, 48, comment=str(n), folder=tmp_path / "imgs")
    path = project(tmp_path, a__jpg=[(1, 1, 20, 20)], b__jpg=[(1, 1, 20, 20)])
    with workspace.db.write() as tx:
        projects.create(tx, "p")
    connect_folder(workspace, "p", "vott-v1", path, "me", "share")
    pull(workspace, "p", wait=time.sleep)
    (tmp_path / "imgs" / "a.jpg").rename(tmp_path / "imgs" / "c.jpg")
    project(tmp_path, c__jpg=[(1, 1, 20, 20)], b__jpg=[(1, 1, 20, 20)])
    pull(workspace, "p", wait=time.sleep)
    assert set(documents(workspace)) == {"b.jpg", "c.jpg"}
    with workspace.db.read() as tx:
        assert {f.rule for f in findings.listing(tx, "p")} == {"renamed"}
