"""Anchors of labels, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridge import texts
from bridge.errors import InputError, NotFoundError
from bridge.loop.fitting import FitWish, fit_boxes, given_by
from bridge.loop.sizes import sizes_of
from bridge.model.anchors import Fit, GivenAnchors, Head
from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.rectangles import Rectangles
from bridge.plugin import BoxSizes
from bridge.registry import Registry

Array = NDArray[np.float64]
REGISTRY = Registry()
RNG = np.random.default_rng(5)
SHAPES = np.array([[10.0, 12.0], [30.0, 34.0], [60.0, 110.0], [150.0, 90.0], [180.0, 220.0], [330.0, 300.0]])
MANY = np.clip(SHAPES[RNG.integers(6, size=400)] * np.exp(RNG.normal(0, 0.1, (400, 2))), 1, 416) / 416


def sizes(rows: Sequence[Sequence[float]] | Array, *labels: str, left_out: int = 0) -> BoxSizes:
    array = np.array(rows, np.float64).reshape(-1, 2)
    numbers = np.arange(len(array)) % max(len(labels), 1)
    return BoxSizes(labels or ("nut",), numbers, array, left_out)


def rules(fit: Fit) -> list[str]:
    return sorted(finding.rule for finding in fit.findings)


def given_as(pairs: Array, width: int = 416, height: int = 416, heads: tuple[Head, ...] = ()) -> GivenAnchors:
    return GivenAnchors("net.cfg", tuple((float(w), float(h)) for w, h in pairs), width, height, heads)


@pytest.mark.parametrize(
    ("factor", "rule"), [(1.0, "anchors-keep"), (1.06, "anchors-either"), (1.5, "anchors-refit"), (9, "anchors-refit")]
)
def test_whether_recalculating_is_worth_it(factor: float, rule: str) -> None:
    fit = fit_boxes(REGISTRY, sizes(MANY), FitWish(given=given_as(SHAPES * factor)))
    assert rules(fit) == [rule]
    assert fit.own is not None
    fields = fit.findings[0].fields
    gain = 100 * (fit.overlap.average_iou - fit.own.average_iou)
    assert float(fields["gain"]) == pytest.approx(max(gain, 0), abs=0.051)
    assert (fields["own"], fields["fitted"]) == (
        f"{100 * fit.own.average_iou:.1f}",
        f"{100 * fit.anchors.average_iou:.1f}",
    )
    for language in ("en", "ja"):
        assert f"{fields['own']} %" in texts.render("findings", rule, fields, language)


def test_the_given_anchors_say_how_many_and_for_which_size_and_heads() -> None:
    given = given_as(SHAPES * (608 / 416, 1), 608, 416, (Head(16, (0, 1, 2)), Head(32, (3, 4, 5))))
    fit = fit_boxes(REGISTRY, sizes(MANY), FitWish(given=given))
    assert (len(fit.anchors.pairs), fit.anchors.width, fit.anchors.height) == (6, 608, 416)
    assert fit.heads == given.heads
    other = fit_boxes(REGISTRY, sizes(MANY), FitWish((128, 96), 5, given=given))
    assert (len(other.anchors.pairs), other.anchors.width, other.anchors.height) == (5, 128, 96)
    assert [head.mask for head in other.heads] == [(0, 1), (2, 3, 4)]
    assert other.own == fit.own, "the network's own anchors are measured at their own size"


def test_without_a_cfg_those_that_most_networks_come_with() -> None:
    fit = fit_boxes(REGISTRY, sizes(MANY), FitWish())
    assert fit.given is not None
    assert (fit.given.name, len(fit.anchors.pairs), fit.anchors.width) == ("yolov3", 9, 416)
    assert [head.mask for head in fit.heads] == [(0, 1, 2), (3, 4, 5), (6, 7, 8)]
    five = fit_boxes(REGISTRY, sizes(MANY), FitWish(n=5))
    assert (five.given, five.own, rules(five)) == (None, None, [])
    assert five.heads == (Head(0, (0, 1, 2, 3, 4)),)


def test_another_network_size_is_a_matter_of_scale() -> None:
    one, two = (fit_boxes(REGISTRY, sizes(MANY), FitWish(size, 6)) for size in ((416, 416), (608, 320)))
    assert np.allclose(one.anchors.scaled(608, 320).pairs, two.anchors.pairs, rtol=1e-3)
    assert two.overlap.average_iou == pytest.approx(one.overlap.average_iou, abs=1e-4)


def test_the_best_known_is_the_best_of_all_ways() -> None:
    boxes = sizes(MANY[:120])
    fit = fit_boxes(REGISTRY, boxes, FitWish(n=6, given=given_as(SHAPES)))
    assert fit.own is not None
    assert fit.best_known_iou == max(fit.anchors.average_iou, fit.anchors.darknet_average_iou, fit.own.average_iou)
    assert not fit.searched
    searched = fit_boxes(REGISTRY, sizes(MANY[:40]), FitWish(n=2, long=True))
    quick = fit_boxes(REGISTRY, sizes(MANY[:40]), FitWish(n=2))
    assert searched.searched
    assert searched.anchors.average_iou >= quick.anchors.average_iou


def test_long_thin_objects_are_named_by_label() -> None:
    thin = np.tile([0.5, 0.08], (30, 1)) * RNG.uniform(0.9, 1.1, (30, 2))
    rows = np.vstack([MANY[:170], thin])
    boxes = BoxSizes(("nut", "棒"), np.repeat([0, 1], [170, 30]), rows)
    fit = fit_boxes(REGISTRY, boxes, FitWish(n=5))
    finding = next(f for f in fit.findings if f.rule == "anchors-thin")
    assert (finding.fields["count"], finding.fields["labels"]) == (30, "棒 30/30")
    assert "棒 30/30" in texts.render("findings", finding.rule, finding.fields, "ja")
    assert "anchors-thin" not in rules(fit_boxes(REGISTRY, boxes, FitWish((288, 448), n=5)))  # Another shape.


def test_a_few_thin_boxes_among_many_are_nothing_to_tell() -> None:
    rows = np.vstack([MANY, [[0.9, 0.02]] * 2])
    assert "anchors-thin" not in rules(fit_boxes(REGISTRY, sizes(rows), FitWish(n=5)))


def test_boxes_left_out_are_told() -> None:
    fit = fit_boxes(REGISTRY, sizes(MANY[:60], left_out=3), FitWish(n=4))
    finding = next(f for f in fit.findings if f.rule == "anchors-left-out")
    assert finding.fields == {"count": 3, "boxes": 60}


@pytest.mark.parametrize(
    ("rows", "n", "rule"),
    [([], 3, "anchors-no-boxes"), ([[0.1, 0.2]] * 5, 2, "anchors-too-few"), ([[0.1, 0.2]], 9, "anchors-too-few")],
)
def test_too_few_boxes(rows: list[list[float]], n: int, rule: str) -> None:
    with pytest.raises(InputError) as caught:
        fit_boxes(REGISTRY, sizes(rows), FitWish(n=n))
    assert caught.value.rule == rule


def test_one_box_is_its_own_anchor() -> None:
    fit = fit_boxes(REGISTRY, sizes([[0.25, 0.5]]), FitWish(n=1))
    assert fit.anchors.pairs[0] == pytest.approx((104, 208))
    assert fit.anchors.average_iou == pytest.approx(1)


def test_a_cfg_to_compare_with(tmp_path: Path) -> None:
    cfg = tmp_path / "名前.cfg"
    cfg.write_text("[net]\nwidth=416\nheight=416\nchannels=3\n", "utf-8")
    with pytest.raises(InputError) as caught:
        given_by(REGISTRY, cfg)
    assert caught.value.rule == "cfg-no-anchors"
    with pytest.raises(NotFoundError):
        given_by(REGISTRY, tmp_path / "missing.cfg")


PLACE = st.floats(-50, 700)


def document(corners: list[tuple[float, float, float, float]], columns: bool) -> Document:
    boxes = [Box(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners]
    image = Image("a.jpg", 640, 480)
    if not columns:
        return Document(image, tuple(Region.rectangle(box, "nut", "bolt") for box in boxes))
    left, top, right, bottom = (tuple(getattr(b, s) for b in boxes) for s in ("left", "top", "right", "bottom"))
    ids = tuple(map(str, range(len(boxes))))
    return Document(image, Rectangles((("nut", "bolt"),) * len(boxes), left, top, right, bottom, ids))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(PLACE, PLACE, PLACE, PLACE), max_size=6))
def test_columns_and_regions_give_the_same_sizes(corners: list[tuple[float, float, float, float]]) -> None:
    one, two = (sizes_of([document(corners, columns)]) for columns in (False, True))
    assert one.labels == two.labels
    assert np.array_equal(one.label, two.label)
    assert np.allclose(one.sizes, two.sizes)
    assert one.left_out == two.left_out
    assert len(one.sizes) + one.left_out == 2 * len(corners)
    assert ((one.sizes > 0) & (one.sizes <= 1)).all()


def test_what_darknet_does_not_get_is_not_measured() -> None:
    image = Image("a.jpg", 100, 100)
    box = Box(10, 10, 60, 30)
    unlabelled, damaged = Region.rectangle(box), Region("damaged", (), ("nut",))
    found = sizes_of([Document(image, (Region.rectangle(box, "nut"), unlabelled, damaged)), Document(image)])
    assert (found.labels, found.sizes.tolist(), found.left_out) == (("nut",), [[0.5, 0.2]], 1)
    unknown = sizes_of([Document(replace(image, width=0), (Region.rectangle(box, "nut"),))])
    assert (len(unknown.sizes), unknown.left_out) == (0, 1)
