"""What a training would be before it starts: of which version, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.errors import ConflictError
from bridge.loop import train
from bridge.loop.train import PlanOptions
from bridge.model.training import Run
from bridge.settings import Settings
from bridge.store import projects
from bridge.workspace import Workspace, open_workspace
from tests.serving import PROJECT, make_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Run]]:
    folder = tmp_path_factory.mktemp("train")
    ws = open_workspace(Settings(data=folder / "data"), create=True)
    yield ws, make_run(ws, folder / "pictures")
    ws.close()


@pytest.fixture
def ws(made: tuple[Workspace, Run]) -> Workspace:
    return made[0]


def test_a_version_of_another_project_is_refused(ws: Workspace, made: tuple[Workspace, Run]) -> None:
    with ws.db.write() as tx:
        projects.create(tx, "水着")
    with pytest.raises(ConflictError, match="version-of-other-project"):
        train.plan(ws, "水着", PlanOptions("demo-tiny", version=made[1].version))
    assert train.plan(ws, PROJECT, PlanOptions("demo-tiny", version=made[1].version[:9])).version.id == made[1].version
