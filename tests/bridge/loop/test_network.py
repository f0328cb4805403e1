"""The size of the network, as a darknet folder asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.loop.network import Network, network_of, network_range


@pytest.mark.parametrize(("side", "least", "most"), [(416, 320, 608), (608, 480, 896), (320, 256, 480)])
def test_random_goes_through_the_sizes_that_darknet_prints(side: int, least: int, most: int) -> None:
    assert network_range((side, side), 1) == ((least, least), (most, most))


@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from([1, 1.2, 0.5, 2]))
@settings(deadline=None, max_examples=50)
def test_the_size_in_the_cfg_lies_within(width: int, height: int, random: float) -> None:
    (least_w, least_h), (most_w, most_h) = network_range((32 * width, 32 * height), random)
    assert least_w <= 32 * width <= most_w
    assert least_h <= 32 * height <= most_h
    assert all(side % 32 == 0 for side in (least_w, least_h, most_w, most_h))


def test_a_cfg_is_read_as_darknet_reads_it(tmp_path: Path) -> None:
    assert network_of(tmp_path) is None
    (tmp_path / "a.cfg").write_text("[net]\r\nwidth = 416 # px\nheight=320\n[yolo]\nrandom=0\n")
    assert network_of(tmp_path) == Network((416, 320))
    (tmp_path / "b.cfg").write_text("[net]\nwidth=416\nheight=320\n[yolo]\nrandom = 1\n")
    assert network_of(tmp_path) is None  # They disagree.
    (tmp_path / "a.cfg").unlink()
    assert network_of(tmp_path / "obj.data") == Network((416, 320), ((320, 256), (608, 480)))
