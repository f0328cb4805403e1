"""Findings of the last import and the last check of each project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from bridge.model.annotation import fold_name
from bridge.model.finding import Finding, Fix, Severity
from bridge.store import tables as t

_SLICE = 5000


def replace(
    tx: Connection,
    project: str,
    origin: str,
    findings: Sequence[Finding],
    ids: Mapping[str, int],
    only: Set[int] | None = None,
) -> None:
    """Put findings of an origin ("import", "check") in place of its last; ids maps folded names to images.

    With only, those of other pictures stay as they are.
    """
    c = t.finding.c
    where = (c.project == project) & (c.origin == origin)
    if only is None:
        tx.execute(delete(t.finding).where(where))
    else:
        tx.execute(delete(t.finding).where(where, c.image_id.is_(None)))
        listed = sorted(only)
        for start in range(0, len(listed), _SLICE):
            tx.execute(delete(t.finding).where(where, c.image_id.in_(listed[start : start + _SLICE])))
    add(tx, project, origin, findings, ids, only)


def add(
    tx: Connection,
    project: str,
    origin: str,
    findings: Sequence[Finding],
    ids: Mapping[str, int],
    only: Set[int] | None = None,
) -> None:
    """Append findings of an origin; with only, not those of other pictures."""
    if only is not None:
        findings = [f for f in findings if f.image is None or ids.get(fold_name(f.image)) in only]
    rows = [
        {
            "project": project,
            "image_id": ids.get(fold_name(f.image)) if f.image is not None else None,
            "origin": origin,
            "rule": f.rule,
            "severity": f.severity.value,
            "region": f.region,
            "fix": f.fix.value if f.fix else None,
            "fields": {**f.fields, "image": f.image} if f.image is not None else f.fields,
        }
        for f in findings
    ]
    for start in range(0, len(rows), _SLICE):
        tx.execute(insert(t.finding), rows[start : start + _SLICE])


def listing(
    tx: Connection,
    project: str,
    rule: str | None = None,
    image_id: int | None = None,
    after: int | None = None,
    limit: int | None = None,
    severity: str | None = None,
    origin: str | None = None,
) -> list[Finding]:
    """Findings in the order they were made."""
    query = select(t.finding).where(t.finding.c.project == project).order_by(t.finding.c.id)
    if rule is not None:
        query = query.where(t.finding.c.rule == rule)
    if image_id is not None:
        query = query.where(t.finding.c.image_id == image_id)
    if severity is not None:
        query = query.where(t.finding.c.severity == severity)
    if origin is not None:
        query = query.where(t.finding.c.origin == origin)
    if after is not None:
        query = query.where(t.finding.c.id > after)
    return [_finding(row) for row in tx.execute(query.limit(limit) if limit else query)]


def counts(tx: Connection, project: str) -> dict[str, dict[str, int]]:
    """How many findings of each rule, by severity: {rule: {severity: n}}."""
    c = t.finding.c
    query = select(c.rule, c.severity, func.count().label("n")).where(c.project == project).group_by(c.rule, c.severity)
    found: dict[str, dict[str, int]] = {}
    for row in tx.execute(query.order_by(c.rule)):
        found.setdefault(row.rule, {})[row.severity] = row.n
    return found


def counts_of_images(tx: Connection, image_ids: Sequence[int]) -> dict[int, int]:
    """How many findings, but information, each of these pictures has."""
    c = t.finding.c
    where = c.image_id.in_(image_ids) & (c.severity != Severity.INFO.value)
    query = select(c.image_id, func.count()).where(where).group_by(c.image_id)
    return {row[0]: row[1] for row in tx.execute(query)}


def fixable(tx: Connection, project: str) -> int:
    """How many findings have a safe fix."""
    c = t.finding.c
    query = select(func.count()).select_from(t.finding).where(c.project == project, c.fix.is_not(None))
    return tx.scalar(query) or 0


def checked(tx: Connection, project: str) -> bool:
    """Whether the last check of a project found anything (one that found nothing leaves no trace)."""
    c = t.finding.c
    return tx.scalar(select(c.id).where(c.project == project, c.origin == "check").limit(1)) is not None


def _finding(row: Any) -> Finding:
    fields = dict(row.fields)
    image = fields.pop("image", None)
    fix = Fix(row.fix) if row.fix else None
    return Finding(row.rule, Severity(row.severity), image, fields, row.region, fix, row.id)
