"""How far a project is, read from the store."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from bridge.model.dataset import DatasetVersion
from bridge.model.project import Project, Source
from bridge.model.training import Run
from bridge.store import datasets, findings, predictions, projects, runs
from bridge.store.revisions import Counts
from bridge.web.counted import counted
from bridge.web.pages.steps import Standing, Step, next_steps


@dataclass(frozen=True, slots=True)
class Overview:
    """What the pages show of a whole project."""

    project: Project
    counts: Counts
    findings: dict[str, dict[str, int]]
    outdated: bool
    fixable: int
    versions: list[DatasetVersion]
    runs: list[Run]
    sources: list[Source]
    published: str | None
    predicted: dict[str, int]
    standing: Standing
    steps: list[Step]

    @property
    def errors(self) -> int:
        """How many findings damage training."""
        return sum(by_severity.get("error", 0) for by_severity in self.findings.values())


def overview(tx: Connection, project: Project) -> Overview:
    """Everything about one project."""
    counts = counted(tx, project)
    found = findings.counts(tx, project.id)
    fixable = findings.fixable(tx, project.id)
    versions = datasets.listing(tx, project.id)
    trainings = runs.listing(tx, project.id, 20)
    sources = projects.sources(tx, project.id)
    predicted = predictions.counts(tx, project.id)
    last = trainings[0] if trainings else None
    standing = Standing(
        images=counts.images,
        labelled=counts.labelled,
        unknown=counts.unknown,
        conflicts=counts.conflicts,
        errors=sum(n.get("error", 0) for n in found.values()),
        fixable=fixable,
        checked=bool(versions) or findings.checked(tx, project.id),
        version=versions[0].id if versions else None,
        changed=bool(versions) and (counts.newest or "") > versions[0].created,
        run=last.id if last else None,
        run_state=last.state if last else None,
        measured=len(runs.scores(tx, last.id)) if last else 0,
        predicted=max(predicted.values(), default=0),
        tools=sum(source.kind != "import" for source in sources),
    )
    published = projects.published(tx, project.id)
    return Overview(
        project,
        counts,
        found,
        outdated(tx, project, counts),
        fixable,
        versions,
        trainings,
        sources,
        published,
        predicted,
        standing,
        next_steps(standing),
    )


def outdated(tx: Connection, project: Project, counts: Counts) -> bool:
    """Whether the last check counted other unseen pictures than there are now: then its findings may be old too."""
    said = findings.listing(tx, project.id, rule="unreviewed", origin="check", limit=1)
    return any(f.fields.get("unknown") != counts.unknown for f in said)
