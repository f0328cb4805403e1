"""Pushing predictions: in bulk, never doubled, nothing dropped silently, and never a hand on annotations.

Label Studio's bulk route answers 201 and leaves out what it finds invalid, knows no "replace", and shows nothing
until the project selects the version. So: import what is not there yet, look what arrived, select, and only then
delete older versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.errors import InputError
from bridge.model.annotation import Region
from bridge.model.finding import Finding, Severity
from bridge.plugin import PushItem, PushOutcome
from plugins.formats.label_studio.config import LabelConfig
from plugins.formats.label_studio.result import result_items
from plugins.sources.label_studio.client import Client
from plugins.sources.label_studio.refusal import Reasons
from plugins.sources.label_studio.tasks import Tasks

Body = dict[str, Any]

# Proxies in front of a server give up after 60 s; this many take about one.
_CHUNK = 500
_SECONDS = 120.0


def body_of(item: PushItem, version: str, config: LabelConfig) -> Body:
    """One picture's prediction as Label Studio takes it; its regions have ids that no other version has."""
    regions = [_named(region, version, n) for n, region in enumerate(item.prediction.regions)]
    scores = [region.score for region in regions if region.score is not None]
    result = result_items(regions, (item.width, item.height), config, item.orientation)
    score = {"score": min(max(sum(scores) / len(scores), 0.0), 1.0)} if scores else {}
    return {"result": result, **score, "model_version": version}


def _named(region: Region, version: str, n: int) -> Region:
    return replace(region, region_id=f"lb-{version}-{n}")


class Predictions:
    """The predictions of one project."""

    def __init__(self, client: Client, project: int, config: LabelConfig) -> None:
        self._client, self._project, self._config = client, project, config

    def push(self, version: str, items: Sequence[PushItem], replaces: Sequence[str]) -> PushOutcome:
        """Bring the tasks' predictions of this version to what is given, show them, and delete older versions."""
        wanted = {int(item.item): item for item in items}
        bodies = {task: body_of(item, version, self._config) for task, item in wanted.items()}
        there = self._there(version)
        changed = self._mend(there, bodies)
        new = [task for task in bodies if task not in there]
        created, gone = self._import(new, bodies)
        missing = set(new) - gone
        if created < len(missing):
            there = self._there(version)
            missing -= set(there)
        else:
            missing = set()
        refused = [_gone(wanted[task], version) for task in sorted(gone)]
        refused += self._refused([wanted[task] for task in sorted(missing)], version, bodies)
        accepted = len(wanted) - len(gone) - len(missing)
        if accepted:
            self._select(version)
        removed = self._remove([old for old in replaces if old != version])
        detail = {"version": version, "created": created, "changed": changed, "removed": removed}
        return PushOutcome(len(items), accepted, tuple(refused), {**detail, "versions": sorted(self.versions())})

    def versions(self) -> dict[str, int]:
        """How many predictions of each version are there."""
        found = self._client.get(f"/api/projects/{self._project}/model-versions/", extended="true")
        return {str(one["model_version"]): int(one["count"]) for one in found["static"]}

    # ------------------------------------------------------------ what is there already

    def _there(self, version: str) -> dict[int, list[Body]]:
        """The predictions of a version by task: what an interrupted push left, or an earlier one of the same model."""
        if not self.versions().get(version):
            return {}
        found: dict[int, list[Body]] = {}
        for one in self._client.get("/api/predictions/", project=self._project):
            if one["model_version"] == version:
                found.setdefault(one["task"], []).append(one)
        return found

    def _mend(self, there: Mapping[int, list[Body]], bodies: Mapping[int, Body]) -> int:
        """Change those that say something else now, in place; remove second ones. Gives how many were changed."""
        changed = 0
        for task, found in there.items():
            body = bodies.get(task)
            first, *second = sorted(found, key=lambda one: int(one["id"]))
            for one in second:
                self._client.delete(f"/api/predictions/{one['id']}/")
            if body is not None and first["result"] != body["result"]:
                # In place: an annotator who has the task open refers to it by its id when he submits.
                self._client.patch(f"/api/predictions/{first['id']}/", body)
                changed += 1
        return changed

    # ------------------------------------------------------------ the bulk route

    def _import(self, tasks: Sequence[int], bodies: Mapping[int, Body]) -> tuple[int, set[int]]:
        """Import in chunks; gives how many were made, and the tasks that are not there any more."""
        created, gone = 0, set[int]()
        for start in range(0, len(tasks), _CHUNK):
            part = tasks[start : start + _CHUNK]
            try:
                created += self._import_chunk(part, bodies)
            except InputError:
                # One unknown task makes it refuse all of them.
                living = {int(task["id"]) for task in Tasks(self._client, self._project).named(part)}
                if living >= set(part):
                    raise
                gone |= set(part) - living
                created += self._import_chunk([task for task in part if task in living], bodies)
        return created, gone

    def _import_chunk(self, part: Sequence[int], bodies: Mapping[int, Body]) -> int:
        if not part:
            return 0
        path = f"/api/projects/{self._project}/import/predictions"
        return int(self._client.post(path, [{"task": t, **bodies[t]} for t in part], _SECONDS)["created"])

    def _refused(self, items: Sequence[PushItem], version: str, bodies: Mapping[int, Body]) -> Iterable[Finding]:
        reasons = Reasons(self._config.xml) if items else None
        for item in items:
            reason = reasons.of(bodies[int(item.item)]) if reasons else ""
            fields = {"case": "refused", "version": version, "item": item.item, "reason": reason or "?"}
            yield Finding("push-refused", Severity.ERROR, item.prediction.image, fields)

    # ------------------------------------------------------------ showing and removing

    def _select(self, version: str) -> None:
        path = f"/api/projects/{self._project}/"
        if self._client.get(path).get("model_version") != version:
            self._client.patch(path, {"model_version": version})

    def _remove(self, versions: Sequence[str]) -> int:
        there = self.versions() if versions else {}
        path = f"/api/projects/{self._project}/model-versions/"
        removed = 0
        for old in versions:
            if there.get(old):
                removed += int(self._client.delete(path, {"model_version": old})["deleted_predictions"])
        return removed


def _gone(item: PushItem, version: str) -> Finding:
    fields = {"case": "gone", "version": version, "item": item.item, "reason": "-"}
    return Finding("push-refused", Severity.WARNING, item.prediction.image, fields)
