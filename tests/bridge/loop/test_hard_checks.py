"""What would hold a check up or take it down: said, ended, and the rest is checked."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.loop.reading import read_path
from bridge.loop.validate import check_path, run_validators
from bridge.model.finding import Finding, Severity
from bridge.plugin import ReadOptions, View
from bridge.registry import Registry


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A darknet folder of ten pictures with a box each."""
    (tmp_path / "obj.names").write_text("犬\n")
    (tmp_path / "obj.data").write_text("classes = 1\ntrain = train.txt\nnames = obj.names\n")
    (tmp_path / "data").mkdir()
    for number in range(10):
        cells = np.random.default_rng(number).integers(0, 256, (9, 12, 3), np.uint8)
        Image.fromarray(cells).resize((64, 48)).save(tmp_path / f"data/{number}.jpg")
        (tmp_path / f"data/{number}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (tmp_path / "train.txt").write_text("".join(f"data/{number}.jpg\n" for number in range(10)))
    return tmp_path


def bad(found: list[Finding] | tuple[Finding, ...]) -> list[tuple[str, str | None]]:
    return [(f.rule, f.image) for f in found if f.severity is not Severity.INFO]


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred kilobytes that becomes gigabytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    lines = b"".join(packer.compress(bytes(1 + width // 8)) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


def test_a_picture_bomb_is_told_and_not_decoded(folder: Path) -> None:
    (folder / "data/3.jpg").write_bytes(bomb(40_000, 20_000))
    found = check_path(Registry(), folder, ReadOptions()).findings
    assert bad(found) == [("unreadable", "data/3.jpg")]
    (told,) = (f for f in found if f.rule == "unreadable")
    assert "picture-too-large" in told.fields["reason"] or "megapixels" in told.fields["reason"]


def test_a_label_file_with_very_many_lines_is_read_and_told(folder: Path) -> None:
    lines = [f"0 0.5 0.5 0.{n % 90 + 10} 0.{n // 90 % 90 + 10}\n" for n in range(50_000)]
    (folder / "data/3.txt").write_text("".join(lines))
    found = check_path(Registry(), folder, ReadOptions()).findings
    assert Counter(rule for rule, _ in bad(found)) == {"many-boxes": 1, "duplicate-box": 50_000 - 8100}


def test_a_folder_of_which_half_vanishes_meanwhile_is_checked_to_the_end(folder: Path) -> None:
    registry = Registry()
    bare = read_path(registry, folder, ReadOptions())
    (folder / "data/9.jpg").write_bytes(b"no picture")

    def vanish(done: int, total: int) -> None:
        for number in range(min(done, 5)):
            (folder / f"data/{number}.jpg").unlink(missing_ok=True)
            (folder / f"data/{number}.txt").unlink(missing_ok=True)

    found = run_validators(registry, View(("犬",), bare.documents, bare=True), 20.0, vanish)
    rules = {rule for rule, _ in bad(found)}
    assert rules <= {"missing-image", "unreadable", "near-duplicate", "label-path"}
    assert ("unreadable", "data/9.jpg") in bad(found)
    assert [f for f in found if f.rule == "plugin-broken"] == []
