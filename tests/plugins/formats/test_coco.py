from __future__ import annotations

import contextlib
import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from bridge.errors import InputError, RefusedError
from bridge.model.annotation import Box, Document, Image, Kind, Region, State
from bridge.model.dataset import Dataset
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.coco import Coco
from plugins.formats.vott1 import VottV1
from tests.plugins.formats.roundtrip import contents, dataset_of, rules

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vott1"


def coco(tmp_path: Path, **parts: Any) -> Path:
    path = tmp_path / "instances.json"
    top = {"images": [], "annotations": [], "categories": [{"id": 7, "name": "b"}, {"id": 3, "name": "a"}], **parts}
    path.write_text(json.dumps(top), "utf-8")
    return path


def image(number: int, name: str, **rest: Any) -> dict[str, Any]:
    return {"id": number, "file_name": name, "width": 640, "height": 480, **rest}


def annotation(number: int, picture: Any, category: Any, bbox: Any, **rest: Any) -> dict[str, Any]:
    return {"id": number, "image_id": picture, "category_id": category, "bbox": bbox, **rest}


def read(path: Path, **options: Any) -> tuple[Dataset, dict[str, Document], list[str]]:
    reading = Coco().read(path, ReadOptions(**options))
    dataset = dataset_of(reading)
    documents = {document.image.name: document for document in dataset.documents}
    assert len(documents) == reading.total
    return dataset, documents, rules(reading.findings)


def written(dataset: Dataset, out: Path) -> dict[str, Any]:
    assert Coco().write(dataset, out, WriteOptions()) == []
    top: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return top


def test_categories_are_in_the_order_of_their_list(tmp_path: Path) -> None:
    dataset, documents, _ = read(
        coco(tmp_path, images=[image(5, "x.jpg")], annotations=[annotation(1, 5, 3, [0.1, 10, 0.2, 20.5])])
    )
    assert dataset.labels == ("b", "a")
    (region,) = documents["x.jpg"].regions or ()
    assert (region.labels, region.points) == (("a",), ((0.1, 10), (0.3, 30.5)))


def test_a_foreign_picture_without_annotations_is_unknown(tmp_path: Path) -> None:
    _, documents, found = read(coco(tmp_path, images=[image(1, "x.jpg"), image(2, "y.jpg")]))
    assert {d.state for d in documents.values()} == {State.UNKNOWN}
    assert found == ["unlooked"]


def test_a_state_is_believed(tmp_path: Path) -> None:
    pictures = [
        image(i, f"{state}.jpg", state=state) for i, state in enumerate(("unknown", "reviewed-empty", "labelled"))
    ]
    _, documents, found = read(coco(tmp_path, images=pictures))
    assert [d.state.value for d in documents.values()] == ["unknown", "reviewed-empty", "unknown"]
    assert "state-contradicts" in rules(documents["labelled.jpg"].findings)
    assert found == []


def test_bad_items_become_findings_and_the_rest_goes_in(tmp_path: Path) -> None:
    annotations = [
        annotation(1, 1, 3, [1, 2, math.nan, 4]),
        annotation(2, 1, 99, [1, 2, 3, 4]),
        annotation(3, 404, 3, [1, 2, 3, 4]),
        annotation(4, 1, 3, [30, 40, -10, 5]),
        annotation(5, 1, 3, None),
        "text",
        annotation(6, 1, 3, [5, 6, 7, 8]),
    ]
    pictures = [image(1, "x.jpg"), {"id": 2}, None]
    dataset, documents, found = read(coco(tmp_path, images=pictures, annotations=annotations))
    regions = documents["x.jpg"].regions or ()
    assert [r.kind for r in regions] == ["damaged", "rectangle", "rectangle", "damaged", "rectangle"]
    assert (regions[1].labels, regions[2].points) == ((), ((30, 40), (20, 45)))
    assert found == ["damaged-item", "damaged-item", "orphan-annotation", "damaged-item"]
    assert sorted(rules(documents["x.jpg"].findings)) == [
        "bad-number",
        "bad-number",
        "missing-image",
        "swapped",
        "unknown-category",
    ]
    kept = written(dataset, tmp_path / "out.json")["annotations"]
    assert [a["bbox"] for a in kept if a["image_id"] == 404] == [[1, 2, 3, 4]]


def test_outlines_masks_and_crowds(tmp_path: Path) -> None:
    rle = {"size": [480, 640], "counts": "abc"}
    annotations = [
        annotation(1, 1, 3, [1, 2, 10, 10], segmentation=[[1, 2, 11, 2, 11, 12]], area=50, iscrowd=0),
        annotation(2, 1, 3, [1, 2, 10, 10], segmentation=[[1, 2, 11, 2, 11, 12, 1, 12]]),
        annotation(3, 1, 3, [1, 2, 10, 10], segmentation=[[1, 2, 3, 4, 5, 6], [7, 8, 9, 9, 7, 9]]),
        annotation(4, 1, 7, [1, 2, 10, 10], segmentation=rle, iscrowd=1, area=33, attributes={"occluded": True}),
    ]
    dataset, documents, _ = read(coco(tmp_path, images=[image(1, "x.jpg")], annotations=annotations))
    assert [r.kind for r in documents["x.jpg"].regions or ()] == ["polygon", "rectangle", "rectangle", "rectangle"]
    assert sorted(rules(documents["x.jpg"].findings)) == ["crowd", "mask", "mask", "missing-image", "polygon"]
    again = written(dataset, tmp_path / "out.json")["annotations"]
    assert again[0]["segmentation"] == [[1, 2, 11, 2, 11, 12]]
    assert again[2]["segmentation"] == annotations[2]["segmentation"]
    assert again[3] | {"labelbridge": 0} == {**annotations[3], "category_id": 1, "labelbridge": 0}


def test_a_mask_does_not_outlive_its_box(tmp_path: Path) -> None:
    rle = {"size": [480, 640], "counts": "abc"}
    annotations = [annotation(1, 1, 3, [1, 2, 10, 10], segmentation=rle, area=33)]
    dataset, documents, _ = read(coco(tmp_path, images=[image(1, "x.jpg")], annotations=annotations))
    (region,) = documents["x.jpg"].regions or ()
    moved = Region(region.kind, ((5, 5), (9, 9)), region.labels, extra=region.extra)
    moved_set = Dataset("p", dataset.labels, (Document(documents["x.jpg"].image, (moved,)),))
    (after,) = written(moved_set, tmp_path / "out.json")["annotations"]
    assert (after["segmentation"], after["area"], after["bbox"]) == ([], 16, [5, 5, 4, 4])


def test_two_entries_of_one_picture(tmp_path: Path) -> None:
    pictures = [image(1, "x.jpg"), image(2, "x.jpg")]
    same = [annotation(i, i, 3, [1, 2, 3, 4]) for i in (1, 2)]
    _, documents, _ = read(coco(tmp_path, images=pictures, annotations=same))
    assert (len(documents["x.jpg"].regions or ()), documents["x.jpg"].extra["twins"]) == (1, [{"coco": {"id": 2}}])
    same[1]["bbox"] = [9, 9, 9, 9]
    _, documents, _ = read(coco(tmp_path, images=pictures, annotations=same))
    assert (documents["x.jpg"].regions, "conflict" in rules(documents["x.jpg"].findings)) == (None, True)


def test_pictures_beside_in_images_or_where_told(tmp_path: Path) -> None:
    for name in ("beside.jpg", "images/in.jpg", "other/sub/told.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Pillow.new("RGB", (320, 240)).save(tmp_path / name)
    names = ["beside.jpg", "in.jpg", "sub\\told.jpg", "../secret.jpg"]
    pictures = [image(i, name, width=0) for i, name in enumerate(names)]
    _, documents, _ = read(coco(tmp_path, images=pictures), images=tmp_path / "other")
    assert [bool(d.image.file) for d in documents.values()] == [True, True, True, False]
    assert "sub/told.jpg" in documents
    assert rules(documents["../secret.jpg"].findings) == ["unsafe-name"]


@pytest.mark.parametrize(
    ("size", "orientation", "points", "rule"),
    [
        ((320, 240), 1, ((0.5, 1), (2, 3)), "resized"),
        ((500, 500), 1, ((1, 2), (4, 6)), "aspect"),
        ((480, 640), 6, ((2, 636), (6, 639)), "exif"),
    ],
)
def test_the_grid_of_another_size(
    tmp_path: Path, size: tuple[int, int], orientation: int, points: Any, rule: str
) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.new("RGB", size).save(tmp_path / "x.jpg", exif=exif)
    _, documents, _ = read(coco(tmp_path, images=[image(1, "x.jpg")], annotations=[annotation(1, 1, 3, [1, 2, 3, 4])]))
    document = documents["x.jpg"]
    assert (document.image.width, document.image.height) == size
    assert ((document.regions or ())[0].points, rules(document.findings)) == (points, [rule])


def test_what_is_and_is_not_recognised(tmp_path: Path) -> None:
    path = coco(tmp_path)
    assert Coco().recognises(path)
    assert Coco().recognises(tmp_path)
    (tmp_path / "v1.json").write_text('{"frames": {}, "inputTags": ""}')
    assert not Coco().recognises(tmp_path / "v1.json")
    assert not Coco().recognises(tmp_path / "none.json")
    with pytest.raises(InputError) as caught:
        Coco().read(tmp_path / "v1.json", ReadOptions())
    assert caught.value.rule == "not-coco"
    (tmp_path / "more.json").write_bytes(path.read_bytes())
    with pytest.raises(InputError) as caught:
        Coco().read(tmp_path, ReadOptions())
    assert caught.value.rule == "several-coco"


def example() -> Dataset:
    shapes: tuple[tuple[Kind, tuple[tuple[float, float], ...]], ...] = (
        ("rectangle", ((1.5, 2), (30.123456789, 40))),
        ("rectangle", ((30, 40), (20, 10))),
        ("polygon", ((1, 2), (30, 4), (5, 60))),
        ("polyline", ((1, 2), (30, 4))),
        ("rotated", ((10, 0), (20, 10), (10, 20), (0, 10))),
        ("ellipse", ((20, 10), (10, 15), (0, 10), (10, 5))),
        ("point", ((3, 4),)),
        ("brush", ()),
        ("damaged", ()),
    )
    every = tuple(Region(kind, points, ("水着", "b")) for kind, points in shapes)
    documents = (
        Document(Image("日本/a b.jpg", 640, 480), every),
        Document(Image("untagged.jpg", 640, 480), (Region.rectangle(Box(1, 2, 3, 4)),)),
        Document(Image("empty.jpg", 640, 480), ()),
        Document(Image("unknown.jpg", 640, 480)),
    )
    return Dataset("p", ("unused", "b"), documents, colors={"b": "#ff0000"})


def test_the_file_that_other_programs_rely_on(tmp_path: Path) -> None:
    top = written(example(), tmp_path / "out.json")
    assert [(c["id"], c["name"]) for c in top["categories"]] == [(1, "unused"), (2, "b"), (3, "水着")]
    assert [(i["file_name"], i["state"]) for i in top["images"]] == [
        ("日本/a b.jpg", "labelled"),
        ("untagged.jpg", "labelled"),
        ("empty.jpg", "reviewed-empty"),
        ("unknown.jpg", "unknown"),
    ]
    first = [a for a in top["annotations"] if a["labelbridge"]["region"] == 0]
    assert [a["category_id"] for a in first] == [3, 2]
    assert first[0]["bbox"] == [1.5, 2, 28.623456789, 38]
    assert all(a["bbox"][2] >= 0 and a["bbox"][3] >= 0 for a in top["annotations"])


def test_every_shape_and_state_comes_back(tmp_path: Path) -> None:
    before = example()
    written(before, tmp_path / "out.json")
    after, _, found = read(tmp_path / "out.json")
    assert contents(after.documents) == contents(before.documents)
    assert (after.labels, after.colors, found) == (("unused", "b", "水着"), {"b": "#ff0000"}, [])
    assert [(f.rule, f.region) for f in Coco().losses(before)] == [("brush", 7), ("bad-number", 8)]
    assert Coco().losses(after) == []


def test_broken_numbers_stay_as_they_were(tmp_path: Path) -> None:
    broken = annotation(1, 1, 3, [1, 2, "three", 4], score="?")
    dataset, _, _ = read(coco(tmp_path, images=[image(1, "x.jpg")], annotations=[broken]))
    written(dataset, tmp_path / "out.json")
    again, documents, _ = read(tmp_path / "out.json")
    (region,) = documents["x.jpg"].regions or ()
    assert (region.kind, region.extra["coco"]["bbox"]) == ("damaged", [1, 2, "three", 4])
    assert region.extra["coco"]["annotations"] == [{"score": "?"}]
    assert contents(again.documents) == contents(dataset.documents)


def test_a_name_that_we_wrote_is_exact(tmp_path: Path) -> None:
    written(Dataset("p", (), (Document(Image("a\\b.jpg", 9, 9), ()),)), tmp_path / "out.json")
    _, documents, _ = read(tmp_path / "out.json")
    assert list(documents) == ["a\\b.jpg"]


def test_unknown_fields_and_numbers_come_back(tmp_path: Path) -> None:
    pictures = [image(70, "x.jpg", license=4, flickr_url="http://x"), image(5, "y.jpg")]
    boxes = [annotation(9, 70, 3, [1, 2, 3, 4], iscrowd=0, area=12, attributes={"a": 1})]
    categories = [{"id": 7, "name": "b", "supercategory": "s"}, {"id": 3, "name": "a"}]
    path = coco(tmp_path, images=pictures, annotations=boxes, categories=categories, licenses=[{"id": 4}], mine=1)
    dataset, _, _ = read(path)
    top = written(dataset, tmp_path / "out.json")
    assert (top["licenses"], top["mine"], top["categories"][0]["supercategory"]) == ([{"id": 4}], 1, "s")
    assert [i["id"] for i in top["images"]] == [70, 5]
    assert top["images"][0]["flickr_url"] == "http://x"
    assert top["annotations"][0]["attributes"] == {"a": 1}


def test_what_vott_drew_comes_back_from_coco(tmp_path: Path) -> None:
    options = ReadOptions(images=FIXTURES / "images")
    before = dataset_of(VottV1().read(FIXTURES / "v1.7.2.json", options))
    written(before, tmp_path / "out.json")
    after, _, _ = read(tmp_path / "out.json", images=FIXTURES / "images")
    assert contents(after.documents) == contents(before.documents)


def test_a_file_that_was_there_is_backed_up_once(tmp_path: Path) -> None:
    path = coco(tmp_path)
    before = path.read_bytes()
    [said] = Coco().write(example(), path, WriteOptions())
    assert (said.rule, said.fields["path"]) == ("replaced", "instances.json")
    assert (tmp_path / ".labelbridge-backup" / "instances.json").read_bytes() == before
    stamp = path.stat().st_mtime_ns
    written(example(), path)
    assert path.stat().st_mtime_ns == stamp


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "package.json"
    path.write_text('{"name": "somebody else\'s"}')
    with pytest.raises(RefusedError) as caught:
        Coco().write(example(), path, WriteOptions())
    assert (caught.value.rule, path.read_text()) == ("file-not-ours", '{"name": "somebody else\'s"}')
    assert [p.name for p in tmp_path.iterdir()] == ["package.json"]


def test_pycocotools_reads_what_we_write(tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    written(example(), tmp_path / "out.json")
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = COCO(str(tmp_path / "out.json"))
    assert [c["name"] for c in theirs.loadCats(theirs.getCatIds())] == ["unused", "b", "水着"]
    (number,) = [n for n, i in theirs.imgs.items() if i["file_name"] == "日本/a b.jpg"]
    assert len(theirs.loadAnns(theirs.getAnnIds(imgIds=[number]))) == 12
    polygon = next(a for a in theirs.anns.values() if a["segmentation"])
    assert theirs.annToRLE(polygon)["size"] == [480, 640]


numbers = st.floats(-50, 700, allow_nan=False)
labels = st.lists(st.text(max_size=4), max_size=3, unique=True)


@given(st.lists(st.tuples(numbers, numbers, numbers, numbers, labels), max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_boxes_come_back_equal(tmp_path_factory: pytest.TempPathFactory, boxes: list[Any]) -> None:
    regions = tuple(Region("rectangle", ((a, b), (c, d)), tuple(names)) for a, b, c, d, names in boxes)
    before = Dataset("p", (), (Document(Image("x.jpg", 640, 480), regions),))
    path = tmp_path_factory.mktemp("coco") / "out.json"
    written(before, path)
    after, _, _ = read(path)
    assert contents(after.documents) == contents(before.documents)
