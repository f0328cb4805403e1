"""Labels → a VoTT 2.2.0 project: the .vott file and the asset files in the folder that VoTT calls the target."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.document import Stamp, stamp_of, write_atomic
from bridge.errors import ConflictError, InputError
from bridge.model.annotation import Document, fold_name
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding, Severity
from bridge.plugin import WriteOptions
from plugins.formats.backup import overwrites, write_over
from plugins.formats.vott2.asset import (
    NOT_VISITED,
    TAGGED,
    VISITED,
    Record,
    asset_id,
    common_folder,
    decoded_path,
)
from plugins.formats.vott2.elsewhere import Elsewhere, moved
from plugins.formats.vott2.entries import entries_of
from plugins.formats.vott2.identity import rule_of
from plugins.formats.vott2.jsontext import stringify
from plugins.formats.vott2.labels import Labels
from plugins.formats.vott2.placing import Placing, root_of
from plugins.formats.vott2.plain import KEY
from plugins.formats.vott2.project import ASSET_SUFFIX, SUFFIX, VottProject, candidates, open_project
from plugins.formats.vott2.records import Records, is_models, records_of, strangers
from plugins.formats.vott2.region import FILES
from plugins.formats.vott2.shown import grid_of
from plugins.formats.vott2.skeleton import VERSION, connected, file_name, new_skeleton, renamed_tags, tag_records

_ID = re.compile(r"[\w-]{1,100}", re.ASCII)

# What no file looks like.
_NEVER_SEEN: Stamp = (-1, -1)
# VoTT writes its project in moments; so often is it read again when it did so while we wrote.
_TRIES, _PAUSE = 20, 0.2


def write(dataset: Dataset, out: Path, options: WriteOptions) -> list[Finding]:
    """Write into out: a new project, or changes to the one that is there; raises InputError where it cannot.

    Raises RefusedError where a person's regions stand there that the dataset does not know: nothing is written then.
    """
    try:
        if not out.is_file():
            out.mkdir(parents=True, exist_ok=True)
        target = _Target.open(dataset, out, options)
        if unknown := target.unknown():
            raise overwrites(out, unknown)
        for done, document in enumerate(dataset.documents, 1):
            target.put(document)
            options.progress(done, done)
        target.finish()
    except OSError as error:
        raise InputError("folder-unwritable", path=str(out), reason=error.strerror or str(error)) from error
    return target.findings + target.placing.findings


@dataclass(slots=True)
class _Target:
    """One project being written; base is the one that was there, known its assets by folded picture name.

    assets are by the id they had before, for their order, each with the id it has now; changed are those that are ours.
    stamp is how the .vott file looked before it was read, where that counts.
    """

    dataset: Dataset
    out: Path
    base: VottProject | None
    skeleton: Record
    placing: Placing
    known: dict[str, str]
    assets: dict[str, tuple[str, Any]]
    options: WriteOptions
    stamp: Stamp | None = None
    changed: dict[str, tuple[str, Any]] = field(default_factory=dict)
    used: dict[str, None] = field(default_factory=dict)
    roots: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    skipped: int = 0

    @classmethod
    def open(cls, dataset: Dataset, out: Path, options: WriteOptions) -> _Target:
        """Start from what is in the folder; else from the project that the labels came from; else from nothing."""
        there = [path for path in candidates(out) if path.name.endswith(SUFFIX)]
        stamp = stamp_of(there[0]) if there and options.expected is not None else None
        base = open_project(out) if there else None
        out = out.parent if out.is_file() else out
        kept = dataset.extra.get(KEY)
        skeleton = base.content if base else kept if isinstance(kept, dict) else new_skeleton(dataset.name)
        assets = skeleton.get("assets")
        assets = {key: (key, asset) for key, asset in assets.items()} if isinstance(assets, dict) else {}
        entries = entries_of(base)[0] if base else ()
        known = {fold_name(entry.name): entry.id for entry in entries}
        roots = (entry.path.removesuffix(entry.name) for entry in entries if entry.path.endswith(entry.name))
        root = next(roots, "")
        placing = Placing(out.absolute(), options.pictures, root, rule=rule_of(entries, root))
        if options.images_as and base is None:
            placing.elsewhere = Elsewhere(options.images_as, options.project_as)
        elif options.images_as:
            fields = {"case": "there", "folder": placing.root.rstrip("/")}
            placing.findings.append(Finding("vott-folder", Severity.WARNING, None, fields))
        return cls(dataset, out, base, skeleton, placing, known, assets, options, stamp)

    def put(self, document: Document) -> None:
        """Write one picture's asset file if its labels changed, and keep its asset for the project."""
        found = self._asset(document)
        if found is None:
            return
        slot, key, asset = found
        self.roots.add(root_of(decoded_path(asset), document.image.name))
        before = self.base.labels(key) if self.base else None
        plan = planned(document, asset, before)
        self.skipped += plan.skipped
        self.findings += plan.findings
        try:
            if plan.content is not None:
                self._write(key, plan.content)
        except ConflictError:
            self.findings.append(Finding("moved-on", Severity.INFO, document.image.name))
            return
        if plan.content is not None or slot in self.assets or self._is_listed(document, key):
            self.assets[slot] = self.changed[slot] = (key, plan.asset)

    def unknown(self) -> list[Finding]:
        """Pictures with a person's regions that would be replaced unseen; none where that is allowed or merged."""
        if self.base is None or self.options.allow_loss or self.options.expected is not None:
            return []
        return [found for document in self.dataset.documents if (found := self._unknown(document))]

    def _unknown(self, document: Document) -> Finding | None:
        key = self._standing(document)
        before = self.base.labels(key) if self.base and key else None
        if before is None or key is None or self.base is None:
            return None
        asset = self.base.assets.get(key, _asset_inside(before)) or _kept(document).get("asset") or {}
        content = planned(document, dict(asset), before).content
        if content is None or not strangers(before.regions, content["regions"]):
            return None
        past = [records_of(former, grid_of(dict(asset), former.image)) for former in self.options.earlier(document)]
        known = [*content["regions"], *(record for records in past if records for record in records.regions)]
        count = strangers(before.regions, known)
        return Finding("replaced", Severity.WARNING, document.image.name, {"count": count}) if count else None

    def _standing(self, document: Document) -> str | None:
        """The id under which the project that is there has a picture."""
        if self.base is None:
            return None
        kept = _kept(document).get("asset")
        told = (document.image.item, kept.get("id") if isinstance(kept, dict) else None)
        there = (item for item in told if item in self.base.assets or item in self.base.files)
        return next(there, None) or self.known.get(fold_name(document.image.name))

    def _asset(self, document: Document) -> tuple[str, str, Record] | None:
        """A picture's place among the assets, its id and its asset; None if the project need not know of it.

        The asset is the project's own, else the one it came with, else a new one where the picture is now.
        """
        kept = _kept(document).get("asset")
        kept = kept if isinstance(kept, dict) else None
        old = kept.get("id") if kept else None
        if self.base is not None:
            key = self._standing(document)
            if key is not None:
                asset = self.base.assets.get(key, _asset_inside(self.base.labels(key)))
                return key, key, dict(kept or {} if asset is None else asset)
            if document.regions is None and not document.predictions:
                return None  # VoTT lists it from the folder when it lies there.
        asset = self.placing.asset(document, kept)
        key = asset.get("id")
        if not isinstance(key, str) or not _ID.fullmatch(key):
            key = asset_id(str(asset.get("path")))  # An id becomes a file name.
        return old if self.base is None and isinstance(old, str) and old in self.assets else key, key, asset

    def _is_listed(self, document: Document, key: str) -> bool:
        """Whether the project names a picture of which nothing changed: not if VoTT never showed it."""
        if self.base is not None and key in self.base.files:
            return False  # Its asset file stands alone, as it was found.
        return KEY not in self.dataset.extra or document.regions is not None or bool(_kept(document))

    def _write(self, key: str, content: Record) -> None:
        path = self.out / (key + ASSET_SUFFIX)
        data = stringify(content)
        expected = self.options.expected
        if path.exists():
            write_over(path, data, expected.get(str(path), _NEVER_SEEN) if expected is not None else None)
        else:
            write_atomic(path, data, sync=self.base is not None, like=self.base.path if self.base else None)
        tags = (record.get("tags") for record in content["regions"] if isinstance(record, dict))
        self.used.update(dict.fromkeys(t for names in tags if isinstance(names, list) for t in names if type(t) is str))

    def finish(self) -> None:
        """Write the .vott file, last, so that it never names what is not there yet."""
        for again in range(_TRIES):
            try:
                self._write_project()
                break
            except ConflictError:  # VoTT wrote it meanwhile: what it says now holds, but for what is ours.
                if again == _TRIES - 1:
                    raise
                self._read_again()
        if self.skipped:
            self.findings.append(Finding("predictions-skipped", Severity.INFO, None, {"count": self.skipped}))

    def _write_project(self) -> None:
        present = self.skeleton.get("tags")
        present = renamed_tags(present if isinstance(present, list) else [], self.options.renamed)
        tags = tag_records(present, (*self.dataset.labels, *self.used), self.dataset.colors)
        if self.placing.elsewhere is not None:
            self._move_others(self.placing.elsewhere)
        assets = {key: asset for key, asset in self.assets.values() if asset is not None}
        content = self.skeleton | {"tags": tags, "assets": assets}
        last = content.get("lastVisitedAssetId")
        if isinstance(last, str) and last in self.assets:
            content["lastVisitedAssetId"] = self.assets[last][0]
        if self.base is None:
            content = self._connected(content)
            self._write_others()
        path = self.base.path if self.base else self.out / (file_name(str(content.get("name"))) + SUFFIX)
        if self.base is None or content != self.base.content or self.base.findings:
            write_over(path, stringify(content), self.stamp)

    def _read_again(self) -> None:
        """The project as it is now, with our changes."""
        assert self.base is not None
        self.stamp = stamp_of(self.base.path)
        self.base = open_project(self.base.path)
        if self.base.findings:  # Half-written; mending it would leave out what comes yet.
            self.stamp = _NEVER_SEEN
            time.sleep(_PAUSE)
        self.skeleton = self.base.content
        self.assets = {key: (key, asset) for key, asset in self.base.assets.items()} | self.changed

    def _connected(self, content: Record) -> Record:
        """A project in a fresh folder: connected to that, and to where the pictures are."""
        elsewhere = self.placing.elsewhere
        if elsewhere is None and KEY in self.dataset.extra and self.placing.how == "none":
            return content  # Labels only: nothing is said of places that the project does not say itself.
        token = content.get("securityToken")
        self.findings.append(Finding("vott-token", Severity.INFO, None, {"token": token}))
        if elsewhere is not None:
            self.findings += elsewhere.findings(self.out.absolute())
            return connected(content, elsewhere.images, elsewhere.project or str(self.out.absolute()))
        # What was put somewhere decides; names are read back as they are if they count from the source folder.
        roots = self.placing.roots or self.roots
        pictures = next(iter(roots)) if len(roots) == 1 else common_folder(roots)
        pictures = pictures.rstrip("/")
        return connected(content, pictures or str(self.out.absolute()), str(self.out.absolute()))

    def _move_others(self, elsewhere: Elsewhere) -> None:
        """Assets of videos lie where the pictures lie, on the other machine too."""
        for slot, (_, asset) in self.assets.items():
            there = None if slot in self.changed else moved(asset, self.placing.left, elsewhere.root)
            if there is not None:
                self.assets[slot] = (there["id"], there)

    def _write_others(self) -> None:
        """The asset files of videos, which hold nothing, but VoTT expects them."""
        others = self.dataset.extra.get(FILES)
        for slot, content in others.items() if isinstance(others, dict) else ():
            key, asset = self.assets.get(slot, ("", None))
            if _ID.fullmatch(key):
                said = content if key == slot else content | {"asset": asset}
                write_atomic(self.out / (key + ASSET_SUFFIX), stringify(said), sync=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of one picture: its asset, and the content of its asset file (None: it is not touched)."""

    asset: Record
    content: Record | None = None
    skipped: int = 0
    findings: tuple[Finding, ...] = ()


def planned(document: Document, asset: Record, before: Labels | None) -> Plan:
    """Decide what to write for a picture whose asset file holds `before` now (None: it has none)."""
    records = records_of(document, grid_of(asset, document.image))
    if records is None or (document.regions and not records.regions):
        return Plan(asset)  # Nothing is known, or nothing that VoTT can hold: that is not the same as empty.
    if document.regions is None and before is not None and not is_models(before.regions, records.regions):
        return Plan(asset, skipped=len(document.predictions))
    template = before.content if before else _kept(document).get("file")
    unchanged = before is not None and not before.damage and before.regions == records.regions
    if unchanged and records.regions:
        return Plan(asset, skipped=records.skipped)
    asset = asset | {"state": _state(records, asset, unchanged or (before is None and template is not None))}
    if unchanged or (not records.regions and template is None):
        return Plan(asset, skipped=records.skipped)
    findings = _told(document, records, before)
    return Plan(asset, _content(template or {}, asset, records), records.skipped, findings)


def _state(records: Records, asset: Record, as_it_was: bool) -> Any:
    """What VoTT shall think of the asset. A model's regions alone were not looked at: VoTT says so when they are."""
    state = asset.get("state")
    if records.marked:
        return NOT_VISITED if records.fresh else state
    if records.regions:
        return state if as_it_was and state == VISITED else TAGGED
    return TAGGED if as_it_was and state == TAGGED else VISITED


def _content(template: Record, asset: Record, records: Records) -> Record:
    """An asset file, with the unknown fields of the one it replaces."""
    inside = template.get("asset")
    if isinstance(inside, dict) and inside.get("id") == asset.get("id"):
        asset = inside | {"state": asset["state"]}
    head = {"asset": asset, "regions": records.regions, "version": template.get("version", VERSION)}
    return head | {key: value for key, value in template.items() if key not in head}


def _told(document: Document, records: Records, before: Labels | None) -> tuple[Finding, ...]:
    """A person's regions that stood in the file and that the labels to write do not know."""
    count = strangers(before.regions, records.regions) if before else 0
    return (Finding("replaced", Severity.WARNING, document.image.name, {"count": count}),) if count else ()


def _kept(document: Document) -> Record:
    kept = document.extra.get(KEY)
    return kept if isinstance(kept, dict) else {}


def _asset_inside(labels: Labels | None) -> Record | None:
    inside = labels.content.get("asset") if labels else None
    return inside if isinstance(inside, dict) else None
