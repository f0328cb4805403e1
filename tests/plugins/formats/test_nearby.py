from __future__ import annotations

import unicodedata

import pytest

from plugins.formats.nearby import Nearby


def nearby(*files: str) -> Nearby:
    index = Nearby()
    for rank, file in enumerate(files):
        index.add(file, rank // 2)
    return index


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("D:/data/set2/a.jpg", "/x/set2/a.jpg"),  # shares most of its path
        ("D:/data/SET2/A.JPG", "/x/set2/a.jpg"),
        ("D:/data/set9/a.jpg", "/x/set1/a.jpg"),  # the nearest of equally likely ones
        ("a.jpg", "/x/set1/a.jpg"),
        ("D:/data/b.jpg", None),  # two are equally likely
        ("D:/data/none.jpg", None),
        (unicodedata.normalize("NFC", "/y/が.jpg"), unicodedata.normalize("NFD", "/x/が.jpg")),
    ],
)
def test_a_path_of_another_machine_is_known_by_its_name(asked: str, found: str | None) -> None:
    near, far = ("/x/set1/a.jpg", "/x/set3/b.jpg"), ("/x/set2/a.jpg", unicodedata.normalize("NFD", "/x/が.jpg"))
    index = nearby(*near, *far)
    index.add("/x/set4/b.jpg", 0)
    assert index.find(asked) == found


def test_case_counts_where_both_are_there() -> None:
    index = nearby("/x/A.jpg", "/x/a.jpg")
    assert (index.find("/y/a.jpg"), index.find("/y/A.jpg")) == ("/x/a.jpg", "/x/A.jpg")


def test_another_spelling_is_tried_last() -> None:
    index = nearby("/x/a%20b.jpg")
    assert index.find("/y/a b.jpg", "a%20b.jpg") == "/x/a%20b.jpg"
