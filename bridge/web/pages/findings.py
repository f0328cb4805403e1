"""Findings of a project, by rule."""

from __future__ import annotations

from flask import Blueprint, render_template

from bridge.store import findings as kept
from bridge.store import projects
from bridge.web.counted import counted
from bridge.web.current import workspace
from bridge.web.pages.standing import outdated
from bridge.web.pages.ways import choice, cursor

_PAGE = 50
_SEVERITIES = ("error", "warning", "info")


def add_to(pages: Blueprint) -> None:
    """Routes of findings."""
    pages.get("/projects/<project>/findings")(findings)


def findings(project: str) -> str:
    """The findings of one rule (or all), with the pictures they speak of."""
    rule = choice("rule")
    with workspace().db.read() as tx:
        found = projects.find(tx, project)
        counts = kept.counts(tx, found.id)
        page = kept.listing(tx, found.id, rule=rule or None, after=cursor(), limit=_PAGE + 1)
        fixable = kept.fixable(tx, found.id)
        old = outdated(tx, found, counted(tx, found))
    rules = sorted(counts, key=lambda r: (_worst(counts[r]), -sum(counts[r].values()), r))
    return render_template(
        "findings.html",
        project=found,
        counts=counts,
        rules=rules,
        worst={r: _SEVERITIES[_worst(counts[r])] for r in rules},
        rule=rule,
        page=page[:_PAGE],
        next=page[_PAGE - 1].id if len(page) > _PAGE else None,
        after=cursor(),
        fixable=fixable,
        outdated=old,
    )


def _worst(by_severity: dict[str, int]) -> int:
    return min(_SEVERITIES.index(severity) for severity in by_severity)
