"""Labels → findings by all validators, of a project or of a bare file; no store is needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import BridgeError, NotFoundError
from bridge.loop import foreign
from bridge.loop.network import Network, network_of
from bridge.loop.reading import read_path
from bridge.model.annotation import fold_name
from bridge.model.finding import Finding, Severity
from bridge.plugin import Progress, ReadOptions, View, no_progress
from bridge.registry import Plugin, Registry

NETWORK = (416, 416)
# What only reading the files can tell: it stands until they are read again.
STANDING = ("unreadable", "missing-image", "aspect", "exif", "conflict")
# How long somebody else's validator may take where no setting says so.
SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found, and how many pictures were mended."""

    findings: tuple[Finding, ...]
    fixed: int = 0


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


def with_standing(found: Sequence[Finding], kept: Iterable[Finding]) -> list[Finding]:
    """What a check found, and what the imports said of files that the check did not find itself."""
    told = {_about(f) for f in found}
    bad = (f for f in kept if f.rule in STANDING and f.severity is not Severity.INFO and not _by_heads(f))
    standing = {about: f for f in bad if (about := _about(f)) not in told}
    return [*found, *standing.values()]


def _by_heads(finding: Finding) -> bool:
    """Whether it tells of clashing revisions, which may have been settled since; a check sees those itself."""
    return finding.rule == "conflict" and "sources" not in finding.fields


def _about(finding: Finding) -> tuple[str, str]:
    return finding.rule, fold_name(finding.image or "")


def check_path(
    registry: Registry,
    path: Path,
    options: ReadOptions,
    network: tuple[int, int] | None = None,
    seconds: float = SECONDS,
) -> Checked:
    """Check a file or folder as it is, without a store; what reading it showed counts too."""
    bare = read_path(registry, path, options)
    asked = Network(network) if network else network_of(path) or Network(NETWORK)
    labels, is_darknet = bare.reading.labels, bare.format == "yolo"
    view = View(labels, bare.documents, asked.size, options.max_megapixels, asked.sizes, is_darknet)
    seen = {(f.rule, f.image, f.region) for f in bare.findings}
    rest = [f for f in run_validators(registry, view, seconds) if (f.rule, f.image, f.region) not in seen]
    return Checked((*bare.findings, *rest))


def worst(found: Iterable[Finding]) -> Severity | None:
    """The worst severity among findings."""
    order = [Severity.ERROR, Severity.WARNING, Severity.INFO]
    there = {f.severity for f in found}
    return next((severity for severity in order if severity in there), None)
