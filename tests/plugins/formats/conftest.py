"""A store of its own and a small VoTT project for each test of the readers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.formats.vott_cases import Case, Desk


@pytest.fixture
def desk(tmp_path: Path, sqlite_template: Path) -> Iterator[Desk]:
    """An empty store."""
    made = Desk(tmp_path / "store", sqlite_template)
    yield made
    made.ws.close()


@pytest.fixture(params=[1, 2], ids=["v1", "v2"])
def vott(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    """A project of version 1, then one of version 2."""
    return Case(request.param, tmp_path / "work")


@pytest.fixture
def vott1(tmp_path: Path) -> Case:
    """A project of version 1."""
    return Case(1, tmp_path / "work")


@pytest.fixture
def vott2(tmp_path: Path) -> Case:
    """A project of version 2."""
    return Case(2, tmp_path / "work")
