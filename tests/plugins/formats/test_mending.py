from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import InputError
from bridge.model.finding import Severity
from plugins.formats.mending import damaged, mend, read_mended

PROJECT: dict[str, Any] = {
    "frames": {
        "日本語.jpg": [{"x1": 1.5, "tags": ["水着"]}, {"x1": 366, "tags": ["a]"]}],
        "b.jpg": [{"x1": 7, "tags": []}],
    },
    "inputTags": "水着,a]",
    "visitedFrames": ["日本語.jpg", "b.jpg"],
}
TEXT = json.dumps(PROJECT, ensure_ascii=False, separators=(",", ":"))


def test_a_sound_file_is_not_mended() -> None:
    mended = mend(TEXT.encode(), "p", 3)
    assert (mended.value, mended.how) == (PROJECT, None)
    assert damaged(mended, Path("p")) == ()


def test_a_shorter_write_over_a_longer_one_gives_the_first_document() -> None:
    garbage = "着".encode()[1:] + b'.jpg"]}'
    mended = mend(TEXT.encode() + garbage, "p", 3)
    assert (mended.value, mended.how) == (PROJECT, "trailing")


def test_a_cut_number_takes_its_region_with_it() -> None:
    mended = mend(TEXT[: TEXT.index("366") + 2].encode(), "p", 3)
    assert mended.value == {"frames": {"日本語.jpg": [{"x1": 1.5, "tags": ["水着"]}]}}
    assert damaged(mended, Path("p"))[0].severity is Severity.ERROR


def test_a_cut_through_a_character_is_survived() -> None:
    data = TEXT.encode()
    cut = data.index("水着,a]".encode()) + 1
    mended = mend(data[:cut], "p", 3)
    assert mended.value == {"frames": PROJECT["frames"]}


@given(st.integers(2, len(TEXT.encode()) - 1))
@settings(max_examples=60, deadline=None)
def test_wherever_it_is_cut_nothing_is_invented(cut: int) -> None:
    frames: dict[str, Any] = {}
    with contextlib.suppress(InputError):  # Cut before anything was whole.
        frames = mend(TEXT.encode()[:cut], "p", 3).value.get("frames", {})
    assert frames or cut < TEXT.encode().index(b"366")
    for name, regions in frames.items():
        assert PROJECT["frames"][name][: len(regions)] == regions


@pytest.mark.parametrize("data", [b"", b"nonsense", b"{", b'"text', b"\xff\xff", b"]"])
def test_what_holds_nothing_is_refused(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        mend(data, "p", 3)
    assert caught.value.rule == "json-broken"


def test_a_hundred_thousand_brackets_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        mend(b"[" * 100_000, "p", 3)
    assert caught.value.rule == "json-too-deep"


def test_reading_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(TEXT.encode()[:-5])
    before = path.stat().st_mtime_ns
    assert read_mended(path, 1, 3).how == "cut"
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (TEXT.encode()[:-5], before)
