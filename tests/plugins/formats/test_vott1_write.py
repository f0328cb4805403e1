from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from bridge.errors import RefusedError
from bridge.model.annotation import Box, Document, FileStamp, Image, Region, State
from bridge.model.dataset import Dataset
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.vott1 import VottV1
from tests.plugins.formats.roundtrip import contents, dataset_of, rules

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vott1"
BARE = WriteOptions(pictures="none")


def fixture(name: str, **options: Any) -> Dataset:
    return dataset_of(VottV1().read(FIXTURES / f"{name}.json", ReadOptions(images=FIXTURES / "images", **options)))


def again(path: Path) -> Dataset:
    return dataset_of(VottV1().read(path, ReadOptions(images=FIXTURES / "images")))


def dataset(*documents: Document, labels: tuple[str, ...] = ("a", "b")) -> Dataset:
    return Dataset("p", labels, documents)


def boxed(name: str, *boxes: Box, **rest: Any) -> Document:
    return Document(Image(name, 640, 480), tuple(Region.rectangle(box, "a") for box in boxes), **rest)


@pytest.mark.parametrize("name", ["v1.6.1", "v1.7.2", "hand-written"])
def test_what_nobody_changed_is_written_byte_for_byte(name: str, tmp_path: Path) -> None:
    assert VottV1().write(fixture(name), tmp_path / "out.json", BARE) == []
    assert (tmp_path / "out.json").read_bytes() == (FIXTURES / f"{name}.json").read_bytes()


@pytest.mark.parametrize(
    ("name", "options"),
    [("v1.0.9", {"order": "bytes"}), ("v1.5.0-dev", {"order": "bytes"}), ("v1.7.2", {}), ("migrated", {})],
)
def test_every_era_comes_back_equal_and_by_names(name: str, options: dict[str, str], tmp_path: Path) -> None:
    before = fixture(name, **options)
    VottV1().write(before, tmp_path / "out.json", BARE)
    after = again(tmp_path / "out.json")
    assert contents(after.documents) == contents(before.documents)
    assert after.labels == before.labels
    raw = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert set(raw["visitedFrames"]) == set(raw["frames"]) == {d.image.name for d in before.documents}
    assert len(raw["tag_colors"]) == 3


def test_the_full_form_of_1_7_2(tmp_path: Path) -> None:
    VottV1().write(dataset(boxed("x.jpg", Box(1, 2, 30.5, 40))), tmp_path / "out.json", BARE)
    text = (tmp_path / "out.json").read_text("utf-8")
    raw = json.loads(text)
    assert list(raw) == [
        "frames",
        "framerate",
        "inputTags",
        "suggestiontype",
        "scd",
        "visitedFrames",
        "tag_colors",
    ]
    assert "\n" not in text
    assert '"x1":1,' in text
    (region,) = raw["frames"]["x.jpg"]
    assert region | {"UID": ""} == {
        "x1": 1,
        "y1": 2,
        "x2": 30.5,
        "y2": 40,
        "width": 640,
        "height": 480,
        "box": {"x1": 1, "y1": 2, "x2": 30.5, "y2": 40},
        "points": [{"x": 1, "y": 2}, {"x": 30.5, "y": 2}, {"x": 30.5, "y": 40}, {"x": 1, "y": 40}],
        "UID": "",
        "id": 0,
        "type": "rect",
        "tags": ["a"],
        "name": 1,
    }
    assert len(region["UID"]) == 8
    assert (raw["inputTags"], raw["framerate"], raw["visitedFrames"]) == ("a,b", "1", ["x.jpg"])


def test_an_existing_file_keeps_what_the_dataset_does_not_name(tmp_path: Path) -> None:
    path = tmp_path / "imgs.json"
    path.write_bytes((FIXTURES / "v1.7.2.json").read_bytes())
    before = json.loads(path.read_text("utf-8"))
    VottV1().write(dataset(boxed("new.jpg", Box(1, 2, 3, 4)), labels=("kimono", "a")), path, BARE)
    after = json.loads(path.read_text("utf-8"))
    assert {k: v for k, v in after["frames"].items() if k != "new.jpg"} == before["frames"]
    assert after["inputTags"] == "kimono,a,swimsuit,beauty-man"
    assert after["tag_colors"][0] == before["tag_colors"][0]
    assert after["visitedFrames"] == [*before["visitedFrames"], "new.jpg"]
    assert json.loads((tmp_path / ".labelbridge-backup" / "imgs.json").read_text("utf-8")) == before


def test_nothing_is_written_where_nothing_changed(tmp_path: Path) -> None:
    path = tmp_path / "imgs.json"
    path.write_text(json.dumps(json.loads((FIXTURES / "v1.7.2.json").read_text("utf-8")), indent=2))
    stamp = path.stat().st_mtime_ns
    VottV1().write(again(path), path, BARE)
    assert path.stat().st_mtime_ns == stamp
    assert not (tmp_path / ".labelbridge-backup").exists()


def test_a_changed_region_keeps_its_id_and_unknown_fields(tmp_path: Path) -> None:
    before = fixture("v1.6.1")
    first, *rest = before.documents
    moved = replace((first.regions or ())[0], points=((10.0, 20.0), (30.0, 40.0)))
    VottV1().write(replace(before, documents=(replace(first, regions=(moved,)), *rest)), tmp_path / "out.json", BARE)
    raw = json.loads((tmp_path / "out.json").read_text("utf-8"))["frames"]["Banana_1.jpg"][0]
    assert (raw["UID"], raw["box"], raw["x1"]) == ("9648346d", {"x1": 10, "y1": 20, "x2": 30, "y2": 40}, 10)


def test_predictions_are_marked_and_stay_predictions(tmp_path: Path) -> None:
    guess = Region.rectangle(Box(1.234567, 2, 30, 40), "beauty man", author="checkpoint:cp-1", score=0.5)
    document = Document(Image("x.jpg", 640, 480), predictions=(guess,))
    VottV1().write(dataset(document, labels=("beauty man",)), tmp_path / "out.json", BARE)
    raw = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert raw["frames"]["x.jpg"][0]["UID"].startswith("lb-cp-1-0-")
    assert raw["visitedFrames"] == []
    (read, *_) = again(tmp_path / "out.json").documents
    assert (read.state, [p.score for p in read.predictions]) == (State.UNKNOWN, [0.5])
    VottV1().write(again(tmp_path / "out.json"), tmp_path / "twice.json", BARE)
    assert json.loads((tmp_path / "twice.json").read_text("utf-8"))["frames"] == raw["frames"]


def test_a_person_has_drawn_so_no_prediction_is_added(tmp_path: Path) -> None:
    guess = Region.rectangle(Box(1, 2, 30, 40), "a", author="checkpoint:7")
    document = boxed("x.jpg", Box(5, 6, 7, 8), predictions=(guess,))
    VottV1().write(dataset(document), tmp_path / "out.json", BARE)
    assert len(json.loads((tmp_path / "out.json").read_text("utf-8"))["frames"]["x.jpg"]) == 1


def test_an_accepted_prediction_is_written_as_the_persons(tmp_path: Path) -> None:
    guess = Region.rectangle(Box(1, 2, 30, 40), "a", author="checkpoint:7")
    VottV1().write(dataset(Document(Image("x.jpg", 640, 480), predictions=(guess,))), tmp_path / "imgs.json", BARE)
    (document, *_) = again(tmp_path / "imgs.json").documents
    accepted = replace(document, regions=tuple(replace(p, author=None) for p in document.predictions), predictions=())
    VottV1().write(dataset(accepted), tmp_path / "imgs.json", BARE)
    (read, *_) = again(tmp_path / "imgs.json").documents
    assert (read.state, read.predictions) == (State.LABELLED, ())
    assert "x.jpg" in json.loads((tmp_path / "imgs.json").read_text("utf-8"))["visitedFrames"]


def test_a_picture_seen_before_counts_as_seen_only_when_looked_at_again(tmp_path: Path) -> None:
    path = tmp_path / "imgs.json"
    path.write_bytes((FIXTURES / "v1.7.2.json").read_bytes())
    guess = Region.rectangle(Box(1, 2, 30, 40), "kimono", author="checkpoint:7")
    VottV1().write(dataset(Document(Image("apple.jpg", 640, 480), predictions=(guess,))), path, BARE)
    assert "apple.jpg" not in json.loads(path.read_text("utf-8"))["visitedFrames"]


def test_what_v1_cannot_hold_is_told_before() -> None:
    square = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0))
    regions = (
        Region("rotated", square, ("beauty man",)),
        Region("ellipse", square, ("x,y",)),
        Region("brush", (), ("a",)),
        Region("damaged", (), ("a",)),
    )
    documents = (Document(Image("sub/x.jpg", 640, 480), regions), Document(Image("x.jpg", 640, 480), ()))
    findings = VottV1().losses(dataset(*documents))
    assert [(f.rule, f.image, f.region) for f in findings] == [
        ("tag-renamed", None, None),
        ("tag-renamed", None, None),
        ("flat-name", "sub/x.jpg", None),
        ("tag-renamed", "sub/x.jpg", 0),
        ("rotated", "sub/x.jpg", 0),
        ("tag-renamed", "sub/x.jpg", 1),
        ("ellipse", "sub/x.jpg", 1),
        ("brush", "sub/x.jpg", 2),
        ("bad-number", "sub/x.jpg", 3),
        ("size-lost", "x.jpg", None),
    ]
    assert [f.fields["tag"] for f in findings[:2]] == ["beauty_man", "x_y"]
    assert findings[2].fields["name"] == "sub_x.jpg"


def test_a_review_outlives_a_models_boxes(tmp_path: Path) -> None:
    guess = Region.rectangle(Box(1, 2, 30, 40), "a", author="checkpoint:7")
    VottV1().write(dataset(Document(Image("x.jpg", 640, 480), (), predictions=(guess,))), tmp_path / "out.json", BARE)
    (read, *_) = again(tmp_path / "out.json").documents
    assert (read.state, read.predictions) == (State.REVIEWED_EMPTY, ())


def test_a_picture_with_nothing_that_v1_can_hold_is_not_called_empty(tmp_path: Path) -> None:
    VottV1().write(
        dataset(Document(Image("x.jpg", 640, 480), (Region("brush", (), ("a",)),))), tmp_path / "o.json", BARE
    )
    raw = json.loads((tmp_path / "o.json").read_text("utf-8"))
    assert (raw["frames"], raw["visitedFrames"]) == ({}, [])


def test_frame_numbers_are_not_written_beside_another_name(tmp_path: Path) -> None:
    document = boxed("clip.mp4#t=2", Box(1, 2, 3, 4), extra={"vott-v1": {"key": "3"}})
    VottV1().write(dataset(document), tmp_path / "p.json", BARE)
    assert list(json.loads((tmp_path / "p.json").read_text("utf-8"))["frames"]) == ["clip.mp4#t=2"]
    VottV1().write(dataset(document), tmp_path, BARE)
    assert list(json.loads((tmp_path / "clip.mp4.json").read_text("utf-8"))["frames"]) == ["3"]


def test_a_dataset_from_v1_itself_loses_nothing() -> None:
    for name in ("v1.6.1", "v1.7.2", "migrated", "hand-written"):
        assert VottV1().losses(fixture(name)) == []


def test_renamed_tags_stay_apart(tmp_path: Path) -> None:
    labels = ("a b", "a_b", "a,b", "　")
    regions = tuple(Region.rectangle(Box(i, 0, i + 1, 1), label) for i, label in enumerate(labels))
    VottV1().write(dataset(Document(Image("x.jpg", 9, 9), regions), labels=labels), tmp_path / "out.json", BARE)
    (document, *_) = again(tmp_path / "out.json").documents
    assert [r.labels for r in document.regions or ()] == [("a_b_2",), ("a_b",), ("a_b_3",), ("tag",)]


def test_pictures_are_placed_where_vott_looks(tmp_path: Path) -> None:
    source = tmp_path / "mine" / "水着.jpg"
    source.parent.mkdir()
    Pillow.new("RGB", (640, 480)).save(source)
    found = source.stat()
    image = Image("sub/水着.jpg", 640, 480, file=FileStamp(str(source), found.st_size, found.st_mtime_ns))
    gone = Image("gone.jpg", 640, 480, file=FileStamp(str(tmp_path / "gone.jpg"), 1, 1))
    findings = VottV1().write(dataset(Document(image, ()), Document(gone, ())), tmp_path / "out", WriteOptions())
    assert (tmp_path / "out" / "p" / "水着.jpg").samefile(source)
    assert rules(findings) == ["flat-name", "missing-image"]
    reading = VottV1().read(tmp_path / "out", ReadOptions())
    assert {d.image.name: d.state for d in reading.documents} == {
        "水着.jpg": State.REVIEWED_EMPTY,
        "gone.jpg": State.REVIEWED_EMPTY,
    }


def test_the_frames_of_a_video_keep_their_numbers(tmp_path: Path) -> None:
    raw = {
        "x1": 1,
        "y1": 2,
        "x2": 3,
        "y2": 4,
        "width": 1280,
        "height": 720,
        "box": {"x1": 1, "y1": 2, "x2": 3, "y2": 4},
    }
    top = {
        "frames": {"1": [{**raw, "tags": ["ball"]}], "7": []},
        "framerate": "24",
        "inputTags": "ball",
        "suggestiontype": "track",
        "scd": False,
        "visitedFrames": [1, 7, 9],
        "tag_colors": ["#0ba2f3"],
    }
    path = tmp_path / "clip.mp4.json"
    path.write_text(json.dumps(top, separators=(",", ":")))
    (tmp_path / "out").mkdir()
    VottV1().write(again(path), tmp_path / "out" / "clip.mp4.json", BARE)
    written = json.loads((tmp_path / "out" / "clip.mp4.json").read_text())
    assert written["frames"] == {**top["frames"], "9": []}  # type: ignore[dict-item]
    assert written["visitedFrames"] == [1, 7, 9]
    assert contents(again(tmp_path / "out" / "clip.mp4.json").documents) == contents(again(path).documents)


def test_what_is_no_json_at_all_can_still_be_written(tmp_path: Path) -> None:
    broken = {"x1": float("nan"), "tags": ["a"]}
    region = Region("damaged", (), ("a",), extra={"vott-v1": {"raw": broken, "at": 0}})
    VottV1().write(dataset(Document(Image("\ud800NaN.jpg", 9, 9), (region,))), tmp_path / "out.json", BARE)
    raw = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert raw["frames"] == {"\ud800NaN.jpg": [{"x1": None, "tags": ["a"]}]}


numbers = st.floats(-50, 700, allow_nan=False).map(lambda x: round(x, 6))
# Nor what JavaScript takes for whitespace.
letters = st.characters(exclude_categories=("Cs", "Cc", "Z"), exclude_characters=",\ufeff")
names = st.text(letters, min_size=1, max_size=5)


@given(
    st.dictionaries(
        st.from_regex(r"[a-zA-Zあ-ん _#%()-]{1,8}\.jpg", fullmatch=True),
        st.lists(st.tuples(numbers, numbers, numbers, numbers, st.lists(names, max_size=2, unique=True)), max_size=3),
        max_size=4,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_boxes_come_back_equal(tmp_path_factory: pytest.TempPathFactory, pictures: dict[str, list[Any]]) -> None:
    documents = tuple(
        Document(Image(name, 640, 480), tuple(Region.rectangle(Box(*box), *labels) for *box, labels in boxes))
        for name, boxes in pictures.items()
        if boxes  # The size of a picture that is not there is known from its regions alone.
    )
    path = tmp_path_factory.mktemp("v1") / "out.json"
    VottV1().write(dataset(*documents, labels=()), path, BARE)
    reading = VottV1().read(path, ReadOptions())
    assert contents(reading.documents) == contents(documents)


# ---------------------------------------------------------------- what somebody drew since


def drawn_since(path: Path, key: str, uid: str) -> None:
    """One more region in a frame, as the annotator saves it."""
    raw = json.loads(path.read_text("utf-8"))
    frame = raw["frames"].setdefault(key, [])
    (model, *_) = [region for regions in raw["frames"].values() for region in regions if region]
    frame.append(model | {"UID": uid, "x1": 3, "y1": 4})
    path.write_text(json.dumps(raw), "utf-8")


@pytest.mark.parametrize(("name", "options"), [("v1.0.9", {"order": "bytes"}), ("v1.7.2", {})])
def test_what_was_drawn_since_the_import_is_refused(name: str, options: dict[str, str], tmp_path: Path) -> None:
    before, path = fixture(name, **options), tmp_path / "images.json"
    path.write_bytes((FIXTURES / f"{name}.json").read_bytes())
    drawn_since(path, next(iter(json.loads(path.read_text("utf-8"))["frames"])), "since-then")
    standing = path.read_bytes()
    with pytest.raises(RefusedError) as refused:
        VottV1().write(before, path, BARE)
    assert (refused.value.rule, refused.value.fields["count"], refused.value.exit_code) == ("export-overwrites", 1, 3)
    assert path.read_bytes() == standing
    told = VottV1().write(before, path, replace(BARE, allow_loss=True))
    assert [(f.rule, f.fields["count"]) for f in told] == [("replaced", 1)]
    assert contents(again(path).documents) == contents(before.documents)
    assert (tmp_path / ".labelbridge-backup" / path.name).read_bytes() == standing


def test_another_projects_frames_by_position_are_not_dropped(tmp_path: Path) -> None:
    path = tmp_path / "images.json"
    path.write_bytes((FIXTURES / "v1.0.9.json").read_bytes())
    with pytest.raises(RefusedError, match="export-overwrites"):
        VottV1().write(dataset(boxed("x.jpg", Box(1, 2, 3, 4))), path, BARE)
    assert path.read_bytes() == (FIXTURES / "v1.0.9.json").read_bytes()


def test_an_empty_frame_by_position_is_somebodys_word_too(tmp_path: Path) -> None:
    path, before = tmp_path / "images.json", fixture("v1.0.9", order="bytes")
    raw = json.loads((FIXTURES / "v1.0.9.json").read_text("utf-8"))
    raw["frames"]["77"] = []
    path.write_text(json.dumps(raw), "utf-8")
    with pytest.raises(RefusedError, match="export-overwrites"):
        VottV1().write(before, path, BARE)


def test_what_was_known_once_may_go(tmp_path: Path) -> None:
    path, before = tmp_path / "images.json", fixture("v1.7.2")
    path.write_bytes((FIXTURES / "v1.7.2.json").read_bytes())
    cleared = replace(before, documents=tuple(replace(d, regions=()) for d in before.documents))
    was = {document.image.name: [document] for document in before.documents}
    with pytest.raises(RefusedError, match="export-overwrites"):
        VottV1().write(cleared, path, BARE)
    assert VottV1().write(cleared, path, replace(BARE, earlier=lambda d: was[d.image.name])) == []
    assert not any(json.loads(path.read_text("utf-8"))["frames"].values())
