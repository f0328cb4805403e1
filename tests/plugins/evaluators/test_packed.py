"""The quick way of reading results gives what reading them one by one gives, or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.evaluators import packed
from plugins.evaluators.packed import read_packed

number = st.one_of(st.integers(-(2**40), 2**40), st.floats(-1e9, 1e9))
result = st.fixed_dictionaries(
    {
        "image_id": st.one_of(st.integers(-5, 5), st.integers(0, 2**60), st.just(3.0), st.just("a")),
        "category_id": st.integers(0, 3),
        "bbox": st.lists(number, min_size=4, max_size=4),
        "score": st.floats(0, 1),
    },
    # What other programs add, with all that could be taken for a seam.
    optional={
        "note": st.sampled_from(["}, {", '"},{"', "],[", "\\"]),
        "segmentation": st.just([{"a": 1}, {"b": 2}]),
        "more": st.just({"counts": [1, 2]}),
    },
)


def column(items: list[dict[str, Any]], key: str) -> list[Any]:
    return [item[key] for item in items]


@settings(deadline=None, max_examples=60)
@given(st.lists(result, max_size=12), st.sampled_from([None, 1]), st.sampled_from([1, 40, 1 << 17]))
def test_any_list_is_read_as_it_is_or_not_at_all(items: list[dict[str, Any]], indent: int | None, part: int) -> None:
    plain = all(not isinstance(i["image_id"], str) and abs(i["image_id"]) < 2**53 for i in items)
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "_PART", part)
        path = Path(folder) / "results.json"
        path.write_text(json.dumps(items, indent=indent))
        found = read_packed(path)
    if not plain:
        assert found is None
    # A seam may be seen where there is none, in a note or a list of objects; then the slow way must read it.
    if found is None:
        assert not plain or any({"note", "segmentation"} & set(item) for item in items)
        return
    assert list(found.row) == list(range(len(items)))
    assert list(found.image_id) == column(items, "image_id")
    assert list(found.category_id) == column(items, "category_id")
    assert found.boxes.tolist() == column(items, "bbox")
    assert found.score.tolist() == column(items, "score")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "3",
        "[",
        "[]]",
        "[{}]",
        '{"a": [{"image_id":1,"category_id":1,"bbox":[0,0,1,1],"score":1},{"b": 1}]}',
        '[{"image_id":1,"category_id":1,"bbox":[0,0,1,1],"score":1},]',
        '[{"image_id":1.5,"category_id":1,"bbox":[0,0,1,1],"score":1}]',
        '[{"image_id":1,"category_id":1,"bbox":[0,0,1,1],"score":NaN}]',
        '[{"image_id":1,"category_id":1,"bbox":[0,0,1,1],"score":1e999}]',
        '[{"image_id":1,"category_id":1,"bbox":[0,0,1],"score":1}]',
    ],
)
@pytest.mark.parametrize("part", [8, 1 << 17])
def test_what_is_not_as_it_should_be_is_left_to_the_slow_way(
    tmp_path: Path, text: str, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "_PART", part)
    path = tmp_path / "results.json"
    path.write_text(text)
    assert read_packed(path) is None


def test_no_detections_are_an_empty_table(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(" [ ] ")
    found = read_packed(path)
    assert found is not None
    assert (len(found.row), found.boxes.shape) == (0, (0, 4))


def test_the_shortest_result_there_can_be_fits(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(msgspec.json.encode([{"image_id": 0, "category_id": 0, "bbox": [0, 0, 0, 0], "score": 0}] * 50))
    found = read_packed(path)
    assert found is not None
    assert len(found.row) == 50
