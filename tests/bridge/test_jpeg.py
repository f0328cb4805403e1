"""The quick look at a JPEG says what a decoder says, or nothing."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bridge.jpeg import HEAD, plain_size


def jpeg(size: tuple[int, int], mode: str = "RGB", **options: Any) -> bytes:
    target = io.BytesIO()
    Image.new(mode, size).save(target, "JPEG", **options)
    return target.getvalue()


@settings(max_examples=30, deadline=None)
@given(
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    mode=st.sampled_from(["L", "RGB"]),
    progressive=st.booleans(),
    quality=st.integers(1, 95),
)
def test_size_and_mode_are_those_a_decoder_reads(
    width: int, height: int, mode: str, progressive: bool, quality: int
) -> None:
    data = jpeg((width, height), mode, progressive=progressive, quality=quality)
    assert plain_size(data[:HEAD]) == (width, height, mode)


@pytest.mark.parametrize(
    "data",
    [
        jpeg((30, 20), exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"),
        jpeg((30, 20), "CMYK"),
        jpeg((30, 20), comment=b"x" * HEAD),
        b"",
        b"\xff\xd8",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xff\xff\xff",
        b"\xff\xd8" + b"\xff\xe0\0\0" * 40,
    ],
    ids=["exif", "four-colours", "long-comment", "nothing", "begun", "png", "fill", "no-length"],
)
def test_what_is_not_plain_is_left_to_the_decoder(data: bytes) -> None:
    assert plain_size(data[:HEAD]) is None


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 700))
def test_a_picture_cut_in_its_header_has_no_size(cut: int) -> None:
    data = jpeg((64, 48))
    end = data.index(b"\xff\xda") + 2
    assert plain_size(data[: min(cut, end - 1)]) is None


@settings(max_examples=60, deadline=None)
@given(noise=st.binary(max_size=200))
def test_noise_breaks_nothing(noise: bytes) -> None:
    found = plain_size(b"\xff\xd8" + noise)
    assert found is None or (found[0] > 0 and found[1] > 0)
