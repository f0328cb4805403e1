from __future__ import annotations

import hashlib
import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from bridge import picture as pictures
from bridge.errors import InputError, NotFoundError

Make = Callable[..., Path]


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize(
    ("name", "kind"), [("一.jpg", "JPEG"), ("a.png", "PNG"), ("a.bmp", "BMP"), ("a.gif", "GIF"), ("a.webp", "WEBP")]
)
def test_the_header_tells_size_and_format(picture: Make, name: str, kind: str) -> None:
    found = pictures.look(picture(name, 70, 31))
    assert (found.width, found.height, found.format, found.orientation) == (70, 31, kind, 1)


@pytest.mark.parametrize(("told", "orientation"), [(1, 1), (6, 6), (8, 8), (0, 1), (99, 1)])
def test_a_camera_s_turn_is_told_but_not_done(picture: Make, told: int, orientation: int) -> None:
    found = pictures.look(picture("turned.jpg", 70, 31, exif=turned(told)))
    assert (found.width, found.height, found.orientation) == (70, 31, orientation)


@pytest.mark.parametrize("mark", [b"Exif\0\0garbage!", b"Exif\0\0MM\0*\0\0\0\x08", b"MM"])
@pytest.mark.parametrize("name", ["a.webp", "a.jpg"])
def test_a_damaged_mark_turns_nothing(picture: Make, name: str, mark: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow says what is damaged.
        assert pictures.look(picture(name, exif=mark)).orientation == 1


def test_a_picture_that_is_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("no picture")
    for act in (pictures.look, pictures.decode):
        with pytest.raises(InputError) as wrong:
            act(tmp_path / "notes.jpg")
        assert wrong.value.rule == "picture-unreadable"
        with pytest.raises(NotFoundError) as missing:
            act(tmp_path / "gone.jpg")
        assert missing.value.rule == "picture-missing"


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"")),
        (b"IEND", b""),
    ]
    chunks = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("size", [(15_000, 14_000), (200_000, 200_000)])
def test_a_picture_too_large_is_refused_before_it_is_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "bomb.png").write_bytes(bomb(*size))
    for act in (pictures.look, pictures.decode):
        with pytest.raises(InputError) as large:
            act(tmp_path / "bomb.png")
        assert large.value.rule == "picture-too-large"
        assert large.value.fields["limit"] == 200
    assert pictures.look(tmp_path / "bomb.png", 40_000).width == size[0]


@pytest.mark.parametrize("name", ["cut.jpg", "cut.png"])
def test_a_picture_cut_short_has_a_header_but_cannot_be_decoded(picture: Make, name: str) -> None:
    path = picture(name, 300, 200)
    path.write_bytes(path.read_bytes()[:-400])
    assert pictures.look(path).width == 300
    with pytest.raises(InputError) as wrong:
        pictures.decode(path)
    assert wrong.value.fields["path"] == str(path)


def test_a_sound_picture_is_decoded_and_left_as_it_was(picture: Make) -> None:
    path = picture("a.jpg")
    os.utime(path, (5, 5))
    before = path.read_bytes()
    pictures.decode(path)
    pictures.preview(path, 16)
    assert path.read_bytes() == before
    assert path.stat().st_mtime == 5


def test_a_preview_is_small_and_in_the_stored_grid(picture: Make) -> None:
    path = picture("a.png", 300, 100)
    made = Image.open(io.BytesIO(pictures.preview(path, 60)))
    assert (made.format, made.size) == ("JPEG", (60, 20))
    tall = picture("turned.jpg", 300, 100, exif=turned(6))
    assert Image.open(io.BytesIO(pictures.preview(tall, 60))).size == (60, 20)


def test_a_preview_of_a_small_picture_is_not_blown_up(picture: Make) -> None:
    assert Image.open(io.BytesIO(pictures.preview(picture("a.png", 30, 10), 60))).size == (30, 10)


def test_a_stamp_and_a_hash_tell_a_changed_file(picture: Make, tmp_path: Path) -> None:
    path = picture("a.png")
    assert pictures.sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    before = pictures.stamp(path)
    assert (before.path, before.size) == (str(path), path.stat().st_size)
    path.write_bytes(path.read_bytes() + b"x")
    assert pictures.stamp(path) != before
    for act in (pictures.stamp, pictures.sha256):
        with pytest.raises(NotFoundError):
            act(tmp_path / "gone.png")
