from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.model.annotation import Document, Region, State
from bridge.plugin import View
from bridge.registry import Registry
from bridge.sample import LABELS, draw, draw_sample, plant_defects
from bridge.sample.defects import Planted

RULES = ["outside", "swapped", "duplicate-box", "zero-area", "tiny", "undeclared-label", "untagged", "unreviewed"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("見本 sample")


@pytest.fixture(scope="module")
def documents(folder: Path) -> list[Document]:
    return draw_sample(folder, train=24, valid=4)


def test_a_number_always_gives_the_same_picture() -> None:
    (first, boxes), (again, same) = draw(7), draw(7)
    assert np.array_equal(np.asarray(first), np.asarray(again))
    assert boxes == same
    assert not np.array_equal(np.asarray(first), np.asarray(draw(8)[0]))


def test_boxes_lie_in_the_picture_and_on_what_they_name() -> None:
    counts: Counter[str] = Counter()
    for number in range(60):
        image, regions = draw(number)
        assert image.size == (320, 240)
        assert bool(regions) == bool((number + 1) % 20)
        assert len(regions) <= 6
        for region in regions:
            box = region.box
            assert box is not None
            assert 0 <= box.left < box.right <= 320
            assert 0 <= box.top < box.bottom <= 240
        counts.update(region.labels[0] for region in regions)
    assert set(counts) == set(LABELS)
    assert counts["gear"] < counts["bolt"] < counts["washer"]


def test_a_box_is_as_tight_as_the_part_it_holds() -> None:
    """A washer has its own four ends on the box: nothing of it is outside, and no side is empty."""
    from bridge.sample.parts import part
    from bridge.sample.scene import _bounds

    _, shape = part("washer", np.random.default_rng(0))
    box, inside = _bounds(shape, 100, 50), np.argwhere(np.asarray(shape) >= 128)
    (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0) + 1
    assert (box.left, box.top, box.right, box.bottom) == (100 + left, 50 + top, 100 + right, 50 + bottom)


def test_the_folder_holds_what_the_documents_say(folder: Path, documents: list[Document]) -> None:
    assert [d.held_out for d in documents] == [False] * 24 + [True] * 4
    assert len({d.image.name for d in documents}) == 28
    for document in documents:
        path = folder / document.image.name
        with Image.open(path) as image:
            assert (image.format, image.size) == ("JPEG", (document.image.width, document.image.height))
        assert hashlib.sha256(path.read_bytes()).hexdigest() == document.image.sha256
        assert document.image.file is not None
        assert document.image.file.size == path.stat().st_size
    assert documents[19].state is State.REVIEWED_EMPTY
    assert documents[0].state is State.LABELLED


def test_some_names_are_japanese_and_in_one_form(documents: list[Document]) -> None:
    assert documents[12].image.name == "ねじ_012.jpg"
    assert all(unicodedata.is_normalized("NFC", d.image.name) for d in documents)


def test_drawing_again_leaves_the_files_alone(folder: Path, documents: list[Document]) -> None:
    before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    seen: list[tuple[int, int]] = []
    assert draw_sample(folder, 2, 1, lambda done, total: seen.append((done, total)))[:2] == documents[:2]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before


def test_every_kind_of_mistake_is_planted_once_and_only_in_training(documents: list[Document]) -> None:
    spoilt, planted = plant_defects(documents, seed=3)
    changed = {now.image.name for before, now in zip(documents, spoilt, strict=True) if before != now}
    assert {p.image for p in planted} == changed
    assert len(changed) == len(planted)
    assert {d.image.name for d in documents if d.held_out}.isdisjoint(changed)
    assert [p.rule for p in planted] == RULES
    assert plant_defects(documents, seed=3) == (spoilt, planted)
    assert plant_defects(documents, seed=4)[1] != planted


def test_the_checks_find_each_mistake_where_it_was_planted(documents: list[Document]) -> None:
    spoilt, planted = plant_defects(documents)
    sound, found = (checked(documents), checked(spoilt))
    assert sound == set()
    assert {p for p in planted if p.rule != "unreviewed"} <= found
    assert "unreviewed" in {p.rule for p in found}


def checked(documents: list[Document]) -> set[Planted]:
    view = View(LABELS, documents)
    validators = [validator for _, validator in Registry().usable("validator") if validator.rule in RULES]
    return {Planted(f.image or "", f.rule) for v in validators for f in v.check(view)}


def test_the_safe_fixes_give_the_labels_back(documents: list[Document]) -> None:
    spoilt, planted = plant_defects(documents)
    where = {p.rule: next(k for k, d in enumerate(documents) if d.image.name == p.image) for p in planted}
    clipped = [clip(r, documents[where["outside"]]) for r in spoilt[where["outside"]].regions or ()]
    assert [r.box for r in clipped] == [r.box for r in documents[where["outside"]].regions or ()]
    swapped = spoilt[where["swapped"]].regions or ()
    assert replace(swapped[0], points=swapped[0].points[::-1]) == (documents[where["swapped"]].regions or ())[0]
    once = dict.fromkeys(map(repr, spoilt[where["duplicate-box"]].regions or ()))
    assert list(once) == [repr(r) for r in documents[where["duplicate-box"]].regions or ()]


def clip(region: Region, document: Document) -> Region:
    assert region.box is not None
    return Region.rectangle(region.box.clipped(document.image.width, document.image.height), *region.labels)


def test_nothing_to_spoil_spoils_nothing() -> None:
    assert plant_defects([]) == ([], [])
