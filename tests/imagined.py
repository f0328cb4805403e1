"""Datasets that hypothesis makes up: every kind of region, odd names and labels, pictures that are there or not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import strategies as st
from PIL import Image as Pillow

from bridge import picture
from bridge.model.annotation import Document, Image, Kind, Point, Region, fold_name
from bridge.model.dataset import Dataset
from plugins.formats.pictures import unsafe

NAMES = (
    *("a.jpg", "画像 (1).jpg", "a#1?.jpg", "50%.jpg", "100%25.png", "x&y's [b].jpg", "😀.jpg", "plus+;=@~!$.jpg"),
    *("は\u3099.jpg", "cafe\u0301/e\u0301.jpg", "sub/a.jpg", "sub/deep/a.jpg", "日本語/a.jpg", "sub/50%.jpg"),
    *("__proto__.jpg", "toString.png", "a.b.c.jpeg", ".hidden.jpg", "sub/ lead.jpg", "UPPER.JPG"),
    *("clip.mp4#t=0", "clip.mp4#t=0.333333", "動画/b c.mp4#t=5.066667"),
)
# Names that some format cannot hold.
ODD_NAMES = ("a\\b.jpg", "sub\\a.jpg", "../out.jpg", "C:/x.jpg", "x/./y.jpg", "/abs.jpg")
LABELS = (
    *("水着", "浴衣", "a", "kimono", "beauty man", "a,b", "b", 'say "cheese"', "it's", "<b>&amp;</b>", "😀"),
    *("全角　空白", "tab\there", "a|b", "は\u3099", "__proto__", "0", "null", "C:\\x", "beauty_man"),
)
# Sizes and EXIF turns of the pictures that are there.
SHAPES = (((64, 48), 1), ((48, 64), 1), ((60, 40), 6), ((40, 60), 8), ((50, 50), 5), ((64, 48), 3), ((30, 90), 7))

numbers = st.one_of(
    st.integers(-40, 900).map(float),
    st.integers(-400_000, 9_000_000).map(lambda n: n / 10_000),  # Also half of what is counted.
    st.floats(-200, 1200, allow_nan=False),
)
points = st.tuples(numbers, numbers)


@st.composite
def turned(draw: st.DrawFn) -> tuple[Point, ...]:
    """A corner and the three others of a box that is turned about it."""
    (x, y), (a, b) = draw(points), draw(points)
    turn = math.radians(draw(st.one_of(st.floats(0.5, 359), st.sampled_from((45.0, 90.0, 180.0)))))
    corners = ((0.0, 0.0), (abs(a), 0.0), (abs(a), abs(b)), (0.0, abs(b)))
    cos, sin = math.cos(turn), math.sin(turn)
    return tuple((x + p * cos - q * sin, y + p * sin + q * cos) for p, q in corners)


@st.composite
def ellipses(draw: st.DrawFn) -> tuple[Point, ...]:
    """The ends of both axes."""
    (x, y), a, b = draw(points), draw(st.floats(0, 300)), draw(st.floats(0, 300))
    turn = math.radians(draw(st.floats(0, 359)))
    ends = ((a, 0.0), (0.0, b), (-a, 0.0), (0.0, -b))
    cos, sin = math.cos(turn), math.sin(turn)
    return tuple((x + p * cos - q * sin, y + p * sin + q * cos) for p, q in ends)


any_four = st.lists(points, min_size=4, max_size=4).map(tuple)
OUTLINES: dict[Kind, st.SearchStrategy[tuple[Point, ...]]] = {
    "rectangle": st.tuples(points, points),
    "polygon": st.lists(points, min_size=1, max_size=6).map(tuple),
    "polyline": st.lists(points, min_size=1, max_size=5).map(tuple),
    "point": st.tuples(points),
    "rotated": st.one_of(turned(), any_four),
    "ellipse": st.one_of(ellipses(), any_four),
    "brush": st.just(()),
    "damaged": st.just(()),
}
ids = st.sampled_from((None, "", "x1", "x1", "領域 1", "lb-cp-0-0123abcd", "a" * 120))


@st.composite
def regions(draw: st.DrawFn, labels: Sequence[str]) -> Region:
    """A region of a person; half of them are rectangles."""
    kind: Kind = draw(st.one_of(st.just("rectangle"), st.sampled_from(list(OUTLINES))))
    named = draw(st.lists(st.sampled_from(labels), max_size=3, unique=True))
    return Region(kind, draw(OUTLINES[kind]), tuple(named), draw(ids))


@dataclass(frozen=True)
class Album:
    """A folder with one picture of each shape."""

    pictures: tuple[Image, ...]

    @classmethod
    def make(cls, folder: Path) -> Album:
        """Draw the pictures."""
        found = []
        for n, (size, orientation) in enumerate(SHAPES):
            exif = Pillow.Exif()
            exif[0x0112] = orientation
            Pillow.new("RGB", size, (n * 30, 0, 0)).save(folder / f"{n}.jpg", exif=exif)
            stamp = picture.stamp(folder / f"{n}.jpg")
            found.append(Image("", *size, orientation=orientation, file=stamp))
        return cls(tuple(found))


@st.composite
def datasets(draw: st.DrawFn, album: Album, names: Sequence[str] = NAMES) -> Dataset:
    """Pictures of all states with labels of a list of their own, and a model's boxes beside."""
    classes = draw(st.lists(st.sampled_from(LABELS), min_size=1, max_size=5, unique=True))
    labels = draw(st.permutations([*classes, "undeclared"]))
    documents = []
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique_by=fold_name)):
        there = () if "#t=" in name or unsafe(name) else album.pictures  # No picture lies outside of its folder.
        sights = st.sampled_from((Image(""), Image("", 640, 480), *there))
        drawn = draw(st.one_of(st.none(), st.just([]), st.lists(regions(labels), min_size=1, max_size=4)))
        guesses = draw(st.lists(st.tuples(points, st.sampled_from(classes)), max_size=2))
        documents.append(
            Document(
                replace(draw(sights), name=name),
                None if drawn is None else tuple(drawn),
                predictions=tuple(_guess(at, label) for at, label in guesses),
            )
        )
    return Dataset("p", tuple(classes), tuple(documents))


def _guess(at: Point, label: str) -> Region:
    corners = (at, (at[0] + 10, at[1] + 10))
    return Region("rectangle", corners, (label,), author="checkpoint:cp-1", score=0.5)
