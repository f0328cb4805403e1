"""The network that a cfg describes: the size of every layer's output and how many numbers its weights take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bridge.errors import InputError
from plugins.engines.darknet.cfg import Cfg, Section

# Keys that change what a layer stores or gives out in ways this walk does not follow.
_UNFOLLOWED = ("antialiasing", "share_index", "maxpool_depth", "deform", "stretch_route")


@dataclass(frozen=True, slots=True)
class Shape:
    """Width and height in cells, and channels."""

    width: int
    height: int
    channels: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: what goes in and comes out, and the float32 numbers it has in a weights file."""

    index: int
    section: Section
    given: Shape
    shape: Shape
    floats: int = 0


@dataclass(frozen=True, slots=True)
class Network:
    """All layers in order; a weights file holds the header and `floats` float32 numbers."""

    width: int
    height: int
    layers: tuple[Layer, ...]

    @property
    def floats(self) -> int:
        """Numbers in a complete weights file."""
        return sum(layer.floats for layer in self.layers)

    def floats_after(self) -> list[int]:
        """Numbers stored up to and with each layer: where a file of partial weights may end."""
        total, ends = 0, []
        for layer in self.layers:
            total += layer.floats
            ends.append(total)
        return ends

    def stride(self, index: int) -> int:
        """How many pixels of the network size one cell of a layer's input is wide."""
        return max(1, self.width // max(self.layers[index].given.width, 1))


def walk(cfg: Cfg) -> Network:
    """Follow the sizes through all layers.

    Raises InputError cfg-shape where sizes do not fit together, cfg-layer-unsupported for a layer this does not know.
    """
    net = cfg.net
    shape = Shape(net.integer("width"), net.integer("height"), net.integer("channels"))
    if min(shape.width, shape.height, shape.channels) < 1:
        raise InputError("cfg-shape", layer=-1, line=net.line, kind="net", reason="width, height, channels")
    layers: list[Layer] = []
    for index, section in enumerate(cfg.layers):
        layer = _follow(Layer(index, section, shape, shape), layers)
        shape = layer.shape
        if min(shape.width, shape.height, shape.channels) < 1:
            raise _misfit(layer, f"{shape.width} x {shape.height} x {shape.channels}")
        layers.append(layer)
    return Network(net.integer("width"), net.integer("height"), tuple(layers))


def _follow(layer: Layer, before: Sequence[Layer]) -> Layer:
    rule = _RULES.get(layer.section.kind)
    strange = next((key for key in _UNFOLLOWED if layer.section.integer(key)), None)
    if rule is None or strange:
        name = f"{layer.section.name}: {strange}" if strange else layer.section.name
        raise InputError("cfg-layer-unsupported", layer=layer.index, line=layer.section.line, kind=name)
    return rule(layer, before)


def _convolutional(layer: Layer, before: Sequence[Layer]) -> Layer:
    section, given = layer.section, layer.given
    filters, size, groups = section.integer("filters", 1), section.integer("size", 1), section.integer("groups", 1)
    padding = size // 2 if section.integer("pad") else section.integer("padding")
    reach = 2 * padding - size - (size - 1) * (section.integer("dilation", 1) - 1)
    weights = filters * (given.channels // max(groups, 1)) * size * size
    scales = 3 * filters if section.integer("batch_normalize") else 0
    shape = Shape(
        (given.width + reach) // _stride(section, "x") + 1, (given.height + reach) // _stride(section, "y") + 1, filters
    )
    return replace(layer, shape=shape, floats=filters + scales + weights)


def _maxpool(layer: Layer, before: Sequence[Layer]) -> Layer:
    section, given = layer.section, layer.given
    size = section.integer("size", section.integer("stride", 1))
    reach = section.integer("padding", size - 1) - size
    across, down = _stride(section, "x"), _stride(section, "y")
    return replace(
        layer, shape=Shape((given.width + reach) // across + 1, (given.height + reach) // down + 1, given.channels)
    )


def _upsample(layer: Layer, before: Sequence[Layer]) -> Layer:
    stride, given = layer.section.integer("stride", 2), layer.given
    if stride < 0:  # darknet takes a negative stride for the way down.
        return replace(layer, shape=Shape(given.width // -stride, given.height // -stride, given.channels))
    return replace(layer, shape=Shape(given.width * stride, given.height * stride, given.channels))


def _reorg(layer: Layer, before: Sequence[Layer]) -> Layer:
    stride, given = max(layer.section.integer("stride", 1), 1), layer.given
    return replace(layer, shape=Shape(given.width // stride, given.height // stride, given.channels * stride**2))


def _avgpool(layer: Layer, before: Sequence[Layer]) -> Layer:
    return replace(layer, shape=Shape(1, 1, layer.given.channels))


def _route(layer: Layer, before: Sequence[Layer]) -> Layer:
    shapes = [before[i].shape for i in _sources(layer, "layers", before)]
    if len({(s.width, s.height) for s in shapes}) != 1:
        raise _misfit(layer, ", ".join(f"{s.width} x {s.height}" for s in shapes))
    channels = sum(s.channels for s in shapes) // max(layer.section.integer("groups", 1), 1)
    return replace(layer, shape=Shape(shapes[0].width, shapes[0].height, channels))


def _shortcut(layer: Layer, before: Sequence[Layer]) -> Layer:
    sources, given = _sources(layer, "from", before), layer.given
    shapes = [before[i].shape for i in sources]
    if any((s.width, s.height) != (given.width, given.height) for s in shapes):
        raise _misfit(layer, ", ".join(f"{s.width} x {s.height}" for s in (given, *shapes)))
    kept = {"per_feature": 1, "per_layer": 1, "per_channel": given.channels}
    return replace(layer, floats=(len(sources) + 1) * kept.get(layer.section.value("weights_type"), 0))


def _scale_channels(layer: Layer, before: Sequence[Layer]) -> Layer:
    return replace(layer, shape=before[_sources(layer, "from", before)[0]].shape)


def _same(layer: Layer, before: Sequence[Layer]) -> Layer:
    return layer


_RULES: dict[str, Callable[[Layer, Sequence[Layer]], Layer]] = {
    "convolutional": _convolutional,
    "maxpool": _maxpool,
    "upsample": _upsample,
    "reorg": _reorg,
    "reorg3d": _reorg,
    "avgpool": _avgpool,
    "route": _route,
    "shortcut": _shortcut,
    "scale_channels": _scale_channels,
    "sam": _scale_channels,
    "dropout": _same,
    "softmax": _same,
    "cost": _same,
    "empty": _same,
    "yolo": _same,
    "Gaussian_yolo": _same,
    "region": _same,
}


def _stride(section: Section, axis: str) -> int:
    return max(section.integer(f"stride_{axis}", section.integer("stride", 1)), 1)


def _sources(layer: Layer, key: str, before: Sequence[Layer]) -> list[int]:
    """The layers a section names, negative numbers counted back from it; raises cfg-shape when one is not there."""
    indices = [n if n >= 0 else layer.index + n for n in layer.section.integers(key)]
    if not indices or not all(0 <= n < len(before) for n in indices):
        raise _misfit(layer, f"{key}={layer.section.value(key)}")
    return indices


def _misfit(layer: Layer, reason: str) -> InputError:
    return InputError("cfg-shape", layer=layer.index, line=layer.section.line, kind=layer.section.name, reason=reason)
