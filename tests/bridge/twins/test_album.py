"""Pictures → families, and nothing decoded twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image as Pillow

from bridge import picture
from bridge.model.annotation import FileStamp, Image
from bridge.plugin import Notebook
from bridge.twins import album

Save = Callable[..., Path]
Scene = Callable[..., Pillow.Image]


def image(path: Path, hashed: bool = True) -> Image:
    return Image(path.name, 320, 240, picture.sha256(path) if hashed else None, file=picture.stamp(path))


def told(images: list[Image]) -> list[tuple[int, ...]]:
    return [family.members for family in album.families_of(images, Notebook())]


@pytest.mark.parametrize("hashed", [True, False])
def test_copies_are_found_and_the_rest_left_alone(scene: Scene, saved: Save, tmp_path: Path, hashed: bool) -> None:
    paths = [saved(scene(number), f"{number}.jpg") for number in range(6)]
    paths.append(saved(scene(2), "再圧縮.jpg", 50))
    paths.append(Path(shutil.copy(paths[4], tmp_path / "same.jpg")))
    assert told([image(path, hashed) for path in paths]) == [(2, 6), (4, 7)]


def test_plain_pictures_are_the_same_only_with_the_same_bytes(saved: Save, tmp_path: Path) -> None:
    black, blacker = Pillow.new("RGB", (64, 48)), Pillow.new("RGB", (64, 48), (9, 9, 9))
    paths = [saved(black, "a.png"), saved(blacker, "b.png"), Path(shutil.copy(tmp_path / "a.png", tmp_path / "c.png"))]
    assert told([image(path, hashed=False) for path in paths]) == [(0, 2)]


class Counting(Notebook):
    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[str, int]] = []

    def keep(self, kind: str, found: Mapping[str, bytes]) -> None:
        super().keep(kind, found)
        self.kept.append((kind, len(found)))

    def recall(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        return super().recall(kind, keys)


def test_a_recheck_decodes_and_compares_nothing(scene: Scene, saved: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [image(saved(scene(number // 2), f"{number}.jpg", 60 + number)) for number in range(6)]
    notes = Counting()
    first = album.families_of(images, notes)
    assert notes.kept == [("fingerprint-1", 6), ("pairs-1", 1)]
    monkeypatch.setattr(picture, "grey", None)
    assert album.families_of(images, notes) == first
    assert len(notes.kept) == 2
    fewer = album.families_of(images[:4], notes)
    assert [family.members for family in fewer] == [(0, 1), (2, 3)]


def test_what_is_gone_changed_or_damaged_is_passed_over(scene: Scene, saved: Save, tmp_path: Path) -> None:
    sound, copy = image(saved(scene(1), "a.jpg")), image(saved(scene(1), "b.jpg", 50))
    gone = Image("c.jpg", file=FileStamp(str(tmp_path / "c.jpg"), 1, 1))
    assert copy.file is not None
    changed = replace(copy, sha256="0" * 64, file=replace(copy.file, mtime_ns=5))
    text = tmp_path / "d.jpg"
    text.write_text("no picture")
    notes = Counting()
    found = album.families_of([Image("e.jpg"), sound, gone, changed, image(text), copy], notes)
    assert [family.members for family in found] == [(1, 5)]
    assert notes.kept[0] == ("fingerprint-1", 2)
