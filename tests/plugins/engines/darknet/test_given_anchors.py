"""The anchors that a cfg has."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.model.anchors import Head
from plugins.engines.darknet.engine import Darknet
from plugins.engines.darknet.recipe import adapt, generate

NET = (Path(__file__).parents[3] / "fixtures" / "darknet" / "cfg" / "net.cfg").read_text("utf-8")


def test_anchors_and_heads_of_a_cfg() -> None:
    found = Darknet().anchors_of(generate("yolov4-tiny", 3), "mine.cfg")
    assert found is not None
    assert (found.name, found.width, found.height) == ("mine.cfg", 416, 416)
    assert found.pairs == ((10, 14), (23, 27), (37, 58), (81, 82), (135, 169), (344, 319))
    assert found.heads == (Head(16, (0, 1, 2)), Head(32, (3, 4, 5)))


def test_what_stands_beyond_num_does_not_count() -> None:
    found = Darknet().anchors_of(NET.replace("num=6", "num=4"), "net.cfg")
    assert found is not None
    assert len(found.pairs) == 4


def test_anchors_of_a_region_are_counted_in_cells() -> None:
    text = "[net]\nwidth=64\nheight=64\nchannels=3\n[convolutional]\nfilters=12\nsize=1\nstride=1\n"
    found = Darknet().anchors_of(text + "[region]\nanchors = 1,2, 0.5,0.25\nnum=2\nclasses=1\ncoords=4\n", "v2.cfg")
    assert found is not None
    assert found.pairs == ((32, 64), (16, 8))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[net]\nwidth=32\nheight=32\n",
        "nothing\n",
        "[convolutional]\n",
        NET.replace("anchors", "#anchors"),
        NET.replace("width=64", "width=0"),
    ],
)
def test_none_where_there_are_none(text: str) -> None:
    assert Darknet().anchors_of(text, "x.cfg") is None


def test_published_anchors() -> None:
    engine = Darknet()
    six, nine = engine.published_anchors(6), engine.published_anchors(9)
    assert six is not None
    assert nine is not None
    assert (six.name, len(six.pairs), nine.name, len(nine.pairs)) == ("yolov4-tiny", 6, "yolov3", 9)
    assert engine.published_anchors(5) is None


def test_masks_num_and_filters_change_with_the_anchors() -> None:
    seven = [(4.0 * n, 5.0 * n) for n in range(1, 8)]
    found = Darknet().anchors_of(adapt(NET, 2, seven), "net.cfg")
    assert found is not None
    assert sorted(i for head in found.heads for i in head.mask) == list(range(7))
    assert [len(head.mask) for head in found.heads] == [4, 3]
    assert len(found.pairs) == 7
