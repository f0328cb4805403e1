"""A Label Studio on paper."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.paper_studio import PaperStudio, paper_studio


@pytest.fixture
def paper() -> Iterator[PaperStudio]:
    with paper_studio() as made:
        yield made
