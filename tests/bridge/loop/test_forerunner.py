"""A VoTT project that was imported first, worked on, and connected later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest

from bench.hands import Hand1, Hand2
from bridge import picture as looking
from bridge.loop.check import check
from bridge.loop.connect import connect_folder
from bridge.loop.intake import Imported, IntakeOptions, import_path
from bridge.loop.push import push
from bridge.loop.reconcile import pull
from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.dataset import Dataset
from bridge.plugin import WriteOptions
from bridge.store import projects, revisions
from bridge.workspace import Workspace

Make = Callable[..., Path]
CAT = Region.rectangle(Box(4, 4, 20, 20), "猫", region_id="cat1")
OUTSIDE = Region.rectangle(Box(30, 10, 80, 40), "犬", region_id="dog1")


@dataclass
class Project:
    """A project on disk; hand is somebody at VoTT."""

    ws: Workspace
    kind: Literal["vott-v1", "vott-v2"]
    place: Path
    hand: Hand1 | Hand2

    def write(self, documents: list[Document], folder: Path | None = None) -> None:
        dataset = Dataset("撮影", ("猫", "犬"), documents)
        self.ws.registry.format(self.kind).write(dataset, folder or self.place, WriteOptions("none"))

    def take_in(self, place: Path | None = None) -> Imported:
        return import_path(self.ws, "p", place or self.place, IntakeOptions())

    def connect(self, place: Path | None = None) -> tuple[int, list[tuple[str, str | None]]]:
        """How many pictures were changed by the first reading, and what it found but the boxes that reach out."""
        source = connect_folder(self.ws, "p", self.kind, place or self.place)
        [done] = pull(self.ws, "p", source.name, wait=lambda _: None)
        return done.revisions, [(f.rule, f.image) for f in done.findings if f.rule != "outside"]

    def present(self) -> dict[str, list[tuple[tuple[str, ...], float]]]:
        """Label and right edge of what holds; a picture in conflict would be there twice."""
        with self.ws.db.read() as tx:
            found = projects.find(tx, "p")
            now = list(revisions.current(tx, found.id, found.labels))
        assert [c.heads for c in now if c.heads > 1] == []
        return {c.document.image.name: [(r.labels, r.points[1][0]) for r in c.document.regions or ()] for c in now}


@pytest.fixture(params=["vott-v1", "vott-v2"])
def project(request: pytest.FixtureRequest, sqlite_workspace: Workspace, picture: Make, tmp_path: Path) -> Project:
    kind = request.param
    documents = []
    for n, name in enumerate(("あ.jpg", "い 1.jpg")):
        file = picture(name, 64, 48, folder=tmp_path / "写真", quality=50 + n)
        documents.append(Document(Image(name, 64, 48, file=looking.stamp(file)), (CAT, OUTSIDE)))
    place = tmp_path / ("写真.json" if kind == "vott-v1" else "vott")
    made = Project(sqlite_workspace, kind, place, Hand1(path=place) if kind == "vott-v1" else Hand2(folder=place))
    made.write(documents)
    return made


def test_edits_between_import_and_connection_are_no_conflict(project: Project) -> None:
    project.take_in()
    project.hand.retag("あ.jpg", "cat1", "犬")
    assert project.connect() == (1, [])
    assert project.present()["あ.jpg"] == [(("犬",), 20), (("犬",), 80)]


def test_what_was_mended_here_and_edited_there_is_put_together(project: Project) -> None:
    project.take_in()
    assert check(project.ws, "p", True, (96, 96), "愛子").fixed == 2
    project.hand.retag("あ.jpg", "cat1", "犬")
    project.connect()
    assert project.present() == {
        "あ.jpg": [(("犬",), 20), (("犬",), 64)],
        "い 1.jpg": [(("猫",), 20), (("犬",), 64)],
    }
    # And both pictures are brought up to date in the file.
    [outcome] = push(project.ws, "p", wait=lambda _: None)
    assert outcome.written == 2


def test_a_project_is_known_by_its_files_and_not_by_how_it_was_named(project: Project) -> None:
    """Imported by the folder of pictures, or by the .vott file itself."""
    named = project.place.with_suffix("") if project.kind == "vott-v1" else next(project.place.glob("*.vott"))
    project.take_in(named)
    project.hand.delete("い 1.jpg", "cat1")
    assert project.connect() == (1, [])


def test_a_picture_that_was_taken_out_before_the_connection_is_told(project: Project, tmp_path: Path) -> None:
    project.take_in()
    for path in (project.place, *tmp_path.glob("写真/い 1.jpg"), *tmp_path.glob("vott/*")):
        if path.is_file():
            path.unlink()
    kept = Document(Image("あ.jpg", 64, 48, file=looking.stamp(tmp_path / "写真/あ.jpg")), (CAT, OUTSIDE))
    project.write([kept])
    assert project.connect() == (0, [("lost", "い 1.jpg")])


def test_another_project_with_the_same_pictures_is_not_taken_for_it(project: Project, tmp_path: Path) -> None:
    """Whose labels differ without a common beginning is a question for a person."""
    project.take_in()
    moved = replace(CAT, points=((5, 5), (40, 40)))
    files = [Document(Image(n, 64, 48, file=looking.stamp(tmp_path / "写真" / n)), (moved,)) for n in ("あ.jpg",)]
    other = tmp_path / ("他/写真.json" if project.kind == "vott-v1" else "他")
    project.write(files, other)
    if project.kind == "vott-v1":
        (tmp_path / "他/写真").symlink_to(tmp_path / "写真")
    assert project.connect(other) == (1, [("conflict", "あ.jpg")])
