"""Sizes straight from label files are those that reading the pictures gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bridge.loop.sizes import sizes_of
from bridge.plugin import BoxSizes, ReadOptions, SizeReader
from plugins.formats.yolo import Yolo

OPTIONS = ReadOptions()
FRACTION = st.floats(0, 1.2).map(lambda x: f"{x:.6f}")
NUMBER = FRACTION | st.sampled_from(["0", "1", ".5", "0.50", "1e-1", "nan", "-0.25", "1,5", "x", "9" * 30])
CLASS = st.sampled_from(["0", "1", "01", "7", "0.0", "a", "-1"])
LINE = st.tuples(CLASS, NUMBER, NUMBER, NUMBER, NUMBER).map(" ".join)
ODD = st.sampled_from(["", " ", "0 .5 .5 .5", "0 .5 .5 .5 .5 .9", "0,.5,.5,.25,.25", " 1 .5 .5 .25 .25 ", "\t"])
TEXT = st.tuples(st.lists(LINE | ODD, max_size=6), st.sampled_from(["\n", "\r\n"])).map(lambda t: t[1].join(t[0]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "obj.names").write_text("ねじ\nbolt\n", "utf-8")
    (tmp_path / "obj.data").write_text("classes=2\ntrain=train.txt\nvalid=valid.txt\nnames=obj.names\n")
    (tmp_path / "valid.txt").write_text("c.png\n")
    (tmp_path / "train.txt").write_text("a.png\nb.png\n")
    for name in "abc":
        Image.new("RGB", (640, 480)).save(tmp_path / f"{name}.png")
    return tmp_path


def rows(found: BoxSizes) -> list[tuple[str, float, float]]:
    sizes = found.sizes.round(6).tolist()
    return sorted((found.labels[n], w, h) for n, (w, h) in zip(found.label, sizes, strict=True))


def both(folder: Path) -> tuple[BoxSizes, BoxSizes]:
    yolo = Yolo()
    assert isinstance(yolo, SizeReader)
    return yolo.read_sizes(folder, OPTIONS), sizes_of(d for d in yolo.read(folder, OPTIONS).documents if not d.held_out)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT, TEXT)
def test_the_same_as_from_documents(folder: Path, one: str, two: str) -> None:
    (folder / "a.txt").write_bytes(one.encode())
    (folder / "b.txt").write_bytes(two.encode() + b"\n")
    (folder / "c.txt").write_text("0 .5 .5 .9 .9\n")
    quick, slow = both(folder)
    assert len(quick.sizes) == len(slow.sizes)
    for (label, *size), (other, *same) in zip(rows(quick), rows(slow), strict=True):
        assert label == other
        assert size == pytest.approx(same, abs=1e-5)


def test_no_labels_at_all(folder: Path) -> None:
    (folder / "a.txt").write_text("\n\n")
    quick, _ = both(folder)
    assert (quick.labels, quick.sizes.shape, quick.left_out) == ((), (0, 2), 0)


def test_the_picture_need_not_be_there(folder: Path) -> None:
    (folder / "a.png").unlink()
    (folder / "a.txt").write_text("0 .5 .5 .25 .5\n")
    assert rows(both(folder)[0]) == [("ねじ", 0.25, 0.5)]


def test_the_part_in_the_picture_counts_and_what_has_none_is_counted(folder: Path) -> None:
    (folder / "a.txt").write_text("0 0.0 .5 .5 .5\n1 .5 .5 0 .5\n1 1.5 .5 .2 .2\n5 .5 .5 .1 .1\n")
    quick, _ = both(folder)
    assert quick.left_out == 2
    assert sorted(quick.labels) == ["class-5", "ねじ"]
    assert np.allclose(sorted(quick.sizes.tolist()), [[0.1, 0.1], [0.25, 0.5]])


def test_a_label_file_in_utf16_with_a_mark(folder: Path) -> None:
    (folder / "a.txt").write_bytes("1 .5 .5 .25 .5\n".encode("utf-16"))
    assert rows(both(folder)[0]) == [("bolt", 0.25, 0.5)]
