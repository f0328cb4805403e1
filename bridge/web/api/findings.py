"""What imports and checks showed, and checking again."""

from __future__ import annotations

from typing import Literal

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import Field

from bridge.loop import check as checking
from bridge.loop.validate import NETWORK
from bridge.store import findings, projects
from bridge.web.api import answer, area
from bridge.web.api.paging import after_number, cut_off
from bridge.web.api.schemas import FindingOut, Flag, Given, OfProject, Page, Paged, Size, Taken
from bridge.web.auth import require, who
from bridge.web.current import workspace


class CheckIn(Taken):
    """How to check; network is the size that small boxes are measured against."""

    fix: Flag = Field(False, description="clip, swap corners and drop exact duplicates; each can be undone")
    network: Size = Field(list(NETWORK))


class Checked(Given):
    """What a check found: counts by rule and severity, the first findings, and where the list goes on."""

    fixed: int
    counts: dict[str, dict[str, int]]
    findings: list[FindingOut]
    next: str | None


class FindingQuery(Paged):
    """Which findings."""

    rule: str | None = Field(None, max_length=64)
    severity: Literal["error", "warning", "info"] | None = None
    origin: str | None = Field(None, max_length=64, description="check: only those of the last check")


def blueprint() -> APIBlueprint:
    """Routes of findings."""
    api = area("findings", "Findings of imports and checks, and checking again.")
    api.get("/projects/<project>/findings", responses={200: Page[FindingOut]})(list_findings)
    api.post("/projects/<project>/check", responses={200: Checked})(check_project)
    return api


@require("admin", "read")
def list_findings(path: OfProject, query: FindingQuery) -> Response:
    """Findings of the last imports and of the last check."""
    with workspace().db.read() as tx:
        found = projects.find(tx, path.project)
        page = findings.listing(
            tx,
            found.id,
            rule=query.rule,
            severity=query.severity,
            origin=query.origin,
            after=after_number(query),
            limit=query.limit + 1,
        )
    return answer(cut_off(page, query, FindingOut.of, lambda f: f.id))


@require("admin")
def check_project(path: OfProject, body: CheckIn) -> Response:
    """Run all validators, and mend what is safe when asked to."""
    ws = workspace()
    done = checking.check(ws, path.project, body.fix, (body.network[0], body.network[1]), who())
    with ws.db.read() as tx:
        found = projects.find(tx, path.project)
        counts = findings.counts(tx, found.id)
        first = findings.listing(tx, found.id, limit=501)
    page = cut_off(first, Paged(cursor=None, limit=500), FindingOut.of, lambda f: f.id)
    return answer(Checked(fixed=done.fixed, counts=counts, findings=page.items, next=page.next))
