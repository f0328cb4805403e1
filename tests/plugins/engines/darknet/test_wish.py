"""From what a person asks to a recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import NotFoundError
from bridge.model.anchors import Anchors
from bridge.plugin import EngineInfo, RecipeWish
from plugins.engines.darknet.cfg import read
from plugins.engines.darknet.engine import Darknet

NET = (Path(__file__).parents[3] / "fixtures" / "darknet" / "cfg" / "net.cfg").read_text("utf-8")
WISH = RecipeWish(classes=("nut", "bolt"), pictures=40, template="demo-tiny")
SIX = Anchors(((8, 9), (12, 14), (20, 18), (30, 33), (44, 40), (60, 55)), 64, 64, 0.7, 0.6, 100, 0)


def test_a_template() -> None:
    engine = Darknet()
    assert engine.anchors_wanted(WISH) == (4, (128, 96))
    recipe = engine.draft(WISH)
    assert (recipe.width, recipe.height, recipe.batch, recipe.subdivisions, recipe.max_batches) == (128, 96, 8, 1, 900)
    assert recipe.classes == ("nut", "bolt")
    assert engine.preflight(recipe, None, 40) == [
        f for f in engine.preflight(recipe, None, 40) if f.severity != "error"
    ]
    assert engine.outlook(recipe, None).weights_bytes == 20 + 4 * (114_264 - 2 * 4 * 49)


def test_a_cfg_is_used_as_it_is_but_for_what_was_asked() -> None:
    engine, given = Darknet(), replace(WISH, cfg=NET)
    assert engine.anchors_wanted(given) == (0, (64, 64))
    assert engine.draft(given).cfg == NET
    recipe = engine.draft(replace(given, batch=16, max_batches=500))
    assert (recipe.batch, recipe.max_batches, read(recipe.cfg).net.integers("steps")) == (16, 500, (400, 450))
    assert read(recipe.cfg).layers == read(NET).layers


def test_a_cfg_is_adapted_with_anchors_of_its_size() -> None:
    engine, wish = Darknet(), replace(WISH, cfg=NET, adapt=True, network=(128, 64), anchors=SIX)
    assert engine.anchors_wanted(wish) == (6, (128, 64))
    cfg = read(engine.draft(wish).cfg)
    assert cfg.layers[cfg.heads()[0]].numbers("anchors")[:4] == (16, 9, 24, 14), "scaled to 128 x 64"
    assert all(cfg.layers[i].integer("classes") == 2 for i in cfg.heads())


def test_unknown_template() -> None:
    with pytest.raises(NotFoundError):
        Darknet().anchors_wanted(replace(WISH, template="yolov9"))


@pytest.mark.parametrize(
    ("fork", "version", "max_batches", "count"),
    [
        ("pjreddie", "", 900, 11),
        ("pjreddie", "", 6000, 11),
        ("pjreddie", "", 20_000, 13),
        ("alexeyab", "2018-2019", 6000, 63),
        ("alexeyab", "2020 or later", 900, 12),
        ("hank-ai", "v5", 6000, 13),
        ("hank-ai", "v5", 500_000, 53),
    ],
)
def test_how_many_checkpoints(fork: str, version: str, max_batches: int, count: int) -> None:
    recipe = replace(Darknet().draft(WISH), max_batches=max_batches)
    assert Darknet().outlook(recipe, EngineInfo("darknet", fork, version, "d")).checkpoints == count
