"""A project with a Label Studio on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paper_studio import TOKEN, PaperStudio, paper_studio
from tests.studio_bench import Bench, Drawn, draw_once


@pytest.fixture
def paper() -> Iterator[PaperStudio]:
    with paper_studio() as made:
        yield made


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return draw_once(tmp_path_factory.mktemp("bench"))


@pytest.fixture
def bench(drawn: Drawn, paper: PaperStudio, tmp_path: Path) -> Iterator[Bench]:
    """Four pictures, two of them labelled."""
    made = drawn.copied(tmp_path / "data", paper.url, TOKEN)
    yield made
    made.ws.close()
