from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.annotation import Box, Region
from plugins.formats.marked import mark, unmarked

REGION = Region.rectangle(Box(10.25, 20, 110, 220), "水着", score=0.9)


def test_the_mark_names_checkpoint_and_number() -> None:
    assert mark("cp-1-000", 3, REGION).startswith("lb-cp-1-000-3-")


@pytest.mark.parametrize("checkpoint", ["7", "run-2-1000", "run-2-3-deadbeef", "学習 1"])
def test_an_untouched_region_stays_the_checkpoints(checkpoint: str) -> None:
    assert unmarked(mark(checkpoint, 0, REGION), REGION) == checkpoint


@pytest.mark.parametrize(
    "touched",
    [
        Region.rectangle(Box(10.27, 20, 110, 220), "水着"),
        Region.rectangle(Box(10.25, 20, 110, 220), "kimono"),
        Region.rectangle(Box(10.25, 20, 110, 220), "水着", "kimono"),
        Region.rectangle(Box(10.25, 20, 110, 220)),
    ],
)
def test_a_moved_or_retagged_region_is_a_persons(touched: Region) -> None:
    assert unmarked(mark("7", 0, REGION), touched) is None


@pytest.mark.parametrize("region_id", ["", "9648346d", "lb-", "lb-7-0-xyz", "lb-7-deadbeef", "xlb-7-0-deadbeef"])
def test_other_ids_are_no_marks(region_id: str) -> None:
    assert unmarked(region_id, REGION) is None


@given(st.lists(st.floats(-1e5, 1e5), min_size=4, max_size=4), st.lists(st.text(max_size=5), max_size=3))
@settings(max_examples=40, deadline=None)
def test_score_author_extra_and_swapped_corners_do_not_count(corners: list[float], labels: list[str]) -> None:
    region = Region.rectangle(Box(*corners), *labels)
    (ax, ay), (bx, by) = region.points
    same = replace(region, points=((bx, by), (ax, ay)), score=0.1, author="checkpoint:7", extra={"k": 1})
    assert unmarked(mark("7", 1, region), same) == "7"


def test_points_and_damaged_regions_can_be_marked() -> None:
    for region in (Region("point", ((3.0, 4.0),), ("a",)), Region("damaged", (), ("a",))):
        assert unmarked(mark("7", 1, region), region) == "7"
