"""Pictures that are there twice, and objects labelled on one copy only."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from bridge import picture
from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.finding import Finding, Severity
from bridge.plugin import View
from bridge.texts import LANGUAGES, render
from plugins.validators.missing_label_on_copy import MissingLabelOnCopy
from plugins.validators.near_duplicate import NearDuplicate

DOG = Region.rectangle(Box(40, 40, 100, 110), "犬")
NUT = Region.rectangle(Box(200, 120, 260, 200), "nut")
Shown = Callable[..., Document]


def scene(number: int) -> Pillow.Image:
    cells = np.random.default_rng(number).integers(20, 236, (9, 12, 3), np.uint8)
    return Pillow.fromarray(cells).resize((320, 240), Pillow.Resampling.BICUBIC)


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    def document(
        name: str, number: int, *regions: Region, held_out: bool | None = None, scale: float = 1.0, quality: int = 88
    ) -> Document:
        path = tmp_path / name
        size = (round(320 * scale), round(240 * scale))
        scene(number).resize(size).save(path, quality=quality)
        return Document(Image(name, *size, file=picture.stamp(path)), regions, held_out=held_out)

    return document


def near(*documents: Document) -> list[Finding]:
    return sentences(list(NearDuplicate().check(View((), documents))))


def missing(*documents: Document) -> list[Finding]:
    return sentences(list(MissingLabelOnCopy().check(View((), documents))))


def sentences(found: list[Finding]) -> list[Finding]:
    for finding in found:
        for language in LANGUAGES:
            said = render("findings", finding.rule, finding.fields, language)
            assert "{" not in said
            assert str(finding.fields["other"]) in said
    return found


def test_a_copy_is_told_once(shown: Shown) -> None:
    (found,) = near(shown("a.jpg", 1), shown("b.jpg", 2), shown("写し.jpg", 1, scale=0.5, quality=50))
    assert (found.image, found.fields["other"], found.severity) == ("写し.jpg", "a.jpg", Severity.WARNING)
    assert 85 <= found.fields["percent"] <= 99
    assert near(*(shown(f"{n}.jpg", n) for n in range(12))) == []


def test_across_the_split_it_is_an_error(shown: Shown) -> None:
    trained, held = shown("a.jpg", 1, held_out=False), shown("b.jpg", 1, held_out=True, quality=50)
    (found,) = near(trained, held, shown("c.jpg", 2, held_out=True))
    assert (found.image, found.fields["other"], found.severity) == ("b.jpg", "a.jpg", Severity.ERROR)
    assert near(replace(trained, held_out=True), held)[0].severity is Severity.WARNING


def test_equal_bytes_are_told_as_such(shown: Shown, tmp_path: Path) -> None:
    first = shown("a.jpg", 1)
    assert first.image.file is not None
    digest = picture.sha256(first.image.file.path)
    second = Path(shutil.copy(tmp_path / "a.jpg", tmp_path / "b.jpg"))
    copies = [
        replace(first, image=replace(first.image, sha256=digest)),
        Document(Image("b.jpg", 320, 240, digest, file=picture.stamp(second))),
    ]
    (found,) = near(*copies)
    assert "exactly the same bytes as a.jpg" in render("findings", found.rule, found.fields)


def test_a_film_is_one_finding_and_its_frames_across_the_split_are_named(shown: Shown) -> None:
    frames = [shown(f"{n:02}.jpg", 1, quality=60 + n) for n in range(12)]
    others = [shown(f"other{n}.jpg", 10 + n) for n in range(40)]
    (found,) = near(*frames, *others)
    assert (found.image, found.fields["count"], found.fields["other"]) == ("00.jpg", 12, "11.jpg")
    split = [replace(frame, held_out=number == 5) for number, frame in enumerate(frames)]
    (found,) = near(*split, *others)
    assert (found.image, found.severity, found.fields["trained"]) == ("05.jpg", Severity.ERROR, 11)


def test_a_box_on_one_copy_only_is_told_on_the_other(shown: Shown) -> None:
    one, other = shown("a.jpg", 1, DOG, NUT), shown("b.jpg", 1, scaled(DOG, 0.5), scale=0.5)
    (found,) = missing(one, other, shown("c.jpg", 2))
    assert (found.image, found.region, found.severity) == ("b.jpg", None, Severity.WARNING)
    assert found.fields == {
        "label": "nut", "other": "a.jpg", "box": 2, "x": 100, "y": 60, "width": 30, "height": 40,
    }  # fmt: skip


def test_equal_labels_on_both_copies_are_nothing(shown: Shown) -> None:
    shifted = Region.rectangle(Box(22, 21, 52, 56), "犬")
    assert missing(shown("a.jpg", 1, DOG), shown("b.jpg", 1, shifted, scale=0.5)) == []
    assert missing(shown("a.jpg", 1, DOG), shown("b.jpg", 2)) == []


def test_unlike_labels_of_one_object_are_told(shown: Shown) -> None:
    cat = replace(DOG, labels=("猫",))
    (found,) = missing(shown("a.jpg", 1, DOG), shown("b.jpg", 1, cat, quality=60))
    assert (found.image, found.region, found.fields["theirs"]) == ("a.jpg", 0, "猫")


def test_nobody_has_looked_at_the_copy(shown: Shown) -> None:
    unseen = replace(shown("b.jpg", 1, quality=60), regions=None)
    assert missing(shown("a.jpg", 1, DOG), unseen) == []


def test_an_object_that_really_came_is_not_missing(shown: Shown, tmp_path: Path) -> None:
    """The frame of a fixed camera before something was put there."""
    before = shown("a.jpg", 1)
    frame = scene(1)
    frame.paste(
        Pillow.fromarray(np.random.default_rng(9).integers(0, 256, (8, 6), np.uint8)).resize((60, 80)), (200, 120)
    )
    frame.save(tmp_path / "b.jpg")
    after = Document(Image("b.jpg", 320, 240, file=picture.stamp(tmp_path / "b.jpg")), (NUT,))
    assert len(near(before, after)) == 1
    assert missing(before, after) == []


def scaled(region: Region, scale: float) -> Region:
    points = tuple((x * scale, y * scale) for x, y in region.points)
    return replace(region, points=points)
