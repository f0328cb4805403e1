"""Example pictures with marks and detections."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

from bridge.model.annotation import Box, Region
from bridge.model.report import Example, Report
from bridge.reporting.drawing import Tally, class_colour, drawing, overlap, tally, text_width

SVG = "{http://www.w3.org/2000/svg}"


def found(box: Box, label: str, score: float) -> Region:
    return Region.rectangle(box, label, score=score, author="checkpoint:1")


def make(truth: list[Region], detections: list[Region]) -> Example:
    return Example("a.jpg", 200, 100, b"\xff\xd8jpeg", tuple(truth), tuple(detections))


def test_marks_are_solid_and_detections_dashed_with_score() -> None:
    example = make([Region.rectangle(Box(10, 20, 60, 70), "犬")], [found(Box(12, 20, 60, 70), "犬", 0.874)])
    root = ET.fromstring(drawing(example, ["犬"]))
    rects = [r for r in root.iter(f"{SVG}rect") if r.get("stroke") == class_colour(0)]
    assert [r.get("stroke-dasharray") is not None for r in rects] == [False, True]
    # 200 pixels are drawn 640 wide.
    assert (rects[0].get("x"), rects[0].get("y"), rects[0].get("width")) == ("32.0", "64.0", "160.0")
    assert [t.text for t in root.iter(f"{SVG}text")] == ["犬", "犬 87%"]
    image = root.find(f"{SVG}image")
    assert image is not None
    assert base64.b64decode(str(image.get("href")).partition(",")[2]) == b"\xff\xd8jpeg"


def test_weak_detections_are_not_drawn() -> None:
    example = make([], [found(Box(1, 1, 9, 9), "犬", 0.2), found(Box(1, 1, 9, 9), "犬", 0.3)])
    assert drawing(example, ["犬"]).count("<text") == 1
    assert drawing(example, ["犬"], least_score=0.1).count("<text") == 2


def test_text_stays_inside_the_picture(report: Report) -> None:
    corners = [Box(0, 0, 20, 10), Box(180, 0, 200, 10), Box(0, 90, 20, 100), Box(190, 95, 260, 140)]
    example = make([Region.rectangle(b, "とても長い名前のラベル") for b in corners], [])
    for text in ET.fromstring(drawing(example, [])).iter(f"{SVG}text"):
        assert 0 <= float(str(text.get("x"))) <= 640 - text_width(str(text.text)) * 19
        assert 19 * 0.7 <= float(str(text.get("y"))) <= 320


def test_names_are_escaped() -> None:
    example = replace(make([Region.rectangle(Box(1, 1, 9, 9), "<b>&'\"")], []), image='x" onload="alert(1)')
    svg = drawing(example, ["<b>&'\""])
    root = ET.fromstring(svg)
    assert root.get("onload") is None
    assert root.get("aria-label") == 'x" onload="alert(1)'
    assert [t.text for t in root.iter(f"{SVG}text")] == ["<b>&'\""]


def test_shapes_without_a_box_are_skipped() -> None:
    assert drawing(make([Region("point", ((1.0, 1.0),), ("犬",))], []), ["犬"]).count("<rect") == 0


def test_the_tally_gives_each_mark_to_one_detection_of_its_class() -> None:
    truth = [Region.rectangle(Box(0, 0, 10, 10), "犬"), Region.rectangle(Box(50, 50, 60, 60), "猫")]
    detections = [
        found(Box(0, 0, 10, 9), "犬", 0.9),
        found(Box(0, 0, 10, 10), "犬", 0.8),  # a second one of the same mark
        found(Box(50, 50, 60, 60), "犬", 0.7),  # wrong class
        found(Box(0, 0, 10, 10), "犬", 0.01),  # too weak to be shown
    ]
    assert tally(make(truth, detections)) == Tally(objects=2, found=1, extra=2)
    assert tally(make(truth, detections)).missed == 1
    assert tally(make([], [])) == Tally(0, 0, 0)
    # Half is not enough: it must be more.
    assert tally(make(truth[:1], [found(Box(0, 0, 10, 5), "犬", 0.9)])) == Tally(1, 0, 1)


def test_overlap() -> None:
    assert overlap(Box(0, 0, 10, 10), Box(0, 0, 10, 10)) == 1
    assert overlap(Box(0, 0, 10, 10), Box(5, 0, 15, 10)) == 50 / 150
    assert overlap(Box(0, 0, 10, 10), Box(10, 0, 20, 10)) == 0
    assert overlap(None, Box(0, 0, 1, 1)) == 0


def test_many_classes_have_colours_of_their_own() -> None:
    colours = [class_colour(i) for i in range(80)]
    assert len(set(colours)) == 80
    assert all(re.fullmatch("#[0-9a-f]{6}", c) for c in colours)
