from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.document import decode_text, parse_json, read_bytes, read_json, read_text, stamp_of, too_deep, write_atomic
from bridge.errors import ConflictError, InputError, NotFoundError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text('a"\\[]{}ボ,:', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def depth(value: Any) -> int:
    inside = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(depth, inside), default=0)


# ---------------------------------------------------------------- text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
def test_text_is_read_as_japanese_windows_writes_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "一覧.txt"
    path.write_bytes("ボルト\r\nナット\r最後\n".encode(encoding))
    assert read_text(path) == "ボルト\nナット\n最後\n"


@given(st.binary(max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_some_text(data: bytes) -> None:
    assert isinstance(decode_text(data), str)


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    path.touch()
    os.truncate(path, 3_000_001)  # Sparse: it takes no room.
    with pytest.raises(InputError) as large:
        read_bytes(path, 3)
    assert large.value.rule == "file-too-large"
    assert large.value.fields["megabytes"] == 3
    assert len(read_bytes(path, 4)) == 3_000_001


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as missing:
        read_json(tmp_path / "none.json")
    assert missing.value.fields["path"] == str(tmp_path / "none.json")
    with pytest.raises(InputError) as folder:
        read_json(tmp_path)
    assert folder.value.rule == "file-unreadable"


# ---------------------------------------------------------------- JSON


@given(PLAIN)
@settings(max_examples=60, deadline=None)
def test_json_is_read_in_every_encoding(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert parse_json(text.encode(encoding), "x") == value


@given(PLAIN, st.integers(0, 4))
@settings(max_examples=80, deadline=None)
def test_depth_counts_brackets_but_not_those_in_strings(value: Any, limit: int) -> None:
    assert too_deep(json.dumps(value).encode(), limit) == (depth(value) > limit)


def test_json_made_to_exhaust_the_stack_is_refused() -> None:
    with pytest.raises(InputError) as deep:
        parse_json(b"[" * 100_000, "bomb.json")
    assert deep.value.rule == "json-too-deep"


def test_broken_json_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    path.write_text('{\n  "tags": ["ボルト"],\n  "frames": {,}\n}', "utf-8")
    with pytest.raises(InputError) as broken:
        read_json(path)
    assert broken.value.rule == "json-broken"
    assert (broken.value.fields["line"], broken.value.fields["path"]) == (3, str(path))


def test_half_a_character_is_kept() -> None:
    assert parse_json(b'{"name": "a\\udcffb"}', "x") == {"name": "a\udcffb"}


def test_a_number_of_too_many_digits_spoils_no_file() -> None:
    nines = b"9" * 5001
    assert parse_json(b"[1, " + nines + b", -" + nines + b"]", "x") == [1, float("inf"), float("-inf")]


# ---------------------------------------------------------------- writing


def test_a_file_is_written_whole_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "部品.json"
    assert write_atomic(path, "ボルト")
    assert path.read_text("utf-8") == "ボルト"
    assert [p.name for p in tmp_path.iterdir()] == ["部品.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_an_equal_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"same")
    os.utime(path, (1, 1))
    inode = path.stat().st_ino
    assert not write_atomic(path, b"same")
    assert (path.stat().st_mtime, path.stat().st_ino) == (1, inode)
    assert write_atomic(path, b"sane")
    assert path.read_bytes() == b"sane"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_name_as_long_as_names_can_be_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("漢" * 80 + ".json")  # 245 bytes; a temporary name must not become longer than 255.
    assert write_atomic(path, b"x")
    assert path.read_bytes() == b"x"


def test_whoever_could_write_a_file_still_can(tmp_path: Path) -> None:
    path, new = tmp_path / "shared.json", tmp_path / "new.json"
    path.write_bytes(b"old")
    path.chmod(0o664)
    write_atomic(path, b"new")
    write_atomic(new, b"new", like=path)
    assert [stat.S_IMODE(p.stat().st_mode) for p in (path, new)] == [0o664, 0o664]


def test_a_file_that_somebody_wrote_since_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "shared.json"
    path.write_bytes(b"old")
    seen = stamp_of(path)
    path.write_bytes(b"theirs")
    with pytest.raises(ConflictError, match="file-moved-on"):
        write_atomic(path, b"ours", expected=seen)
    assert path.read_bytes() == b"theirs"
    assert [p.name for p in tmp_path.iterdir()] == ["shared.json"]
    assert write_atomic(path, b"ours", expected=stamp_of(path))
