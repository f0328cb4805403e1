"""Making a cfg for a set of classes: from a built-in network, or out of somebody's own cfg."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import InputError, NotFoundError
from plugins.anchors.masks import masks
from plugins.engines.darknet.cfg import Cfg, Section, read
from plugins.engines.darknet.network import walk
from plugins.engines.darknet.templates import TEMPLATES, Template, render

Pairs = Sequence[tuple[float, float]]

# Numbers per anchor besides the classes: x, y, w, h, objectness; Gaussian heads add four uncertainties.
_PER_ANCHOR = {"yolo": 5, "Gaussian_yolo": 9}


def schedule(classes: int, pictures: int = 0) -> int:
    """How many iterations darknet's authors advise: 2000 a class, at least 6000, at least one per training picture."""
    return max(6000, 2000 * classes, pictures)


def generate(
    template: str,
    classes: int,
    anchors: Pairs | None = None,
    size: tuple[int, int] | None = None,
    *,
    batch: int | None = None,
    subdivisions: int | None = None,
    max_batches: int | None = None,
    pictures: int = 0,
) -> str:
    """A cfg from a built-in network; anchors are in pixels of size, None keeps the template's own.

    demo-tiny keeps its short schedule unless max_batches is given. Raises NotFoundError recipe-template, InputError
    cfg-size when width or height is no multiple of the network's stride, or as adapt.
    """
    made = _template(template)
    width, height = size or (made.width, made.height)
    if width < 1 or height < 1 or width % made.stride or height % made.stride:
        raise InputError("cfg-size", width=width, height=height, multiple=made.stride)
    if max_batches is None and template == "demo-tiny":
        max_batches = int(made.net["max_batches"])
    return adapt(
        render(made),
        classes,
        anchors,
        (width, height),
        batch=batch,
        subdivisions=subdivisions,
        max_batches=max_batches,
        pictures=pictures,
    )


def adapt(
    text: str,
    classes: int,
    anchors: Pairs | None = None,
    size: tuple[int, int] | None = None,
    *,
    batch: int | None = None,
    subdivisions: int | None = None,
    max_batches: int | None = None,
    pictures: int = 0,
) -> str:
    """A cfg changed for these classes; what is not named, comments and layout stay as they are.

    In every head: classes, filters of the convolution right before it, anchors, num, masks (kept in the cfg's own
    order, small or large first). New anchors are in pixels of the new size; without new ones the old are scaled with
    the size. steps go to 80 and 90 % of max_batches, burn_in below the first. Raises InputError cfg-no-head,
    cfg-head-input, anchors-for-heads.
    """
    cfg = read(text)
    if not cfg.heads() or any(cfg.layers[i].kind not in _PER_ANCHOR for i in cfg.heads()):
        raise InputError("cfg-no-head")
    before = (cfg.net.integer("width", 416), cfg.net.integer("height", 416))
    pairs = list(anchors) if anchors is not None else _scaled(cfg, before, size or before)
    cfg = _with_heads(cfg, classes, pairs, new_masks=anchors is not None)
    return edit(cfg.text(), size, batch, subdivisions, max_batches or schedule(classes, pictures))


def edit(
    text: str,
    size: tuple[int, int] | None = None,
    batch: int | None = None,
    subdivisions: int | None = None,
    max_batches: int | None = None,
) -> str:
    """The cfg with other numbers in [net] only; exactly the text when none is given."""
    values: dict[str, int] = {} if size is None else {"width": size[0], "height": size[1]}
    values |= {key: n for key, n in (("batch", batch), ("subdivisions", subdivisions)) if n is not None}
    if not values and max_batches is None:
        return text
    cfg = read(text).with_net(**values)
    return (cfg if max_batches is None else _with_schedule(cfg, max_batches)).text()


def _template(name: str) -> Template:
    if name not in TEMPLATES:
        raise NotFoundError("recipe-template", template=name, known=", ".join(TEMPLATES))
    return TEMPLATES[name]


def _with_schedule(cfg: Cfg, max_batches: int) -> Cfg:
    first = max(max_batches * 8 // 10, 1)
    burn_in = cfg.net.integer("burn_in")
    cfg = cfg.with_net(max_batches=max_batches)
    if cfg.net.value("policy") == "steps":
        cfg = cfg.with_net(steps=f"{first},{max_batches * 9 // 10}")
        cfg = cfg if len(cfg.net.numbers("scales")) == 2 else cfg.with_net(scales=".1,.1")
    # Before the first step the rate must have reached its full height.
    return cfg.with_net(burn_in=first // 2) if burn_in >= first else cfg


def _scaled(cfg: Cfg, before: tuple[int, int], after: tuple[int, int]) -> list[tuple[float, float]]:
    """The cfg's own anchors for another network size (co-centred IoU does not change under scaling)."""
    numbers = cfg.layers[cfg.heads()[0]].numbers("anchors")
    pairs = zip(numbers[::2], numbers[1::2], strict=False)
    return [(w * after[0] / before[0], h * after[1] / before[1]) for w, h in pairs]


def _with_heads(cfg: Cfg, classes: int, pairs: Pairs, new_masks: bool) -> Cfg:
    shares = _shares(cfg, len(pairs)) if new_masks else {i: cfg.layers[i].integers("mask") for i in cfg.heads()}
    text = ", ".join(f"{_short(w)},{_short(h)}" for w, h in pairs)
    for index in cfg.heads():
        head, mask = cfg.layers[index], shares[index] or tuple(range(len(pairs)))
        if index == 0 or cfg.layers[index - 1].kind != "convolutional":
            raise InputError("cfg-head-input", layer=index, line=head.line)
        cfg = cfg.with_layer(index - 1, filters=(classes + _PER_ANCHOR[head.kind]) * len(mask))
        cfg = cfg.with_layer(index, mask=",".join(map(str, mask)), anchors=text, classes=classes, num=len(pairs))
        if head.has("counters_per_class"):  # It must name as many classes, and nobody has counted the new ones.
            cfg = cfg.with_layer(index, counters_per_class=",".join(["1"] * classes))
    return cfg


def _shares(cfg: Cfg, anchors: int) -> dict[int, tuple[int, ...]]:
    """Masks for the heads, the smallest anchors to the head that has the smallest ones now (or the finest grid)."""
    order = sorted(cfg.heads(), key=lambda index: _coarseness(cfg, index))
    return dict(zip(order, masks(anchors, len(order)), strict=True))


def _coarseness(cfg: Cfg, index: int) -> tuple[float, int]:
    mask = cfg.layers[index].integers("mask")
    return (sum(mask) / len(mask), index) if mask else (float(walk(cfg).stride(index)), index)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0") if number >= 10 else f"{number:.3g}"


def head_filters(head: Section) -> int | None:
    """How many filters the convolution before a head must have; None for kinds without a rule."""
    if head.kind in _PER_ANCHOR:
        anchors = len(head.integers("mask")) or head.integer("num", 1)
        return (head.integer("classes", 20) + _PER_ANCHOR[head.kind]) * anchors
    if head.kind == "region":
        return (head.integer("classes", 20) + head.integer("coords", 4) + 1) * head.integer("num", 1)
    return None
