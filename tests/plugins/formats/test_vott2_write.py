from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from bridge.errors import InputError, RefusedError
from bridge.model.annotation import Box, Document, FileStamp, Image, Region, State, fold_name
from bridge.model.dataset import Dataset
from bridge.model.finding import Severity
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.marked import mark, unmarked
from plugins.formats.vott2 import VottV2
from plugins.formats.vott2.asset import asset_id
from tests.plugins.formats.roundtrip import contents, dataset_of, rules

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vott2"
SOUND = ["v2.2.0-posix", "v2.2.0-win", "v2.1.0-posix", "master-plain-relative-win", "master-enc-absolute-posix"]
BARE = WriteOptions(pictures="none")


def fixture(name: str) -> Dataset:
    return dataset_of(VottV2().read(FIXTURES / name, ReadOptions()))


def again(path: Path) -> Dataset:
    return dataset_of(VottV2().read(path, ReadOptions()))


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()
    }


def copied(name: str, folder: Path) -> Path:
    target = folder / name
    shutil.copytree(FIXTURES / name, target)
    for path in target.iterdir():
        os.utime(path, (1e9, 1e9))
    return target


def project(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("*.vott")
    return dict(json.loads(path.read_bytes()))


def labels(folder: Path, name: str) -> dict[str, Any]:
    key = next(key for key, asset in project(folder)["assets"].items() if asset["path"].endswith(name))
    return dict(json.loads((folder / f"{key}-asset.json").read_bytes()))


def changed(dataset: Dataset, name: str, **changes: Any) -> Dataset:
    documents = [replace(d, **changes) if d.image.name == name else d for d in dataset.documents]
    return replace(dataset, documents=documents)


def boxed(path: Path, *boxes: Box, **rest: Any) -> Document:
    found = path.stat()
    stamp = FileStamp(str(path), found.st_size, found.st_mtime_ns)
    return Document(Image(path.name, 64, 48, file=stamp), tuple(Region.rectangle(box, "a") for box in boxes), **rest)


# ---------------------------------------------------------------- what nobody changed


@pytest.mark.parametrize("name", SOUND)
def test_nothing_in_the_users_folder_is_touched_when_nothing_changed(name: str, tmp_path: Path) -> None:
    target = copied(name, tmp_path)
    before = files(target)
    assert VottV2().write(fixture(name), target, WriteOptions()) == []
    assert files(target) == before


@pytest.mark.parametrize("name", SOUND)
def test_a_copy_elsewhere_is_equal_byte_for_byte(name: str, tmp_path: Path) -> None:
    assert VottV2().write(fixture(name), tmp_path / "new" / "folder", BARE) == []
    expected = {key: data for key, (data, _) in files(FIXTURES / name).items()}
    assert {key: data for key, (data, _) in files(tmp_path / "new" / "folder").items()} == expected


@pytest.mark.parametrize("name", [*SOUND, "v2.0.0-win-truncated"])
@pytest.mark.parametrize("how", ["link", "copy", "none"])
def test_labels_come_back_equal(name: str, how: Any, tmp_path: Path) -> None:
    before = fixture(name)
    VottV2().write(before, tmp_path / "out", WriteOptions(pictures=how))
    after = again(tmp_path / "out")
    wanted = [d for d in before.documents if d.regions is not None or how != "none"]  # The last one VoTT never showed.
    assert contents(after.documents) == contents(wanted)
    assert [(d.image.name, d.state) for d in after.documents] == [(d.image.name, d.state) for d in wanted]
    assert set(after.labels) >= set(before.labels)


def test_a_project_formatted_by_another_program_is_not_reformatted(tmp_path: Path) -> None:
    target = copied("v2.2.0-win", tmp_path)
    for path in target.iterdir():
        path.write_text(json.dumps(json.loads(path.read_bytes())))
    before = files(target)
    assert VottV2().write(again(target), target, BARE) == []
    assert files(target) == before


@pytest.mark.parametrize("own", ["", None])
def test_a_region_without_an_id_stays_as_it_is(tmp_path: Path, own: str | None) -> None:
    folder = copied("v2.2.0-posix", tmp_path)
    file = next(f for f in sorted(folder.glob("*-asset.json")) if len(json.loads(f.read_bytes())["regions"]) > 1)
    content = json.loads(file.read_bytes())
    content["regions"][0]["id"] = own
    file.write_text(json.dumps(content, indent=4, ensure_ascii=False))
    before = files(folder)
    VottV2().write(again(folder), folder, WriteOptions("none"))
    assert files(folder) == before


def test_what_2_0_0_cut_off_is_written_whole_with_a_copy_of_what_was_there(tmp_path: Path) -> None:
    target = copied("v2.0.0-win-truncated", tmp_path)
    before = files(target)
    VottV2().write(again(target), target, BARE)
    backup = {k.rpartition("/")[2] for k in files(target) if k.startswith(".labelbridge-backup/")}
    assert backup == {"demo project.vott", "ba938a69241e6dcbfad253c5ba7e10e4-asset.json"}
    for name in backup:
        assert (target / ".labelbridge-backup" / name).read_bytes() == before[name][0]
        json.loads((target / name).read_bytes())
    assert [f.rule for d in again(target).documents for f in d.findings if f.rule == "damaged"] == []


# ---------------------------------------------------------------- what somebody changed


def test_only_what_changed_is_written_and_what_was_there_is_kept(tmp_path: Path) -> None:
    target = copied("v2.2.0-win", tmp_path)
    before = files(target)
    moved = Region.rectangle(Box(1, 2, 33, 44), "kimono", region_id="kIq1zGf2a")
    VottV2().write(changed(again(target), "apple.jpg", regions=(moved,)), target, BARE)
    after = files(target)
    key = "6a9535de88cabfa4be8de5cf581d2b9d-asset.json"
    assert {name for name in after if after[name] != before.get(name)} == {key, f".labelbridge-backup/{key}"}
    assert after[f".labelbridge-backup/{key}"][0] == before[key][0]
    content = json.loads(after[key][0])
    assert content["regions"] == [
        {
            "id": "kIq1zGf2a",
            "type": "RECTANGLE",
            "tags": ["kimono"],
            "boundingBox": {"height": 42, "width": 32, "left": 1, "top": 2},
            "points": [{"x": 1, "y": 2}, {"x": 33, "y": 2}, {"x": 33, "y": 44}, {"x": 1, "y": 44}],
        }
    ]
    assert list(content) == ["asset", "regions", "version"]


def test_a_persons_region_that_the_labels_do_not_know_is_told(tmp_path: Path) -> None:
    target = copied("v2.2.0-win", tmp_path)
    before = files(target)
    with pytest.raises(RefusedError) as refused:
        VottV2().write(changed(again(target), "apple.jpg", regions=()), target, BARE)
    assert (refused.value.rule, refused.value.fields["count"]) == ("export-overwrites", 1)
    assert files(target) == before
    found = VottV2().write(changed(again(target), "apple.jpg", regions=()), target, replace(BARE, allow_loss=True))
    assert [(f.rule, f.severity, f.image, f.fields) for f in found] == [
        ("replaced", Severity.WARNING, "apple.jpg", {"count": 1})
    ]
    assert labels(target, "apple.jpg")["regions"] == []
    assert {d.image.name: d.state for d in again(target).documents}["apple.jpg"] is State.REVIEWED_EMPTY


def test_labels_for_a_picture_that_had_none(tmp_path: Path) -> None:
    target = copied("v2.2.0-win", tmp_path)
    region = Region.rectangle(Box(1, 2, 3, 4), "水着")
    VottV2().write(changed(again(target), "empty_visited.jpg", regions=(region,)), target, BARE)
    content = labels(target, "empty_visited.jpg")
    assert content["asset"]["state"] == 2
    assert [r["tags"] for r in content["regions"]] == [["水着"]]
    assert next(a["state"] for a in project(target)["assets"].values() if a["name"] == "empty_visited.jpg") == 2


def test_what_nobody_looked_at_leaves_the_file_alone(tmp_path: Path) -> None:
    target = copied("v2.2.0-win", tmp_path)
    before = files(target)
    dataset = again(target)
    unknown = [replace(d, regions=None, extra={}, image=replace(d.image, item=None)) for d in dataset.documents]
    assert VottV2().write(replace(dataset, documents=unknown), target, BARE) == []
    assert files(target) == before


def test_unknown_fields_of_project_asset_file_and_region_survive_a_change(tmp_path: Path) -> None:
    target = copied("v2.2.0-win", tmp_path)
    key = "6a9535de88cabfa4be8de5cf581d2b9d"
    raw, content = project(target), json.loads((target / f"{key}-asset.json").read_bytes())
    raw["mine"], raw["assets"][key]["mine"], content["mine"], content["asset"]["mine"] = 1, 2, 3, 4
    content["regions"][0]["mine"] = 5
    (target / "demo project.vott").write_text(json.dumps(raw))
    (target / f"{key}-asset.json").write_text(json.dumps(content))
    dataset = again(target)
    for out in (target, tmp_path / "fresh"):
        document = next(d for d in dataset.documents if d.image.name == "apple.jpg")
        regions = tuple(replace(r, labels=("swimsuit",)) for r in document.regions or ())
        VottV2().write(changed(dataset, "apple.jpg", regions=regions), out, BARE)
        new = labels(out, "apple.jpg")
        found = project(out)["mine"], project(out)["assets"][key]["mine"], new["mine"], new["asset"]["mine"]
        assert (*found, new["regions"][0]["mine"], new["regions"][0]["tags"]) == (1, 2, 3, 4, 5, ["swimsuit"])


def test_a_picture_the_project_does_not_list_is_the_one_that_vott_would_make(tmp_path: Path) -> None:
    target = copied("v2.2.0-win", tmp_path)
    dataset = again(target)
    new = Document(Image("never_visited.jpg", 640, 480), (Region.rectangle(Box(1, 2, 3, 4), "kimono"),))
    VottV2().write(replace(dataset, documents=[*dataset.documents, new]), target, BARE)
    path = "file:C:/vott/%E3%83%97%E3%83%AD%E3%82%B8%E3%82%A7%E3%82%AF%E3%83%88/images/never_visited.jpg"
    assert labels(target, "never_visited.jpg")["asset"]["id"] == asset_id(path)
    assert list(project(target)["assets"])[-1] == asset_id(path)


def test_what_is_none_of_vott_s_types_is_kept(tmp_path: Path) -> None:
    target = copied("v2.2.0-win", tmp_path)
    content = project(target) | {"lastVisitedAssetId": {"id": 1}}
    content["tags"][0]["name"] = ["kimono"]
    next(target.glob("*.vott")).write_text(json.dumps(content))
    VottV2().write(again(target), target, replace(BARE, renamed={"['kimono']": "k"}))
    assert project(target)["lastVisitedAssetId"] == {"id": 1}
    assert [tag["name"] for tag in project(target)["tags"]][:2] == [["kimono"], "swimsuit"]


@pytest.mark.parametrize("name", ["v2.2.0-win", "master-plain-relative-win", "master-enc-absolute-posix"])
def test_what_is_added_gets_the_id_that_this_vott_gives_it(name: str, tmp_path: Path) -> None:
    target = copied(name, tmp_path)
    whole = project(target)
    (key,) = (key for key, asset in whole["assets"].items() if asset["name"] == "apple.jpg")
    fresh = [replace(d, extra={}, image=replace(d.image, item=None)) for d in again(target).documents]
    next(target.glob("*.vott")).write_text(
        json.dumps(whole | {"assets": {k: a for k, a in whole["assets"].items() if k != key}})
    )
    (target / f"{key}-asset.json").unlink()
    VottV2().write(Dataset("p", ("kimono",), fresh), target, BARE)
    added = project(target)["assets"][key]
    assert {k: added[k] for k in ("id", "name", "path")} == {k: whole["assets"][key][k] for k in ("id", "name", "path")}
    assert (target / f"{key}-asset.json").is_file()


def test_new_tags_go_last_and_colours_are_kept(tmp_path: Path) -> None:
    target = copied("v2.2.0-win", tmp_path)
    dataset = again(target)
    dataset = replace(dataset, labels=(*dataset.labels, "new"), colors={**dataset.colors, "kimono": "#000000"})
    VottV2().write(dataset, target, BARE)
    tags = project(target)["tags"]
    assert [tag["name"] for tag in tags] == ["kimono", "swimsuit", "beauty man", "水着", "unused", "a&b", "new"]
    assert (tags[0]["color"], tags[1]["color"], tags[6]["color"]) == ("#000000", "#e81123", "#70c400")


def test_a_label_of_no_list_becomes_a_tag_as_vott_would_delete_it_otherwise(tmp_path: Path) -> None:
    target = copied("v2.2.0-win", tmp_path)
    region = Region.rectangle(Box(1, 2, 3, 4), "undeclared")
    VottV2().write(changed(again(target), "apple.jpg", regions=(region,)), target, replace(BARE, allow_loss=True))
    assert project(target)["tags"][-1]["name"] == "undeclared"


# ---------------------------------------------------------------- a new project


def test_a_new_project_is_one_that_vott_2_2_0_opens(tmp_path: Path, picture: Callable[..., Path]) -> None:
    paths = [picture("pics/日本 語#1.jpg"), picture("pics/b.png")]
    documents = [boxed(paths[0], Box(1, 2, 3.5, 4)), replace(boxed(paths[1]), regions=())]
    out = tmp_path / "out"
    found = VottV2().write(Dataset("水着: 2026?", ("a", "b"), documents), out, WriteOptions())
    assert [(f.rule, f.fields["token"]) for f in found] == [("vott-token", "水着_ 2026_ Token")]
    raw = project(out)
    assert set(raw) >= {"name", "id", "version", "securityToken", "tags", "assets", "videoSettings", "exportFormat",
                        "activeLearningSettings", "sourceConnection", "targetConnection", "autoSave"}  # fmt: skip
    assert (raw["name"], raw["version"], raw["securityToken"]) == ("水着_ 2026_", "2.2.0", "水着_ 2026_ Token")
    assert raw["sourceConnection"]["providerOptions"] == {"folderPath": str(out / "images")}
    assert raw["targetConnection"]["providerOptions"] == {"folderPath": str(out)}
    assert raw["tags"] == [{"name": "a", "color": "#5db300"}, {"name": "b", "color": "#e81123"}]
    first, second = raw["assets"].values()
    assert first["path"] == f"file:{out}/images/%E6%97%A5%E6%9C%AC%20%E8%AA%9E%231.jpg"
    assert (first["state"], second["state"]) == (2, 1)
    assert (first["type"], first["format"], first["size"]) == (1, "jpg", {"width": 64, "height": 48})
    assert all(asset["id"] == key == asset_id(asset["path"]) for key, asset in raw["assets"].items())
    assert sorted(p.name for p in out.glob("*-asset.json")) == [f"{first['id']}-asset.json"]
    assert (out / "images" / "日本 語#1.jpg").samefile(paths[0])
    assert not (out / ".labelbridge-backup").exists()


@pytest.mark.parametrize("how", ["link", "copy"])
def test_pictures_are_linked_or_copied_and_never_overwritten(
    how: Any, tmp_path: Path, picture: Callable[..., Path]
) -> None:
    path = picture("pics/a.jpg")
    (tmp_path / "out" / "images").mkdir(parents=True)
    other = tmp_path / "out" / "images" / "a.jpg"
    Pillow.new("RGB", (64, 48)).save(other)
    before = other.read_bytes()
    VottV2().write(Dataset("p", ("a",), [boxed(path, Box(1, 2, 3, 4))]), tmp_path / "out", WriteOptions(pictures=how))
    assert other.read_bytes() == before
    found, stranger = again(tmp_path / "out").documents
    assert (stranger.image.name, stranger.state) == ("a.jpg", State.UNKNOWN)
    assert found.image.file is not None
    new = Path(found.image.file.path)
    assert new != other
    assert new.read_bytes() == path.read_bytes()
    assert new.samefile(path) == (how == "link")


def test_a_picture_that_is_where_the_project_says_stays_there(tmp_path: Path, picture: Callable[..., Path]) -> None:
    path = picture("pics/a.jpg")
    VottV2().write(Dataset("p", ("a",), [boxed(path, Box(1, 2, 3, 4))]), tmp_path / "one", BARE)
    VottV2().write(again(tmp_path / "one"), tmp_path / "two", WriteOptions())
    (found,) = again(tmp_path / "two").documents
    assert found.image.file is not None
    assert found.image.file.path == str(path)
    assert not (tmp_path / "two" / "images").exists()
    assert project(tmp_path / "two")["targetConnection"]["providerOptions"]["folderPath"] == str(tmp_path / "two")


def test_a_missing_picture_is_told_and_its_labels_are_written(tmp_path: Path) -> None:
    document = Document(Image("a.jpg", 64, 48), (Region.rectangle(Box(1, 2, 3, 4), "a"),))
    found = VottV2().write(Dataset("p", ("a",), [document]), tmp_path / "out", WriteOptions())
    assert rules(found) == ["vott-token", "missing-image"]
    assert contents(again(tmp_path / "out").documents) == contents([document])


def test_names_that_lead_out_stay_inside(tmp_path: Path, picture: Callable[..., Path]) -> None:
    path = picture("a.jpg")
    image = replace(boxed(path).image, name="../../out.jpg")
    document = Document(image, (Region.rectangle(Box(1, 2, 3, 4), "a"),))
    VottV2().write(Dataset("p", ("a",), [document]), tmp_path / "x" / "out", WriteOptions())
    placed = [p for p in tmp_path.rglob("*.jpg") if p != path]
    assert [p.parent for p in placed] == [tmp_path / "x" / "out" / "images"]


def test_frames_of_a_v1_video_become_frames(tmp_path: Path) -> None:
    document = Document(Image("clip.mp4#t=0.5", 1280, 720), (Region.rectangle(Box(1, 2, 3, 4), "a"),))
    VottV2().write(Dataset("p", ("a",), [document]), tmp_path, WriteOptions())
    (asset,) = project(tmp_path)["assets"].values()
    assert (asset["type"], asset["timestamp"], asset["parent"]["name"]) == (3, 0.5, "clip.mp4")
    assert contents(again(tmp_path).documents) == contents([document])


def test_an_unknown_picture_is_not_visited_and_stays_unknown(tmp_path: Path, picture: Callable[..., Path]) -> None:
    document = replace(boxed(picture("a.jpg")), regions=None)
    VottV2().write(Dataset("p", ("a",), [document]), tmp_path / "out", WriteOptions())
    (asset,) = project(tmp_path / "out")["assets"].values()
    assert asset["state"] == 0
    (found,) = again(tmp_path / "out").documents
    assert found.state is State.UNKNOWN


def test_a_picture_with_nothing_that_vott_can_hold_is_not_called_empty(
    tmp_path: Path, picture: Callable[..., Path]
) -> None:
    document = replace(boxed(picture("a.jpg")), regions=(Region("brush", (), ("a",)),))
    VottV2().write(Dataset("p", ("a",), [document]), tmp_path / "out", WriteOptions())
    (found,) = again(tmp_path / "out").documents
    assert found.state is State.UNKNOWN


def test_losses_are_told_region_by_region() -> None:
    shapes = [
        Region.rectangle(Box(1, 2, 3, 4), "a"),
        Region("ellipse", ((3, 1), (2, 2), (1, 1), (2, 0)), ("a",)),
        Region("rotated", ((1, 0), (2, 1), (1, 2), (0, 1)), ("a",)),
        Region("brush", (), ("a",)),
        Region("damaged", (), ("a",)),
    ]
    dataset = Dataset("p", ("a",), [Document(Image("a.jpg", 9, 9), tuple(shapes))])
    assert [(f.rule, f.severity, f.region) for f in VottV2().losses(dataset)] == [
        ("ellipse", Severity.WARNING, 1),
        ("rotated", Severity.WARNING, 2),
        ("brush", Severity.WARNING, 3),
        ("bad-number", Severity.WARNING, 4),
    ]
    assert [loss for name in SOUND for loss in VottV2().losses(fixture(name))] == []


# ---------------------------------------------------------------- a model's regions


def predicted(document: Document, *boxes: Box, checkpoint: str = "cp-7") -> Document:
    regions = tuple(Region.rectangle(box, "a", author=f"checkpoint:{checkpoint}", score=0.5) for box in boxes)
    return replace(document, regions=None, predictions=regions)


@pytest.fixture
def labelled(tmp_path: Path, picture: Callable[..., Path]) -> Dataset:
    """A drawn, an empty and an unknown picture, written and read back."""
    drawn, empty, unknown = (picture(f"pics/{name}.jpg") for name in ("drawn", "empty", "unknown"))
    documents = [boxed(drawn, Box(1, 2, 3, 4)), boxed(empty), replace(boxed(unknown), regions=None)]
    VottV2().write(Dataset("p", ("a",), documents), tmp_path / "out", BARE)
    return again(tmp_path / "out")


def test_predictions_are_marked_and_only_where_no_person_was(labelled: Dataset, tmp_path: Path) -> None:
    documents = [replace(predicted(d, Box(10.123, 20, 30, 40)), extra={}) for d in labelled.documents]
    documents[1] = replace(documents[1], regions=())
    found = VottV2().write(replace(labelled, documents=documents), tmp_path / "out", BARE)
    assert [(f.rule, f.fields) for f in found] == [("predictions-skipped", {"count": 2})]
    drawn, empty, unknown = again(tmp_path / "out").documents
    assert ([len(d.predictions) for d in (drawn, empty, unknown)], drawn.state) == ([0, 0, 1], State.LABELLED)
    assert (empty.state, unknown.state) == (State.REVIEWED_EMPTY, State.UNKNOWN)
    (region,) = unknown.predictions
    assert (region.author, region.score, region.points[0]) == ("checkpoint:cp-7", 0.5, (10.12, 20))
    assert unmarked(region.region_id or "", region) == "cp-7"
    assert unknown.looked is False
    content = labels(tmp_path / "out", "unknown.jpg")
    assert content["asset"]["state"] == 0  # VoTT sets it when it has shown the picture.


def test_predictions_are_written_back_as_they_are_and_replaced_by_newer_ones(labelled: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    documents = list(labelled.documents)
    documents[2] = predicted(documents[2], Box(1, 2, 30, 40), Box(5, 5, 9, 9))
    VottV2().write(replace(labelled, documents=documents), out, BARE)
    before = files(out)
    assert VottV2().write(again(out), out, BARE) == []
    assert files(out) == before
    documents[2] = predicted(documents[2], Box(7, 7, 8, 8), checkpoint="cp-8")
    assert VottV2().write(replace(labelled, documents=documents), out, BARE) == []
    (region,) = list(again(out).documents)[2].predictions
    assert (region.author, region.points) == ("checkpoint:cp-8", ((7, 7), (8, 8)))


def test_an_accepted_prediction_is_not_taken_for_the_models_again(labelled: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    documents = list(labelled.documents)
    documents[2] = predicted(documents[2], Box(1, 2, 30, 40))
    VottV2().write(replace(labelled, documents=documents), out, BARE)
    read_back = list(again(out).documents)[2]
    accepted = tuple(replace(r, author=None, score=None) for r in read_back.predictions)
    VottV2().write(replace(labelled, documents=[replace(read_back, regions=accepted, predictions=())]), out, BARE)
    found = list(again(out).documents)[2]
    assert (found.state, found.predictions) == (State.LABELLED, ())
    assert labels(out, "unknown.jpg")["asset"]["state"] == 2


def test_a_persons_boxes_and_untouched_predictions_keep_their_order(labelled: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    documents = list(labelled.documents)
    documents[2] = predicted(documents[2], Box(1, 1, 9, 9), Box(2, 2, 9, 9), Box(3, 3, 9, 9))
    VottV2().write(replace(labelled, documents=documents), out, BARE)
    key = next(k for k, a in project(out)["assets"].items() if a["name"] == "unknown.jpg")
    content = json.loads((out / f"{key}-asset.json").read_bytes())
    content["regions"][1]["tags"] = ["b"]  # a person retagged the second
    content["asset"]["state"] = 2
    (out / f"{key}-asset.json").write_text(json.dumps(content))
    before = files(out)
    dataset = again(out)
    mixed = list(dataset.documents)[2]
    assert (len(mixed.regions or ()), len(mixed.predictions)) == (1, 2)
    assert VottV2().write(dataset, out, BARE) == []
    assert files(out)[f"{key}-asset.json"] == before[f"{key}-asset.json"]
    VottV2().write(dataset, tmp_path / "fresh", BARE)
    assert json.loads((tmp_path / "fresh" / f"{key}-asset.json").read_bytes())["regions"] == content["regions"]


def test_marks_survive_a_picture_that_was_resized(tmp_path: Path, picture: Callable[..., Path]) -> None:
    path = picture("pics/a.jpg")
    VottV2().write(Dataset("p", ("a",), [replace(boxed(path), regions=None)]), tmp_path / "out", BARE)
    picture("pics/a.jpg", 21, 16)
    (document,) = again(tmp_path / "out").documents
    VottV2().write(Dataset("p", ("a",), [predicted(document, Box(1.1, 2.2, 7.7, 9.9))]), tmp_path / "out", BARE)
    (found,) = again(tmp_path / "out").documents
    assert [r.author for r in found.predictions] == ["checkpoint:cp-7"]


# ---------------------------------------------------------------- what cannot be written


def test_the_vott_file_stands_for_its_folder(tmp_path: Path) -> None:
    target = copied("v2.2.0-win", tmp_path)
    shutil.copy(target / "demo project.vott", target / "other.vott")
    region = Region.rectangle(Box(1, 2, 3, 4), "kimono")
    dataset = changed(again(target / "other.vott"), "apple.jpg", regions=(region,))
    before = files(target)
    VottV2().write(dataset, target / "other.vott", replace(BARE, allow_loss=True))
    changed_files = {name for name, was in files(target).items() if was != before.get(name) and "backup" not in name}
    assert changed_files == {"6a9535de88cabfa4be8de5cf581d2b9d-asset.json"}


def test_several_projects_in_the_folder_are_refused(tmp_path: Path) -> None:
    for name in ("a.vott", "b.vott"):
        (tmp_path / name).write_text('{"assets": {}}')
    with pytest.raises(RefusedError):
        VottV2().write(Dataset("p", (), []), tmp_path, BARE)


def test_a_place_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError) as caught:
        VottV2().write(Dataset("p", (), []), tmp_path / "file" / "out", BARE)
    assert caught.value.rule == "folder-unwritable"
    assert (tmp_path / "file").read_text() == "mine"


def test_an_id_never_becomes_a_path(tmp_path: Path) -> None:
    extra = {"vott": {"asset": {"id": "../../evil", "path": "file:/x/a.jpg", "state": 2}}}
    document = Document(Image("a.jpg", 64, 48), (Region.rectangle(Box(1, 2, 3, 4), "a"),), extra=extra)
    VottV2().write(Dataset("p", ("a",), [document]), tmp_path / "x" / "out", BARE)
    assert [p.parent for p in tmp_path.rglob("*-asset.json")] == [tmp_path / "x" / "out"]


# ---------------------------------------------------------------- whatever there may be

# No ":": VoTT forbids it, and a name like A:.jpg leads out of the folder on Windows, so that it gets a safe one.
text = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\:"), min_size=1, max_size=6)
coordinate = st.one_of(st.integers(0, 640), st.floats(0, 640).map(lambda v: v + 0.0))
shapes = st.one_of(
    st.builds(lambda a, b, c, d, labels: Region.rectangle(Box(min(a, c), min(b, d), max(a, c), max(b, d)), *labels),
              coordinate, coordinate, coordinate, coordinate, st.lists(text, min_size=1, max_size=2)),
    st.builds(lambda points, label: Region("polygon", tuple(points), (label,)),
              st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=5), text),
    st.builds(lambda point, label: Region("point", (point,), (label,)), st.tuples(coordinate, coordinate), text),
)  # fmt: skip
documents = st.builds(
    lambda name, regions: Document(Image(name + ".jpg", 640, 480), None if regions is None else tuple(regions)),
    text,
    st.one_of(st.none(), st.lists(shapes, max_size=3)),
)


@given(
    st.lists(documents, max_size=4, unique_by=lambda d: fold_name(d.image.name).casefold()),
    st.lists(text, max_size=3, unique=True),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_project_comes_back_and_is_then_left_alone(
    tmp_path_factory: pytest.TempPathFactory, made: list[Document], tags: list[str]
) -> None:
    out = tmp_path_factory.mktemp("any")
    VottV2().write(Dataset("p", tuple(tags), made), out, WriteOptions())
    dataset = again(out)
    assert contents(dataset.documents) == contents(made)
    assert dataset.labels[: len(tags)] == tuple(tags)
    before = files(out)
    assert VottV2().write(dataset, out, WriteOptions()) == []
    assert files(out) == before


def test_marks_are_those_of_the_shared_rule() -> None:
    region = Region.rectangle(Box(1, 2, 3, 4), "a")
    assert mark("7", 0, region).startswith("lb-7-0-")
