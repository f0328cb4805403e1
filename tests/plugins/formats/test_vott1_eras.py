"""Projects of every era and order give what was drawn, or are refused: never a box on a wrong picture in silence."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import RefusedError
from bridge.model.annotation import Document
from bridge.model.dataset import Reading
from bridge.plugin import ReadOptions
from plugins.formats.vott1 import VottV1
from plugins.formats.vott1.listing import ORDERS
from plugins.formats.vott1.order import Order
from tests.plugins.formats.roundtrip import rules
from tests.plugins.formats.vott1_projects import (
    BY_POSITION,
    ERAS,
    SAVED,
    Drawn,
    Era,
    Shot,
    State,
    Written,
    add_picture,
    write_project,
)

# Names that Windows, Linux and a person's eye put in different orders.
NAMES = [
    "a-1.jpg", "a.jpg", "a1.jpg", "a_1.jpg", "B.jpg", "b2.JPG", "_c.png", "IMG_2.jpg", "img10.jpg", "[x].gif",
    "Zoo.jpg", "日本語.jpg", "がぞう.jpg", "Éa.jpg", "éb.jpg", "ｚ.jpg", "weirdjpg",
]  # fmt: skip
SHAPES = [(64, 48), (48, 64), (60, 60), (128, 96), (120, 40), (100, 25), (30, 90), (61, 60)]
# Stages of a whole screen, of half of one, and of the very shape of a picture.
STAGES = [(1100, 550), (1100, 800), (760, 800), (733, 550), (550, 550)]

STATES: list[State] = ["labelled", "labelled", "labelled", "empty", "visited", "never"]

NO_FRAME: tuple[State, ...] = ("visited", "never")


def boxes() -> st.SearchStrategy[tuple[Drawn, ...]]:
    edges = st.tuples(st.integers(2, 9), st.integers(2, 9), st.integers(11, 18), st.integers(11, 18))
    one = st.builds(
        lambda tag, at, dragged: Drawn(tag, (at[0] / 20, at[1] / 20, at[2] / 20, at[3] / 20), dragged),
        st.sampled_from(["kimono", "水着"]),
        edges,
        st.booleans(),
    )
    return st.lists(one, min_size=1, max_size=2).map(tuple)


@st.composite
def shots(draw: st.DrawFn) -> list[Shot]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True))
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    born = draw(st.permutations(range(len(names))))
    made = []
    for name, place in zip(names, born, strict=True):
        state: State = draw(st.sampled_from(STATES))
        size = draw(st.sampled_from(shapes))
        shot = Shot(name, size, draw(boxes()), state, draw(st.sampled_from(STAGES)), place)
        if draw(st.integers(0, 5)) == 0 and max(size) >= 1.3 * min(size):
            shot = replace(shot, orientation=6, turned=draw(st.booleans()))
        made.append(shot)
    return made


def read(written: Written, **options: object) -> tuple[Reading, dict[str, Document]]:
    reading = VottV1().read(written.json, ReadOptions(**options))  # type: ignore[arg-type]
    return reading, {document.image.name: document for document in reading.documents}


def refused(written: Written) -> RefusedError | None:
    try:
        read(written)
    except RefusedError as refusal:
        return refusal
    return None


def same(written: Written, made: list[Shot], documents: dict[str, Document]) -> bool:
    """Whether every picture has the boxes that were drawn on it, and every other one none."""
    slack = {shot.name: shot.slack() for shot in made}
    for name, truth in written.truth.items():
        found = documents[name].regions
        if truth is None or found is None:
            if (truth, found) != (None, None):
                return False
            continue
        if [region.labels for region in found] != [(tag,) for tag, _ in truth]:
            return False
        for region, (_, sides) in zip(found, truth, strict=True):
            box = region.box
            if box is None:
                return False
            off = zip((box.left, box.top, box.right, box.bottom), sides, strict=True)
            if any(abs(a - b) > slack[name] for a, b in off):
                return False
    return set(documents) == set(written.truth)


@given(shots(), st.sampled_from(ERAS), st.sampled_from(ORDERS))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_era_and_order_is_read_right_or_refused(made: list[Shot], era: Era, order: Order) -> None:
    with tempfile.TemporaryDirectory() as place:
        written = write_project(Path(place), made, era, order)
        refusal = refused(written)
        if refusal is not None:
            # A project without any frame names pictures by position alone, whatever wrote it.
            by_position = era in BY_POSITION or (era == "by-name" and all(s.state in NO_FRAME for s in made))
            assert (refusal.rule, by_position) == ("ambiguous-order", True)
            assert refusal.fields["evidence"]["pictures"]
        reading, documents = read(written, order=order if refusal else "auto")
        if "position-keys" in rules(reading.findings):  # Visits that nobody can name are told and not counted.
            assert era == "by-name"
            visited = [shot.name for shot in made if shot.state == "visited" and documents[shot.name].regions is None]
            assert visited
            written.truth.update(dict.fromkeys(visited))
        assert same(written, made, documents)


@given(shots(), st.sampled_from(sorted(BY_POSITION)), st.sampled_from(ORDERS), st.sampled_from(NAMES), st.booleans())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_picture_that_came_later_shifts_nothing(
    made: list[Shot], era: Era, order: Order, name: str, labelled_all: bool
) -> None:
    if name in {shot.name for shot in made}:
        return
    with tempfile.TemporaryDirectory() as place:
        written = write_project(Path(place), made, era, order)
        add_picture(written.folder, Shot(name, made[0].size), SAVED + 60)
        written.truth[name] = None
        refusal = refused(written)
        chosen = {} if refusal is None else {"order": order, "leave_newer": True}
        _, documents = read(written, **chosen)
        assert same(written, [*made, Shot(name)], documents)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("era", ERAS)
def test_pictures_of_many_shapes_need_no_question(tmp_path: Path, era: Era, order: Order) -> None:
    made = [
        Shot(
            name,
            (40 + 7 * at, 100 - 5 * at),
            (Drawn("kimono"), Drawn("水着", (0.1, 0.2, 0.9, 0.8))),
            born=(at * 5) % 13,
        )
        for at, name in enumerate(NAMES[:13])
    ]
    written = write_project(tmp_path, made, era, order)
    reading, documents = read(written)
    assert reading.order == (order if era in BY_POSITION else "names")
    assert same(written, made, documents)
