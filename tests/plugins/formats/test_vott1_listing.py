from __future__ import annotations

import pytest

from plugins.formats.vott1.listing import (
    Listing,
    candidate,
    candidates,
    directory_order,
    newer,
    tells_created,
    tells_newer,
)

NAMES = ("b.jpg", "_c.jpg", "Zoo.jpg", "a.jpg")
OLD = {name: 100.0 + 10 * at for at, name in enumerate(NAMES)}


def listing(later: tuple[str, ...] = (), windows: bool = False) -> Listing:
    found = {**OLD, **dict.fromkeys(later, 600.0)}
    return Listing(NAMES, 500.0, found, found, windows)


def test_three_orders_of_a_folder_as_it_was_left() -> None:
    assert {c.key: c.names for c in candidates(listing())} == {
        "ntfs": ("a.jpg", "b.jpg", "Zoo.jpg", "_c.jpg"),
        "bytes": ("Zoo.jpg", "_c.jpg", "a.jpg", "b.jpg"),
        "created": ("b.jpg", "_c.jpg", "Zoo.jpg", "a.jpg"),
    }


def test_each_order_without_what_came_later() -> None:
    later = listing(("a.jpg",))
    assert newer(later) == {"a.jpg"}
    found = {c.key: c for c in candidates(later)}
    assert list(found) == [
        "ntfs", "bytes", "ntfs-without-newer", "bytes-without-newer", "created", "created-without-newer",
    ]  # fmt: skip
    assert found["ntfs-without-newer"].names == ("b.jpg", "Zoo.jpg", "_c.jpg")
    assert [c.key for c in candidates(later, leave_newer=True)] == [key for key in found if key.endswith("newer")]


def test_times_that_git_or_a_copy_gave_tell_nothing() -> None:
    assert not tells_newer(listing(NAMES))
    assert not tells_created(listing(NAMES))
    most = listing(("a.jpg", "b.jpg", "Zoo.jpg"))
    assert not tells_newer(most)
    assert [c.key for c in candidates(most)] == ["ntfs", "bytes"]
    # Copied in one go, with the project file somewhere among the pictures.
    times = {name: 500.0 + n / 100 for n, name in enumerate(NAMES)}
    assert not tells_newer(Listing(NAMES, 500.025, times, times))
    assert tells_newer(listing())
    assert candidate(most, "bytes", leave_newer=True).names == ("_c.jpg",)  # Asked for, it is done.


def test_a_directory_that_windows_does_not_sort_is_its_own_order_of_creation() -> None:
    assert directory_order(listing()) is None
    fat = listing(windows=True)
    assert directory_order(fat) == "created"
    assert candidate(fat, "created").names == NAMES
    sorted_ = Listing(("a.jpg", "b.jpg", "Zoo.jpg", "_c.jpg"), 500.0, OLD, OLD, windows=True)
    assert directory_order(sorted_) == "ntfs"
    assert candidate(sorted_, "created").names == NAMES  # By the times of birth, of a folder copied from a stick.


@pytest.mark.parametrize("windows", [True, False])
def test_an_empty_folder(windows: bool) -> None:
    assert [c.names for c in candidates(Listing((), windows=windows))] == [(), ()]
