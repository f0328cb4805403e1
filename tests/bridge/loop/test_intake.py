"""What the store does with what a tool says: nothing is overwritten, nothing doubles, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.loop.check import check
from bridge.loop.intake import Imported, take
from bridge.model.annotation import Box, Document, FileStamp, Image, Region
from bridge.model.dataset import Reading
from bridge.model.project import Project, Source
from bridge.store import projects, revisions
from bridge.store.revisions import Current
from bridge.workspace import Workspace

CAT = Region.rectangle(Box(1, 1, 20, 20), "猫", region_id="c")
DOG = Region.rectangle(Box(30, 5, 50, 40), "dog", region_id="d")
Make = Callable[..., Path]


class Tool:
    """A labeling tool that says what the test wants."""

    def __init__(self, ws: Workspace, name: str = "tool", project: str = "p", place: str = "/x") -> None:
        self.ws = ws
        with ws.db.write() as tx:
            known = [p for p in projects.listing(tx) if p.name == project]
            self.project: Project = known[0] if known else projects.create(tx, project)
            self.source: Source = projects.put_source(tx, self.project.id, name, "import", place)

    def says(self, *documents: Document, labels: tuple[str, ...] = ("猫", "dog")) -> Imported:
        reading = Reading(labels, documents, len(documents))
        return take(self.ws, self.project, self.source, reading, "aiko")

    def present(self) -> dict[str, Current]:
        with self.ws.db.read() as tx:
            labels = projects.labels(tx, self.project.id)
            return {c.document.image.name: c for c in revisions.current(tx, self.project.id, labels)}


def of(path: Path, *regions: Region, looked: bool = True) -> Document:
    stat = path.stat()
    image = Image(path.name, file=FileStamp(str(path), stat.st_size, stat.st_mtime_ns))
    return Document(image, regions if looked else None)


def by_id(region: Region) -> str:
    return region.region_id or ""


def rules(done: Imported) -> list[str]:
    return sorted(f.rule for f in done.findings)


def test_the_same_import_twice_makes_no_revision(workspace: Workspace, picture: Make) -> None:
    a, b = picture("あ.jpg"), picture("b.jpg", 65)
    tool = Tool(workspace)
    first = tool.says(of(a, CAT), of(b))
    second = tool.says(of(a, CAT), of(b))
    assert (first.revisions, second.revisions) == (2, 0)
    assert tool.present()["あ.jpg"].document.regions == (CAT,)
    assert tool.present()["あ.jpg"].document.image.width == 64


def test_an_edit_is_a_new_revision_on_top_of_the_old(workspace: Workspace, picture: Make) -> None:
    a = picture("a.jpg")
    tool = Tool(workspace)
    tool.says(of(a, CAT))
    tool.says(of(a, CAT, DOG))
    current = tool.present()["a.jpg"]
    assert current.document.regions == (CAT, DOG)
    with workspace.db.read() as tx:
        line = revisions.history(tx, current.document.image.id or 0, projects.labels(tx, tool.project.id))
    assert [len(r.regions) for r in line] == [1, 2]
    assert line[1].parent_id == line[0].id


def test_never_looked_at_is_not_the_same_as_empty(workspace: Workspace, picture: Make) -> None:
    tool = Tool(workspace)
    tool.says(of(picture("new.jpg"), looked=False), of(picture("empty.jpg", 65)))
    states = {name: c.document.state.value for name, c in tool.present().items()}
    assert states == {"new.jpg": "unknown", "empty.jpg": "reviewed-empty"}


def test_labels_that_vanish_from_the_tool_are_kept_and_told(workspace: Workspace, picture: Make) -> None:
    a, b = picture("a.jpg"), picture("b.jpg", 65)
    tool = Tool(workspace)
    tool.says(of(a, CAT), of(b, DOG))
    done = tool.says(of(a, looked=False))
    assert rules(done) == ["lost", "lost"]
    assert tool.present()["a.jpg"].document.regions == (CAT,)
    assert tool.present()["b.jpg"].document.regions == (DOG,)


def test_classes_in_another_order_change_nothing(workspace: Workspace, picture: Make) -> None:
    a = picture("a.jpg")
    tool = Tool(workspace)
    tool.says(of(a, CAT), labels=("猫", "dog"))
    done = tool.says(of(a, CAT), labels=("dog", "猫", "bird"))
    assert "disagreement" in rules(done)
    with workspace.db.read() as tx:
        assert projects.find(tx, "p").label_names() == ("猫", "dog", "bird")


def test_two_tools_that_change_the_same_box_make_an_open_conflict(workspace: Workspace, picture: Make) -> None:
    a = picture("a.jpg")
    one, two = Tool(workspace, "one"), Tool(workspace, "two")
    one.says(of(a, CAT))
    two.says(of(a, CAT))
    one.says(of(a, Region.rectangle(Box(2, 2, 20, 20), "猫", region_id="c")))
    done = two.says(of(a, Region.rectangle(Box(3, 3, 20, 20), "猫", region_id="c")))
    assert "conflict" in rules(done)
    current = one.present()["a.jpg"]
    assert current.heads == 2
    assert current.document.regions == (CAT,)  # what both were made from


def test_edits_of_different_boxes_are_merged(workspace: Workspace, picture: Make) -> None:
    a = picture("a.jpg")
    one, two = Tool(workspace, "one"), Tool(workspace, "two")
    one.says(of(a, CAT))
    two.says(of(a, CAT))
    one.says(of(a, CAT, DOG))
    moved = Region.rectangle(Box(3, 3, 20, 20), "猫", region_id="c")
    two.says(of(a, moved))
    assert sorted(one.present()["a.jpg"].document.regions or (), key=by_id) == [moved, DOG]
    # What tool two said is the base of its next edit, not the merged set it never saw.
    moved_again = Region.rectangle(Box(4, 4, 20, 20), "猫", region_id="c")
    two.says(of(a, moved_again))
    assert sorted(one.present()["a.jpg"].document.regions or (), key=by_id) == [moved_again, DOG]


def test_a_picture_that_vott_calls_otherwise_is_the_same_picture(workspace: Workspace, picture: Make) -> None:
    a = picture("a.jpg")
    tool = Tool(workspace, "vott-v2:/x")
    first, moved = of(a, CAT), of(a, CAT, DOG)
    tool.says(replace(first, image=replace(first.image, item="5a")))
    done = tool.says(replace(moved, image=replace(moved.image, name="folder/a.jpg", item="5a")))
    assert (done.revisions, rules(done)) == (1, [])
    assert {n: c.document.regions for n, c in tool.present().items()} == {"a.jpg": (CAT, DOG)}


def test_a_number_that_another_picture_has_now_is_not_followed(workspace: Workspace, picture: Make) -> None:
    a, b = picture("a.jpg"), picture("b.jpg", 65)
    tool = Tool(workspace, "coco:/x")
    first, second = of(a, CAT), of(b, DOG)
    tool.says(replace(first, image=replace(first.image, item="1")))
    tool.says(replace(second, image=replace(second.image, item="1")))
    assert {n: c.document.regions for n, c in tool.present().items()} == {"a.jpg": (CAT,), "b.jpg": (DOG,)}


def test_the_same_name_elsewhere_is_another_picture(workspace: Workspace, picture: Make, tmp_path: Path) -> None:
    a, b = picture("1.jpg", folder=tmp_path / "a"), picture("1.jpg", 65, folder=tmp_path / "b")
    Tool(workspace, "yolo:/a", place="/a").says(of(a, CAT))
    other = Tool(workspace, "yolo:/b", place="/b")
    assert "same-name" in rules(other.says(of(b, DOG)))
    assert {n: c.document.regions for n, c in other.present().items()} == {"1.jpg": (CAT,), "b/1.jpg": (DOG,)}
    assert other.says(of(b, DOG)).revisions == 0
    assert len(other.present()) == 2


def test_a_folder_that_was_moved_does_not_undo_a_fix(workspace: Workspace, picture: Make, tmp_path: Path) -> None:
    a = picture("1.jpg", folder=tmp_path / "a")
    over_the_edge = Region.rectangle(Box(-8, 2, 20, 20), "猫")
    tool = Tool(workspace, "yolo:/a", place="/a")
    tool.says(of(a, over_the_edge))
    assert check(workspace, "p", fix=True).fixed == 1
    moved = Tool(workspace, "yolo:/b", place="/b")
    done = moved.says(of(a.rename(tmp_path / "1.jpg"), over_the_edge))
    assert (done.revisions, rules(done)) == (0, ["outside"])  # As the tool holds it; what we hold is mended.
    [current] = moved.present().values()
    assert current.document.regions == (Region.rectangle(Box(0, 2, 20, 20), "猫"),)


def test_a_tool_in_a_conflict_goes_on_from_its_own_labels(workspace: Workspace, picture: Make) -> None:
    a = picture("a.jpg")
    one, two = Tool(workspace, "one"), Tool(workspace, "two")
    one.says(of(a, CAT))
    two.says(of(a, CAT))
    for tool, left in ((one, 2), (two, 3), (two, 4), (two, 5)):
        tool.says(of(a, Region.rectangle(Box(left, 2, 20, 20), "猫", region_id="c")))
    assert one.present()["a.jpg"].heads == 2


def test_changed_bytes_are_told_and_hashed_again(workspace: Workspace, picture: Make) -> None:
    a = picture("a.jpg")
    tool = Tool(workspace)
    tool.says(of(a, CAT))
    before = tool.present()["a.jpg"].document.image.sha256
    picture("a.jpg", 64, 48, quality=20)
    done = tool.says(of(a, CAT))
    assert "newer-image" in rules(done)
    assert tool.present()["a.jpg"].document.image.sha256 != before


def test_a_bad_picture_keeps_its_labels_and_the_rest_goes_in(
    workspace: Workspace, picture: Make, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture at all")
    done = Tool(workspace).says(of(broken, CAT), of(picture("good.jpg"), DOG))
    assert "unreadable" in rules(done)
    present = Tool(workspace).present()
    assert present["broken.jpg"].document.regions == (CAT,)
    assert present["good.jpg"].document.regions == (DOG,)


def test_an_unknown_label_is_added_last_and_told(workspace: Workspace, picture: Make) -> None:
    done = Tool(workspace).says(of(picture("a.jpg"), Region.rectangle(Box(0, 0, 9, 9), "鳥")), labels=("猫",))
    assert rules(done) == ["undeclared-label"]
    with workspace.db.read() as tx:
        assert projects.find(tx, "p").label_names() == ("猫", "鳥")


def test_two_names_for_the_same_bytes_are_two_pictures(workspace: Workspace, picture: Make) -> None:
    done = Tool(workspace).says(of(picture("a.jpg"), CAT), of(picture("b.jpg"), CAT))
    assert rules(done) == ["near-duplicate"]
    assert len(Tool(workspace).present()) == 2


def test_a_user_file_keeps_its_time_and_bytes(workspace: Workspace, picture: Make) -> None:
    a = picture("a.jpg")
    before = (a.stat().st_mtime_ns, a.read_bytes())
    Tool(workspace).says(of(a, CAT))
    assert (a.stat().st_mtime_ns, a.read_bytes()) == before


def test_an_import_that_was_stopped_can_be_run_again(workspace: Workspace, picture: Make) -> None:
    paths = [picture(f"{n}.jpg", 10 + n) for n in range(600)]
    tool = Tool(workspace)

    def stopped() -> Imported:
        def documents() -> object:
            for n, path in enumerate(paths):
                if n == 400:
                    raise KeyboardInterrupt
                yield of(path, CAT)

        return take(workspace, tool.project, tool.source, Reading(("猫",), documents(), 600), "aiko")  # type: ignore[arg-type]

    with pytest.raises(KeyboardInterrupt):
        stopped()
    done = tool.says(*(of(path, CAT) for path in paths))
    assert 0 < done.revisions < 600
    with workspace.db.read() as tx:
        assert revisions.counts(tx, tool.project.id).labelled == 600
        assert revisions.conflicts(tx, tool.project.id) == []
