from __future__ import annotations

from bridge.model.annotation import Image
from bridge.model.finding import Finding, Severity
from bridge.store import findings, images, projects
from bridge.store.database import Database


def found(image: str | None, rule: str = "tiny") -> Finding:
    return Finding(rule, Severity.WARNING, image)


def test_findings_of_pictures_that_were_not_looked_at_stay(database: Database) -> None:
    with database.write() as tx:
        project = projects.create(tx, "p").id
        a, b = images.put(tx, project, [Image("a.jpg"), Image("b.jpg")])
        ids = {"a.jpg": a, "b.jpg": b}
        findings.replace(tx, project, "import:1", [found("a.jpg"), found("b.jpg"), found(None, "order")], ids)
        # Only b was read again: a keeps its finding, and gets none of this reading.
        findings.replace(tx, project, "import:1", [found("b.jpg", "polygon"), found("a.jpg", "twice")], ids, {b})
        told = {(f.rule, f.image) for f in findings.listing(tx, project)}
        assert {rule for rule, _ in told} == {"tiny", "polygon"}
        findings.replace(tx, project, "import:1", [], ids)
        assert findings.listing(tx, project) == []
