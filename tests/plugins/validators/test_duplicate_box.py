"""The same box with the same labels, twice."""

from __future__ import annotations

from collections.abc import Callable

from bridge.model.annotation import Box, Region
from bridge.model.finding import Fix, Severity
from bridge.plugin import View
from plugins.validators.duplicate_box import DuplicateBox

BOX = Box(10, 20, 50, 60)
SWAPPED = Region("rectangle", ((50.0, 60.0), (10.0, 20.0)), ("犬",))


def copies(view: View) -> list[tuple[int | None, int]]:
    found = list(DuplicateBox().check(view))
    assert all((f.severity, f.fix) == (Severity.WARNING, Fix.DROP_DUPLICATE) for f in found)
    return [(f.region, f.fields["first"] - 1) for f in found]


def test_every_copy_is_found_whatever_its_id(view: Callable[..., View]) -> None:
    regions = [
        Region.rectangle(BOX, "犬", region_id="a"),
        Region.rectangle(Box(0, 0, 5, 5), "犬"),
        Region.rectangle(BOX, "犬", region_id="b", extra={"note": 1}),
        SWAPPED,
        Region.rectangle(Box(10.0002, 20, 50, 60), "犬"),
    ]
    assert copies(view(regions)) == [(2, 0), (3, 0), (4, 0)]


def test_other_labels_places_or_shapes_are_no_copies(view: Callable[..., View]) -> None:
    corners = ((10.0, 20.0), (50.0, 20.0), (50.0, 60.0), (10.0, 60.0))
    regions = [
        Region.rectangle(BOX, "犬"),
        Region.rectangle(BOX, "猫"),
        Region.rectangle(BOX, "犬", "猫"),
        Region.rectangle(BOX),
        Region.rectangle(Box(10.01, 20, 50, 60), "犬"),
        Region("polygon", corners, ("犬",)),
        Region("point", ((1.0, 1.0),), ("犬",)),
        Region("point", ((1.0, 1.0),), ("犬",)),
        Region.rectangle(Box(float("nan"), 0, 1, 1), "犬"),
        Region.rectangle(Box(float("nan"), 0, 1, 1), "犬"),
    ]
    assert copies(view(regions)) == []


def test_labels_count_in_any_order(view: Callable[..., View]) -> None:
    assert copies(view([Region.rectangle(BOX, "犬", "猫"), Region.rectangle(BOX, "猫", "犬")])) == [(1, 0)]


def test_the_box_that_a_person_drew_stays(view: Callable[..., View]) -> None:
    model, person = Region.rectangle(BOX, "犬", author="checkpoint:1"), Region.rectangle(BOX, "犬")
    assert copies(view([model, person, person])) == [(0, 1), (2, 1)]
    assert copies(view([person, model])) == [(1, 0)]
