"""Boxes that are too small at network size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.model.annotation import Box, Region
from bridge.model.finding import Severity
from bridge.plugin import View
from bridge.texts import render
from plugins.validators.tiny import Tiny


@pytest.mark.parametrize(
    ("width", "height", "network", "severity"),
    [
        (4, 4, (200, 100), None),
        (3.9, 50, (200, 100), Severity.WARNING),
        (50, 1, (200, 100), Severity.WARNING),
        (0.99, 50, (200, 100), Severity.ERROR),
        (50, 0.5, (200, 100), Severity.ERROR),
        # stretched by each side's own ratio: 200 → 100 halves the width only
        (7, 4, (100, 100), Severity.WARNING),
        (8, 4, (100, 100), None),
        (1, 1, (800, 400), None),
    ],
)
def test_the_size_at_the_network_counts(
    view: Callable[..., View], width: float, height: float, network: tuple[int, int], severity: Severity | None
) -> None:
    found = list(Tiny().check(view([Region.rectangle(Box(20, 20, 20 + width, 20 + height), "犬")], network)))
    assert [f.severity for f in found] == ([] if severity is None else [severity])


def test_only_the_part_inside_counts(view: Callable[..., View]) -> None:
    regions = [Region.rectangle(Box(197, 10, 260, 60), "犬"), Region.rectangle(Box(210, 10, 260, 60), "犬")]
    (finding,) = Tiny().check(view(regions))
    assert finding.region == 0
    assert finding.fields == {"box": 1, "label": "犬", "width": 3, "height": 50, "network": "200 x 100"}


def test_nothing_is_said_without_a_size(view: Callable[..., View]) -> None:
    assert list(Tiny().check(view([Region.rectangle(Box(0, 0, 1, 1))], size=(0, 0)))) == []
    assert list(Tiny().check(view([Region.rectangle(Box(5, 5, 5, 9))]))) == []


def test_a_training_that_changes_the_size_is_told_at_both_ends(view: Callable[..., View]) -> None:
    regions = [Region.rectangle(Box(20, 20, 20.8, 60)), Region.rectangle(Box(20, 20, 20.4, 60))]
    seen = replace(view(regions), sizes=((100, 100), (300, 150)))
    found = list(Tiny().check(seen))
    assert [f.severity for f in found] == [Severity.WARNING, Severity.ERROR]  # 1.2 and 0.6 px at the largest
    for language, words in (("en", "0.4 x 40 px at 100 x 100"), ("ja", "100 x 100 では 0.4 x 40 px")):
        assert words in render("findings", "tiny", found[0].fields, language)
