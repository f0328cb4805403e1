"""Trainings as they would start, and starting them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import Field

from bridge.loop import train
from bridge.loop.train import Plan, PlanOptions
from bridge.web.api import answer, area
from bridge.web.api.schemas import (
    NO_TEXT,
    FindingOut,
    Flag,
    Given,
    Name,
    OfProject,
    RecipeOut,
    RunOut,
    Seed,
    Size,
    Taken,
)
from bridge.web.auth import require, who
from bridge.web.current import workspace
from bridge.workspace import Workspace

Count = Annotated[int, Field(ge=1, le=4096), NO_TEXT]
_HASH = 64


class PlanIn(Taken):
    """What is wanted of a training; what is left out is chosen for you."""

    template: str = Field("", max_length=80, description="a built-in network; empty = what suits the node's darknet")
    cfg: str | None = Field(None, max_length=500_000, description="text of a cfg to train with, exactly as it is")
    adapt: Flag = Field(False, description="edit the cfg for this project's classes, anchors and size")
    network: Size | None = None
    batch: Count | None = None
    subdivisions: Count | None = None
    max_batches: Annotated[int, Field(ge=1, le=10_000_000), NO_TEXT] | None = None
    weights: str = Field("none", pattern="^(none|best|last|[0-9a-f]{64})$", description="or the hash of a kept blob")
    node: Name | None = None
    gpus: list[Annotated[int, Field(ge=0, le=255), NO_TEXT]] = Field(default_factory=list, max_length=64)
    seed: Seed = 0
    version: str | None = Field(None, pattern="^[0-9a-f]{4,64}$", description="dataset version; the newest if null")


class PlanOut(Given):
    """A training as it would start; hours is null until a run of the same network was measured here."""

    project: str
    version: str
    recipe: RecipeOut
    findings: list[FindingOut]
    hours: float | None
    disk_bytes: int
    checkpoints: int
    node: str | None

    @classmethod
    def of(cls, plan: Plan) -> PlanOut:
        """A plan with its findings as sentences."""
        return cls(
            project=plan.project,
            version=plan.version.id,
            recipe=RecipeOut.model_validate(plan.recipe),
            findings=[FindingOut.of(f) for f in plan.findings],
            hours=plan.hours,
            disk_bytes=plan.disk_bytes,
            checkpoints=plan.outlook.checkpoints,
            node=plan.node,
        )


def blueprint() -> APIBlueprint:
    """Routes of plans."""
    api = area("plans", "Trainings as they would start, and starting them.")
    api.post("/projects/<project>/plan", responses={200: PlanOut})(plan_run)
    api.post("/projects/<project>/runs", responses={201: RunOut})(start_run)
    return api


@require("admin")
def plan_run(path: OfProject, body: PlanIn) -> Response:
    """What a training would be: cfg, rules it breaks, hours and disk it takes. Starts nothing."""
    return answer(PlanOut.of(_plan(workspace(), path.project, body)))


@require("admin")
def start_run(path: OfProject, body: PlanIn) -> Response:
    """Start a training; refused when its plan breaks a rule or no worker is there."""
    ws = workspace()
    return answer(RunOut.of(train.start(ws, _plan(ws, path.project, body), who())), 201)


def _plan(ws: Workspace, project: str, body: PlanIn) -> Plan:
    weights = str(ws.blobs.path(body.weights)) if len(body.weights) == _HASH else body.weights
    with tempfile.NamedTemporaryFile("w", suffix=".cfg", encoding="utf-8") as cfg:
        cfg.write(body.cfg or "")
        cfg.flush()
        options = PlanOptions(
            body.template,
            Path(cfg.name) if body.cfg is not None else None,
            body.adapt,
            (body.network[0], body.network[1]) if body.network else None,
            body.batch,
            body.subdivisions,
            body.max_batches,
            weights,
            body.node,
            tuple(body.gpus),
            body.seed,
            body.version,
        )
        return train.plan(ws, project, options, who())
