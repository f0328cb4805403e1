"""Project → findings by all validators; only with fix are the safe ones mended, each as a new revision."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import BridgeError, NotFoundError
from bridge.listeners import tell
from bridge.loop import foreign
from bridge.loop.fixes import apply_fix
from bridge.loop.intake import recognise
from bridge.model.annotation import Document, Label, content_hash, fold_name
from bridge.model.finding import Finding, Severity
from bridge.model.project import Project
from bridge.plugin import Progress, ReadOptions, View, no_progress
from bridge.registry import Plugin, Registry
from bridge.store import findings as kept
from bridge.store import images, projects, revisions, tokens
from bridge.store.revisions import Draft
from bridge.workspace import Workspace

NETWORK = (416, 416)
# How long somebody else's validator may take where no setting says so.
SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found, and how many pictures were mended."""

    findings: tuple[Finding, ...]
    fixed: int = 0


@dataclass(frozen=True, slots=True)
class _Present:
    """The project as it is now; iterating reads it from the store, so that it never stands in memory whole."""

    ws: Workspace
    project: str
    labels: tuple[Label, ...]

    def __iter__(self) -> Iterator[Document]:
        with self.ws.db.read() as tx:
            for current in revisions.current(tx, self.project, self.labels):
                yield current.document


def check(
    ws: Workspace,
    project: str,
    fix: bool = False,
    network: tuple[int, int] = NETWORK,
    who: str = "local",
    progress: Progress = no_progress,
) -> Checked:
    """Run every validator over a project and keep the findings; with fix, mend what is safe and check again."""
    with ws.db.read() as tx:
        found = projects.find(tx, project)
    view = View(found.label_names(), _Present(ws, found.id, found.labels), network, ws.settings.max_megapixels)
    result = run_validators(ws.registry, view, ws.settings.validator_seconds, progress)
    fixed = 0
    if fix and any(f.fix for f in result):
        fixed = _mend(ws, found, result, who)
        broken = [f for f in result if f.rule == "plugin-broken"]  # Put aside, so the second time they say nothing.
        result = broken + run_validators(ws.registry, view, ws.settings.validator_seconds, progress)
    _keep(ws, found, result)
    tell(ws.registry, "findings_changed", project=found.id, counts=dict(Counter(f.rule for f in result)))
    return Checked(tuple(result), fixed)


def run_validators(
    registry: Registry, view: View, seconds: float = SECONDS, progress: Progress = no_progress
) -> list[Finding]:
    """The findings of all validators; one that is broken is put aside with its reason and the others finish.

    Other people's run in a child process each, which is ended after so many seconds.
    """
    found: list[Finding] = []
    validators = registry.known("validator")
    with foreign.Quarantine(view, seconds) as quarantine:
        for number, plugin in enumerate(validators):
            progress(number, len(validators))
            try:
                found += _findings(registry, plugin, view, quarantine)
            except foreign.Broken as broken:
                found.append(_put_aside(registry, plugin, str(broken)))
    progress(len(validators), len(validators))
    return found


def _findings(registry: Registry, plugin: Plugin, view: View, quarantine: foreign.Quarantine) -> list[Finding]:
    if plugin.origin != "built-in":
        return quarantine.check(plugin)
    try:
        validator = registry.find("validator", plugin.name)
    except NotFoundError as error:
        raise foreign.Broken(str(error.fields["reason"])) from None
    try:
        return list(validator.check(view))
    except BridgeError:
        raise
    except Exception as error:  # A plugin's own fault must not take the check down.
        raise foreign.Broken(f"{type(error).__name__}: {error}") from error


def _put_aside(registry: Registry, plugin: Plugin, reason: str) -> Finding:
    registry.put_aside("validator", plugin.name, reason)
    return Finding("plugin-broken", Severity.WARNING, None, {"plugin": plugin.name, "reason": reason})


def check_path(
    registry: Registry,
    path: Path,
    options: ReadOptions,
    network: tuple[int, int] | None = None,
    seconds: float = SECONDS,
) -> Checked:
    """Check a file or folder as it is, without a store; what reading it showed counts too."""
    reading = registry.format(recognise(registry, path)).read(path, options)
    documents = list(reading.documents)
    size = network or network_size(path) or NETWORK
    view = View(reading.labels, documents, size, options.max_megapixels)
    read = [*reading.findings, *(f for d in documents for f in d.findings)]
    seen = {(f.rule, f.image, f.region) for f in read}
    rest = [f for f in run_validators(registry, view, seconds) if (f.rule, f.image, f.region) not in seen]
    return Checked((*read, *rest))


def network_size(path: Path) -> tuple[int, int] | None:
    """The network size that the one .cfg in a darknet folder asks for."""
    folder = path if path.is_dir() else path.parent
    sizes = {size for cfg in folder.glob("*.cfg") if (size := _cfg_size(cfg))}
    return sizes.pop() if len(sizes) == 1 else None


def _cfg_size(cfg: Path) -> tuple[int, int] | None:
    values: dict[str, str] = {}
    for line in cfg.read_text("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        values.setdefault(key.strip(), value.strip())
    try:
        return int(values["width"]), int(values["height"])
    except (KeyError, ValueError):
        return None


def _keep(ws: Workspace, project: Project, found: Sequence[Finding]) -> None:
    with ws.db.write() as tx:
        ids = {folded: i.id for folded, i in images.known_images(tx, project.id).items() if i.id is not None}
        kept.replace(tx, project.id, "check", found, ids)


def _mend(ws: Workspace, project: Project, found: Sequence[Finding], who: str) -> int:
    by_image: dict[str, list[Finding]] = {}
    for finding in found:
        if finding.fix is not None and finding.image is not None:
            by_image.setdefault(fold_name(finding.image), []).append(finding)
    with ws.db.read() as tx:
        known = images.known_images(tx, project.id)
    ids = [i.id for name in by_image if (i := known.get(name)) and i.id is not None]
    fixed = 0
    for start in range(0, len(ids), 200):
        fixed += _mend_slice(ws, project, ids[start : start + 200], by_image, who)
        time.sleep(0.002)
    return fixed


def _mend_slice(
    ws: Workspace, project: Project, ids: Sequence[int], by_image: dict[str, list[Finding]], who: str
) -> int:
    with ws.db.write() as tx:
        drafts = []
        for current in revisions.current(tx, project.id, project.labels, ids):
            image, before = current.document.image, current.document.regions
            if current.revision_id is None or image.id is None or before is None:
                continue  # In conflict: a person resolves that first.
            after = apply_fix(before, by_image[fold_name(image.name)], image.width, image.height)
            if after != before:
                digest = content_hash(image.name, image.width, image.height, after)
                extra = current.document.extra
                drafts.append(Draft(image.id, after, digest, who, "fix", (current.revision_id,), extra=extra))
        revisions.put(tx, drafts, project.labels)
        if drafts:
            rules = sorted({f.rule for name in by_image for f in by_image[name]})
            tokens.record(tx, who, "fix", project.id, {"pictures": len(drafts), "rules": rules})
    return len(drafts)


def worst(found: Iterable[Finding]) -> Severity | None:
    """The worst severity among findings."""
    order = [Severity.ERROR, Severity.WARNING, Severity.INFO]
    there = {f.severity for f in found}
    return next((severity for severity in order if severity in there), None)
