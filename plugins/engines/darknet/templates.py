"""Networks to start from, one word line a layer: `conv FILTERS SIZE[/STRIDE]`, `max SIZE/STRIDE`, `route …`, `head`.

A convolution has batch normalisation and leaky activation; the one before a head has neither.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_TINY_ANCHORS = ((10, 14), (23, 27), (37, 58), (81, 82), (135, 169), (344, 319))


@dataclass(frozen=True, slots=True)
class Template:
    """A network's layers, the size it was made for and how it is trained; masks share the anchors out over the heads.

    stride is what width and height must be a multiple of.
    """

    layers: str
    width: int
    height: int
    stride: int
    anchors: tuple[tuple[int, int], ...]
    masks: tuple[tuple[int, ...], ...]
    net: dict[str, str]
    head: dict[str, str] = field(default_factory=dict)


_NET = {"momentum": "0.9", "decay": "0.0005", "angle": "0"}
_COLOURS = {"saturation": "1.5", "exposure": "1.5", "hue": ".1"}
_LATE = {"learning_rate": "0.001", "burn_in": "1000"}

TEMPLATES: dict[str, Template] = {
    # One head and 114 000 weights: trains to a useful net on a CPU in two minutes, for trying the loop out.
    "demo-tiny": Template(
        layers="""
            conv 12 3/2
            conv 24 3
            max 2/2
            conv 32 3
            max 2/2
            conv 48 3
            max 2/2
            conv 64 3
            conv 96 3
            conv 48 1
            head""",
        width=128,
        height=96,
        stride=16,
        anchors=((22, 20), (29, 24), (35, 31), (41, 38)),
        masks=((0, 1, 2, 3),),
        net=_NET
        | {"saturation": "1.3", "exposure": "1.3", "hue": ".05", "learning_rate": "0.01", "burn_in": "100"}
        | {"batch": "8", "subdivisions": "1", "max_batches": "900"},
        head={"jitter": ".15", "ignore_thresh": ".7", "truth_thresh": "1", "random": "0"},
    ),
    "yolov3-tiny": Template(
        layers="""
            conv 16 3
            max 2/2
            conv 32 3
            max 2/2
            conv 64 3
            max 2/2
            conv 128 3
            max 2/2
            conv 256 3
            max 2/2
            conv 512 3
            max 2/1
            conv 1024 3
            conv 256 1
            conv 512 3
            head
            route -4
            conv 128 1
            upsample 2
            route -1,8
            conv 256 3
            head""",
        width=416,
        height=416,
        stride=32,
        anchors=_TINY_ANCHORS,
        masks=((3, 4, 5), (0, 1, 2)),
        net=_NET | _COLOURS | _LATE | {"batch": "64", "subdivisions": "8", "max_batches": "6000"},
        head={"jitter": ".3", "ignore_thresh": ".7", "truth_thresh": "1", "random": "0"},
    ),
    "yolov4-tiny": Template(
        layers="""
            conv 32 3/2
            conv 64 3/2
            conv 64 3
            route -1 half
            conv 32 3
            conv 32 3
            route -1,-2
            conv 64 1
            route -6,-1
            max 2/2
            conv 128 3
            route -1 half
            conv 64 3
            conv 64 3
            route -1,-2
            conv 128 1
            route -6,-1
            max 2/2
            conv 256 3
            route -1 half
            conv 128 3
            conv 128 3
            route -1,-2
            conv 256 1
            route -6,-1
            max 2/2
            conv 512 3
            conv 256 1
            conv 512 3
            head
            route -4
            conv 128 1
            upsample 2
            route -1,23
            conv 256 3
            head""",
        width=416,
        height=416,
        stride=32,
        anchors=_TINY_ANCHORS,
        masks=((3, 4, 5), (0, 1, 2)),
        net=_NET
        | _COLOURS
        | _LATE
        | {"learning_rate": "0.00261", "batch": "64", "subdivisions": "8", "max_batches": "6000"},
        head={
            "jitter": ".3",
            "scale_x_y": "1.05",
            "cls_normalizer": "1.0",
            "iou_normalizer": "0.07",
            "iou_loss": "ciou",
            "ignore_thresh": ".7",
            "truth_thresh": "1",
            "random": "0",
            "resize": "1.5",
            "nms_kind": "greedynms",
            "beta_nms": "0.6",
        },
    ),
}


def render(template: Template) -> str:
    """The template as cfg text, for one class."""
    blocks = [_net(template)]
    masks = iter(template.masks)
    for line in template.layers.split("\n"):
        words = line.split()
        if words == ["head"]:
            blocks += _head(template, next(masks))
        elif words:
            blocks.append(_layer(words))
    return "\n".join(blocks)


def _block(name: str, values: dict[str, str]) -> str:
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in values.items()), ""])


def _net(template: Template) -> str:
    size = {"width": str(template.width), "height": str(template.height), "channels": "3"}
    batch = {key: template.net[key] for key in ("batch", "subdivisions")}
    rest = {key: value for key, value in template.net.items() if key not in batch}
    return _block("net", batch | size | rest | {"policy": "steps", "steps": "1,2", "scales": ".1,.1"})


def _head(template: Template, mask: tuple[int, ...]) -> list[str]:
    filters = {"filters": str(6 * len(mask)), "size": "1", "stride": "1", "pad": "1", "activation": "linear"}
    values = {
        "mask": ",".join(map(str, mask)),
        "anchors": ", ".join(f"{w},{h}" for w, h in template.anchors),
        "classes": "1",
        "num": str(len(template.anchors)),
    }
    return [_block("convolutional", filters), _block("yolo", values | template.head)]


def _layer(words: list[str]) -> str:
    kind, *rest = words
    if kind == "conv":
        size, _, stride = rest[1].partition("/")
        values = {"batch_normalize": "1", "filters": rest[0], "size": size, "stride": stride or "1"}
        return _block("convolutional", values | {"pad": "1", "activation": "leaky"})
    if kind == "max":
        size, _, stride = rest[0].partition("/")
        return _block("maxpool", {"size": size, "stride": stride})
    if kind == "upsample":
        return _block("upsample", {"stride": rest[0]})
    half = {"groups": "2", "group_id": "1"} if rest[1:] == ["half"] else {}
    return _block("route", {"layers": rest[0]} | half)
