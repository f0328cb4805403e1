"""Every rule, broken one at a time, on every fork."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.model.training import Recipe
from bridge.plugin import EngineInfo, RecipeWish
from bridge.texts import render
from plugins.engines.darknet.preflight import preflight
from plugins.engines.darknet.templates import TEMPLATES
from plugins.engines.darknet.wish import draft

NET = (Path(__file__).parents[3] / "fixtures" / "darknet" / "cfg" / "net.cfg").read_text("utf-8")
NETV3 = "\n".join(
    line
    for line in NET.split("\n")
    if not line.startswith(("scale_x_y", "iou_", "cls_normalizer", "nms_kind", "beta_nms"))
)
FORKS: dict[str, EngineInfo | None] = {
    "pj": EngineInfo("darknet", "pjreddie", "", "darknet", frozenset({"train"})),
    "ab": EngineInfo("darknet", "alexeyab", "2020 or later", "darknet", frozenset({"train"})),
    "cv": EngineInfo("darknet", "alexeyab", "2020 or later", "darknet", frozenset({"train", "opencv"})),
    "hk": EngineInfo("darknet", "hank-ai", "v5", "darknet", frozenset({"train", "opencv"})),
    "?": None,
}
GPU = EngineInfo("darknet", "alexeyab", "2020 or later", "darknet", frozenset({"train", "gpu"}), 2)


def recipe(cfg: str, **changed: Any) -> Recipe:
    made = draft(RecipeWish(("a", "b", "c"), 40, cfg=cfg))
    return replace(made, **changed)


def found(cfg: str, fork: str = "ab", pictures: int = 40, **changed: Any) -> dict[str, str]:
    findings = preflight(recipe(cfg, **changed), FORKS[fork], pictures)
    return {f.rule: f.severity.value for f in findings if f.rule != "cfg-max-batches"}


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("template", TEMPLATES)
def test_our_own_networks_break_no_rule(template: str, fork: str) -> None:
    made = draft(RecipeWish(("a", "b"), 8000, template))
    rules = {f.rule for f in preflight(made, FORKS[fork], 8000)}
    # pjreddie's has no grouped routes, so it would train another network.
    assert rules - {"cfg-max-batches"} == ({"cfg-fork"} if (template, fork) == ("yolov4-tiny", "pj") else set())


@pytest.mark.parametrize("fork", FORKS)
def test_a_good_cfg_breaks_no_rule(fork: str) -> None:
    assert found(NETV3, fork) == {}
    assert found(NET, fork) == ({"cfg-fork": "error"} if fork == "pj" else {})


def swap(old: str, new: str, count: int = 1) -> str:
    assert old in NETV3
    return NETV3.replace(old, new, count)


E, W, I, O = "error", "warning", "info", None  # noqa: E741

# The change, the rule it breaks, and how bad that is on pj, ab, cv, hk and an unknown fork.
BROKEN = [
    (swap("[maxpool]", "[frobnicate]"), "cfg-unknown-section", (E, E, E, E, E)),
    (swap("[maxpool]", "[maxpool] # note"), "cfg-unknown-section", (E, E, E, O, E)),
    (swap("batch=8", "batch=8\nbatch=8"), "cfg-duplicate-key", (W, W, W, E, E)),
    (swap("batch=8", "batch=8\nfoo_bar=7"), "cfg-unknown-key", (O, O, O, E, W)),
    (swap("batch=8", "batch=8\nangle="), "cfg-empty-value", (W, W, W, W, W)),
    (swap("activation=leaky", "activation=leaky # fast"), "cfg-trailing-comment", (E, E, E, I, E)),
    (swap("batch=8", "batch=8 # note"), "cfg-trailing-comment", (O, O, O, O, O)),
    (swap("classes=3", "classes=4"), "cfg-classes", (E, E, E, E, E)),
    (swap("classes=3", "classes=4"), "cfg-filters", (E, E, E, E, E)),
    (swap("filters=24", "filters=255"), "cfg-filters", (E, E, E, E, E)),
    (swap("num=6", "num=6\ncounters_per_class=1,2"), "cfg-counters", (E, E, E, E, E)),
    (swap("[yolo]", "[dropout]\n\n[yolo]"), "cfg-head-input", (E, E, E, E, E)),
    (NETV3.partition("[convolutional]")[0] + "[dropout]\n", "cfg-no-head", (E, E, E, E, E)),
    (swap("num=6", "num=9"), "cfg-anchors", (E, E, E, E, E)),
    (swap("36,36, 48,48", "36,36, 48,48, 60,60"), "cfg-anchors-extra", (E, W, W, E, E)),
    (swap("16,16", "15,16"), "cfg-anchors-differ", (W, W, W, W, W)),
    (swap("mask = 3,4,5", "mask = 3,4,6"), "cfg-masks", (E, E, E, E, E)),
    (swap("mask = 3,4,5", "mask = 2,3,4"), "cfg-masks-share", (W, W, W, W, W)),
    (swap("width=64", "width=100"), "cfg-shape", (E, E, E, E, E)),
    (swap("width=64", "width=80"), "cfg-size", (I, W, W, E, E)),
    (swap("[maxpool]", "[local]"), "cfg-layer-unsupported", (W, W, W, W, W)),
    (swap("batch=8", "batch=1").replace("subdivisions=2", "subdivisions=1"), "cfg-batch", (W, E, E, E, E)),
    (swap("subdivisions=2", "subdivisions=3"), "cfg-subdivisions", (W, W, W, W, W)),
    (swap("subdivisions=2", "subdivisions=16"), "cfg-subdivisions-large", (E, W, W, W, E)),
    (swap("steps=96,108", ""), "cfg-steps", (E, E, E, E, E)),
    (swap("scales=.1,.1", "scales=.1"), "cfg-steps", (E, E, E, E, E)),
    (swap("steps=96,108", "steps=96,120"), "cfg-steps-late", (W, W, W, W, W)),
    (swap("burn_in=10", "burn_in=96"), "cfg-burn-in", (W, W, W, W, W)),
    (swap("hue=.1", "hue=.1\nmosaic=1"), "cfg-mosaic", (O, E, O, O, W)),
    (swap("hue=.1", "hue=.1\nmosaic=1\nletter_box=1"), "cfg-letter-box", (I, E, E, E, E)),
    (swap("hue=.1", "hue=.1\ncutmix=1"), "cfg-cutmix", (I, E, W, E, E)),
    (swap("random=0", "random=1"), "cfg-random", (W, O, O, O, O)),
    (swap("activation=leaky", "activation=mish"), "cfg-fork", (E, O, O, O, O)),
    (swap("stride=2\n\n[route]", "stride=2\n\n[route]\ngroups=2"), "cfg-fork", (E, O, O, O, O)),
    (swap("num=6", "num=6\nscale_x_y=1.05"), "cfg-fork", (E, O, O, O, O)),
    ("[convolutional]\nfilters=1\n" + NETV3, "cfg-first-section", (E, E, E, E, E)),
    ("# nothing\n", "cfg-empty", (E, E, E, E, E)),
]  # fmt: skip


@pytest.mark.parametrize(("cfg", "rule", "severities"), BROKEN, ids=[f"{i}-{b[1]}" for i, b in enumerate(BROKEN)])
def test_a_broken_rule(cfg: str, rule: str, severities: tuple[str | None, ...]) -> None:
    made = recipe(NETV3)
    for (name, info), severity in zip(FORKS.items(), severities, strict=True):
        findings = [f for f in preflight(replace(made, cfg=cfg), info, 40) if f.rule == rule]
        assert {f.severity.value for f in findings} == ({severity} if severity else set()), name
        for language in ("en", "ja"):
            assert all("{" not in render("findings", f.rule, f.fields, language) for f in findings)


def test_the_recipe_must_say_what_the_cfg_says() -> None:
    assert found(NETV3, max_batches=500) == {"cfg-recipe": "error"}
    assert found(NETV3, batch=16, width=96) == {"cfg-recipe": "error"}


def test_advice_on_length_is_only_information() -> None:
    rules = {f.rule: f for f in preflight(recipe(NETV3), FORKS["ab"], 7000)}
    assert rules["cfg-max-batches"].severity == "info"
    assert rules["cfg-max-batches"].fields == {"max_batches": 120, "advised": 7000}


def test_pictures_and_names() -> None:
    assert found(NETV3, pictures=0) == {"no-train-pictures": "error"}
    assert found(NETV3, pictures=4) == {"few-train-pictures": "info"}
    assert found(NETV3, classes=("a", "b", " ")) == {"names-blank": "error"}
    assert found(NETV3, classes=("a", "b\nc", "d")) == {"names-blank": "error"}
    assert found(NETV3, classes=("a", "b", "a")) == {"names-twice": "warning"}
    assert found(NETV3, classes=()) == {"names-none": "error", "cfg-classes": "error"}


@pytest.mark.parametrize(
    ("gpus", "rules"),
    [
        ((), set()),
        ((1,), set()),
        ((0, 1), {"gpus-learning-rate"}),
        ((0, 2), {"gpus-missing", "gpus-learning-rate"}),
        ((1, 1), {"gpus-twice", "gpus-learning-rate"}),
        ((16,), {"gpus-index", "gpus-missing"}),
        ((0, 1, 2, 3, 4), {"gpus-many", "gpus-missing", "gpus-learning-rate"}),
    ],
)
def test_gpus(gpus: tuple[int, ...], rules: set[str]) -> None:
    findings = preflight(recipe(NETV3, gpus=gpus), GPU, 40)
    assert {f.rule for f in findings} - {"cfg-max-batches"} == rules


def test_gpus_without_a_gpu_build() -> None:
    for fork in ("pj", "ab", "hk"):
        assert found(NETV3, fork, gpus=(0,)) == {"gpus-without-gpu": "error"}
    assert found(NETV3, "?", gpus=(0, 1)) == {}
    assert "gpus-learning-rate" not in {
        f.rule for f in preflight(recipe(NETV3, gpus=(0, 1)), replace(GPU, fork="hank-ai"), 40)
    }, "hank-ai's leaves the rate alone"


def test_an_old_alexeyab_is_as_limited_as_pjreddies() -> None:
    old = EngineInfo("darknet", "alexeyab", "2018-2019", "darknet", frozenset({"train"}))
    assert "cfg-fork" in {f.rule for f in preflight(recipe(NET), old, 40)}
