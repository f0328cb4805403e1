"""Rectangles in columns say what the regions say that they stand for."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.loop.split import boxed_labels
from bridge.model.annotation import Document, Image, Region, content_hash
from bridge.model.rectangles import Rectangles, labels_of
from bridge.store import revision_doc
from plugins.formats.yolo.lines import render_lines

LABELS = ("washer", "水着", "a,b")
IDS = {name: n for n, name in enumerate(LABELS)}
SIDE = st.floats(-50, 700, allow_nan=False)


@st.composite
def columns(draw: st.DrawFn) -> Rectangles:
    n = draw(st.integers(0, 5))
    xs = [sorted((draw(SIDE), draw(SIDE))) for _ in range(n)]
    ys = [sorted((draw(SIDE), draw(SIDE))) for _ in range(n)]
    labels = tuple(
        tuple(draw(st.lists(st.sampled_from(LABELS), min_size=1, max_size=2, unique=True))) for _ in range(n)
    )
    extras = tuple({"vott": k} for k in range(n)) if draw(st.booleans()) else ()
    (left, right), (top, bottom) = ((tuple(a for a, _ in pairs), tuple(b for _, b in pairs)) for pairs in (xs, ys))
    return Rectangles(labels, left, top, right, bottom, tuple(f"r{k}" for k in range(n)), extras)


@settings(max_examples=80, deadline=None)
@given(found=columns())
def test_every_reader_gets_the_same_from_columns_and_from_regions(found: Rectangles) -> None:
    regions: tuple[Region, ...] = tuple(found)
    assert found == regions
    assert len(found) == len(regions)
    assert list(labels_of(found)) == list(labels_of(regions))
    assert found.content_hash("a.jpg", 640, 480) == content_hash("a.jpg", 640, 480, regions)
    image = Image("a.jpg", 640, 480)
    assert boxed_labels(Document(image, found)) == boxed_labels(Document(image, regions))
    for known in (LABELS, LABELS[:1]):
        numbers = {name: n for n, name in enumerate(known)}
        assert render_lines(found, numbers, 640, 480) == render_lines(regions, numbers, 640, 480)
    assert msgspec.json.decode(revision_doc.encode(found, {}, IDS)) == msgspec.json.decode(
        revision_doc.encode(regions, {}, IDS)
    )
    assert revision_doc.label_counts(found, IDS) == revision_doc.label_counts(regions, IDS)


def test_far_out_numbers_are_hashed_like_those_of_regions() -> None:
    found = Rectangles((("washer",),), (0.0,), (0.0,), (1e308,), (5.0,), ("r",))
    assert found.content_hash("a.jpg", 640, 480) == content_hash("a.jpg", 640, 480, tuple(found))
