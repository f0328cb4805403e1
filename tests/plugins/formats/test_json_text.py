from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugins.formats.backup import FOLDER, write_over
from plugins.formats.json_text import json_line, json_name


@pytest.mark.parametrize(
    ("name", "file"), [("水着 1", "水着 1.json"), ("../a\\b\n", ".._a_b_.json"), ("", "labels.json")]
)
def test_a_dataset_gets_a_file_name_that_stays_in_its_folder(name: str, file: str) -> None:
    assert json_name(name) == file


def test_one_line_as_javascript_writes_it() -> None:
    assert json_line({"水着": [1, 2.5, True]}) == '{"水着":[1,2.5,true]}'.encode()


def test_what_strict_readers_refuse_is_never_written() -> None:
    line = json_line({"\ud800": (float("nan"), float("inf"), "NaN")})
    assert json.loads(line.decode("ascii")) == {"\ud800": [None, None, "NaN"]}


def test_every_state_is_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for text in ("one", "two", "two", "three", "one", "four"):
        write_over(path, text)
    kept = {file.name: file.read_text() for file in (tmp_path / FOLDER).iterdir()}
    assert (path.read_text(), kept) == ("four", {"x.json": "one", "x.json.2": "two", "x.json.3": "three"})


def test_nothing_is_touched_that_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert write_over(path, "one") is True
    stamp = path.stat().st_mtime_ns
    assert write_over(path, b"one") is False
    assert path.stat().st_mtime_ns == stamp
    assert not (tmp_path / FOLDER).exists()
