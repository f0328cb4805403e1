"""The table of docs/formats.md says of every format what it says itself before it writes, and what then comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as Pillow

from bridge import picture
from bridge.model.annotation import Document, Image, Kind, Point, Region
from bridge.model.dataset import Dataset
from bridge.model.finding import Severity
from bridge.plugin import Format
from tests.plugins.formats.roundtrip import contents
from tests.there_and_back import EVERY, fresh_folder, there_and_back

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"
SQUARE: tuple[Point, ...] = ((10.0, 5.0), (20.0, 15.0), (10.0, 25.0), (0.0, 15.0))
# These formats say beside the labels that there is such a region; what is lost is the tool's own record of it.
RECORDS = ("painted region", "region whose position is no number")


def shape(kind: Kind, *points: Point, labels: tuple[str, ...] = ("浴衣",)) -> tuple[Region, ...]:
    return (Region(kind, points, labels),)


BOX = shape("rectangle", (1.0, 2.0), (30.0, 40.0))
SHAPES: dict[str, tuple[Region, ...]] = {
    "box": BOX,
    "box partly or wholly outside the picture": shape("rectangle", (-9.0, 2.0), (900.0, 40.0)),
    "box without area": shape("rectangle", (5.0, 5.0), (5.0, 9.0)),
    "box with its corners in the wrong order": shape("rectangle", (30.0, 40.0), (1.0, 2.0)),
    "turned box": shape("rotated", *SQUARE),
    "polygon": shape("polygon", *SQUARE[:3]),
    "polygon of fewer than three points": shape("polygon", *SQUARE[:2]),
    "line": shape("polyline", *SQUARE[:2]),
    "point": shape("point", *SQUARE[:1]),
    "ellipse": shape("ellipse", *SQUARE),
    "painted region": shape("brush"),
    "region whose position is no number": shape("damaged"),
    "region without a label": shape("rectangle", *BOX[0].points, labels=()),
    "region with several labels": shape("rectangle", *BOX[0].points, labels=("浴衣", "帯")),
    "label with a space or comma": shape("rectangle", *BOX[0].points, labels=("beauty man",)),
    "label with a control character": shape("rectangle", *BOX[0].points, labels=("a\x01",)),
}
PICTURES: dict[str, Document] = {
    "picture in a sub-folder": Document(Image("夏/a.jpg", 64, 48), BOX),
    "picture whose name leads out of its folder": Document(Image("../a.jpg", 64, 48), BOX),
    "frame of a video": Document(Image("clip.mp4#t=0.5", 64, 48), BOX),
    "box on a picture of unknown size": Document(Image("a.jpg"), BOX),
    "picture that holds nothing and is not there": Document(Image("a.jpg", 64, 48), ()),
}


def example(row: str, folder: Path) -> Dataset:
    """A project with nothing in it but what a row of the table is about."""
    if row in PICTURES:
        return Dataset("p", ("浴衣",), (PICTURES[row],))
    path = folder / "a.jpg"
    Pillow.new("RGB", (64, 48)).save(path)
    regions = SHAPES.get(row, ())
    image = Image("a.jpg", 64, 48, file=picture.stamp(path))
    labels = dict.fromkeys(label for region in regions for label in region.labels)
    return Dataset("p", tuple(labels), (Document(image, regions),))


def said(writer: Format, dataset: Dataset) -> str:
    """What a cell must say: yes, the rules of what is lost, and those of what is only told."""
    found = {finding.rule: finding.severity for finding in writer.losses(dataset)}
    cells = [f"`{rule}`" if severity is not Severity.INFO else f"(`{rule}`)" for rule, severity in found.items()]
    return " ".join(cells) or "yes"


def table() -> list[list[str]]:
    text = PAGE.read_text("utf-8").split("## What each format can hold")[1].split("\n## ")[0]
    lines = [line.strip().strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines]


def test_every_row_and_format_is_there() -> None:
    head, _, *rows = table()
    assert [row[0] for row in rows] == [*SHAPES, "picture that holds nothing", *PICTURES]
    assert [cell.strip("`") for cell in head[1:]] == list(EVERY)


@pytest.mark.parametrize("row", table()[2:], ids=lambda row: row[0])
def test_a_row_says_what_the_formats_say_and_what_comes_back(row: list[str], tmp_path: Path) -> None:
    dataset = example(row[0], tmp_path)
    before = contents(dataset.documents)
    assert row[1:] == [said(writer, dataset) for writer in EVERY.values()]
    for name, cell in zip(EVERY, row[1:], strict=True):
        with fresh_folder() as folder:
            after = there_and_back(name, dataset, folder)
        same = contents(after.documents) == before and after.labels == dataset.labels
        told_only = cell.startswith("(") or (row[0] in RECORDS and name in ("coco", "voc"))
        assert same is (cell == "yes" or told_only), (name, cell)
