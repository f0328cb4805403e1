"""What a training would be before it starts: of which version, and how long it takes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import ConflictError
from bridge.loop import train
from bridge.loop.train import PlanOptions
from bridge.model.job import Node
from bridge.model.training import Recipe, Run, RunEvent
from bridge.settings import Settings
from bridge.store import nodes, projects, runs
from bridge.workspace import Workspace, open_workspace
from tests.serving import PROJECT, due_run, make_run


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


def test_a_plan_tells_what_the_networks_own_anchors_would_reach(ws: Workspace) -> None:
    planned = train.plan(ws, PROJECT, PlanOptions("demo-tiny", network=(128, 96)))
    assert planned.fit is not None
    assert planned.fit.own is not None
    assert planned.fit.given is not None
    assert (planned.fit.given.name, planned.fit.anchors) == ("demo-tiny", planned.anchors)
    assert planned.fit.overlap.average_iou >= planned.fit.own.average_iou
    assert not [f for f in planned.findings if f.rule.startswith(("anchors-keep", "anchors-either", "anchors-refit"))]


def test_of_a_cfg_that_keeps_its_anchors_it_is_told_when_others_are_worth_it(ws: Workspace, tmp_path: Path) -> None:
    planned = train.plan(ws, PROJECT, PlanOptions("demo-tiny", network=(128, 96)))
    cfg = tmp_path / "old.cfg"
    tiny = re.sub("(?m)^anchors.*$", "anchors = 1,1, 2,1, 1,2, 2,2", planned.recipe.cfg)
    cfg.write_text(tiny, "utf-8")
    kept = train.plan(ws, PROJECT, PlanOptions(cfg=cfg))
    assert (kept.anchors, kept.recipe.cfg) == (None, tiny)
    advice = next(f for f in kept.findings if f.rule == "anchors-refit")
    assert advice.fields["name"] == "old.cfg"
    adapted = train.plan(ws, PROJECT, PlanOptions(cfg=cfg, adapt=True))
    assert adapted.anchors is not None
    assert [f for f in adapted.findings if f.rule == "anchors-refit"] == []


def trained(ws: Workspace, recipe: Recipe, node: str, seconds: float) -> None:
    """A run of this recipe that took this long an iteration there."""
    with ws.db.write() as tx:
        version = runs.listing(tx)[0].version
    run = due_run(ws, version, recipe)
    with ws.db.write() as tx:
        runs.change(tx, run.id, node=node)
        runs.add_events(tx, run.id, [RunEvent("iteration", {}, n, 1e9 + n * seconds) for n in range(40)])


def test_hours_come_from_a_run_of_the_same_network(ws: Workspace) -> None:
    same = PlanOptions("demo-tiny", network=(128, 96), max_batches=3600)
    planned = train.plan(ws, PROJECT, same).recipe
    other = planned.cfg.replace("filters=", "filters=1", 1)
    assert other != planned.cfg
    trained(ws, replace(planned, cfg=other), "gpu-1", 9.0)
    trained(ws, replace(planned, gpus=(0, 1)), "gpu-1", 9.0)
    assert train.plan(ws, PROJECT, same).hours is None
    trained(ws, train.plan(ws, PROJECT, replace(same, max_batches=200, seed=5)).recipe, "gpu-1", 2.0)
    assert train.plan(ws, PROJECT, same).hours == pytest.approx(2.0)


def test_hours_are_rather_those_of_the_same_node(ws: Workspace) -> None:
    asked = PlanOptions("demo-tiny", network=(160, 96), max_batches=3600, node="gpu-1")
    with ws.db.write() as tx:
        for name in ("gpu-1", "gpu-2"):
            nodes.put(tx, Node(name, queues=("train",), seen=time.time()))
    planned = train.plan(ws, PROJECT, asked).recipe
    trained(ws, planned, "gpu-1", 2.0)
    trained(ws, planned, "gpu-2", 1.0)
    assert train.plan(ws, PROJECT, asked).hours == pytest.approx(2.0)
    assert train.plan(ws, PROJECT, replace(asked, node="gpu-2")).hours == pytest.approx(1.0)
