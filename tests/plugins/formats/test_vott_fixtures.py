"""Every file that a real VoTT wrote, taken into a store: the boxes are those that were drawn."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.model.annotation import Box, Document, State
from bridge.model.finding import Severity
from tests.plugins.formats.test_vott2_read import DRAWN, PROJECTS
from tests.plugins.formats.vott_cases import Desk, of, only

FIXTURES = Path(__file__).parents[2] / "fixtures"
ONE, TWO = FIXTURES / "vott1", FIXTURES / "vott2"
TRUTH: dict[str, dict[str, Any]] = json.loads((ONE / "order" / "truth.json").read_text("utf-8"))
SAMPLES = "vott/v1/microsoft-VoTT-samples"

# One box on each of five pictures, at these fractions of its width and height; by picture its tag.
QUARTER = (0.25, 0.25, 0.5, 0.75)
TAGS = {
    "Banana_1.jpg": "kimono",
    "UPPER.JPG": "swimsuit",
    "_under.png": "beauty-man",
    "apple.jpg": "kimono",
    "wide.jpg": "swimsuit",
}
# A pixel of a canvas about 500 to 1100 px wide is the limit of what the numbers can tell.
CANVAS = 0.004


def boxes(document: Document) -> list[Box]:
    return [region.box for region in document.regions or () if region.box is not None]


def fractions(document: Document) -> list[tuple[float, ...]]:
    width, height = document.image.width, document.image.height
    return [(b.left / width, b.top / height, b.right / width, b.bottom / height) for b in boxes(document)]


def labels(document: Document) -> list[tuple[str, ...]]:
    return [region.labels for region in document.regions or ()]


@pytest.mark.parametrize(
    ("file", "how", "order"),
    [
        ("v1.0.9", {"order": "bytes"}, "bytes"),
        ("v1.5.0-dev", {"order": "bytes"}, "bytes"),
        ("v1.6.1", {}, "names"),
        ("migrated", {}, "names"),
    ],
)
def test_one_box_on_each_picture_by_every_version(desk: Desk, file: str, how: dict[str, Any], order: str) -> None:
    done = desk.take(ONE / f"{file}.json", images=ONE / "images", **how)
    assert (done.order, done.images, done.boxes) == (order, 5, 5)
    documents = desk.documents()
    assert {name: labels(d) for name, d in documents.items()} == {name: [(tag,)] for name, tag in TAGS.items()}
    for document in documents.values():
        assert fractions(document) == [pytest.approx(QUARTER, abs=CANVAS)]
    # The fault that gave wide pictures a wrong height is undone, also where a newer VoTT had taken it over.
    assert of(done, "wide.jpg") == ([] if file == "v1.6.1" else ["canvas-height"])


def test_the_box_that_was_dragged_lies_where_it_was_dragged_to(desk: Desk) -> None:
    done = desk.take(ONE / "v1.0.9-dragged.json", images=ONE / "images", order="bytes")
    assert of(done, "wide.jpg") == []
    # VoTT drew it again at 0.165 to 0.498, and it was moved by about 8 of 1100 and 366 px.
    assert fractions(desk.documents()["wide.jpg"]) == [pytest.approx((0.257, 0.186, 0.507, 0.519), abs=CANVAS)]
    assert [n for n, d in desk.documents().items() if d.state is State.LABELLED] == ["wide.jpg"]


def test_names_that_a_newer_vott_gave_to_the_wrong_pictures_are_told(shared: Path, desk: Desk) -> None:
    path = shared / "vott/v1/migrated/v1.0.9-shifted-by-extra-file-saved-by-v1.7.2.json"
    done = desk.take(path, images=ONE / "images")
    assert [(f.image, f.severity) for f in done.findings if f.rule == "aspect"] == [
        ("UPPER.JPG", Severity.WARNING),
        ("_under.png", Severity.ERROR),
        ("apple.jpg", Severity.ERROR),
    ]
    assert {f.fields["case"] for f in done.findings if f.rule == "aspect"} == {"names"}


def test_what_was_written_by_hand_comes_in_as_1_7_2_saved_it(desk: Desk) -> None:
    done = desk.take(ONE / "hand-written.json", images=ONE / "images")
    documents = desk.documents()
    tenths = {"Banana_1.jpg": (0.1, 0.1, 0.5, 0.5), "UPPER.JPG": (0.1, 0.1, 0.5, 0.5), "_under.png": (0, 0, 0.1, 0.1)}
    for name, corners in tenths.items():
        assert fractions(documents[name]) == [pytest.approx(corners)]
    assert labels(documents["UPPER.JPG"]) == [("swimsuit", "kimono")]
    assert of(done, "gone.jpg") == ["missing-image", "size-unknown"]


def test_the_shapes_of_1_7_2(desk: Desk) -> None:
    done = desk.take(ONE / "v1.7.2.json", images=ONE / "images")
    documents = desk.documents()
    raw = json.loads((ONE / "v1.7.2.json").read_text("utf-8"))["frames"]
    for name, regions in raw.items():
        kinds = [("rectangle" if r["type"] == "rect" else r["type"], tuple(r["tags"])) for r in regions]
        assert [(r.kind, r.labels) for r in documents[name].regions or ()] == kinds
        bounds = [tuple(r["box"].values()) for r in regions if r["type"] != "point"]
        assert [(b.left, b.top, b.right, b.bottom) for b in boxes(documents[name])] == [
            pytest.approx(corners) for corners in bounds
        ]
    assert of(done, "_under.png") == ["point", "polygon", "polygon"]
    assert documents["apple.jpg"].state is State.REVIEWED_EMPTY


@pytest.mark.parametrize(("file", "order"), [("images.ntfs-order", "ntfs"), ("images.strcmp-order", "bytes")])
def test_positions_find_their_pictures_in_either_order(desk: Desk, file: str, order: str) -> None:
    done = desk.take(ONE / "order" / f"{file}.json", images=ONE / "order" / "images")
    assert done.order == order
    drawn = {name: d for name, d in desk.documents().items() if d.regions}
    assert len(drawn) >= 12
    for name, document in drawn.items():
        told = TRUTH[name]
        assert (document.image.width, document.image.height) == tuple(told["size"])
        assert labels(document) == [(told["tag"],)]
        scale = max(told["size"]) / 500  # The canvas was about so wide, and its pixels are whole.
        [box] = boxes(document)
        assert (box.left, box.top, box.right, box.bottom) == pytest.approx(told["box"], abs=max(2.0, 2 * scale))


# ---------------------------------------------------------------- of other repositories


def test_pictures_labelled_by_real_users(shared: Path, desk: Desk) -> None:
    path = shared / SAMPLES / "sample_images.json"
    raw = json.loads(path.read_text("utf-8"))["frames"]
    done = desk.take(path)
    documents = desk.documents()
    assert done.boxes == sum(map(len, raw.values()))
    for name, regions in raw.items():
        corners = [(b.left, b.top, b.right, b.bottom) for b in boxes(documents[name])]
        assert corners == [tuple(r["box"][key] for key in ("x1", "y1", "x2", "y2")) for r in regions]


@pytest.mark.parametrize("file", ["sample_video.mp4", "sample_video_long.mp4"])
def test_videos_labelled_by_real_users(shared: Path, desk: Desk, file: str) -> None:
    path = shared / SAMPLES / f"{file}.json"
    raw = json.loads(path.read_text("utf-8"))
    done = desk.take(path)
    rate = float(raw["framerate"])
    expected = {
        round((int(key) - 1) / rate, 6): [tuple(r["tags"]) for r in regions]
        for key, regions in raw["frames"].items()
        if regions
    }
    drawn = {float(n.rpartition("#t=")[2]): labels(d) for n, d in desk.documents().items() if d.regions}
    assert drawn == expected
    assert only(done, "video").fields["video"] == file


def test_a_json_export_that_another_program_tests_with(shared: Path, desk: Desk) -> None:
    path = shared / "vott/datumaro-test-assets/vott_json_dataset_dataset_train-export.json"
    raw = json.loads(path.read_text("utf-8"))
    done = desk.take(path)
    boxed = {a["asset"]["path"].rpartition("/")[2]: a["regions"] for a in raw["assets"].values()}
    documents = desk.documents()
    assert set(documents) == set(boxed)
    for name, regions in boxed.items():
        sides = [tuple(r["boundingBox"][key] for key in ("left", "top", "width", "height")) for r in regions]
        found = [(b.left, b.top, b.width, b.height) for b in boxes(documents[name])]
        assert found == [pytest.approx(side) for side in sides]
    assert of(done).count("missing-image") == len(boxed)
    untagged = [f.image for f in done.findings if f.rule == "untagged"]
    assert len(untagged) == sum(not r["tags"] for regions in boxed.values() for r in regions)


@pytest.mark.parametrize("part", ["train", "test"])
def test_tables_that_another_program_tests_with(shared: Path, desk: Desk, part: str) -> None:
    path = shared / "vott/datumaro-test-assets" / f"vott_csv_dataset_dataset_{part}-export.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(r["image"], *(float(r[k]) for k in ("xmin", "ymin", "xmax", "ymax"))) for r in csv.DictReader(file)]
    desk.take(path)
    found = [(n, b.left, b.top, b.right, b.bottom) for n, d in desk.documents().items() for b in boxes(d)]
    assert sorted(found) == sorted(set(rows))


# ---------------------------------------------------------------- version 2


@pytest.mark.parametrize("name", [*PROJECTS, "v2.0.0-win-truncated"])
def test_every_project_of_version_2_is_taken_as_it_was_drawn(desk: Desk, name: str) -> None:
    done = desk.take(TWO / name)
    documents = desk.documents()
    drawn = {n: [(r.kind, r.points, r.labels) for r in d.regions or ()] for n, d in documents.items()}
    assert drawn == DRAWN
    assert {n for n, d in documents.items() if d.state is State.UNKNOWN} == {"never_visited.jpg"}
    assert [f.image for f in done.findings if f.rule == "damaged"] == (
        [None, "日本語.jpg"] if name == "v2.0.0-win-truncated" else []
    )
