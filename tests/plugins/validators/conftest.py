"""One picture of 200 x 100 pixels called 犬.jpg, with the regions that a test gives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from bridge.model.annotation import Document, Image, Region
from bridge.plugin import View

MakeView = Callable[..., View]


@pytest.fixture
def view() -> MakeView:
    def make(
        regions: Sequence[Region] | None, network: tuple[int, int] = (200, 100), size: tuple[int, int] = (200, 100)
    ) -> View:
        document = Document(Image("犬.jpg", *size), None if regions is None else tuple(regions))
        return View(("犬", "猫"), [document], network)

    return make
