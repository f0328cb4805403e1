from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from PIL import Image as Pillow

from plugins.formats.pictures import PictureFolder, place, unsafe

NFC = unicodedata.normalize("NFC", "がぎ.jpg")
NFD = unicodedata.normalize("NFD", "がぎ.jpg")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "imgs"
    (root / "日本").mkdir(parents=True)
    for name in ("a.jpg", "B.JPG", NFD, "日本/c.jpg"):
        Pillow.new("RGB", (8, 6)).save(root / name, "JPEG")
    (root / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "secret.jpg").write_bytes(b"")
    return root


def test_exact_then_folded_then_by_case(folder: Path) -> None:
    pictures = PictureFolder(folder)
    assert [pictures.find(n).how for n in ("a.jpg", NFC, NFD, "b.jpg", "日本/c.jpg", "日本/C.jpg", "no.jpg")] == [
        "exact",
        "folded",
        "exact",
        "case",
        "exact",
        "case",
        "missing",
    ]


def test_by_case_only_if_one_fits(folder: Path) -> None:
    (folder / "b.jpg").write_bytes(b"")
    pictures = PictureFolder(folder)
    assert pictures.find("b.jpg").how == "exact"
    image, findings = pictures.image("b.Jpg")
    assert (image.file, [f.rule for f in findings]) == (None, ["ambiguous-name"])


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/passwd", "C:\\x.jpg", "a/../a.jpg", "", ".", "a\0.jpg", "\\x"])
def test_names_that_lead_out_are_never_followed(folder: Path, name: str) -> None:
    image, findings = PictureFolder(folder).image(name)
    assert (image.name, image.file, [f.rule for f in findings]) == (name, None, ["unsafe-name"])
    assert unsafe(name)


def test_size_and_place_of_a_picture(folder: Path) -> None:
    image, findings = PictureFolder(None, folder).image("日本/c.jpg", item="7")
    assert (image.width, image.height, image.item, findings) == (8, 6, "7", ())
    assert image.file is not None
    assert Path(image.file.path) == folder / "日本" / "c.jpg"


def test_a_missing_or_broken_picture_is_a_finding(folder: Path) -> None:
    pictures = PictureFolder(folder, folder / "none")
    assert [f.rule for f in pictures.image("no.jpg")[1]] == ["missing-image"]
    image, findings = pictures.image("broken.jpg")
    assert (image.width, [f.rule for f in findings]) == (0, ["unreadable"])


def test_the_first_folder_wins(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    Pillow.new("RGB", (3, 2)).save(other / "a.jpg")
    assert PictureFolder(other, folder).image("a.jpg")[0].width == 3
    assert PictureFolder(other, folder).image("B.JPG")[0].width == 8


def test_placing_links_or_copies_and_never_overwrites(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "a.jpg"
    place(folder / "a.jpg", target, "link")
    assert target.samefile(folder / "a.jpg")
    place(folder / "B.JPG", target, "copy")
    assert target.samefile(folder / "a.jpg")
    place(folder / "B.JPG", tmp_path / "out" / "b.jpg", "copy")
    assert not (tmp_path / "out" / "b.jpg").samefile(folder / "B.JPG")
