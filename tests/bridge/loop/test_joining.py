from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bridge import picture as looking
from bridge.loop.joining import Joining
from bridge.model.annotation import Document, Image, fold_name
from bridge.model.finding import Finding, Severity
from bridge.store.images import Item

Make = Callable[..., Path]


def noun(path: Path, number: int | None = None, name: str | None = None, item: str | None = None) -> Image:
    look = looking.look(path)
    told = name or path.name
    return Image(told, look.width, look.height, looking.sha256(path), 1, looking.stamp(path), item, number)


def known(*images: Image) -> dict[str, Image]:
    return {fold_name(image.name): image for image in images}


def joined(joining: Joining, *images: Image) -> list[Image]:
    return [document.image for document in joining.documents([Document(image) for image in images])]


def test_a_number_of_ours_beats_every_name(picture: Make) -> None:
    ours = noun(picture("a.jpg"), 1)
    joining = Joining(known(ours), {})
    [image] = joined(joining, Image("another name.jpg", id=1, item="t1"))
    assert (image.name, image.id, image.item) == ("a.jpg", None, "t1")


def test_an_item_that_is_known_stays_its_picture(picture: Make) -> None:
    first, second = noun(picture("a.jpg"), 1), noun(picture("b.jpg", 50), 2)
    joining = Joining(known(first, second), {1: Item(1, "t1", None, None)})
    assert [image.name for image in joined(joining, Image("b.jpg", item="t1"))] == ["a.jpg"]


def test_a_name_from_elsewhere_is_joined_by_equal_bytes_only(picture: Make) -> None:
    ours = noun(picture("a.jpg"), 1)
    equal = noun(picture("fetched/a.jpg"), item="t1")
    [image] = joined(Joining(known(ours), {}), equal)
    # Our own file stays the picture's file.
    assert (image.name, image.file) == ("a.jpg", None)
    other = noun(picture("other/a.jpg", quality=10), item="t2")
    [image] = joined(Joining(known(ours), {}), other)
    assert (image.name, image.file) == ("t2/a.jpg", other.file)


def test_names_are_compared_as_they_are_spelled_everywhere(picture: Make) -> None:
    ours = noun(picture("が.jpg"), 1)
    [image] = joined(Joining(known(ours), {}), Image("か\u3099.jpg", item="t1"))
    assert fold_name(image.name) == "が.jpg"


def test_the_second_item_of_a_picture_is_left_out_and_told(picture: Make) -> None:
    ours = noun(picture("a.jpg"), 1)
    joining = Joining(known(ours), {}, frozenset({"t1", "t2"}))
    assert [i.item for i in joined(joining, Image("a.jpg", id=1, item="t1"), Image("a.jpg", id=1, item="t2"))] == ["t1"]
    assert [(f.rule, f.fields["item"], f.fields["first"]) for f in joining.findings] == [
        ("duplicate-asset", "t2", "t1")
    ]


def test_an_item_takes_the_place_of_one_that_is_gone(picture: Make) -> None:
    ours = noun(picture("a.jpg"), 1)
    joining = Joining(known(ours), {1: Item(1, "t1", None, None)}, frozenset({"t2"}))
    assert [image.item for image in joined(joining, Image("a.jpg", id=1, item="t2"))] == ["t2"]
    assert joining.findings == []


def test_findings_follow_the_picture_to_its_name() -> None:
    finding = Finding("tiny", Severity.WARNING, "a.jpg")
    other = Finding("tiny", Severity.WARNING, None)
    joining = Joining(known(Image("a.jpg", id=1)), {1: Item(1, "t1", None, None)})
    told = Document(Image("a.jpg", item="t2"), findings=(finding, other))
    [document] = joining.documents([told])
    assert document.image.name == "t2/a.jpg"
    assert [f.image for f in document.findings] == ["t2/a.jpg", None]


def test_a_folder_s_documents_pass_as_they_are() -> None:
    document = Document(Image("a.jpg"))
    joining = Joining({}, {})
    assert list(joining.documents([document])) == [document]
    assert joining.seen == {"a.jpg"}
