"""Regions without any label."""

from __future__ import annotations

from collections.abc import Callable

from bridge.model.annotation import Box, Region
from bridge.model.finding import Severity
from bridge.plugin import View
from plugins.validators.untagged import Untagged


def test_every_region_without_a_label_is_an_error(view: Callable[..., View]) -> None:
    regions = [
        Region.rectangle(Box(1, 1, 9, 9), "犬"),
        Region.rectangle(Box(1.25, 2, 9, 9)),
        Region("point", ((5.0, 6.0),)),
        Region("damaged", ()),
        Region("brush", ()),
    ]
    found = list(Untagged().check(view(regions)))
    assert [(f.region, f.severity, f.fields["kind"]) for f in found] == [
        (1, Severity.ERROR, "rectangle"),
        (2, Severity.ERROR, "point"),
        (4, Severity.ERROR, "brush"),
    ]
    assert (found[0].fields["x"], found[0].fields["y"], found[0].fields["box"]) == (1.2, 2, 2)
