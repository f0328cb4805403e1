"""Bytes into lines."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.engines.darknet.lines import LONGEST, Lines, plain, split


def test_escapes_and_titles() -> None:
    assert plain("\x1b[1;37mv5\x1b[0m\x07") == "v5"
    assert split(" (next mAP) \x1b[H\x1b[J3/9: loss=1\x07\n 3: 1, 2\n") == ["(next mAP)", "3/9: loss=1", "3: 1, 2"]
    assert split("\x1b]2;1/40: loss=2\x07\x1b[1;37m1\x1b[0m: loss=2\n") == ["1/40: loss=2", "1: loss=2"]


def test_carriage_returns_end_lines_and_tabs_stay() -> None:
    assert split("\r4\r8\r\nend\tof\n\n last") == ["4", "8", "end\tof", "last"]


def test_other_encodings() -> None:
    assert Lines().feed("画像.jpg\n".encode()) == ["画像.jpg"]
    assert Lines().feed("画像.jpg\n".encode("cp932")) == ["画像.jpg"]
    assert Lines().feed(b"\xff\xfe\xfd\n")[0] != ""


def test_a_line_without_an_end_is_bounded() -> None:
    lines = Lines()
    for _ in range(40):
        assert lines.feed(b"x" * 10_000) == []
    assert [len(line) for line in lines.feed(b"\nshort\n")] == [LONGEST, 5]


@settings(deadline=None, max_examples=50)
@given(st.text("ab\n\r\x1b[HJ; é画", max_size=80), st.lists(st.integers(0, 200), max_size=6))
def test_chunks_do_not_matter(text: str, cuts: list[int]) -> None:
    data = text.encode()
    edges = [0, *sorted(min(c, len(data)) for c in cuts), len(data)]
    lines = Lines()
    found = [line for a, b in pairwise(edges) for line in lines.feed(data[a:b])] + lines.end()
    assert found == split(text)
