"""Reports of runs, as figures and as pages."""

from __future__ import annotations

from typing import Any, Literal

from flask import Response
from flask_openapi.blueprint import APIBlueprint

from bridge.loop import report
from bridge.reporting.record import report_json
from bridge.store import runs
from bridge.web.api import answer, area
from bridge.web.api.checkpoints import ScoresOut
from bridge.web.api.schemas import Given, OfRun, Taken
from bridge.web.auth import require
from bridge.web.current import workspace


class ReportQuery(Taken):
    """In which form and language a report is wanted."""

    format: Literal["json", "html"] = "json"
    lang: Literal["en", "ja"] = "en"


class PartsOut(Given):
    """How many train, and how many are held out."""

    train: int
    valid: int


class LossOut(Given):
    """One point of the loss curve; null where it was no number."""

    iteration: int
    loss: float | None
    avg_loss: float | None


class RowOut(ScoresOut):
    """One checkpoint's scores in a report, and COCO's beside them."""

    id: str
    iteration: int
    kind: str
    coco: ScoresOut | None


class StepOut(Given):
    """One rule in which the protocols differ: the mean once it is COCO's, and what that changed."""

    cause: str
    mean: float
    change: float


class DifferenceOut(Given):
    """Why darknet's number and COCO's differ for the best checkpoint; the changes add up to the difference."""

    message: str
    steps: list[StepOut]


class DrawnOut(Given):
    """One box in an example picture, in pixels; the score is null for a person's."""

    kind: str
    labels: list[str]
    points: list[tuple[float | None, float | None]]
    score: float | None


class ExampleOut(Given):
    """One held-out picture with its labels and what the best checkpoint sees in it."""

    image: str
    width: int
    height: int
    truth: list[DrawnOut]
    detections: list[DrawnOut]


class ReportOut(Given):
    """All figures of a report, as `labelbridge report RUN --json` prints them."""

    project: str
    run: str
    created: str
    classes: list[str]
    objects: dict[str, PartsOut]
    pictures: PartsOut
    losses: list[LossOut]
    checkpoints: list[RowOut]
    best: RowOut | None
    difference: DifferenceOut | None
    examples: list[ExampleOut]
    findings: dict[str, int]
    facts: dict[str, Any]


def blueprint() -> APIBlueprint:
    """The route of reports."""
    api = area("reports", "Reports as figures and as pages.")
    api.get("/runs/<run>/report", responses={200: ReportOut})(get_report)
    return api


@require("admin", "read")
def get_report(path: OfRun, query: ReportQuery) -> Response:
    """A run's report, as figures or as one HTML file that needs nothing else."""
    ws = workspace()
    with ws.db.read() as tx:
        run = runs.find(tx, path.run)
    if query.format == "html":
        return Response(report.render(ws, run.id, query.lang), content_type="text/html; charset=utf-8")
    return answer(ReportOut.model_validate(report_json(report.build(ws, run.id))))
