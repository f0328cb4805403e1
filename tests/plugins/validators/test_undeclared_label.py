"""Labels that the project's list does not have."""

from __future__ import annotations

from collections.abc import Callable

from bridge.model.annotation import Box, Region
from bridge.model.finding import Severity
from bridge.plugin import View
from bridge.texts import render
from plugins.validators.undeclared_label import UndeclaredLabel

BOX = Box(1, 1, 9, 9)


def test_one_finding_for_each_label_of_a_picture(view: Callable[..., View]) -> None:
    regions = [
        Region.rectangle(BOX, "犬"),
        Region.rectangle(BOX, "狸", "猫"),
        Region.rectangle(BOX, "狸"),
        Region("point", ((1.0, 1.0),), ("いぬ",)),
        Region.rectangle(BOX, "class-9"),  # another rule
        Region.rectangle(BOX),
    ]
    found = list(UndeclaredLabel().check(view(regions)))
    assert [(f.fields["label"], f.fields["count"], f.region) for f in found] == [("狸", 2, 1), ("いぬ", 1, 3)]
    assert {f.severity for f in found} == {Severity.WARNING}
    assert "狸" in render("findings", found[0].rule, found[0].fields, "ja")


def test_declared_labels_are_silent(view: Callable[..., View]) -> None:
    assert list(UndeclaredLabel().check(view([Region.rectangle(BOX, "犬", "猫")]))) == []
    assert list(UndeclaredLabel().check(view(None))) == []
