"""Frozen versions: each project's own, of the pictures as they were, and nothing held out leaks into training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bridge.loop.cut import Cut, CutOptions, cut
from bridge.loop.truth import labelled
from bridge.model.annotation import Box, Region
from bridge.store import datasets
from bridge.workspace import Workspace
from tests.bridge.loop.test_intake import Tool, of

CAT = Region.rectangle(Box(10, 10, 50, 40), "猫")
Make = Callable[..., Path]


def cut_now(ws: Workspace, project: str, seed: int = 0, fraction: float = 0.5) -> Cut:
    return cut(ws, project, CutOptions(fraction, seed))


def test_equal_cuts_of_two_projects_are_two_versions(workspace: Workspace, picture: Make) -> None:
    pictures = [picture(f"{n}.jpg", 60 + n) for n in range(4)]
    for project in ("p", "q"):
        Tool(workspace, project=project).says(*(of(path, CAT) for path in pictures))
    first, second = cut_now(workspace, "p"), cut_now(workspace, "q")
    assert first.version.id != second.version.id
    assert second.new
    assert not cut_now(workspace, "q").new


def test_a_version_keeps_the_size_its_pictures_had(workspace: Workspace, picture: Make) -> None:
    path = picture("a.jpg")
    tool = Tool(workspace)
    tool.says(of(path, CAT))
    version = cut_now(workspace, "p", fraction=1.0).version
    tool.says(of(picture("a.jpg", 32, 24), CAT))
    with workspace.db.read() as tx:
        [one] = labelled(tx, datasets.find(tx, version.id), version.members)
    assert (one.image.width, one.image.height, one.boxes) == (64, 48, ((0, Box(10, 10, 50, 40)),))
    assert one.image.file is None  # The bytes that were cut are gone.


def test_a_copy_of_a_held_out_picture_is_never_trained_on(workspace: Workspace, picture: Make) -> None:
    pictures = [picture(f"{n}.jpg", 60 + n) for n in range(6)]
    tool = Tool(workspace)
    tool.says(*(of(path, CAT) for path in pictures))
    held = next(m for m in cut_now(workspace, "p").version.part("valid"))
    copy = pictures[0].with_name("copy.jpg")
    copy.write_bytes(pictures[int(held.name.split(".")[0])].read_bytes())
    new = [picture(f"{n}.jpg", 60 + n) for n in range(6, 12)]
    tool.says(*(of(path, CAT) for path in (*pictures, copy, *new)))
    for seed in range(3):
        parts = {m.name: m.part for m in cut_now(workspace, "p", seed).version.members}
        assert parts["copy.jpg"] == parts[held.name] == "valid"


def test_copies_with_unlike_labels_are_left_out(workspace: Workspace, picture: Make) -> None:
    a, b, c = picture("a.jpg"), picture("b.jpg"), picture("c.jpg", 65)
    dog = Region.rectangle(Box(10, 10, 50, 40), "dog")
    Tool(workspace).says(of(a, CAT), of(b, dog), of(c, CAT))
    done = cut_now(workspace, "p", fraction=1.0)
    assert [m.name for m in done.version.members] == ["c.jpg"]
    assert sorted(f.image or "" for f in done.findings if f.rule == "conflict") == ["a.jpg", "b.jpg"]


def test_a_picture_with_boxes_nobody_judged_is_left_out(workspace: Workspace, picture: Make) -> None:
    a, b = picture("a.jpg"), picture("b.jpg", 65)
    guess = Region.rectangle(Box(1, 1, 9, 9), "猫", author="checkpoint:c")
    tool = Tool(workspace, "vott-v2:/x")
    tool.says(replace(of(a, CAT), predictions=(guess,)), of(b, CAT))
    done = cut_now(workspace, "p", fraction=1.0)
    assert [m.name for m in done.version.members] == ["b.jpg"]
    assert ("half-judged", "a.jpg") in {(f.rule, f.image) for f in done.findings}
    tool.says(of(a, CAT), of(b, CAT))  # He has deleted the other one.
    assert len(cut_now(workspace, "p", fraction=1.0).version.members) == 2
