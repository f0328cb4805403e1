from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.formats.vott2.asset import common_folder, decoded, decoded_path, encoded, new_asset, new_frame, size_of

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vott2"
VECTORS = [json.loads(line) for line in (FIXTURES / "asset_id_vectors.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: ascii(vector["input"]))
def test_ids_paths_and_names_are_those_that_vott_makes(vector: dict[str, str]) -> None:
    asset = new_asset(vector["input"], 640, 480)
    assert {key: asset[key] for key in ("id", "name", "path", "format")} == {
        key: vector[key] for key in ("id", "name", "path", "format")
    }


def test_every_vector_is_there() -> None:
    assert len(VECTORS) == 23


def test_ids_of_whole_projects_are_those_that_vott_made() -> None:
    for name in ("v2.2.0-posix", "v2.2.0-win", "v2.1.0-posix"):
        project = json.loads((FIXTURES / name / "demo project.vott").read_text("utf-8"))
        for key, asset in project["assets"].items():
            assert new_asset(asset["path"], 0, 0)["id"] == key


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("file:C:/vott/%E7%94%BB%E5%83%8F/a%20b.jpg", "C:/vott/画像/a b.jpg"),
        ("file:/home/u/100%25.jpg", "/home/u/100%.jpg"),
        ("file:/home/u/a%2520b.jpg", "/home/u/a%20b.jpg"),  # decoded once, not twice
        ("file:/home/u/100%.jpg", "/home/u/100%.jpg"),  # foreign: not encoded at all
        ("file:/home/u/%FF.jpg", "/home/u/%FF.jpg"),  # no UTF-8: left alone
        ("file:C:\\vott\\a.jpg", "C:/vott/a.jpg"),
        ("file:///home/u/a.jpg", "/home/u/a.jpg"),
        ("file:///C:/u/a.jpg", "C:/u/a.jpg"),
        ("file://server/share/a.jpg", "//server/share/a.jpg"),
        ("file:/a/../b/./c.jpg", "/b/c.jpg"),
        ("../../etc/passwd.jpg", "etc/passwd.jpg"),
        (
            "https://acct.blob.core.windows.net/c/a%20b.jpg?sv=1&sig=x%2F",
            "https://acct.blob.core.windows.net/c/a b.jpg",
        ),
        ("a.jpg", "a.jpg"),
        ("file:/x/a%00b.jpg", "/x/a\ufffdb.jpg"),
    ],
)
def test_a_path_is_decoded_as_a_person_knows_it(path: str, known: str) -> None:
    assert decoded(path) == known


def test_only_a_frame_has_a_time_in_its_path() -> None:
    assert decoded("file:/x/v%20.mp4#t=5.066667", frame=True) == "/x/v .mp4#t=5.066667"
    assert decoded_path({"path": "file:/x/a#t=1.jpg", "type": 1}) == "/x/a#t=1.jpg"


@given(st.text(st.characters(exclude_characters="/\\\0", exclude_categories=["Cs"]), min_size=1, max_size=20))
@settings(max_examples=80, deadline=None)
def test_any_file_name_survives_encoding(name: str) -> None:
    if name in (".", ".."):
        return
    assert decoded(encoded(f"/home/u/{name}")) == f"/home/u/{name}"
    assert encoded(f"/home/u/{name}").isascii()


def test_both_spellings_of_a_voicing_mark_stay_apart() -> None:
    names = {unicodedata.normalize(form, "が.jpg") for form in ("NFC", "NFD")}
    assert {decoded(encoded(f"/x/{name}")) for name in names} == {f"/x/{name}" for name in names}
    assert len({new_asset(f"/x/{name}", 1, 1)["id"] for name in names}) == 2


@pytest.mark.parametrize("size", [None, {}, {"width": 0, "height": 5}, {"width": "640", "height": 480}, [640, 480], 7])
def test_a_size_that_is_none_is_not_known(size: object) -> None:
    assert size_of({"size": size}) == (0, 0)


def test_a_frame_names_its_video() -> None:
    frame = new_frame("/x/clip.mp4", "0.333333", 1280, 720)
    project = json.loads((FIXTURES / "v2.2.0-posix" / "demo project.vott").read_text("utf-8"))
    theirs = next(a for a in project["assets"].values() if a["name"] == "clip.mp4#t=0.333333")
    assert frame["timestamp"] == theirs["timestamp"]
    assert set(frame) == set(theirs)
    assert frame["path"] == "file:/x/clip.mp4#t=0.333333"
    assert frame["parent"]["id"] == new_asset("/x/clip.mp4", 0, 0)["id"]


@pytest.mark.parametrize(
    ("paths", "folder"),
    [
        (["/a/b/c.jpg"], "/a/b/"),
        (["/a/b/c.jpg", "/a/b/d/e.jpg"], "/a/b/"),
        (["/a/b/c.jpg", "/a/bx/c.jpg"], "/a/"),
        (["C:/a.jpg", "D:/b.jpg"], ""),
        (["a.jpg", "b.jpg"], ""),
        ([], ""),
    ],
)
def test_the_folder_that_all_have_in_common(paths: list[str], folder: str) -> None:
    assert common_folder(paths) == folder
