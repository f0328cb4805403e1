"""Folders without rights, in circles, with pipes, gone half-way: the rest goes in, nothing of a person's is touched."""

from __future__ import annotations

import codecs
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BridgeError, InputError, NotFoundError
from bridge.loop.check import check
from bridge.loop.export import export
from bridge.loop.reading import recognise
from bridge.plugin import Format, ReadOptions, WriteOptions
from plugins.formats.vott1 import VottV1
from plugins.formats.vott2 import VottV2
from tests.plugins.formats.vott_cases import Case, Desk, of, only, picture, told

READERS: dict[int, Format] = {1: VottV1(), 2: VottV2()}
NOBODY = 65534


@contextmanager
def without_rights() -> Iterator[None]:
    """As somebody to whom a closed folder is closed; a superuser is nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    for name in ("utf-8-sig", "utf-16", "cp932"):
        codecs.lookup(name)  # Python's own files may be closed to nobody, too.
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that everybody can reach, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


def findings(case: Case) -> tuple[dict[str, Any], list[Any]]:
    reading = READERS[case.version].read(case.place, ReadOptions())
    documents = {document.image.name: document for document in reading.documents}
    return documents, [*reading.findings, *(f for document in documents.values() for f in document.findings)]


@pytest.mark.parametrize("version", [1, 2])
def test_a_folder_of_pictures_without_rights_keeps_all_labels(open_place: Path, version: int) -> None:
    case = Case(version, open_place / "work")
    case.add("x.jpg", case.box(1, 2, 30, 40))
    case.write()
    findings(case)
    case.images.chmod(0)
    with without_rights():
        documents, found = findings(case)
    said = only(found, "unreadable")
    assert (said.image, f"{case.images}, but that folder may not be opened" in told(said)) == ("x.jpg", True)
    assert documents["x.jpg"].regions


def test_a_picture_without_rights_keeps_its_labels(open_place: Path) -> None:
    case = Case(1, open_place / "work")
    case.add("y.jpg", case.box(1, 2, 30, 40))
    case.write()
    findings(case)
    case.add("x.jpg", case.box(1, 2, 30, 40))
    case.write()
    (case.images / "x.jpg").chmod(0)
    with without_rights():
        documents, found = findings(case)
    assert only(found, "unreadable").image == "x.jpg"
    assert all(document.regions for document in documents.values())


def test_an_asset_file_without_rights_costs_its_picture_only(open_place: Path) -> None:
    case = Case(2, open_place / "work")
    case.add("x.jpg", case.box(1, 2, 30, 40))
    case.add("y.jpg", case.box(1, 2, 30, 40))
    case.write()
    case.asset_file("x.jpg").chmod(0)
    with without_rights():
        documents, found = findings(case)
    assert only(found, "damaged").image == "x.jpg"
    assert (documents["x.jpg"].regions, len(documents["y.jpg"].regions)) == (None, 1)


@pytest.mark.parametrize("version", [1, 2])
def test_a_project_without_rights_is_a_named_error(open_place: Path, version: int) -> None:
    case = Case(version, open_place / "work")
    case.add("x.jpg", case.box(1, 2, 30, 40))
    case.write()
    (case.place if version == 1 else case.place / "p.vott").chmod(0)
    with without_rights(), pytest.raises(InputError) as caught:
        READERS[version].read(case.place, ReadOptions())
    assert (caught.value.rule, caught.value.fields["reason"]) == ("file-unreadable", "Permission denied")


def test_a_folder_that_vanishes_during_the_import_costs_what_was_not_read_yet(vott: Case) -> None:
    for n in range(4):
        vott.add(f"{n}.jpg", vott.box(1, 2, 30, 40 + n))
    reading = READERS[vott.version].read(vott.write(), ReadOptions())
    rest = iter(reading.documents)
    first = next(rest)
    shutil.rmtree(vott.folder)
    others = list(rest)
    assert (len(first.regions or ()), len(others)) == (1, 3)
    for document in others:
        assert document.image.file is None or document.regions
        assert [told(f) for f in document.findings if f.rule in ("missing-image", "damaged", "unreadable")]


def test_links_in_a_circle_cost_themselves_only(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    vott.add("round.jpg", vott.box(1, 2, 30, 40), here=False)
    vott.write()
    (vott.images / "round.jpg").symlink_to("round.jpg")
    (vott.images / "up").symlink_to(vott.images)
    inside = vott.place if vott.version == 2 else vott.folder
    (inside / "round.vott").symlink_to("round.vott")
    (inside / "0-asset.json").symlink_to("0-asset.json")
    (inside / "round.json").symlink_to("round.json")
    done = desk.take(vott.place)
    assert (done.images, done.boxes, of(done, "x.jpg")) == (2, 2, [])
    assert of(done, "round.jpg") in (["missing-image"], ["unreadable"])


def test_pipes_are_never_waited_for(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    vott.add("pipe.jpg", vott.box(1, 2, 30, 40), here=False)
    vott.write()
    os.mkfifo(vott.images / "pipe.jpg")
    for name in ("pipe.json", "pipe.vott", "1-asset.json"):
        os.mkfifo((vott.place if vott.version == 2 else vott.folder) / name)
    done = desk.take(vott.place)
    assert (done.boxes, of(done, "x.jpg"), of(done, "pipe.jpg")) == (2, [], ["unreadable"])
    os.mkfifo(vott.folder / "only.json")
    os.mkfifo(vott.folder / "only.vott")
    for pipe, reader in ((vott.folder / "only.json", VottV1()), (vott.folder / "only.vott", VottV2())):
        assert not reader.recognises(pipe)
        with pytest.raises((InputError, NotFoundError)):
            reader.read(pipe, ReadOptions())
        with pytest.raises(BridgeError):
            recognise(desk.ws.registry, pipe)


def test_a_vott_that_is_a_directory_is_a_folder_like_any_other(vott2: Case, desk: Desk) -> None:
    vott2.add("x.jpg", vott2.box(1, 2, 30, 40))
    place = vott2.write()
    (place / "old.vott").mkdir()
    assert of(desk.take(place)) == []
    with pytest.raises(NotFoundError) as caught:
        VottV2().read(place / "old.vott", ReadOptions())
    assert caught.value.rule == "vott-missing"
    renamed = place.rename(place.with_name("target.vott"))
    assert recognise(desk.ws.registry, renamed) == "vott-v2"


def test_nothing_of_a_persons_is_touched_by_import_check_and_export(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(30, 2, 1, 40), vott.box(-9, 2, 30, 40, tags=["new"]), "nonsense")
    vott.add("gone.jpg", vott.box(1, 2, 30, 40), here=False)
    vott.add("turned.jpg", vott.box(1, 2, 30, 40))
    picture(vott.images / "turned.jpg", orientation=6)
    place = vott.write()
    file = place if vott.version == 1 else vott.asset_file("turned.jpg")
    file.write_bytes(file.read_bytes() + b"}}")
    before = everything(vott.folder)
    desk.take(place)
    check(desk.ws, "p", fix=True)
    desk.darknet()
    for name in ("vott-v1", "vott-v2", "label-studio", "coco", "voc"):
        out = desk.folder / "out" / (name if name in ("vott-v2", "voc") else f"{name}.json")
        export(desk.ws, "p", name, out, WriteOptions("link"), allow_loss=True)
    desk.take(place)
    assert everything(vott.folder) == before


def everything(folder: Path) -> dict[str, Any]:
    """Every file and folder with its bytes, its time and its rights."""
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_mode, b"" if path.is_dir() else path.read_bytes())
        for path in [folder, *sorted(folder.rglob("*"))]
    }
