"""Odd boxes, shapes and tags of either VoTT: what is kept, what darknet gets, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.loop.check import check
from bridge.loop.cut import CutOptions, cut
from bridge.model.annotation import State
from bridge.model.finding import Severity
from tests.plugins.formats.vott_cases import Case, Desk, of, only, told


@pytest.mark.parametrize(
    ("corners", "severity", "darknet"),
    [
        ((-0.9, 10, 50, 60), None, (0, 10, 50, 60)),  # less than a pixel is silent, whatever share that is
        ((-0.9, 10, 9, 60), None, (0, 10, 9, 60)),
        ((-1.5, 10, 298.5, 60), Severity.INFO, (0, 10, 298, 60)),  # up to 2 px and 1 % are told
        ((-1.5, 10, 100, 60), Severity.WARNING, (0, 10, 100, 60)),  # more than 1 % warns
        ((-2.5, 10, 500, 60), Severity.WARNING, (0, 10, 500, 60)),  # more than 2 px warns
        ((600, 400, 700, 500), Severity.WARNING, (600, 400, 640, 480)),
    ],
)
def test_box_partly_outside_is_kept_as_it_is_and_clipped_for_darknet(
    vott: Case, desk: Desk, corners: Any, severity: Severity | None, darknet: Any
) -> None:
    vott.add("x.jpg", vott.box(*corners))
    done = desk.take(vott.write())
    assert [f.severity for f in done.findings if f.rule == "outside"] == ([severity] if severity else [])
    [region] = desk.documents()["x.jpg"].regions or ()
    assert region.points == (corners[:2], corners[2:])
    assert desk.darknet()[0] == {"x.jpg": [("a", *darknet)]}


def test_the_finding_of_a_box_outside_names_box_label_and_how_much(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 1, 9, 9), vott.box(600, 400, 700, 480, tags=["b"]))
    found = only(desk.take(vott.write()).findings, "outside")
    assert (found.image, found.region) == ("x.jpg", 1)
    assert "Box 2 (b) reaches 60 px out of the picture (640 x 480); 60 % of it lies outside" in told(found)


@pytest.mark.parametrize(
    ("corners", "rule"),
    [
        ((700, 10, 800, 60), "outside"),
        ((-90, -90, -1, -1), "outside"),
        ((-100, 10, 0.5, 60), "outside"),  # a strip thinner than a pixel is no object
        ((1, 2, float("nan"), 40), "bad-number"),
        ((1, 2, None, 40), "bad-number"),
        ((1, 2, "30", 40), "bad-number"),
        ((1, 2, 1e300, 40), "bad-number"),
    ],
)
def test_box_wholly_outside_or_no_number_is_an_error_and_the_picture_no_negative(
    vott: Case, desk: Desk, corners: Any, rule: str
) -> None:
    vott.add("x.jpg", vott.box(*corners))
    vott.add("y.jpg", vott.box(1, 2, 30, 40))
    vott.add("z.jpg")
    done = desk.take(vott.write())
    assert only(done.findings, rule, "x.jpg").severity is Severity.ERROR
    assert only(done.findings, "no-box", "x.jpg").severity is Severity.WARNING
    assert desk.documents()["x.jpg"].state is State.LABELLED
    assert desk.darknet()[0] == {"y.jpg": [("a", 1, 2, 30, 40)], "z.jpg": []}
    made = cut(desk.ws, "p", CutOptions())
    assert {m.name for m in made.version.members} == {"y.jpg", "z.jpg"}
    assert told(only(made.findings, "no-box", "x.jpg")).startswith("Left out")


def test_a_point_of_1_0_0_has_null_for_its_far_corner(vott1: Case, desk: Desk) -> None:
    vott1.add("x.jpg", vott1.box(5, 6, None, None) | {"type": "Point"})
    done = desk.take(vott1.write())
    assert of(done) == ["no-box", "point"]
    [region] = desk.documents()["x.jpg"].regions or ()
    assert (region.kind, region.points) == ("point", ((5, 6),))


@pytest.mark.parametrize("corners", [(30, 2, 1, 40), (1, 40, 30, 2), (30, 40, 1, 2)])
def test_swapped_corners_are_put_in_order_for_darknet_and_noted(vott: Case, desk: Desk, corners: Any) -> None:
    vott.add("x.jpg", vott.box(*corners))
    found = only(desk.take(vott.write()).findings, "swapped")
    assert (found.image, found.region, found.fields["label"]) == ("x.jpg", 0, "a")
    assert desk.darknet()[0] == {"x.jpg": [("a", 1, 2, 30, 40)]}
    assert check(desk.ws, "p", fix=True).fixed == 1
    [region] = desk.documents()["x.jpg"].regions or ()
    assert region.points == ((1, 2), (30, 40))


def test_zero_area_is_kept_and_never_written_for_darknet(vott: Case, desk: Desk) -> None:
    click, line = vott.box(5, 5, 5, 5), vott.shape("polyline", (1, 9), (60, 9))
    vott.add("x.jpg", click, line, vott.shape("point", (7, 8)), vott.box(1, 2, 30, 40))
    vott.add("y.jpg", click)
    done = desk.take(vott.write())
    assert [(f.image, f.region) for f in done.findings if f.rule == "zero-area"] == [
        ("x.jpg", 0),
        ("x.jpg", 1),
        ("y.jpg", 0),
    ]
    assert only(done.findings, "no-box").image == "y.jpg"
    documents = desk.documents()
    assert [r.kind for r in documents["x.jpg"].regions or ()] == ["rectangle", "polyline", "point", "rectangle"]
    assert desk.darknet()[0] == {"x.jpg": [("a", 1, 2, 30, 40)]}


def test_polygon_and_polyline_keep_their_points_and_darknet_gets_their_bounds(vott: Case, desk: Desk) -> None:
    corners = ((10, 10), (100, 20), (80, 90), (20, 60))
    path = ((200, 200), (300, 210), (250, 290))
    vott.add("x.jpg", vott.shape("polygon", *corners), vott.shape("polyline", *path))
    done = desk.take(vott.write())
    assert of(done) == ["polygon", "polygon"]
    assert {f.severity for f in done.findings} == {Severity.INFO}
    assert [r.points for r in desk.documents()["x.jpg"].regions or ()] == [corners, path]
    assert desk.darknet()[0] == {"x.jpg": [("a", 10, 10, 100, 90), ("a", 200, 200, 300, 290)]}


@pytest.mark.parametrize(("off", "rules"), [(0.9, ["polygon"]), (1.1, ["disagreement", "polygon"])])
def test_a_polygon_whose_box_is_another_goes_by_its_points(
    vott: Case, desk: Desk, off: float, rules: list[str]
) -> None:
    vott.add("x.jpg", vott.shape("polygon", (10, 10), (100, 20), (80, 90)))
    if vott.version == 1:
        box = {"x1": 10 - off, "y1": 10, "x2": 100, "y2": 90}
        vott.frames["x.jpg"][0] |= box | {"box": box}
    else:
        vott.frames["x.jpg"][0]["boundingBox"] = {"left": 10 - off, "top": 10, "width": 90 + off, "height": 80}
    done = desk.take(vott.write())
    assert of(done) == rules
    if off > 1:
        assert told(only(done.findings, "disagreement")).startswith("The region's box says 8.9, 10, 100, 90 and")
    assert desk.darknet()[0] == {"x.jpg": [("a", 10, 10, 100, 90)]}


@pytest.mark.parametrize("kind", ["SQUARE", "Square", "Rectangle", "rect", "RECTANGLE", "rectangle"])
def test_square_and_rectangle_in_any_spelling_are_one_kind(vott: Case, desk: Desk, kind: str) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    vott.frames["x.jpg"][0]["type"] = kind
    assert of(desk.take(vott.write())) == []
    [region] = desk.documents()["x.jpg"].regions or ()
    assert (region.kind, region.points) == ("rectangle", ((1, 2), (30, 40)))


@pytest.mark.parametrize("kind", ["CIRCLE", 7])
def test_a_kind_that_vott_does_not_have_is_read_as_its_box_and_told(vott: Case, desk: Desk, kind: Any) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    vott.frames["x.jpg"][0]["type"] = kind
    found = only(desk.take(vott.write()).findings, "unknown-kind")
    assert (found.image, str(kind) in told(found)) == ("x.jpg", True)
    assert desk.darknet()[0] == {"x.jpg": [("a", 1, 2, 30, 40)]}


def test_duplicate_uid_in_another_picture_is_normal_and_an_exact_copy_is_reported(vott: Case, desk: Desk) -> None:
    name = "UID" if vott.version == 1 else "id"
    one, copy, moved = vott.box(1, 2, 30, 40), vott.box(1, 2, 30, 40), vott.box(2, 2, 30, 40)
    vott.add("x.jpg", *(box | {name: "same"} for box in (one, copy, moved)))
    vott.add("y.jpg", one | {name: "same"})
    found = only(desk.take(vott.write()).findings, "duplicate-box")
    assert (found.image, found.region) == ("x.jpg", 1)
    assert told(found).startswith("Box 2 (a) is an exact copy of box 1")
    assert [r.region_id for r in desk.documents()["x.jpg"].regions or ()] == ["same"] * 3
    assert check(desk.ws, "p", fix=True).fixed == 1
    assert len(desk.documents()["x.jpg"].regions or ()) == 2


def test_untagged_region_is_kept_told_and_blocks_training_on_its_picture(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40), vott.box(50, 60, 90, 99, tags=[]))
    vott.add("y.jpg", vott.box(1, 2, 30, 40))
    found = only(desk.take(vott.write()).findings, "untagged")
    assert (found.image, found.region, found.severity) == ("x.jpg", 1, Severity.ERROR)
    assert (found.fields["x"], found.fields["y"]) == (50, 60)
    assert len(desk.documents()["x.jpg"].regions or ()) == 2
    written, said = desk.darknet()
    assert written == {"y.jpg": [("a", 1, 2, 30, 40)]}
    assert [told(f)[:8] for f in said if f.rule == "untagged" and f.region is None] == ["Left out"]
    assert {m.name for m in cut(desk.ws, "p", CutOptions()).version.members} == {"y.jpg"}


def test_several_tags_on_one_region_are_one_box_and_a_line_for_each(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40, tags=["b", "a"]))
    done = desk.take(vott.write())
    assert (done.boxes, of(done)) == (1, [])
    assert [r.labels for r in desk.documents()["x.jpg"].regions or ()] == [("b", "a")]
    assert sorted(desk.darknet()[0]["x.jpg"]) == [("a", 1, 2, 30, 40), ("b", 1, 2, 30, 40)]


def test_tag_not_in_project_list_becomes_the_last_class_and_warns(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40, tags=["新しい"]))
    found = only(desk.take(vott.write()).findings, "undeclared-label")
    assert (found.image, found.severity, "新しい" in told(found)) == ("x.jpg", Severity.WARNING, True)
    [line] = desk.darknet()[0]["x.jpg"]
    assert line[0] == "新しい"
    assert (desk.folder / "darknet" / "obj.names").read_text("utf-8").split() == ["a", "b", "新しい"]


@pytest.mark.parametrize("other", ["A", "ａ", "Ａ"])
def test_tags_differing_by_case_or_width_only_are_kept_apart_and_warned_of(vott: Case, desk: Desk, other: str) -> None:
    vott.tags = ("a", other, "b")
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    found = only(desk.take(vott.write()).findings, "label-typo")
    assert (found.severity, found.fields) == (Severity.WARNING, {"label": other, "other": "a"})


def test_a_tag_that_is_no_text_costs_itself_only(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40, tags=["a", {"x": 1}, None]))
    assert of(desk.take(vott.write())) == ["bad-tag"]
    assert [r.labels for r in desk.documents()["x.jpg"].regions or ()] == [("a",)]
