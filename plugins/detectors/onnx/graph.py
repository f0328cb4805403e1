"""The network of a cfg and its weights as an ONNX graph (opset 18, any batch)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from bridge.errors import InputError
from plugins.detectors.onnx import known
from plugins.detectors.onnx.decode import Head
from plugins.engines.darknet.cfg import Cfg, Section
from plugins.engines.darknet.network import Layer, Network, Shape

Epsilon = Literal["pjreddie", "alexeyab"]

_OPERATORS: dict[str, tuple[str, dict[str, float]]] = {
    "leaky": ("LeakyRelu", {"alpha": 0.1}),
    "mish": ("Mish", {}),
    "logistic": ("Sigmoid", {}),
    "relu": ("Relu", {}),
}
_OPSET, _IR = 18, 8


@dataclass(frozen=True, slots=True)
class Built:
    """A graph whose outputs are the raw numbers before each [yolo] layer, the input's shape, and how to read those."""

    model: ModelProto
    given: Shape
    heads: tuple[Head, ...]


def build(cfg: Cfg, network: Network, weights: NDArray[np.float32], epsilon: Epsilon) -> Built:
    """Join a cfg that known.refuse_unknown let pass, its network, and the network's numbers from a weights file.

    Raises InputError layer-unsupported or head-wrong where layers do not fit together.
    """
    heads, graph = known.heads(cfg), _Graph(weights, epsilon)
    with np.errstate(over="ignore", invalid="ignore"):  # Weights gone astray are loaded as they are, and find nothing.
        for layer in network.layers:
            graph.add(layer)
    given = network.layers[0].given
    return Built(graph.model(given), given, heads)


class _Graph:
    """The growing graph; weights are taken from the front, in the order of the layers."""

    def __init__(self, weights: NDArray[np.float32], epsilon: Epsilon) -> None:
        self._weights, self._epsilon = weights, epsilon
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._outputs: list[tuple[str, Shape]] = []
        self._heads: list[tuple[str, Shape]] = []
        self._rules = {
            "convolutional": self._convolutional,
            "maxpool": self._maxpool,
            "route": self._route,
            "shortcut": self._shortcut,
            "upsample": self._upsample,
            "yolo": self._yolo,
        }

    def add(self, layer: Layer) -> None:
        """Append one layer."""
        given = self._outputs[-1][0] if self._outputs else "pictures"
        self._outputs.append((self._rules[layer.section.kind](layer, given), layer.shape))

    def model(self, given: Shape) -> ModelProto:
        """The finished model."""
        inputs, outputs = [_value("pictures", given)], [_value(*head) for head in self._heads]
        graph = helper.make_graph(self._nodes, "darknet", inputs, outputs, self._constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)

    def _convolutional(self, layer: Layer, given: str) -> str:
        section, filters = layer.section, layer.shape.channels
        size, groups = section.integer("size", 1), max(section.integer("groups", 1), 1)
        if filters % groups or layer.given.channels % groups:
            raise known.unsupported(layer.index, section, f"groups={groups}")
        bias = self._take(filters)
        factor: NDArray[np.float64] = np.ones(filters)
        if section.integer("batch_normalize"):
            factor, mean = self._normalisation(filters)
            bias = bias - mean * factor
        shape = (filters, layer.given.channels // groups, size, size)
        kernel = self._take(int(np.prod(shape))).reshape(shape) * factor[:, None, None, None]
        padding = size // 2 if section.integer("pad") else section.integer("padding")
        constants = [self._constant(values.astype(np.float32)) for values in (kernel, bias)]
        place = {"kernel_shape": [size, size], "strides": _strides(section), "pads": [padding] * 4}
        return self._activated(section, self._node("Conv", given, *constants, group=groups, **place))

    def _normalisation(self, filters: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Batch norm as one factor a channel, and the mean; the forks differ in what keeps them from dividing by 0."""
        scales, mean, variance = (self._take(filters) for _ in range(3))
        if self._epsilon == "pjreddie":
            return scales / (np.sqrt(variance) + 1e-6), mean
        return scales / np.sqrt(variance + 1e-5), mean

    def _maxpool(self, layer: Layer, given: str) -> str:
        section = layer.section
        size = section.integer("size", section.integer("stride", 1))
        padding = section.integer("padding", size - 1)
        before, after = padding // 2, padding - padding // 2
        pads = [before, before, after, after]
        return self._node("MaxPool", given, kernel_shape=[size, size], strides=_strides(section), pads=pads)

    def _route(self, layer: Layer, given: str) -> str:
        """Join layers; with groups only that share of each of them."""
        parts = [self._group(layer, name, shape.channels) for name, shape in self._sources(layer, "layers")]
        return parts[0] if len(parts) == 1 else self._node("Concat", *parts, axis=1)

    def _group(self, layer: Layer, name: str, channels: int) -> str:
        groups, chosen = max(layer.section.integer("groups", 1), 1), layer.section.integer("group_id")
        if channels % groups or not 0 <= chosen < groups:
            raise known.unsupported(layer.index, layer.section, f"groups={groups} group_id={chosen}")
        if groups == 1:
            return name
        size = channels // groups
        bounds = [self._constant(np.array([n], np.int64)) for n in (chosen * size, (chosen + 1) * size, 1)]
        return self._node("Slice", name, *bounds)

    def _shortcut(self, layer: Layer, given: str) -> str:
        sources = self._sources(layer, "from")
        if any(shape != layer.shape for _, shape in sources):
            # darknet adds the channels that both have; nobody has checked that we would do the same.
            raise known.unsupported(layer.index, layer.section, f"from={layer.section.value('from')}: channels differ")
        return self._activated(layer.section, self._node("Sum", given, *(name for name, _ in sources)))

    def _upsample(self, layer: Layer, given: str) -> str:
        stride = layer.section.integer("stride", 2)
        scales = self._constant(np.array([1, 1, stride, stride], np.float32))
        how = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
        return self._node("Resize", given, "", scales, **how)

    def _yolo(self, layer: Layer, given: str) -> str:
        wanted = known.head(layer.index, layer.section).channels
        if layer.given.channels != wanted:
            said = f"filters={layer.given.channels} before it, not {wanted}"
            raise InputError("head-wrong", layer=layer.index, reason=said)
        name = self._node("Identity", given)
        self._heads.append((name, layer.given))
        return name

    def _activated(self, section: Section, name: str) -> str:
        kind = known.activation(section)
        if kind == "linear":
            return name
        if kind == "swish":
            return self._node("Mul", name, self._node("Sigmoid", name))
        operator, attributes = _OPERATORS[kind]
        return self._node(operator, name, **attributes)

    def _sources(self, layer: Layer, key: str) -> list[tuple[str, Shape]]:
        return [self._outputs[n if n >= 0 else layer.index + n] for n in layer.section.integers(key)]

    def _node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def _constant(self, values: NDArray[Any]) -> str:
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(values, name))
        return name

    def _take(self, count: int) -> NDArray[np.float64]:
        taken, self._weights = self._weights[:count], self._weights[count:]
        return taken.astype(np.float64)


def _strides(section: Section) -> list[int]:
    stride = section.integer("stride", 1)
    return [max(section.integer(key, stride), 1) for key in ("stride_y", "stride_x")]


def _value(name: str, shape: Shape) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", shape.channels, shape.height, shape.width])
