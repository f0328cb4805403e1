"""The network size that a darknet folder asks for, and the sizes a training of it goes through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.document import read_text
from bridge.errors import BridgeError

Size = tuple[int, int]

# Every tenth batch a training with random=1 takes another size, from 1/1.4 to 1.4 of that in the cfg, in steps of 32.
_USUAL, _STEP = 1.4, 32


@dataclass(frozen=True, slots=True)
class Network:
    """The size in the cfg, and the smallest and the largest one in training (None: it stays the same)."""

    size: Size
    sizes: tuple[Size, Size] | None = None


def network_of(path: Path) -> Network | None:
    """What the one .cfg in a darknet folder asks for; None without one, or where several disagree."""
    folder = path if path.is_dir() else path.parent
    found = {network for cfg in folder.glob("*.cfg") for network in _read(cfg)}
    return found.pop() if len(found) == 1 else None


def _read(cfg: Path) -> Iterator[Network]:
    """As darknet reads it: the first width and height, blanks do not count, nor what follows the number."""
    try:
        text = read_text(cfg)
    except BridgeError:
        return  # A folder of that name, or one that may not be read: no cfg for us.
    width, height, random = (_first(text, key) for key in ("width", "height", "random"))
    if width and height:
        size = int(width), int(height)
        yield Network(size, network_range(size, random) if random else None)


def _first(text: str, key: str) -> float:
    found = re.search(rf"^[ \t]*{key}[ \t]*=[ \t]*(\d+(?:\.\d*)?)", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def network_range(size: Size, random: float) -> tuple[Size, Size]:
    """The smallest and the largest size that AlexeyAB's and hank-ai's darknet train at; random=1 stands for 1.4.

    pjreddie's takes 320 to 608 whatever the cfg says.
    """
    share = _USUAL if random == 1 else max(random, 1 / random)
    (least_w, most_w), (least_h, most_h) = ([_rounded(side / share), _rounded(side * share)] for side in size)
    return (min(least_w, size[0]), min(least_h, size[1])), (most_w, most_h)


def _rounded(side: float) -> int:
    return round(side / _STEP + 1) * _STEP
