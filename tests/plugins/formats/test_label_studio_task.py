from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.model.annotation import Document, Image, Region, State
from plugins.formats.label_studio.config import LabelConfig, default_config, parse_config
from plugins.formats.label_studio.task import read_task
from tests.plugins.formats.roundtrip import rules

FIXTURES = Path(__file__).parents[2] / "fixtures" / "label_studio"
CONFIG = parse_config(default_config(["dog", "cat"], {}))


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text("utf-8"))


def result(type_: str = "rectanglelabels", labels: tuple[str, ...] = ("dog",), **value: Any) -> dict[str, Any]:
    rest: dict[str, Any] = {
        key: value.pop(key) for key in ("id", "to_name", "image_rotation", "original_width") if key in value
    }
    full = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, **value, type_: list(labels)}
    return {
        "id": "r1",
        "from_name": "label",
        "to_name": "image",
        "type": type_,
        "original_width": 640,
        "original_height": 480,
        "image_rotation": 0,
        **rest,
        "value": full,
    }


def task(*annotations: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"id": 7, "data": {"image": "/data/upload/1/9e74f558-x.jpg"}, "annotations": list(annotations), **rest}


def annotation(*results: Any, **rest: Any) -> dict[str, Any]:
    return {"id": 1, "result": list(results), "was_cancelled": False, "completed_by": 1, **rest}


def regions(document: Document) -> tuple[Region, ...]:
    assert document.regions is not None
    return tuple(document.regions)


def test_an_export_as_label_studio_writes_it() -> None:
    first, second = fixture("api_export_json")["response"]
    document = read_task(first, CONFIG)
    assert (document.image.name, document.image.item) == ("img000.jpg", "20005")
    assert (document.image.width, document.image.height) == (640, 480)
    (region,) = regions(document)
    assert (region.points, region.labels, region.region_id) == (((76.8, 48), (204.8, 144)), ("dog",), "p0")
    assert (document.author, document.extra["label-studio"]["task"]["meta"]) == (
        "label-studio:1",
        {"external_id": "vott-0001"},
    )
    assert read_task(second, CONFIG).state is State.UNKNOWN


def test_a_task_from_the_api_has_its_predictions_beside() -> None:
    document = read_task(fixture("api_task_get")["response"], CONFIG)
    (prediction,) = document.predictions
    assert (prediction.author, prediction.score) == ("checkpoint:yolo-it1000", 0.8)
    assert (len(regions(document)), document.author) == (1, "label-studio:admin@example.com")


def test_what_was_accepted_moved_or_drawn_is_the_persons() -> None:
    body = fixture("webhook_ANNOTATION_CREATED_ui_modified_prediction_plus_manual")["body"]
    document = read_task({**body["task"], "annotations": [body["annotation"]]}, CONFIG)
    assert [r.region_id for r in regions(document)] == ["pA", "pB", "lDhB59cFEq"]
    assert document.looked
    assert all(r.author is None and r.score is None for r in regions(document))


def test_a_skipped_annotation_is_no_labelling_though_boxes_are_in_it() -> None:
    body = fixture("webhook_ANNOTATION_CREATED_ui_skipped_keeps_prediction_regions")["body"]
    document = read_task({**body["task"], "annotations": [body["annotation"]]}, CONFIG)
    assert body["annotation"]["result"]
    assert (document.state, rules(document.findings)) == (State.UNKNOWN, ["skipped"])


def test_who_began_with_a_models_boxes_has_looked_at_them() -> None:
    assert read_task(task(annotation(parent_prediction=7)), CONFIG).looked
    assert read_task(task(annotation(result() | {"origin": "prediction"})), CONFIG).looked
    assert not read_task(task(annotation(result() | {"origin": "manual"}, parent_prediction=None)), CONFIG).looked


def test_nothing_empty_and_drafts_are_told_apart() -> None:
    assert read_task(task(), CONFIG).state is State.UNKNOWN
    assert read_task(task(annotation()), CONFIG).state is State.REVIEWED_EMPTY
    draft = read_task(task(drafts=[{"result": [result()]}]), CONFIG)
    assert (draft.state, rules(draft.findings)) == (State.UNKNOWN, ["draft"])
    old = {"id": 1, "data": {}, "completions": [annotation(result())]}
    assert read_task(old, CONFIG).state is State.LABELLED


def test_equal_annotators_count_once_and_unlike_ones_are_a_conflict() -> None:
    one, same = annotation(result()), annotation(result(id="other"), id=2, completed_by=2)
    other = annotation(result(x=50), id=3, completed_by=3)
    assert len(regions(read_task(task(one, same), CONFIG))) == 1
    document = read_task(task(one, other), CONFIG)
    assert (document.regions, rules(document.findings)) == (None, ["conflict"])
    assert [c["author"] for c in document.extra["conflict"]] == ["label-studio:1", "label-studio:3"]
    assert document.extra["label-studio"]["annotations"] == [one, other]
    empty = read_task(task(one, annotation(id=4)), CONFIG)
    assert (empty.regions, rules(empty.findings)) == (None, ["conflict"])


def test_ground_truth_wins() -> None:
    document = read_task(task(annotation(result()), annotation(result(x=50), id=2, ground_truth=True)), CONFIG)
    assert (regions(document)[0].points[0][0], document.findings) == (320, ())


def test_a_turned_box_is_turned_in_pixels() -> None:
    """Measured on the rendered page: 352,48 … in percent space would be wrong, these corners are right."""
    document = read_task(task(annotation(result(x=62.5, y=10, width=20, height=10, rotation=90))), CONFIG)
    (region,) = regions(document)
    assert region.kind == "rotated"
    assert region.points == ((400, 48), (400, 176), (352, 176), (352, 48))
    assert rules(document.findings) == ["rotated"]


def test_shapes() -> None:
    both = task(
        annotation(
            result("polygonlabels", points=[[0, 0], [10, 0], [10, 10]], id="a"),
            result("polygonlabels", points=[[0, 0], [10, 10]], closed=False, id="b"),
            result("ellipselabels", x=50, y=50, radiusX=10, radiusY=20, id="c"),
            result("keypointlabels", x=50, y=50, id="d"),
            result("brushlabels", format="rle", rle=[1, 2], id="e"),
            result("vectorlabels", id="f"),
            result("rectanglelabels", width=None, id="g"),
        )
    )
    document = read_task(both, LabelConfig())
    kinds = [region.kind for region in regions(document)]
    assert kinds == ["polygon", "polyline", "ellipse", "point", "brush", "damaged", "damaged"]
    assert regions(document)[2].points == ((384, 240), (320, 336), (256, 240), (320, 144))
    assert all(region.labels == ("dog",) for region in regions(document))
    assert [(f.rule, f.region) for f in document.findings] == [
        ("unread-shape", 5),
        ("polygon", 0),
        ("polygon", 1),
        ("ellipse", 2),
        ("point", 3),
        ("brush", 4),
        ("bad-number", 6),
    ]


def test_a_turned_view_is_kept_and_not_believed() -> None:
    document = read_task(task(annotation(result(image_rotation=90))), CONFIG)
    assert regions(document)[0].kind == "damaged"
    assert rules(document.findings) == ["image-rotation", "no-box"]


@pytest.mark.parametrize(
    ("orientation", "corners"),
    [
        (1, ((64, 96), (256, 288))),
        (2, ((384, 96), (576, 288))),
        (3, ((384, 192), (576, 384))),
        (6, ((128, 288), (384, 432))),
        (8, ((256, 48), (512, 192))),
    ],
)
def test_the_page_shows_pictures_turned_by_exif(orientation: int, corners: Any) -> None:
    """Label Studio counts in percent of the turned picture: 480 x 640 for a file of 640 x 480 with orientation 6."""
    picture = Image("x.jpg", 640, 480, orientation=orientation)
    item = result() | ({"original_width": 480, "original_height": 640} if orientation >= 5 else {})
    document = read_task(task(annotation(item)), CONFIG, picture)
    assert regions(document)[0].points == corners
    assert rules(document.findings) == ([] if orientation == 1 else ["exif"])
    assert (document.image.width, document.image.height) == (640, 480)


def test_a_program_that_noted_the_stored_size_did_not_turn() -> None:
    document = read_task(task(annotation(result())), CONFIG, Image("x.jpg", 640, 480, orientation=6))
    assert regions(document)[0].points == ((64, 96), (256, 288))
    assert rules(document.findings) == ["exif-untouched"]


def test_the_size_we_noted_holds_where_the_picture_is_not_here() -> None:
    noted = {"labelbridge": {"name": "元.jpg", "width": 640, "height": 480, "orientation": 6}}
    item = result() | {"original_width": 480, "original_height": 640}
    document = read_task(task(annotation(item), meta=noted), CONFIG)
    assert (document.image.name, document.image.width, document.image.orientation) == ("元.jpg", 640, 6)
    assert regions(document)[0].points == ((128, 288), (384, 432))


def test_percent_of_a_smaller_copy_and_of_another_shape() -> None:
    smaller = read_task(task(annotation(result())), CONFIG, Image("x.jpg", 320, 240))
    assert (regions(smaller)[0].points, smaller.findings) == (((32, 48), (128, 144)), ())
    other = read_task(task(annotation(result())), CONFIG, Image("x.jpg", 300, 300))
    assert rules(other.findings) == ["aspect"]


def test_results_of_one_id_are_one_region() -> None:
    shape = {**result(), "type": "rectangle", "from_name": "rect"}
    shape["value"] = {key: value for key, value in shape["value"].items() if key != "rectanglelabels"}
    names = {**result(), "type": "labels", "from_name": "names", "value": {"labels": ["cat"]}}
    choice = {**result(), "type": "choices", "from_name": "good", "value": {"choices": ["yes"]}}
    whole = {"type": "choices", "from_name": "q", "to_name": "image", "value": {"choices": ["x"]}}
    relation = {"type": "relation", "from_id": "r1", "to_id": "r2"}
    document = read_task(task(annotation(shape, names, choice, whole, relation)), LabelConfig())
    (region,) = regions(document)
    assert (region.kind, region.labels) == ("rectangle", ("cat",))
    assert region.extra["label-studio"]["results"] == [shape, names, choice]
    assert document.extra["label-studio"]["rest"] == [whole, relation]


def test_results_on_another_object_are_kept_and_told() -> None:
    document = read_task(task(annotation(result(), result(to_name="second", id="z"))), CONFIG)
    assert (len(regions(document)), rules(document.findings)) == (1, ["other-object"])


@pytest.mark.parametrize("bad", [None, 5, "x", [], {"id": "a"}, {"id": 1, "type": 5, "value": 7}])
def test_a_result_that_is_none_spoils_nothing(bad: object) -> None:
    document = read_task(task(annotation(result(), bad)), CONFIG)
    assert len(regions(document)) == 1
