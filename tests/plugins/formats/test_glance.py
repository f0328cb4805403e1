from __future__ import annotations

from pathlib import Path

from plugins.formats.glance import ends, has_keys, json_files


def test_both_ends_of_a_long_file_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"first": [' + "1," * 200_000 + '1], "水着" : 1, "last": {}}', "utf-8")
    text = ends(path)
    assert has_keys(text, "first", "水着", "last")
    assert not has_keys(text, "first", "middle")
    assert len(text) < 140_000
    assert ends(tmp_path / "none.json") == ""


def test_a_short_file_is_seen_once(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"a": 1}')
    assert ends(path) == '{"a": 1}'


def test_a_folder_of_single_records_is_not_looked_through(tmp_path: Path) -> None:
    for number in range(64):
        (tmp_path / f"{number}.json").write_text("{}")
    assert len(json_files(tmp_path)) == 64
    (tmp_path / ".hidden.json").write_text("{}")
    assert len(json_files(tmp_path)) == 64
    (tmp_path / "more.json").write_text("{}")
    assert json_files(tmp_path) == []
