"""Walking through lists: a page of one that is whole in memory, or of what was fetched for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from bridge.web.api.schemas import Page, Paged

T = TypeVar("T")
M = TypeVar("M")


def after_number(query: Paged) -> int | None:
    """The number a list goes on after."""
    return int(query.cursor) if query.cursor is not None else None


def slice_of(found: Sequence[T], query: Paged, show: Callable[[T], M]) -> Page[M]:
    """One page of a short list, by position."""
    start = after_number(query) or 0
    rest = found[start + query.limit : start + query.limit + 1]
    items = [show(item) for item in found[start : start + query.limit]]
    return Page(items=items, next=str(start + query.limit) if rest else None)


def cut_off(found: Sequence[T], query: Paged, show: Callable[[T], M], cursor: Callable[[T], object]) -> Page[M]:
    """One page out of limit + 1 items that were fetched; the cursor is that of the last one shown."""
    shown = found[: query.limit]
    more = len(found) > query.limit
    return Page(items=[show(item) for item in shown], next=str(cursor(shown[-1])) if more else None)
