"""Which layers and keys are known to give darknet's own numbers; every other one is refused by name.

So a cfg that we do not understand never turns into a network that merely looks like it.
"""

from __future__ import annotations

from typing import Literal, cast, get_args

from bridge.errors import InputError
from plugins.detectors.onnx.decode import Head
from plugins.detectors.onnx.nms import Nms, NmsKind
from plugins.engines.darknet.cfg import Cfg, Section

Activation = Literal["linear", "leaky", "mish", "logistic", "relu", "swish"]

# Keys that would change the numbers, with the value that leaves them as they are.
_NEUTRAL: dict[str, dict[str, int]] = {
    "convolutional": {
        "dilation": 1,
        **dict.fromkeys(("flipped", "dontload", "dontloadscales", "binary", "xnor", "share_index", "antialiasing"), 0),
        **dict.fromkeys(("assisted_excitation", "coordconv", "deform", "sway", "rotate", "stretch"), 0),
        **dict.fromkeys(("stretch_sway", "reverse", "dot"), 0),
    },
    "maxpool": dict.fromkeys(("maxpool_depth", "antialiasing", "maxpool_zero_nonmax"), 0),
    "route": {"stretch_route": 0},
    "shortcut": {"alpha": 1, "beta": 1},
    "upsample": {"scale": 1},
    "yolo": {},
}


def refuse_unknown(cfg: Cfg) -> None:
    """Raise InputError layer-unsupported for the first layer that we cannot build exactly."""
    if cfg.net.integer("channels") not in (1, 3):
        raise unsupported("net", cfg.net, f"channels={cfg.net.value('channels')}")
    for index, section in enumerate(cfg.layers):
        strange = _strange(section)
        if strange is not None:
            raise unsupported(index, section, strange)


def unsupported(layer: int | str, section: Section, what: str) -> InputError:
    """The error that names a layer and what of it cannot be built."""
    return InputError("layer-unsupported", layer=layer, line=section.line, kind=f"{section.name} {what}".strip())


def _strange(section: Section) -> str | None:
    """What is unknown in a section: "" for its kind, else the line at fault; None if all is known."""
    if section.kind not in _NEUTRAL:
        return ""
    for key, value in _NEUTRAL[section.kind].items():
        if section.number(key, value) != value:
            return f"{key}={section.value(key)}"
    if activation(section) not in get_args(Activation):
        return f"activation={activation(section)}"
    for key, words in (("weights_type", ("none",)), ("nms_kind", get_args(NmsKind)), ("batch_normalize", ("0", "1"))):
        if section.value(key, words[0]) not in words:
            return f"{key}={section.value(key)}"
    return _strange_size(section)


def _strange_size(section: Section) -> str | None:
    if section.kind == "upsample" and section.integer("stride", 2) < 1:
        return f"stride={section.value('stride')}"
    size = section.integer("size", section.integer("stride", 1) if section.kind == "maxpool" else 1)
    if size < 1:
        return f"size={section.value('size')}"
    if section.kind == "maxpool" and not 0 <= section.integer("padding", size - 1) < size:
        return f"padding={section.value('padding')}"
    return None


def activation(section: Section) -> str:
    """The activation of a layer; darknet's default is logistic for a convolution, linear elsewhere."""
    return section.value("activation", "logistic" if section.kind == "convolutional" else "linear")


def heads(cfg: Cfg) -> tuple[Head, ...]:
    """The [yolo] layers in order; raises InputError head-wrong when they do not fit together."""
    found = tuple(head(index, cfg.layers[index]) for index in cfg.heads())
    if len({head.classes for head in found}) != 1:
        said = ", ".join(str(head.classes) for head in found)
        raise InputError("head-wrong", layer=(cfg.heads() or [-1])[-1], reason=f"classes={said}")
    return found


def head(index: int, section: Section) -> Head:
    """One [yolo] layer; raises InputError head-wrong when its mask names anchors that are not there."""
    numbers = section.numbers("anchors")
    pairs = list(zip(numbers[::2], numbers[1::2], strict=False))
    mask = section.integers("mask") or tuple(range(section.integer("num", 1)))
    if not all(0 <= m < len(pairs) for m in mask):
        raise InputError("head-wrong", layer=index, reason=f"mask={section.value('mask')}; {len(pairs)} anchors")
    return Head(
        tuple(pairs[m] for m in mask),
        section.integer("classes", 20),
        section.number("scale_x_y", 1.0),
        bool(section.integer("new_coords")),
    )


def nms(cfg: Cfg) -> Nms:
    """How boxes are suppressed: darknet follows the last head."""
    last = cfg.layers[cfg.heads()[-1]]
    return Nms(cast(NmsKind, last.value("nms_kind", "default")), last.number("beta_nms", 0.6))
