from __future__ import annotations

import json
import os
import shutil
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from bridge.errors import InputError, NotFoundError, RefusedError
from bridge.model.annotation import Document, State
from bridge.model.dataset import Reading
from bridge.model.finding import Severity
from bridge.plugin import ReadOptions
from plugins.formats.marked import mark
from plugins.formats.vott2 import VottV2
from plugins.formats.vott2.asset import new_asset
from plugins.formats.vott2.region import read_region
from tests.plugins.formats.roundtrip import contents, dataset_of, rules

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vott2"
PROJECTS = ["v2.2.0-posix", "v2.2.0-win", "v2.1.0-posix", "master-plain-relative-win", "master-enc-absolute-posix"]

# What was drawn: picture, kind, corners or points, tags.
DRAWN = {
    "Banana_1.jpg": [("rectangle", ((10, 20), (40, 60)), ("kimono", "swimsuit"))],
    "UPPER.JPG": [("polygon", ((10, 10), (100, 20), (80, 90), (20, 60)), ("kimono",))],
    "_under.png": [("rectangle", ((0, 0), (300, 400)), ("swimsuit",))],
    "a.b.c.jpeg": [("point", ((50, 50),), ("kimono",)), ("polyline", ((50, 50), (60, 90)), ("kimono",))],
    "apple.jpg": [("rectangle", ((100.5, 80.25), (260.623456789, 201)), ("kimono",))],
    "clip.mp4#t=0": [("rectangle", ((1, 1), (51, 51)), ("kimono",))],
    "clip.mp4#t=5.066667": [("rectangle", ((2, 2), (52, 52)), ("swimsuit",))],
    "clip.mp4#t=5.133333": [("rectangle", ((3, 3), (53, 53)), ("swimsuit",))],
    "clip.mp4#t=0.333333": [],
    "empty_visited.jpg": [],
    "has space.jpg": [("rectangle", ((1, 2), (4, 6)), ("beauty man",))],
    "hash#1.jpg": [("rectangle", ((1, 1), (51, 51)), ("kimono",))],
    "per%cent.jpg": [("rectangle", ((1, 1), (51, 51)), ("kimono",))],
    "plus+amp&.jpg": [("rectangle", ((1, 1), (51, 51)), ("a&b",))],
    "quote'.jpg": [("rectangle", ((600, 400), (680, 520)), ("kimono",))],
    "日本語.jpg": [("rectangle", ((5, 6), (75, 86)), ("水着",))],
    "never_visited.jpg": [],  # VoTT lists it from the folder, the project does not name it
}


def read(path: Path, **options: Any) -> Reading:
    return VottV2().read(path, ReadOptions(**options))


def document(path: Path, name: str, **options: Any) -> Document:
    return next(d for d in read(path, **options).documents if d.image.name == name)


def drawn(reading: Reading) -> dict[str, list[Any]]:
    return {d.image.name: [(r.kind, r.points, r.labels) for r in d.regions or ()] for d in reading.documents}


def region(left: float, top: float, width: float, height: float, *tags: str, **more: Any) -> dict[str, Any]:
    right, bottom = left + width, top + height
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return {
        "id": "r1",
        "type": "RECTANGLE",
        "tags": list(tags),
        "boundingBox": {"height": height, "width": width, "left": left, "top": top},
        "points": [{"x": x, "y": y} for x, y in corners],
    } | more


class Project:
    """A small project in a folder, as VoTT would leave it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.content: dict[str, Any] = {"name": "p", "tags": [{"name": "a", "color": "#fff"}], "assets": {}}
        folder.mkdir(parents=True, exist_ok=True)

    def add(
        self, path: str, state: int, *regions: Any, file: bool | None = None, listed: bool = True, **more: Any
    ) -> str:
        asset = new_asset(path, 640, 480) | {"state": state} | more
        key = str(asset["id"])
        if listed:
            self.content["assets"][key] = asset
        if regions or file:
            labels = {"asset": asset, "regions": list(regions), "version": "2.2.0"}
            self.file(key).write_text(json.dumps(labels, ensure_ascii=False, indent=4), "utf-8")
        return key

    def file(self, key: str) -> Path:
        return self.folder / f"{key}-asset.json"

    def save(self) -> Path:
        (self.folder / "p.vott").write_text(json.dumps(self.content, ensure_ascii=False, indent=4), "utf-8")
        return self.folder


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "target")


@pytest.mark.parametrize("name", PROJECTS)
def test_every_version_is_read_as_it_was_drawn(name: str) -> None:
    reading = read(FIXTURES / name)
    assert drawn(reading) == DRAWN
    assert reading.labels == ("kimono", "swimsuit", "beauty man", "水着", "unused", "a&b")
    assert reading.colors["水着"] == "#015cda"
    assert (reading.total, reading.title, reading.declared) == (17, "demo project", True)
    assert [d.image.name for d in reading.documents if d.state is State.UNKNOWN] == ["never_visited.jpg"]
    assert {d.image.name for d in reading.documents if d.state is State.REVIEWED_EMPTY} == {
        "clip.mp4#t=0.333333",
        "empty_visited.jpg",
    }
    assert rules(reading.findings) == ["video"]
    assert reading.findings[0].fields == {"video": "clip.mp4", "count": 4}


@pytest.mark.parametrize("name", PROJECTS)
def test_pictures_are_found_in_a_folder_nearby_by_their_name(name: str) -> None:
    for found in read(FIXTURES / name).documents:
        if "#t=" not in found.image.name:
            assert found.image.file is not None
            assert Path(found.image.file.path) == FIXTURES / "images" / found.image.name
            assert found.image.file.size == Path(found.image.file.path).stat().st_size
        else:
            assert (found.image.file, found.image.width) == (None, 1280)


def test_what_2_0_0_cut_off_is_mended_and_nothing_is_lost() -> None:
    reading = read(FIXTURES / "v2.0.0-win-truncated")
    assert drawn(reading) == DRAWN
    assert [(f.rule, f.severity, f.fields["path"]) for f in reading.findings if f.rule == "damaged"] == [
        ("damaged", Severity.WARNING, "demo project.vott")
    ]
    damaged = {d.image.name: f for d in reading.documents for f in d.findings if f.rule == "damaged"}
    assert list(damaged) == ["日本語.jpg"]
    assert damaged["日本語.jpg"].severity is Severity.WARNING
    assert damaged["日本語.jpg"].image == "日本語.jpg"


def test_a_vott_json_export_is_read_too() -> None:
    path = FIXTURES / "export" / "demo-project-export.json"
    assert VottV2().recognises(path)
    reading = read(path, images=FIXTURES / "images")
    assert {name: shapes for name, shapes in DRAWN.items() if shapes} == {
        name: shapes for name, shapes in drawn(reading).items() if shapes
    }
    assert all(d.image.file for d in reading.documents if "#t=" not in d.image.name)


def test_an_export_with_bare_names_and_no_pictures(shared: Path) -> None:
    reading = read(shared / "vott" / "datumaro-test-assets" / "vott_json_dataset_dataset_train-export.json")
    assert reading.labels == ("animal", "dog", "person")
    assert drawn(reading)["img0001.jpg"] == [("rectangle", ((5, 10), (15, 12)), ("animal",))]
    assert all("missing-image" in rules(d.findings) for d in reading.documents)


def test_reading_twice_and_lazily_gives_the_same() -> None:
    reading = read(FIXTURES / "v2.2.0-win")
    assert list(reading.documents) == list(reading.documents)
    first = next(iter(reading.documents))
    assert first.image.name == "Banana_1.jpg"


def test_nothing_of_the_users_is_touched_not_even_where_nothing_may_be(tmp_path: Path) -> None:
    for name in ("images", "v2.0.0-win-truncated"):
        shutil.copytree(FIXTURES / name, tmp_path / name)
    paths = sorted(p for p in tmp_path.rglob("*"))
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = [(p, p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"") for p in paths]
    assert len(drawn(read(tmp_path / "v2.0.0-win-truncated"))) == 17
    assert [(p, p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"") for p in paths] == before
    assert sorted(tmp_path.rglob("*")) == paths


# ---------------------------------------------------------------- state


@pytest.mark.parametrize(
    ("state", "regions", "file", "expected", "found"),
    [
        (0, [], False, State.UNKNOWN, []),
        (0, [], True, State.UNKNOWN, []),
        (1, [], False, State.REVIEWED_EMPTY, []),
        (1, [], True, State.REVIEWED_EMPTY, []),
        (2, [], True, State.REVIEWED_EMPTY, []),
        (2, [], False, State.UNKNOWN, ["lost"]),
        (2, [region(1, 2, 3, 4, "a")], True, State.LABELLED, []),
        (0, [region(1, 2, 3, 4, "a")], True, State.LABELLED, ["disagreement"]),
        (1, [region(1, 2, 3, 4, "a")], True, State.LABELLED, []),
        ("2", [], True, State.UNKNOWN, []),
    ],
)
def test_state(project: Project, state: Any, regions: list[Any], file: bool, expected: State, found: list[str]) -> None:
    project.add("/nowhere/a.jpg", state, *regions, file=file)
    read_back = document(project.save(), "a.jpg")
    assert read_back.state is expected
    assert [rule for rule in rules(read_back.findings) if rule != "missing-image"] == found


def test_labels_that_are_gone_are_an_error_and_never_a_negative_example(project: Project) -> None:
    key = project.add("/nowhere/a.jpg", 2)
    lost = next(f for f in document(project.save(), "a.jpg").findings if f.rule == "lost")
    assert (lost.severity, lost.fields) == (Severity.ERROR, {"case": "asset-file", "path": f"{key}-asset.json"})


def test_a_video_is_no_picture_unless_somebody_drew_on_it(project: Project) -> None:
    project.add("/v/one.mp4", 2, file=True, type=2)
    project.add("/v/two.mp4", 2, region(1, 2, 3, 4, "a"), type=2)
    assert drawn(read(project.save())) == {"two.mp4": [("rectangle", ((1, 2), (4, 6)), ("a",))]}


# ---------------------------------------------------------------- either side alone


def test_an_asset_file_that_the_project_does_not_list_is_read(project: Project) -> None:
    key = project.add("/x/orphan.jpg", 2, region(1, 2, 3, 4, "a"), listed=False)
    project.add("/x/a.jpg", 1)
    (project.folder / "0123-asset.json").write_text('{"regions": []}')
    reading = read(project.save())
    assert list(drawn(reading)) == ["a.jpg", "orphan.jpg"]
    assert [(f.rule, f.severity, f.image, f.fields) for f in reading.findings] == [
        ("orphan-asset", Severity.ERROR, None, {"case": "unplaced", "path": "0123-asset.json"}),
        ("orphan-asset", Severity.WARNING, "orphan.jpg", {"path": f"{key}-asset.json"}),
    ]


@pytest.mark.parametrize("newest", [0, 1])
def test_of_two_assets_for_one_picture_the_newest_regions_win(project: Project, newest: int) -> None:
    first = project.add("/x/a.jpg", 2, region(1, 1, 1, 1, "a"))
    second = project.add("/x/a.jpg", 2, region(2, 2, 2, 2, "a"), id="fedcba")
    for number, key in enumerate((first, second)):
        os.utime(project.file(key), ns=(0, 10**18 + (number == newest)))
    reading = read(project.save())
    (only,) = reading.documents
    assert only.image.item == (first, second)[newest]
    assert [r.points[0] for r in only.regions or ()] == [(newest + 1, newest + 1)]
    duplicate = next(f for f in only.findings if f.rule == "duplicate-asset")
    assert (duplicate.severity, duplicate.fields["count"]) == (Severity.WARNING, 2)
    assert only.extra["vott"]["twins"][0]["file"]["regions"] != []


def test_an_asset_without_labels_never_hides_those_of_its_twin(project: Project) -> None:
    # VoTT's master opened a project of 2.2.0: every picture is there twice, the new entry untagged.
    key = project.add("/x/a.jpg", 2, region(1, 1, 1, 1, "a"))
    project.add("/x/a.jpg", 0, id="fedcba")
    (only,) = read(project.save()).documents
    assert (only.image.item, only.state) == (key, State.LABELLED)
    assert next(f for f in only.findings if f.rule == "duplicate-asset").severity is Severity.INFO


def test_labels_that_are_lost_do_not_hide_behind_a_twin(project: Project) -> None:
    project.add("/x/a.jpg", 2)
    project.add("/x/a.jpg", 1, id="fedcba")
    (only,) = read(project.save()).documents
    assert only.state is State.UNKNOWN
    assert "lost" in rules(only.findings)


def test_two_names_that_differ_in_their_voicing_marks_only_are_told(project: Project) -> None:
    for form in ("NFC", "NFD"):
        project.add(unicodedata.normalize(form, "/x/が.jpg"), 1)
    reading = read(project.save())
    assert [d.image.name for d in reading.documents] == [unicodedata.normalize("NFC", "が.jpg")]
    assert [(f.rule, f.severity) for f in reading.findings] == [("name-clash", Severity.ERROR)]
    assert reading.total == 1


# ---------------------------------------------------------------- names and places


def test_names_are_relative_to_the_folder_of_all(project: Project) -> None:
    for path in ("C:\\data\\set 1\\a.jpg", "C:\\data\\set2\\が%.jpg"):
        project.add(path, 1)
    assert list(drawn(read(project.save()))) == ["set 1/a.jpg", "set2/が%.jpg"]


def test_names_are_relative_to_the_folder_a_person_names(project: Project, picture: Callable[..., Path]) -> None:
    path = picture("pictures/set1/a.jpg", 640, 480)
    project.add(str(path), 1)
    folder = project.save()
    assert list(drawn(read(folder))) == ["a.jpg"]
    assert list(drawn(read(folder, images=path.parents[1]))) == ["set1/a.jpg"]


def test_drives_become_folders(project: Project) -> None:
    for path in ("C:\\a.jpg", "D:\\b.jpg"):
        project.add(path, 1)
    assert list(drawn(read(project.save()))) == ["C/a.jpg", "D/b.jpg"]


def test_videos_elsewhere_do_not_lengthen_the_names_of_pictures(project: Project) -> None:
    project.content["sourceConnection"] = {"providerOptions": {"folderPath": "C:\\pics"}}
    project.add("C:\\pics\\a.jpg", 1)
    project.add("D:\\films\\clip.mp4", 2, file=True, type=2)
    assert list(drawn(read(project.save()))) == ["a.jpg"]


def test_a_picture_is_taken_where_the_project_says(project: Project, picture: Callable[..., Path]) -> None:
    path = picture("far/away/a.jpg", 640, 480)
    picture("target/a.jpg", 640, 480)
    project.add(str(path), 1)
    found = document(project.save(), "a.jpg").image.file
    assert found is not None
    assert found.path == str(path)


def test_the_folder_a_person_names_comes_first(project: Project, picture: Callable[..., Path]) -> None:
    picture("far/a.jpg", 640, 480)
    named = picture("named/a.jpg", 640, 480)
    project.add("/elsewhere/far/a.jpg", 1)
    found = document(project.save(), "a.jpg", images=named.parent).image.file
    assert found is not None
    assert found.path == str(named)


def test_of_several_pictures_nearby_the_likeliest_is_taken(project: Project, picture: Callable[..., Path]) -> None:
    wanted = picture("set2/a.jpg", 640, 480)
    picture("set1/a.jpg", 640, 480)
    project.add("D:\\x\\set2\\a.jpg", 1)
    project.add("D:\\x\\set3\\a.jpg", 1)
    two, three = read(project.save()).documents
    assert two.image.file is not None
    assert two.image.file.path == str(wanted)
    assert (three.image.file, rules(three.findings)) == (None, ["missing-image"])


def test_a_picture_of_another_shape_is_not_taken_for_the_one_that_was_labelled(
    project: Project, picture: Callable[..., Path]
) -> None:
    picture("target/a.jpg", 100, 300)
    project.add("D:\\x\\a.jpg", 2, region(1, 2, 3, 4, "a"))
    found = document(project.save(), "a.jpg")
    assert (found.image.file, found.image.width, found.state) == (None, 640, State.LABELLED)


@pytest.mark.parametrize("spelled", ["か\u3099.jpg", "Photo.JPG"])
def test_macos_and_windows_spellings_are_matched(project: Project, picture: Callable[..., Path], spelled: str) -> None:
    name = unicodedata.normalize("NFC", spelled).lower()
    path = picture(f"target/{spelled}", 640, 480)
    project.add(f"C:\\x\\{name}", 1)
    found = document(project.save(), name)
    assert found.image.file is not None
    assert found.image.file.path == str(path)


def test_a_missing_picture_keeps_its_labels(project: Project) -> None:
    project.add("/nowhere/a.jpg", 2, region(1, 2, 3, 4, "a"))
    found = document(project.save(), "a.jpg")
    assert (found.state, found.image.width, found.image.file) == (State.LABELLED, 640, None)
    assert [(f.rule, f.severity, f.image) for f in found.findings] == [("missing-image", Severity.WARNING, "a.jpg")]


def test_a_picture_that_cannot_be_read_keeps_its_labels(project: Project) -> None:
    (project.folder / "a.jpg").write_bytes(b"no picture")
    project.add("/nowhere/a.jpg", 2, region(1, 2, 3, 4, "a"))
    found = document(project.save(), "a.jpg")
    assert (found.state, found.image.width, rules(found.findings)) == (State.LABELLED, 640, ["unreadable"])


def test_a_path_that_leads_out_is_only_a_name(project: Project, tmp_path: Path) -> None:
    Pillow.new("RGB", (640, 480)).save(tmp_path / "secret.jpg")
    project.content["assets"] = {
        "x": {"path": "file:../../../etc/secret.jpg", "state": 1},
        "y": {"path": "file:a.jpg", "state": 1},
    }
    assert list(drawn(read(project.save()))) == ["etc/secret.jpg", "a.jpg"]


# ---------------------------------------------------------------- pictures never shown


def unknown(reading: Reading) -> dict[str, str | None]:
    return {d.image.name: d.image.item for d in reading.documents if d.state is State.UNKNOWN}


def test_pictures_that_vott_never_showed_are_those_beside_the_others(
    project: Project, picture: Callable[..., Path]
) -> None:
    for name in ("a.jpg", "set/b.JPG", "new 水.png", "set/new.bmp", "other/no.jpg", "notes.txt.gif", "._a.jpg"):
        picture(f"pics/{name}", 640, 480, format="PNG")
    (project.folder.parent / "pics" / "c.webp").write_bytes(b"VoTT does not show these")
    root = project.folder.parent / "pics"
    for name in ("a.jpg", "set/B.jpg"):
        project.add(f"{root}/{name}", 1)
    found = unknown(read(project.save()))
    assert found == {
        name: new_asset(f"{root}/{name}", 0, 0)["id"] for name in ("new 水.png", "notes.txt.gif", "set/new.bmp")
    }


def test_a_project_in_which_nothing_was_shown_yet(project: Project, picture: Callable[..., Path]) -> None:
    path = picture("pics/a.jpg", 640, 480)
    assert unknown(read(project.save())) == {}
    assert list(unknown(read(project.save(), images=path.parent))) == ["a.jpg"]
    project.content["sourceConnection"] = {"providerOptions": {"folderPath": str(path.parent)}}
    assert unknown(read(project.save())) == {"a.jpg": new_asset(str(path), 0, 0)["id"]}


def test_the_id_is_the_one_that_vott_will_give_on_the_machine_where_it_runs() -> None:
    path = "C:\\vott\\プロジェクト\\images\\never_visited.jpg"
    assert unknown(read(FIXTURES / "v2.2.0-win")) == {"never_visited.jpg": new_asset(path, 0, 0)["id"]}


# ---------------------------------------------------------------- sizes


def test_an_unknown_size_is_that_of_the_file(project: Project, picture: Callable[..., Path]) -> None:
    picture("target/a.jpg", 64, 48)
    project.add("/x/a.jpg", 1, size=None)
    assert document(project.save(), "a.jpg").image.width == 64


def test_boxes_drawn_on_the_turned_picture_are_put_onto_the_stored_one(project: Project) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.new("RGB", (640, 480)).save(project.folder / "a.jpg", exif=exif)
    project.add("/x/a.jpg", 2, region(10, 20, 30, 40, "a"), size={"width": 480, "height": 640})
    found = document(project.save(), "a.jpg")
    assert (found.image.width, found.image.height, found.image.orientation) == (640, 480, 6)
    assert [r.points for r in found.regions or ()] == [((20, 440), (60, 470))]
    assert rules(found.findings) == ["exif"]


def test_a_turn_that_the_boxes_know_nothing_of_is_a_warning(project: Project) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 3
    Pillow.new("RGB", (640, 480)).save(project.folder / "a.jpg", exif=exif)
    project.add("/x/a.jpg", 2, region(10, 20, 30, 40, "a"))
    found = document(project.save(), "a.jpg")
    assert [r.points for r in found.regions or ()] == [((10, 20), (40, 60))]
    assert [(f.rule, f.severity, f.fields["case"]) for f in found.findings] == [("exif", Severity.WARNING, "stored")]


def test_boxes_of_a_picture_that_was_made_smaller_are_scaled(project: Project, picture: Callable[..., Path]) -> None:
    picture("target/a.jpg", 320, 240)
    project.add(str(project.folder / "a.jpg"), 2, region(10, 20, 30, 40, "a"))
    found = document(project.save(), "a.jpg")
    assert [r.points for r in found.regions or ()] == [((5, 10), (20, 30))]
    assert rules(found.findings) == ["resized"]


def test_another_shape_is_said_and_nothing_is_bent(project: Project, picture: Callable[..., Path]) -> None:
    picture("target/a.jpg", 100, 300)
    project.add(str(project.folder / "a.jpg"), 2, region(10, 20, 30, 40, "a"))
    found = document(project.save(), "a.jpg")
    assert [r.points for r in found.regions or ()] == [((10, 20), (40, 60))]
    assert rules(found.findings) == ["aspect"]


# ---------------------------------------------------------------- regions


def test_what_cannot_be_a_box_is_kept_and_is_no_negative(project: Project) -> None:
    project.add("/x/a.jpg", 2, region(1, 2, 3, 4, "a", boundingBox={"left": "x"}, points=[]))
    found = document(project.save(), "a.jpg")
    assert [r.kind for r in found.regions or ()] == ["damaged"]
    assert found.state is State.LABELLED
    assert rules(found.findings)[1:] == ["bad-number", "no-box"]


def test_findings_name_the_region(project: Project) -> None:
    project.add("/x/a.jpg", 2, region(1, 2, 3, 4, "a"), region(5, 6, 7, 8))
    untagged = next(f for f in document(project.save(), "a.jpg").findings if f.rule == "untagged")
    assert (untagged.region, untagged.image, untagged.severity) == (1, "a.jpg", Severity.ERROR)
    assert untagged.fields == {"box": 2, "kind": "rectangle", "x": 5.0, "y": 6.0}


def marked(left: float, *tags: str, checkpoint: str = "7") -> dict[str, Any]:
    record = region(left, 20, 30, 40, *tags)
    return record | {"id": mark(checkpoint, 0, read_region(record)[0]), "score": 0.75}


@pytest.mark.parametrize(("state", "looked"), [(0, False), (2, True)])
def test_a_models_region_stays_a_prediction(project: Project, state: int, looked: bool) -> None:
    project.add("/x/a.jpg", state, marked(10, "a"))
    found = document(project.save(), "a.jpg")
    assert (found.state, found.looked) == (State.UNKNOWN, looked)
    assert [(r.author, r.score, r.points[0]) for r in found.predictions] == [("checkpoint:7", 0.75, (10, 20))]


@pytest.mark.parametrize(
    "touched", [{"tags": ["b"]}, {"boundingBox": {"height": 40, "width": 30, "left": 11, "top": 20}}]
)
def test_a_models_region_that_was_moved_or_retagged_is_a_persons(project: Project, touched: dict[str, Any]) -> None:
    project.add("/x/a.jpg", 2, marked(10, "a") | touched, marked(200, "a"))
    found = document(project.save(), "a.jpg")
    assert [(r.author, r.region_id) for r in found.regions or ()] == [(None, marked(10, "a")["id"])]
    assert [r.points[0] for r in found.predictions] == [(200, 20)]


# ---------------------------------------------------------------- damage


def cut(project: Project, key: str, keep: str) -> None:
    text = project.file(key).read_text("utf-8")
    project.file(key).write_text(text[: text.index(keep) + len(keep)], "utf-8")
    os.utime(project.file(key), (1e9, 1e9))


def test_a_region_that_was_cut_is_left_out_and_said(project: Project) -> None:
    key = project.add("/x/a.jpg", 2, region(1, 2, 3, 4, "a"), region(5, 6, 7, 8, "a", id="second"))
    cut(project, key, '"id": "second",\n            "type": "RECT')
    found = document(project.save(), "a.jpg")
    assert [r.points[0] for r in found.regions or ()] == [(1, 2)]
    damaged = next(f for f in found.findings if f.rule == "damaged")
    assert (damaged.severity, damaged.fields["case"]) == (Severity.ERROR, "regions")


def test_a_rectangle_whose_points_were_cut_is_known_by_its_box(project: Project) -> None:
    key = project.add("/x/a.jpg", 2, region(1, 2, 366, 4, "a"))
    cut(project, key, '"x": 36')
    assert [r.points for r in document(project.save(), "a.jpg").regions or ()] == [((1, 2), (367, 6))]


def test_a_file_with_nothing_left_is_no_negative(project: Project) -> None:
    key = project.add("/x/a.jpg", 2, region(1, 2, 3, 4, "a"))
    cut(project, key, '"type": "RECT')
    found = document(project.save(), "a.jpg")
    assert (found.state, found.regions) == (State.UNKNOWN, None)


@pytest.mark.parametrize("data", [b"", b"nonsense", b"[]", b'{"asset": {}}', b"[" * 5000, b'{"regions": 7}'])
def test_a_file_that_cannot_be_read_costs_its_own_picture_only(project: Project, data: bytes) -> None:
    key = project.add("/x/a.jpg", 2, region(1, 2, 3, 4, "a"))
    project.add("/x/b.jpg", 2, region(1, 2, 3, 4, "a"))
    project.file(key).write_bytes(data)
    os.utime(project.file(key), (1e9, 1e9))
    reading = read(project.save())
    found = {d.image.name: d for d in reading.documents}
    assert (found["a.jpg"].state, found["b.jpg"].state) == (State.UNKNOWN, State.LABELLED)
    damaged = next(f for f in found["a.jpg"].findings if f.rule == "damaged")
    assert (damaged.severity, damaged.fields["case"]) == (Severity.ERROR, "unreadable")


CONTENT = {"asset": {"id": "x"}, "regions": [region(1, 2, 3, 4, "水着"), region(5, 6, 77, 8, "a")], "version": "2.2.0"}
TEXT = json.dumps(CONTENT, ensure_ascii=False, indent=4).encode()


@given(st.integers(0, len(TEXT)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wherever_a_file_is_cut_no_region_is_invented_and_none_is_lost_silently(tmp_path: Path, where: int) -> None:
    project = Project(tmp_path / str(where))
    key = project.add("/x/a.jpg", 2, file=True)
    project.file(key).write_bytes(TEXT[:where])
    os.utime(project.file(key), (1e9, 1e9))
    found = document(project.save(), "a.jpg")
    whole = [((1, 2), (4, 6)), ((5, 6), (82, 14))]
    points = [r.points for r in found.regions or ()]
    assert points == whole[: len(points)]
    assert found.state is not State.REVIEWED_EMPTY
    if len(points) < 2:
        assert any(f.rule == "damaged" and f.severity is Severity.ERROR for f in found.findings)


# ---------------------------------------------------------------- what is no project


def test_recognised_are_files_and_folders_with_just_one_project(tmp_path: Path) -> None:
    assert all(VottV2().recognises(FIXTURES / name) for name in PROJECTS)
    assert VottV2().recognises(FIXTURES / "v2.2.0-win" / "demo project.vott")
    assert not VottV2().recognises(FIXTURES / "images")
    assert not VottV2().recognises(tmp_path / "no such thing")
    shutil.copytree(FIXTURES / "v2.2.0-win", tmp_path / "two")
    shutil.copy(tmp_path / "two" / "demo project.vott", tmp_path / "two" / "other.vott")
    assert not VottV2().recognises(tmp_path / "two")


def test_what_is_none_or_more_than_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read(tmp_path)
    for name in ("a.vott", "b.vott"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(RefusedError) as several:
        read(tmp_path)
    assert several.value.fields["found"] == "a.vott, b.vott"
    assert read(tmp_path / "a.vott").total == 0


@pytest.mark.parametrize("text", ["", "[]", "nonsense", '{"assets": 7}', "[" * 5000])
def test_a_vott_file_that_is_none_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.vott").write_text(text)
    os.utime(tmp_path / "a.vott", (1e9, 1e9))
    with pytest.raises(InputError):
        read(tmp_path)


def test_strange_things_in_a_project_are_passed_over(project: Project) -> None:
    project.content |= {"name": 7, "tags": ["bare", {"color": "#fff"}, 5, {"name": "b"}], "sourceConnection": []}
    project.content["assets"] = {"x": 5, "y": {"path": 7}, "z": {"path": "file:/x/a.jpg", "state": [], "size": "big"}}
    reading = read(project.save())
    assert (reading.labels, reading.title) == (("bare", "b"), "p")
    assert sorted(drawn(reading)) == ["x/a.jpg", "y"]


def test_equal_labels_have_an_equal_content_hash_in_every_version() -> None:
    every = [contents(read(FIXTURES / name).documents) for name in [*PROJECTS, "v2.0.0-win-truncated"]]
    assert all(each == every[0] for each in every)


def test_a_dataset_can_be_made_of_it() -> None:
    dataset = dataset_of(read(FIXTURES / "v2.2.0-win"))
    assert len(list(dataset.documents)) == 17
    assert replace(dataset, name="x").name == "x"


@pytest.mark.parametrize("name", ["v2.2.0-win", "master-plain-relative-win", "master-enc-absolute-posix"])
def test_a_picture_that_was_never_shown_gets_the_id_that_this_vott_will_give_it(name: str, tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / name, tmp_path / name)
    shutil.copytree(FIXTURES / "images", tmp_path / "images")
    path = next((tmp_path / name).glob("*.vott"))
    content = json.loads(path.read_bytes())
    (key,) = (key for key, asset in content["assets"].items() if asset["name"] == "empty_visited.jpg")
    del content["assets"][key]
    path.write_text(json.dumps(content))
    (tmp_path / name / f"{key}-asset.json").unlink(missing_ok=True)
    found = document(tmp_path / name, "empty_visited.jpg")
    assert (found.state, found.image.item) == (State.UNKNOWN, key)


def test_labels_that_vott_had_lost_when_it_exported_are_no_negative(tmp_path: Path) -> None:
    content = json.loads((FIXTURES / "export" / "demo-project-export.json").read_bytes())
    entry = next(e for e in content["assets"].values() if e["asset"]["name"] == "apple.jpg")
    entry["regions"] = []
    (tmp_path / "p-export.json").write_text(json.dumps(content))
    found = document(tmp_path, "apple.jpg")
    assert found.state is State.UNKNOWN
    assert [f.fields for f in found.findings if f.rule == "lost"] == [{"case": "export"}]
    assert document(tmp_path, "empty_visited.jpg").state is State.REVIEWED_EMPTY
