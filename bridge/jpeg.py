"""The header of a plain JPEG: most pictures are one, and ten thousand of them are looked at in one go."""

from __future__ import annotations

# From so many first bytes; a camera's thumbnail, colour profile or long comment does not fit in.
HEAD = 4096

_SCAN, _EXIF_MARK = b"\xff\xda", b"\xff\xe1"
_EXIF, _SEVERAL = 0xE1, 0xE2
# Restarts, and the start and end of the picture: marks without a length, none of which belongs into a header.
_BARE = range(0xD0, 0xDA)
# Start of frame, all ways of coding. The three numbers left out are tables.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MODES = {1: "L", 3: "RGB"}


def plain_size(head: bytes) -> tuple[int, int, str] | None:
    """Width, height and mode of a JPEG whose whole header stands in its first bytes.

    None for everything that wants a real decoder's look: no JPEG, one with EXIF or XMP (which may turn it), with
    several pictures in one file, four colours, more than 8 bits, or anything out of order.
    """
    if head[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 4 <= len(head):
        mark, kind = head[at], head[at + 1]
        if mark != 0xFF or kind in (_EXIF, _SEVERAL) or not 0xC0 <= kind <= 0xFE or kind in _BARE:
            return None
        length = head[at + 2] << 8 | head[at + 3]
        if kind in _FRAMES:
            tables, scan, _ = head[at:].partition(_SCAN)
            return _frame(tables[4:10]) if scan and _EXIF_MARK not in tables else None
        at += 2 + length
    return None


def _frame(fields: bytes) -> tuple[int, int, str] | None:
    if len(fields) < 6 or fields[0] != 8:
        return None
    height, width = fields[1] << 8 | fields[2], fields[3] << 8 | fields[4]
    mode = _MODES.get(fields[5])
    return (width, height, mode) if width and height and mode else None
