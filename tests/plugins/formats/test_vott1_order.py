from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import RefusedError
from bridge.model.annotation import Box
from bridge.model.finding import Severity
from bridge.plugin import ReadOptions
from plugins.formats.vott1 import VottV1
from plugins.formats.vott1.order import bytes_key, listed, ntfs_key, passes_filter
from tests.plugins.formats.roundtrip import rules

ORDER = Path(__file__).parents[2] / "fixtures" / "vott1" / "order"
TRUTH = json.loads((ORDER / "truth.json").read_text("utf-8"))

# Listed on a volume made by mkntfs, read back with ntfsls.
ON_NTFS = ["a-1.jpg", "a.jpg", "a1.jpg", "Aa.jpg", "aB.jpg", "apple.jpg", "a_1.jpg", "Banana_1.jpg", "UPPER.JPG"]
ON_NTFS += ["zebra.jpg", "Zoo.jpg", "_under.png"]


def test_ntfs_puts_the_underscore_after_the_letters() -> None:
    assert listed(sorted(ON_NTFS), "ntfs") == ON_NTFS
    assert listed(["IMG_2", "img_10", "img10", "img-3"], "ntfs") == ["img-3", "img10", "img_10", "IMG_2"]
    assert listed(["é", "~x", "{x}", "`x", "_under", "^x", "[x]", "Zoo"], "ntfs") == [
        "Zoo", "[x]", "^x", "_under", "`x", "{x}", "~x", "é",
    ]  # fmt: skip


@pytest.mark.parametrize(("small", "capital"), [("ä", "Ä"), ("я", "Я"), ("ａ", "Ａ"), ("ω", "Ω")])
def test_ntfs_folds_by_the_volumes_table(small: str, capital: str) -> None:
    assert ntfs_key(small)[0] == ntfs_key(capital)[0]


@pytest.mark.parametrize("letter", ["µ", "ı", "ſ", "ς"])
def test_ntfs_leaves_alone_what_python_would_fold(letter: str) -> None:
    assert ntfs_key(letter)[0] == [ord(letter)]


def test_byte_order_is_that_of_macos_and_linux() -> None:
    names = ["apple", "_under", "Zoo", "[x]", "a_1", "a-1", "IMG_2"]
    assert listed(names, "bytes") == ["IMG_2", "Zoo", "[x]", "_under", "a-1", "a_1", "apple"]


@given(st.lists(st.text(min_size=1, max_size=6), unique=True, max_size=8))
@settings(max_examples=40, deadline=None)
def test_every_order_lists_every_name_once_whatever_came_first(names: list[str]) -> None:
    assert listed(names, "ntfs") == listed(names[::-1], "ntfs")
    assert listed(names, "bytes") == sorted(names, key=bytes_key)
    assert sorted(listed(names, "ntfs")) == sorted(names)


@pytest.mark.parametrize(
    ("name", "passes"), [("a.jpg", True), ("A.JPG", True), ("weirdjpg", True), ("a.bmp", False), ("a.jpg.txt", False)]
)
def test_votts_own_filter(name: str, passes: bool) -> None:
    assert passes_filter(name) is passes


@pytest.mark.parametrize("asked", ["auto", "by name"])
@pytest.mark.parametrize(("file", "order"), [("images.ntfs-order.json", "ntfs"), ("images.strcmp-order.json", "bytes")])
def test_the_right_order_gives_the_boxes_that_were_drawn(file: str, order: str, asked: str) -> None:
    options = ReadOptions(images=ORDER / "images", order="auto" if asked == "auto" else order)  # type: ignore[arg-type]
    reading = VottV1().read(ORDER / file, options)
    documents = {document.image.name: document for document in reading.documents}
    assert reading.order == order
    for name, truth in TRUTH.items():
        document = documents[name]
        assert document.image.width == truth["size"][0]
        assert "aspect" not in rules(document.findings)
        if truth["box"] is None:
            assert document.regions == ()
            continue
        (region,) = document.regions or ()
        assert region.labels == (truth["tag"],)
        assert region.box is not None
        canvas = region.extra["vott-v1"]["raw"]["width"]
        for found, true in zip(_sides(region.box), truth["box"], strict=True):
            assert abs(found - true) <= 1.5 * max(1, document.image.width / canvas)  # In pixels of the canvas.


def _sides(box: Box) -> tuple[float, ...]:
    return (box.left, box.top, box.right, box.bottom)


def test_the_wrong_order_is_seen_by_the_shapes_of_the_pictures() -> None:
    reading = VottV1().read(ORDER / "images.ntfs-order.json", ReadOptions(images=ORDER / "images", order="bytes"))
    wrong = [f for d in reading.documents for f in d.findings if f.rule == "aspect"]
    assert len(wrong) == 9
    assert {f.severity for f in wrong} == {Severity.ERROR, Severity.WARNING}  # Some may be wider than the window.
    (ordered,) = (f for f in reading.findings if f.rule == "ordered")
    assert ordered.severity is Severity.WARNING
    assert {k: ordered.fields[k] for k in ("case", "fits", "misfits", "other", "other_fits", "other_misfits")} == {
        "case": "asked", "fits": 2, "misfits": 9, "other": "ntfs", "other_fits": 10, "other_misfits": 0,
    }  # fmt: skip


def test_a_missing_picture_stops_the_whole_import(tmp_path: Path) -> None:
    (tmp_path / "imgs").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "imgs" / name).write_bytes((ORDER / "images" / "a.jpg").read_bytes())
    frames: dict[str, list[object]] = {"0": [], "2": []}
    (tmp_path / "imgs.json").write_text(json.dumps({"frames": frames, "inputTags": "a", "visitedFrames": [0, 2]}))
    with pytest.raises(RefusedError) as caught:
        VottV1().read(tmp_path / "imgs.json", ReadOptions(order="bytes"))
    assert (caught.value.rule, caught.value.fields["needed"], caught.value.fields["found"]) == ("index-short", 3, 2)


def test_by_time_of_creation(tmp_path: Path) -> None:
    (tmp_path / "imgs").mkdir()
    for second, name in enumerate(("b.jpg", "c.jpg", "a.jpg")):
        path = tmp_path / "imgs" / name
        path.write_bytes((ORDER / "images" / "a.jpg").read_bytes())
        os.utime(path, (1_500_000_000 + second, 1_500_000_000 + second))
    frames = {
        str(i): [{"x1": 1, "y1": 1, "x2": 9, "y2": 9, "width": 333, "height": 777, "tags": [f"t{i}"]}] for i in range(2)
    }
    (tmp_path / "imgs.json").write_text(json.dumps({"frames": frames, "inputTags": "t0,t1", "visitedFrames": [0, 1]}))
    reading = VottV1().read(tmp_path / "imgs.json", ReadOptions(order="created"))
    found = {d.image.name: d.regions and d.regions[0].labels for d in reading.documents}
    assert found == {"b.jpg": ("t0",), "c.jpg": ("t1",), "a.jpg": None}
