"""The anchors that darknet's networks have: those of a cfg, and those that its authors give them with."""

from __future__ import annotations

from bridge.errors import InputError
from bridge.model.anchors import GivenAnchors, Head, Pairs
from plugins.engines.darknet.cfg import Cfg, read
from plugins.engines.darknet.network import walk
from plugins.engines.darknet.templates import TEMPLATES

# The nine of yolov3 and its kin, in pixels of 416 x 416; all were fitted to COCO.
_NINE = ((10, 13), (16, 30), (33, 23), (30, 61), (62, 45), (59, 119), (116, 90), (156, 198), (373, 326))
_PUBLISHED: dict[str, Pairs] = {"yolov4-tiny": TEMPLATES["yolov4-tiny"].anchors, "yolov3": _NINE}
_SIZE = 416
# Anchors of a [region] are counted in cells of this many pixels.
_REGION_CELL = 32


def published(n: int) -> GivenAnchors | None:
    """The n anchors that most networks come with; None where there are no such."""
    return next((GivenAnchors(name, p, _SIZE, _SIZE) for name, p in _PUBLISHED.items() if len(p) == n), None)


def anchors_of(text: str, name: str) -> GivenAnchors | None:
    """The anchors of a cfg's heads, at the size that stands in it; None for one without heads, anchors or a size."""
    try:
        cfg = read(text)
        width, height = cfg.net.integer("width"), cfg.net.integer("height")
    except InputError:
        return None
    heads = cfg.heads()
    pairs = _pairs(cfg, heads[0]) if heads else ()
    if not pairs or width < 1 or height < 1:
        return None
    return GivenAnchors(name, pairs, width, height, _heads(cfg, len(pairs)))


def _pairs(cfg: Cfg, head: int) -> Pairs:
    """As many as num says: darknet passes over the others."""
    section = cfg.layers[head]
    numbers = section.numbers("anchors")
    scale = _REGION_CELL if section.kind == "region" else 1
    found = [(w * scale, h * scale) for w, h in zip(numbers[::2], numbers[1::2], strict=False)]
    return tuple((w, h) for w, h in found[: section.integer("num", 1)] if w > 0 and h > 0)


def _heads(cfg: Cfg, n: int) -> tuple[Head, ...]:
    try:
        network = walk(cfg)
    except InputError:
        return ()  # A network that cannot be followed has anchors all the same.
    found = [Head(network.stride(i), cfg.layers[i].integers("mask") or tuple(range(n))) for i in cfg.heads()]
    return tuple(sorted(found, key=lambda head: (head.cell, head.mask)))
