"""Label Studio's labeling config: which controls draw what, and the labels in class order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.errors import InputError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SHAPES = ("rectangle", "polygon", "keypoint", "ellipse", "brush")

# Tag and control name that we write for a shape.
_WRITTEN = {
    "rectangle": ("RectangleLabels", "label"),
    "polygon": ("PolygonLabels", "polygon"),
    "keypoint": ("KeyPointLabels", "point"),
    "ellipse": ("EllipseLabels", "ellipse"),
    "brush": ("BrushLabels", "brush"),
}
_MOST = 1_000_000
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Control:
    """One control tag: its name, the object it draws on, its result type ("rectanglelabels", …) and its labels."""

    name: str
    to_name: str
    type: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelConfig:
    """A labeling config. A label is what results say: its alias if it has one, else its value.

    image_name is the name of the first <Image>, image_key the key of task data that holds the picture's address.
    """

    labels: tuple[str, ...] = ()
    colors: dict[str, str] = field(default_factory=dict)
    controls: tuple[Control, ...] = ()
    image_name: str = "image"
    image_key: str = "image"
    xml: str = ""

    def control(self, type_: str, labels: Sequence[str] = (), preferred: object = None) -> Control | None:
        """The control that writes results of a type: of several the preferred one, else the first with these labels."""
        able = [control for control in self.controls if control.type == type_]
        fitting = [control for control in able if set(labels) <= set(control.labels)] or able
        return next((c for c in fitting if c.name == preferred), fitting[0] if fitting else None)

    def draws(self, shape: str) -> bool:
        """Whether a labelled shape can be drawn: by one control, or by one for the shape and one for labels."""
        return bool(self.control(f"{shape}labels") or (self.control(shape) and self.control("labels")))


def parse_config(xml: str) -> LabelConfig:
    """Read a labeling config; raises InputError label-config-broken."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        if len(xml) > _MOST:
            raise InputError("label-config-broken", reason=f"> {_MOST}")
        root = fromstring(xml)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise InputError("label-config-broken", reason=str(error) or type(error).__name__) from None
    controls = tuple(_control(e) for e in root.iter() if _is_control(e))
    image = next((e for e in root.iter() if e.tag.lower() == "image"), None)
    listed = [label for e in root.iter() if _is_control(e) for label in _labels(e)]
    return LabelConfig(
        tuple(dict.fromkeys(name for name, _ in listed)),
        {name: color for name, color in reversed(listed) if color},
        controls,
        (image.get("name") or "image") if image is not None else "image",
        (image.get("value") or "$image").removeprefix("$") if image is not None else "image",
        xml,
    )


def _is_control(element: Element) -> bool:
    kind = element.tag.lower()
    draws = kind in SHAPES or kind.removesuffix("labels") in (*SHAPES, "", "vector", "bitmask")
    return draws and element.get("toName") is not None


def _control(element: Element) -> Control:
    labels = tuple(name for name, _ in _labels(element))
    return Control(element.get("name") or "", element.get("toName") or "", element.tag.lower(), labels)


def _labels(element: Element) -> list[tuple[str, str | None]]:
    """Name and colour of the labels of a control, in their order."""
    found = [e for e in element.iter() if e.tag.lower() == "label"]
    return [(e.get("alias") or e.get("value") or "", e.get("background")) for e in found if e.get("value")]


def default_config(labels: Sequence[str], colors: Mapping[str, str], shapes: Sequence[str] = ("rectangle",)) -> str:
    """A labeling config for these labels in this order; boxes are drawn by the control "label"."""
    from xml.sax.saxutils import quoteattr  # Brings all of urllib along.

    lines = ["<View>", '  <Image name="image" value="$image"/>']
    for shape in shapes:
        tag, name = _WRITTEN[shape]
        lines.append(f'  <{tag} name="{name}" toName="image">')
        for label in labels:
            color = f" background={quoteattr(colors[label])}" if colors.get(label) else ""
            lines.append(f"    <Label value={quoteattr(writable(label))}{color}/>")
        lines.append(f"  </{tag}>")
    return "\n".join([*lines, "</View>", ""])


def default_control(shape: str, config: LabelConfig) -> Control:
    """The control that default_config makes for a shape."""
    tag, name = _WRITTEN[shape]
    return Control(name, config.image_name, tag.lower())


def writable(label: str) -> str:
    """The label as XML can hold it: without control characters and halves of characters."""
    return _NOT_XML.sub("\ufffd", label)
