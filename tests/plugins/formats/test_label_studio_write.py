from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from bridge.errors import InputError
from bridge.model.annotation import Box, Document, FileStamp, Image, Kind, Region, State
from bridge.model.dataset import Dataset
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.label_studio import LabelStudio
from plugins.formats.label_studio.config import default_config, parse_config
from plugins.formats.label_studio.result import result_items
from plugins.formats.label_studio.task import read_task
from plugins.formats.vott1 import VottV1
from tests.plugins.formats.roundtrip import contents, dataset_of, rules

FIXTURES = Path(__file__).parents[2] / "fixtures"
SHAPES = ("rectangle", "polygon", "keypoint", "ellipse", "brush")
CONFIG = parse_config(default_config(["dog", "水着"], {"dog": "#ff0000"}, SHAPES))
POINTS: tuple[tuple[Kind, tuple[tuple[float, float], ...]], ...] = (
    ("rectangle", ((1.5, 2), (30.123456, 40))),
    ("rectangle", ((30, 40), (20, 10))),
    ("polygon", ((1, 2), (30, 4), (5, 60))),
    ("polyline", ((1, 2), (30, 4))),
    ("rotated", ((110, 100), (120, 110), (110, 120), (100, 110))),
    ("rotated", ((0, 0), (9, 1), (12, 30), (1, 20))),
    ("ellipse", ((20, 10), (10, 15), (0, 10), (10, 5))),
    ("point", ((3, 4),)),
)


def export(tmp_path: Path, *tasks: Any, config: str = "") -> Path:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(list(tasks), ensure_ascii=False), "utf-8")
    if config:
        (tmp_path / "label_config.xml").write_text(config, "utf-8")
    return path


def read(path: Path, **options: Any) -> tuple[Dataset, list[str]]:
    reading = LabelStudio().read(path, ReadOptions(**options))
    dataset = dataset_of(reading)
    assert len(list(dataset.documents)) == reading.total
    return dataset, rules(reading.findings)


def example() -> Dataset:
    regions = tuple(
        Region(kind, points, ("水着",)) for kind, points in POINTS if len(points) != 4 or points[0] != (0, 0)
    )
    documents = (
        Document(Image("日本/a b+c%.jpg", 640, 480), regions),
        Document(Image("two.jpg", 640, 480), (Region.rectangle(Box(1, 2, 3, 4), "dog", "水着"),)),
        Document(Image("untagged.jpg", 640, 480), (Region.rectangle(Box(1, 2, 3, 4)),)),
        Document(Image("turned.jpg", 640, 480, orientation=6), regions),
        Document(Image("mirrored.jpg", 640, 480, orientation=5), regions),
        Document(Image("empty.jpg", 640, 480), ()),
        Document(Image("unknown.jpg", 640, 480)),
    )
    return Dataset("p", ("unused", "dog", "水着"), documents, colors={"dog": "#ff0000"})


# ------------------------------------------------------------ result items


def test_a_box_in_percent_of_the_picture() -> None:
    region = Region.rectangle(Box(64, 48, 320, 240), "dog", region_id="abc", score=0.5, author="checkpoint:7")
    assert result_items([region], (640, 480), CONFIG) == [
        {
            "id": "abc",
            "from_name": "label",
            "to_name": "image",
            "type": "rectanglelabels",
            "original_width": 640,
            "original_height": 480,
            "image_rotation": 0,
            "value": {"x": 10, "y": 10, "width": 40, "height": 40, "rotation": 0, "rectanglelabels": ["dog"]},
            "score": 0.5,
        }
    ]


def test_a_box_of_a_picture_that_the_page_turns() -> None:
    (item,) = result_items([Region.rectangle(Box(0, 0, 64, 240), "dog")], (640, 480), CONFIG, orientation=6)
    assert (item["original_width"], item["original_height"]) == (480, 640)
    assert item["value"] == {"x": 50, "y": 0, "width": 50, "height": 10, "rotation": 0, "rectanglelabels": ["dog"]}


def test_a_models_box_is_cut_at_the_edges_and_a_persons_is_not() -> None:
    box = Box(-10, 400, 50, 500)
    (guess,) = result_items([Region.rectangle(box, "dog", author="checkpoint:7")], (640, 480), CONFIG)
    assert (guess["value"]["x"], guess["value"]["y"] + guess["value"]["height"]) == (0, 100)
    (drawn,) = result_items([Region.rectangle(box, "dog")], (640, 480), CONFIG)
    assert drawn["value"]["x"] < 0
    outside = Region.rectangle(Box(700, 0, 710, 10), "dog", author="checkpoint:7")
    assert result_items([outside], (640, 480), CONFIG) == []


def test_ids_stay_and_are_unique_in_the_task() -> None:
    twice = [Region.rectangle(Box(1, 2, 3, 4), "dog", region_id=own) for own in ("a", "a", None)]
    assert [item["id"] for item in result_items(twice, (640, 480), CONFIG)] == ["a", "lb0", "lb1"]


def test_shape_and_label_as_two_controls() -> None:
    xml = """<View><Image name="i" value="$image"/><Rectangle name="r" toName="i"/>
    <Labels name="n" toName="i"><Label value="dog"/></Labels></View>"""
    items = result_items([Region.rectangle(Box(1, 2, 3, 4), "dog", region_id="a")], (640, 480), parse_config(xml))
    assert [(item["id"], item["type"], item["from_name"]) for item in items] == [
        ("a", "rectangle", "r"),
        ("a", "labels", "n"),
    ]
    (region,) = read_task({"annotations": [{"result": items}]}, parse_config(xml)).regions or ()
    assert (region.points, region.labels) == (((1, 2), (3, 4)), ("dog",))


def test_label_studios_own_validator_takes_all_we_write() -> None:
    from label_studio_sdk.label_interface.interface import LabelInterface

    interface: Any = LabelInterface(CONFIG.xml)
    everything = [Region(kind, points, ("dog",)) for kind, points in POINTS]
    edges = [Region.rectangle(Box(-5, -5, 641, 481.7), "dog", author="checkpoint:7", score=1.0000001)]
    for config in (CONFIG, parse_config(default_config(["a & b", "<水着>"], {}))):
        parsed: Any = LabelInterface(config.xml)
        parsed.validate()
    for orientation in range(1, 9):
        for regions in ([r for r in everything if r.points != ((30, 40), (20, 10))], edges):
            result = result_items(regions, (640, 480), CONFIG, orientation)
            prediction = {"model_version": "7", "score": 0.5, "result": result}
            assert interface.validate_prediction(prediction, return_errors=True) == []


# ------------------------------------------------------------ files


def test_everything_comes_back(tmp_path: Path) -> None:
    before = example()
    assert LabelStudio().write(before, tmp_path / "out.json", WriteOptions()) == []
    after, found = read(tmp_path / "out.json")
    assert contents(after.documents) == contents(before.documents)
    assert (after.labels, after.colors, found) == (before.labels, before.colors, [])
    assert LabelStudio().losses(before) == []


def test_what_vott_drew_comes_back(tmp_path: Path) -> None:
    images = FIXTURES / "vott1" / "images"
    before = dataset_of(VottV1().read(FIXTURES / "vott1" / "migrated.json", ReadOptions(images=images)))
    LabelStudio().write(before, tmp_path / "out.json", WriteOptions())
    after, _ = read(tmp_path / "out.json", images=images)
    assert contents(after.documents) == contents(before.documents)


def test_an_export_goes_back_as_it_came(tmp_path: Path) -> None:
    tasks = json.loads((FIXTURES / "label_studio" / "api_export_json.json").read_text("utf-8"))["response"]
    full = json.loads((FIXTURES / "label_studio" / "api_task_get.json").read_text("utf-8"))["response"]
    body = json.loads(
        (FIXTURES / "label_studio" / "webhook_ANNOTATION_CREATED_ui_modified_prediction_plus_manual.json").read_text(
            "utf-8"
        )
    )["body"]
    config = body["project"]["label_config"]
    tasks[1] |= {
        "id": 3,
        "annotations": [{"id": 9, "result": [], "was_cancelled": True}],
        "predictions": full["predictions"],
    }
    path = export(tmp_path, {**body["task"], "annotations": [body["annotation"]]}, *tasks, config=config)
    dataset, found = read(path)
    assert found == []
    (tmp_path / "out").mkdir()
    LabelStudio().write(dataset, tmp_path / "out" / "export.json", WriteOptions())
    written = {task["id"]: task for task in json.loads((tmp_path / "out" / "export.json").read_text("utf-8"))}
    for task in json.loads(path.read_text("utf-8")):
        again = written[task["id"]]
        assert again["annotations"] == task["annotations"]
        assert again["data"] == task["data"]
        assert {k: v for k, v in again["meta"].items() if k != "labelbridge"} == task["meta"]
        assert again["predictions"] == [p for p in task.get("predictions", []) if isinstance(p, dict)]
    assert (tmp_path / "out" / "label_config.xml").read_text("utf-8") == config


def test_a_changed_region_keeps_id_control_and_unknown_fields(tmp_path: Path) -> None:
    xml = default_config(["dog"], {}).replace('name="label"', 'name="box"')
    item = {
        "id": "abc",
        "from_name": "box",
        "to_name": "image",
        "type": "rectanglelabels",
        "original_width": 640,
        "original_height": 480,
        "value": {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0, "rectanglelabels": ["dog"]},
        "meta": {"text": ["occluded"]},
    }
    dataset, _ = read(
        export(tmp_path, {"id": 1, "data": {"image": "x.jpg"}, "annotations": [{"result": [item]}]}, config=xml)
    )
    (document,) = dataset.documents
    moved = replace((document.regions or ())[0], points=((64.0, 48.0), (320.0, 240.0)))
    LabelStudio().write(
        replace(dataset, documents=(replace(document, regions=(moved,)),)), tmp_path / "out.json", WriteOptions()
    )
    (written,) = json.loads((tmp_path / "out.json").read_text("utf-8"))[0]["annotations"][0]["result"]
    assert written["value"]["width"] == 40
    assert (written["id"], written["from_name"], written["meta"]) == ("abc", "box", {"text": ["occluded"]})


def test_a_config_that_no_longer_fits_is_replaced_and_said(tmp_path: Path) -> None:
    xml = default_config(["dog"], {}).replace('name="label"', 'name="box"')
    item = result_items([Region.rectangle(Box(1, 2, 3, 4), "dog")], (640, 480), parse_config(xml))
    path = export(tmp_path, {"id": 1, "data": {"image": "x.jpg"}, "annotations": [{"result": item}]}, config=xml)
    dataset, _ = read(path)
    findings = LabelStudio().write(replace(dataset, labels=("dog", "new")), path, WriteOptions())
    assert rules(findings) == ["label-config-new", "replaced", "replaced"]
    assert parse_config((tmp_path / "label_config.xml").read_text("utf-8")).labels == ("dog", "new")
    assert (tmp_path / ".labelbridge-backup" / "label_config.xml").read_text("utf-8") == xml
    (written,) = json.loads(path.read_text("utf-8"))[0]["annotations"][0]["result"]
    assert written["from_name"] == "label"


def test_a_models_boxes_go_in_as_predictions(tmp_path: Path) -> None:
    guess = Region.rectangle(Box(1, 2, 30, 40), "dog", author="checkpoint:cp-1", score=0.5)
    document = Document(Image("x.jpg", 640, 480), predictions=(guess,))
    LabelStudio().write(Dataset("p", ("dog",), (document,)), tmp_path / "out.json", WriteOptions())
    (task,) = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert (task["annotations"], task["predictions"][0]["model_version"]) == ([], "cp-1")
    after, _ = read(tmp_path / "out.json")
    (again,) = after.documents
    assert (again.state, again.predictions[0].author, again.predictions[0].score) == (
        State.UNKNOWN,
        "checkpoint:cp-1",
        0.5,
    )
    LabelStudio().write(after, tmp_path / "twice.json", WriteOptions())
    assert len(json.loads((tmp_path / "twice.json").read_text("utf-8"))[0]["predictions"]) == 1


def test_a_conflict_goes_back_with_both_sides(tmp_path: Path) -> None:
    sides = [
        {"id": i, "result": result_items([Region.rectangle(Box(i, 2, 9, 9), "dog")], (64, 48), CONFIG)} for i in (1, 2)
    ]
    dataset, _ = read(export(tmp_path, {"id": 1, "data": {"image": "x.jpg"}, "annotations": sides}))
    LabelStudio().write(dataset, tmp_path / "out.json", WriteOptions())
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))[0]["annotations"] == sides


def test_two_tasks_of_one_picture_and_two_pictures_of_one_name(tmp_path: Path) -> None:
    def task(number: int, url: str) -> dict[str, Any]:
        result = result_items([Region.rectangle(Box(number, 2, 9, 9), "dog")], (64, 48), CONFIG)
        return {"id": number, "data": {"image": url}, "annotations": [{"result": result}]}

    path = export(tmp_path, task(3, "http://h/b/x.jpg"), task(1, "http://h/a/x.jpg"), task(2, "http://h/a/x.jpg"))
    dataset, found = read(path)
    documents = {document.image.name: document for document in dataset.documents}
    assert list(documents) == ["x.jpg", "b/x.jpg"]
    assert rules(documents["x.jpg"].findings) == ["missing-image", "conflict", "duplicate-asset"]
    assert documents["b/x.jpg"].image.item == "3"
    assert found == ["label-order"]


def test_pictures_are_found_by_the_end_of_their_address(tmp_path: Path) -> None:
    (tmp_path / "imgs" / "sub").mkdir(parents=True)
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.new("RGB", (640, 480)).save(tmp_path / "imgs" / "sub" / "x.jpg", exif=exif)
    result = result_items([Region.rectangle(Box(1, 2, 30, 40), "dog")], (640, 480), CONFIG, orientation=6)
    task = {"id": 1, "data": {"image": "/data/local-files/?d=set/sub/x.jpg"}, "annotations": [{"result": result}]}
    dataset, _ = read(export(tmp_path, task), images=tmp_path / "imgs")
    (document,) = dataset.documents
    assert (document.image.name, document.image.width, document.image.item) == ("set/sub/x.jpg", 640, "1")
    assert isinstance(document.image.file, FileStamp)
    assert ((document.regions or ())[0].points, rules(document.findings)) == (((1, 2), (30, 40)), ["exif"])


def test_the_class_order_is_the_configs_or_that_of_appearance(tmp_path: Path) -> None:
    result = result_items([Region.rectangle(Box(1, 2, 3, 4), label) for label in ("水着", "dog")], (64, 48), CONFIG)
    path = export(tmp_path, {"id": 1, "data": {"image": "x.jpg"}, "annotations": [{"result": result}]}, "no task")
    reading = LabelStudio().read(path, ReadOptions())
    assert (reading.labels, reading.declared) == (("水着", "dog"), False)
    assert rules(reading.findings) == ["damaged-item", "label-order"]
    other = tmp_path / "other.xml"
    other.write_text(CONFIG.xml, "utf-8")
    assert LabelStudio().read(path, ReadOptions(label_config=other)).labels == ("dog", "水着")


def test_what_tasks_cannot_hold_is_told_before() -> None:
    regions = (Region("brush", (), ("a",)), Region("damaged", ()), Region.rectangle(Box(1, 2, 3, 4), "a"))
    documents = (Document(Image("x.jpg", 9, 9), regions), Document(Image("y.jpg"), regions[2:]))
    findings = LabelStudio().losses(Dataset("p", ("a\x01",), documents))
    assert rules(findings) == ["label-unwritable", "brush", "bad-number", "no-size"]


def test_what_is_and_is_not_recognised(tmp_path: Path) -> None:
    path = export(tmp_path, {"id": 1, "data": {"image": "x.jpg"}, "annotations": []})
    assert LabelStudio().recognises(path)
    assert LabelStudio().recognises(tmp_path)
    (tmp_path / "coco.json").write_text('{"images": [], "annotations": []}')
    assert not LabelStudio().recognises(tmp_path / "coco.json")
    assert not LabelStudio().recognises(tmp_path / "none.json")
    with pytest.raises(InputError) as caught:
        LabelStudio().read(tmp_path / "coco.json", ReadOptions())
    assert caught.value.rule == "not-label-studio"
    (tmp_path / "min.json").write_text('[{"image": "x.jpg", "id": 1, "label": [{"x": 1}]}]')
    with pytest.raises(InputError) as caught:
        LabelStudio().read(tmp_path / "min.json", ReadOptions())
    assert caught.value.rule == "not-label-studio"
    (tmp_path / "more.json").write_bytes(path.read_bytes())
    with pytest.raises(InputError) as caught:
        LabelStudio().read(tmp_path, ReadOptions())
    assert caught.value.rule == "several-label-studio"


# ------------------------------------------------------------ properties

numbers = st.floats(-50, 700, allow_nan=False).map(lambda x: round(x, 6))
boxes = st.lists(st.tuples(numbers, numbers, numbers, numbers), max_size=3)


@given(boxes, st.integers(1, 8), st.integers(1, 3000), st.integers(1, 3000))
@settings(max_examples=60, deadline=None)
def test_any_box_on_any_picture_comes_back(corners: list[Any], orientation: int, width: int, height: int) -> None:
    regions = tuple(Region("rectangle", ((a, b), (c, d)), ("dog",)) for a, b, c, d in corners)
    image = Image("x.jpg", width, height, orientation=orientation)
    result = json.loads(json.dumps(result_items(regions, (width, height), CONFIG, orientation)))
    after = read_task({"annotations": [{"result": result}]}, CONFIG, image)
    assert contents([after]) == contents([Document(image, regions)])


@given(
    st.floats(1, 359), st.floats(5, 200), st.floats(5, 200), st.sampled_from(["rotated", "ellipse"]), st.integers(1, 8)
)
@settings(max_examples=60, deadline=None)
def test_any_turned_shape_comes_back(degrees: float, a: float, b: float, kind: Kind, orientation: int) -> None:
    assume(1e-3 < degrees % 90 < 90 - 1e-3)  # A quarter turn of an upright box is an upright box.
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    offsets = ((0, 0), (a, 0), (a, b), (0, b)) if kind == "rotated" else ((a, 0), (0, b), (-a, 0), (0, -b))
    points = tuple((300 + x * cos - y * sin, 200 + x * sin + y * cos) for x, y in offsets)
    result = result_items([Region(kind, points, ("dog",))], (640, 480), CONFIG, orientation)
    image = Image("x.jpg", 640, 480, orientation=orientation)
    (after,) = read_task({"annotations": [{"result": result}]}, CONFIG, image).regions or ()
    assert after.kind == kind
    assert [c for p in after.points for c in p] == pytest.approx([c for p in points for c in p], abs=1e-6)


def test_two_projects_in_one_folder_keep_their_configs(tmp_path: Path) -> None:
    out = tmp_path / "ls"
    image = Image("a.jpg", 64, 48)
    for name, labels in (("着物", ("kimono", "swimsuit")), ("second", ("swimsuit", "kimono"))):
        regions = (Region("polygon", ((1, 1), (20, 2), (9, 30)), labels[:1]),)
        found = LabelStudio().write(Dataset(name, labels, [Document(image, regions)]), out, WriteOptions())
    assert [f.rule for f in found] == ["label-config-own"]
    for name, labels in (("着物", ("kimono", "swimsuit")), ("second", ("swimsuit", "kimono"))):
        assert LabelStudio().read(out / f"{name}.json", ReadOptions()).labels == labels
