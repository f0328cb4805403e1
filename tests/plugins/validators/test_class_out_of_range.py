"""Class numbers that the names do not reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bridge.model.annotation import Box, Region
from bridge.model.finding import Severity
from bridge.plugin import View
from plugins.validators.class_out_of_range import ClassOutOfRange

BOX = Box(1, 1, 9, 9)


def test_a_number_without_a_name_is_an_error(view: Callable[..., View]) -> None:
    regions = [Region.rectangle(BOX, label) for label in ("犬", "class-7", "class-a", "class--1", "class-", "狸")]
    found = list(ClassOutOfRange().check(view(regions)))
    assert [(f.region, f.fields["number"], f.fields["last"], f.severity) for f in found] == [
        (1, 7, 1, Severity.ERROR),
        (3, -1, 1, Severity.ERROR),
    ]


def test_a_class_may_really_be_called_that(view: Callable[..., View]) -> None:
    declared = replace(view([Region.rectangle(BOX, "class-7")]), labels=("犬", "class-7"))
    assert list(ClassOutOfRange().check(declared)) == []
