"""Making and adapting a cfg."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import InputError, NotFoundError
from plugins.engines.darknet.cfg import read
from plugins.engines.darknet.network import walk
from plugins.engines.darknet.recipe import adapt, generate, schedule
from plugins.engines.darknet.templates import TEMPLATES

NET = (Path(__file__).parents[3] / "fixtures" / "darknet" / "cfg" / "net.cfg").read_text("utf-8")
SIX = [(8.0, 9.0), (12.0, 14.0), (20.25, 18.0), (30.0, 33.0), (44.0, 40.0), (60.0, 55.0)]
YOLO3_ORDER = (
    NET.replace("mask = 3,4,5", "mask = x").replace("mask = 0,1,2", "mask = 3,4,5").replace("mask = x", "mask = 0,1,2")
)


@pytest.mark.parametrize(
    ("template", "classes", "size"),
    [("demo-tiny", 4, 457_076), ("yolov3-tiny", 80, 35_434_956), ("yolov4-tiny", 80, 24_251_276)],
)
def test_templates_have_the_weights_of_the_published_networks(template: str, classes: int, size: int) -> None:
    assert 20 + 4 * walk(read(generate(template, classes))).floats == size


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("classes", [1, 7])
@pytest.mark.parametrize("size", [(128, 96), (416, 608)])
def test_a_generated_cfg_is_whole(template: str, classes: int, size: tuple[int, int]) -> None:
    cfg = read(generate(template, classes, SIX, size, batch=16, subdivisions=4, pictures=50))
    network = walk(cfg)
    assert (cfg.net.integer("width"), cfg.net.integer("height")) == size
    assert (cfg.net.integer("batch"), cfg.net.integer("subdivisions")) == (16, 4)
    used: list[int] = []
    for index in cfg.heads():
        head, mask = cfg.layers[index], cfg.layers[index].integers("mask")
        used += mask
        assert cfg.layers[index - 1].integer("filters") == (classes + 5) * len(mask)
        assert network.layers[index].given.channels == (classes + 5) * len(mask)
        assert (head.integer("classes"), head.integer("num")) == (classes, 6)
        assert head.numbers("anchors")[4:6] == pytest.approx((20.25, 18), abs=0.06)
    assert sorted(used) == [0, 1, 2, 3, 4, 5]
    assert cfg.net.integer("burn_in") < cfg.net.integers("steps")[0] < cfg.net.integers("steps")[1]
    assert cfg.net.integers("steps")[1] < cfg.net.integer("max_batches")


def test_the_demo_keeps_its_short_schedule() -> None:
    net = read(generate("demo-tiny", 4)).net
    assert (net.integer("max_batches"), net.integers("steps"), net.integer("burn_in")) == (900, (720, 810), 100)
    assert read(generate("demo-tiny", 4, max_batches=40)).net.integer("burn_in") < 32


def test_schedule() -> None:
    assert (schedule(1), schedule(5), schedule(2, 20_000)) == (6000, 10_000, 20_000)
    assert read(generate("yolov4-tiny", 4, pictures=9000)).net.integer("max_batches") == 9000


@pytest.mark.parametrize(
    ("template", "size", "fits"),
    [("demo-tiny", (112, 80), True), ("demo-tiny", (100, 80), False), ("yolov4-tiny", (112, 96), False)],
)
def test_size_must_fit_the_stride(template: str, size: tuple[int, int], fits: bool) -> None:
    if fits:
        walk(read(generate(template, 2, size=size)))
        return
    with pytest.raises(InputError) as caught:
        generate(template, 2, size=size)
    assert caught.value.rule == "cfg-size"


def test_unknown_template() -> None:
    with pytest.raises(NotFoundError) as caught:
        generate("yolov9", 1)
    assert caught.value.rule == "recipe-template"


def test_adapt_changes_what_must_change_and_nothing_else() -> None:
    changed = adapt(NET, 5, SIX, (96, 64), max_batches=1000)
    cfg = read(changed)
    assert [cfg.layers[i].integers("mask") for i in cfg.heads()] == [(3, 4, 5), (0, 1, 2)], (
        "the coarse head has the large"
    )
    assert [cfg.layers[i - 1].integer("filters") for i in cfg.heads()] == [30, 30]
    before, after = NET.split("\n"), changed.split("\n")
    assert len(before) == len(after)
    keys = {line.partition("=")[0].strip() for line, new in zip(before, after, strict=True) if line != new}
    assert keys == {"width", "filters", "anchors", "classes", "max_batches", "steps"}
    assert cfg.net.integer("burn_in") == 10, "it is below the first step already"


def test_masks_keep_the_order_of_the_cfg() -> None:
    cfg = read(adapt(YOLO3_ORDER, 2, SIX[:4]))
    assert [cfg.layers[i].integers("mask") for i in cfg.heads()] == [(0, 1), (2, 3)]
    assert [cfg.layers[i - 1].integer("filters") for i in cfg.heads()] == [14, 14]
    cfg = read(adapt(NET, 2, SIX[:5]))
    assert [cfg.layers[i].integers("mask") for i in cfg.heads()] == [(2, 3, 4), (0, 1)]


def test_without_masks_the_finer_grid_gets_the_small_anchors() -> None:
    bare = "\n".join(line for line in NET.split("\n") if not line.startswith("mask"))
    cfg = read(adapt(bare, 2, SIX))
    assert [cfg.layers[i].integers("mask") for i in cfg.heads()] == [(3, 4, 5), (0, 1, 2)]


def test_without_new_anchors_the_old_grow_with_the_size() -> None:
    cfg = read(adapt(NET, 3, size=(128, 64)))
    assert cfg.layers[cfg.heads()[0]].numbers("anchors")[:4] == (32, 16, 48, 24)


def test_counters_follow_the_classes() -> None:
    counted = NET.replace("num=6", "num=6\ncounters_per_class=9,8,7")
    cfg = read(adapt(counted, 2))
    assert all(cfg.layers[i].integers("counters_per_class") == (1, 1) for i in cfg.heads())


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[net]\nwidth=32\nheight=32\nchannels=3\n[dropout]\n", "cfg-no-head"),
        ("[net]\nwidth=32\nheight=32\nchannels=3\n[dropout]\n[yolo]\nmask=0\nanchors=1,1\nnum=1\n", "cfg-head-input"),
    ],
)
def test_what_cannot_be_adapted(text: str, rule: str) -> None:
    with pytest.raises(InputError) as caught:
        adapt(text, 2)
    assert caught.value.rule == rule


def test_too_few_anchors_for_the_heads() -> None:
    with pytest.raises(InputError) as caught:
        adapt(NET, 2, SIX[:1])
    assert caught.value.rule == "anchors-for-heads"
