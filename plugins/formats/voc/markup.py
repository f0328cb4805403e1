"""The XML of annotation files: bounded and without entities when read, mended where VoTT left it invalid.

An element is kept as a record [tag, attributes, text, children], which any store can hold.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge.document import decode_text
from bridge.errors import InputError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# Annotations are a few kilobytes, five elements deep. A deeper tree would be deeper still as a record.
MEGABYTES = 16
_DEPTH = 16
_MENDABLE = 1_000_000

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,100}?encoding=["']([\w.-]+)["']""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
# What a person's text may stand in; VoTT puts it there as it is.
_LEAF = re.compile(r"<(name|filename|path|folder)>([^\n]{0,500}?)</\1>")
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

Record = list[Any]


@dataclass(frozen=True, slots=True)
class Markup:
    """A parsed file; mended tells that it was no valid XML before."""

    root: Element
    mended: bool = False


def parse(data: bytes, name: str) -> Markup:
    """The file's root element; raises InputError xml-unusable (broken, too deep, or with entities of its own)."""
    from xml.etree.ElementTree import ParseError

    text = _DECLARATION.sub("", _decoded(data), count=1)
    try:
        return Markup(_root(text, name))
    except ParseError as error:
        try:
            if len(text) <= _MENDABLE:
                return Markup(_root(_mended(text), name), mended=True)
        except ParseError:
            pass
        raise InputError("xml-unusable", path=name, reason=str(error)) from None


def _decoded(data: bytes) -> str:
    declared = _DECLARED.match(data)
    if declared and declared[1].lower() not in (b"utf-8", b"utf8"):
        try:
            return codecs.decode(data, declared[1].decode("ascii"))
        except (LookupError, ValueError, TypeError):  # No such encoding, no text in it, or no encoding of text.
            pass
    return decode_text(data)


def _root(text: str, name: str) -> Element:
    from xml.etree.ElementTree import TreeBuilder

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import XMLParser

    class Shallow(TreeBuilder):
        """Builds no tree that is deeper than any annotation."""

        depth = 0

        def start(self, tag: Any, attrs: Any, /) -> Any:
            """One element more is open."""
            self.depth += 1
            if self.depth > _DEPTH:
                raise InputError("xml-unusable", path=name, reason=f"deeper than {_DEPTH} elements")
            return super().start(tag, attrs)

        def end(self, tag: Any, /) -> Any:
            """One element less is open."""
            self.depth -= 1
            return super().end(tag)

    parser = XMLParser(target=Shallow(), forbid_dtd=True)
    try:
        parser.feed(text)
        root: Element = parser.close()
    except DefusedXmlException as error:
        raise InputError("xml-unusable", path=name, reason=type(error).__name__) from None
    except UnicodeEncodeError:
        raise InputError("xml-unusable", path=name, reason="half a character") from None
    return root


def _mended(text: str) -> str:
    """The text with what a person wrote in names made valid: VoTT writes "&" and "<" of tags and files as they are."""

    def escaped(found: re.Match[str]) -> str:
        inside = _BARE_AMPERSAND.sub("&amp;", found[2]).replace("<", "&lt;").replace(">", "&gt;")
        return f"<{found[1]}>{inside}</{found[1]}>"

    return _LEAF.sub(escaped, fit(text))


def fit(text: str) -> str:
    """The text with a replacement character for each that XML cannot hold."""
    return _UNFIT.sub("\ufffd", text)


def writable(text: str) -> str:
    """The text as XML can hold it: also without carriage returns, of which every parser makes newlines."""
    return fit(text).replace("\r", "\ufffd")


def record_of(element: Element) -> Record:
    """An element as a record; comments, and the blanks between elements, are not kept."""
    text = element.text or ""
    kept = text if not len(element) or text.strip() else ""
    return [element.tag, dict(element.attrib), kept, [record_of(child) for child in element]]


def element_of(record: Any) -> Element | None:
    """The element of a record; None for what is none."""
    from xml.etree.ElementTree import Element

    if not isinstance(record, list) or len(record) != 4:
        return None
    tag, attributes, text, children = record
    if not isinstance(tag, str) or not isinstance(attributes, dict) or not isinstance(children, list):
        return None
    element = Element(tag, {str(name): writable(str(value)) for name, value in attributes.items()})
    element.text = writable(str(text)) or None
    element.extend(child for child in map(element_of, children) if child is not None)
    return element


def text_of(element: Element | None, tag: str) -> str:
    """The text of a child, without the blanks around it; "" where there is none."""
    return "" if element is None else (element.findtext(tag) or "").strip()


def render(root: Element) -> bytes:
    """The file of a root element, indented, in UTF-8."""
    from xml.etree.ElementTree import indent, tostring

    indent(root, space="\t")
    return tostring(root, encoding="unicode").encode() + b"\n"
