from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.formats.yolo.safe import safe_names


@pytest.mark.parametrize(
    "name", ["a.jpg", "IMG_0001.png", "RAW_1.jpg", "a-b_c.9.jpg", "_under.png", "9.bmp", "A" * 100 + ".jpg"]
)
def test_a_safe_name_with_a_stem_of_its_own_is_kept(name: str) -> None:
    assert safe_names([name]) == {name: name}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("日本語.jpg", "p"),
        ("水着 a.jpg", "a"),
        ("has space.jpg", "has_space"),
        ("sub/folder/a.jpg", "a"),
        ("a$(touch PWNED).jpg", "a_touch_PWNED"),
        ("strawberry.jpg", "stra_berry"),  # pjreddie's darknet makes "stlabelsberry" of it
        ("images.png", "image"),
        ("x.jpg.jpg", "x_jpg"),
        ("-rf.jpg", "rf"),
        (".hidden.jpg", "hidden"),
        ("..", "p"),
        ("B" * 101 + ".jpg", "B" * 40),
        ("e\u0301.jpg", "e"),
    ],
)
def test_others_get_a_safe_stem_with_a_hash(name: str, shown: str) -> None:
    (safe,) = safe_names([name]).values()
    stem = safe.rpartition(".")[0] if name != ".." else safe
    assert re.fullmatch(rf"{re.escape(shown)}-[0-9a-f]{{8}}", stem)


def test_extensions_are_small_or_as_told() -> None:
    assert safe_names(["UPPER.JPG", "b.jpeg"], {"b.jpeg": ".png"}) == {"UPPER.JPG": "UPPER.jpg", "b.jpeg": "b.png"}


def test_stems_are_never_shared_not_even_but_for_case() -> None:
    names = ["a.jpg", "a.png", "B.jpg", "b.png", "c.jpg", "x/c.jpg"]
    safe = safe_names(names)
    stems = [name.rpartition(".")[0].casefold() for name in safe.values()]
    assert len(set(stems)) == len(names)
    assert safe["c.jpg"] == "c.jpg"
    assert "a.jpg" not in safe.values()


def test_a_made_name_never_takes_a_given_one() -> None:
    made = safe_names(["x y.jpg"])["x y.jpg"]
    both = safe_names(["x y.jpg", made])
    assert both[made] == made
    assert both["x y.jpg"] != made


names = st.one_of(
    st.text(min_size=1, max_size=12).map(lambda t: t + ".jpg"),
    st.sampled_from(["a.jpg", "A.jpg", "a.png", "raw.jpg", "Images.png", "a.jpg.png", "x/a.jpg", "JPEGImages.jpg"]),
)


@given(st.lists(names, unique=True, max_size=12))
@settings(max_examples=80, deadline=None)
def test_every_darknet_finds_the_labels_of_every_name(given_names: list[str]) -> None:
    safe = safe_names(given_names, dict.fromkeys(given_names, ".jpg"))
    assert list(safe) == given_names
    assert len({name.casefold() for name in safe.values()}) == len(given_names)
    for name in safe.values():
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*\.jpg", name)
        wanted = f"data/{name[:-4]}.txt"
        assert pjreddie(f"data/{name}") == alexeyab(f"data/{name}") == wanted


def pjreddie(path: str) -> str:
    """find_replace of pjreddie's load_data_detection: the first occurrence of each, in this order."""
    for old in ("images", "JPEGImages", "raw"):
        path = path.replace(old, "labels", 1)
    for old in (".jpg", ".png", ".JPG", ".JPEG"):
        path = path.replace(old, ".txt", 1)
    return path


def alexeyab(path: str) -> str:
    """replace_image_to_label of AlexeyAB's: folders of COCO and VOC, then the last extension."""
    for old in ("/images/train2014/", "/images/val2014/", "/images/train2017/", "/images/val2017/", "/JPEGImages/"):
        path = path.replace(old, "/labels/", 1)
    return re.sub(r"\.(jpg|JPG|jpeg|JPEG|png|PNG|bmp|BMP|ppm|PPM|tiff|TIFF)$", ".txt", path)


def test_the_same_names_give_the_same_safe_names_in_any_order() -> None:
    given_names = ["水着.jpg", "a b.jpg", "a.jpg", "a.png"]
    assert safe_names(given_names) == safe_names(reversed(given_names))
