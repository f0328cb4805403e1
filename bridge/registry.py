"""Finds plugins by kind and name, loads them when first used, and puts broken ones aside with a reason."""

from __future__ import annotations

import importlib
import importlib.util
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, cast

from bridge import plugin
from bridge.errors import NotFoundError

Kind = Literal["format", "validator", "engine", "detector", "evaluator", "boxes", "anchors", "source"]
Origin = Literal["built-in", "package", "folder"]

# Named here and not by entry point, so that a bare checkout runs.
BUILT_IN: dict[str, str] = {
    "format:vott-v1": "plugins.formats.vott1:VottV1",
    "format:vott-v2": "plugins.formats.vott2:VottV2",
    "format:label-studio": "plugins.formats.label_studio:LabelStudio",
    "format:yolo": "plugins.formats.yolo:Yolo",
    "format:coco": "plugins.formats.coco:Coco",
    "validator:outside": "plugins.validators.outside:Outside",
    "validator:swapped": "plugins.validators.swapped:Swapped",
    "validator:zero-area": "plugins.validators.zero_area:ZeroArea",
    "validator:tiny": "plugins.validators.tiny:Tiny",
    "validator:duplicate-box": "plugins.validators.duplicate_box:DuplicateBox",
    "validator:undeclared-label": "plugins.validators.undeclared_label:UndeclaredLabel",
    "validator:untagged": "plugins.validators.untagged:Untagged",
    "validator:class-out-of-range": "plugins.validators.class_out_of_range:ClassOutOfRange",
    "validator:unreadable": "plugins.validators.unreadable:Unreadable",
    "validator:unreviewed": "plugins.validators.unreviewed:Unreviewed",
    "engine:darknet": "plugins.engines.darknet.engine:Darknet",
    "detector:onnx": "plugins.detectors.onnx.detector:OnnxDetector",
    "evaluator:darknet": "plugins.evaluators.darknet:DarknetProtocol",
    "evaluator:coco": "plugins.evaluators.coco:CocoProtocol",
    "boxes:coco": "plugins.evaluators.tables:CocoFiles",
    "anchors:median": "plugins.anchors.median:MedianFitter",
    "source:label-studio": "plugins.sources.label_studio.source:LabelStudioSource",
    "source:vott-v1": "plugins.sources.vott_folder:VottV1Folder",
    "source:vott-v2": "plugins.sources.vott_folder:VottV2Folder",
}


@dataclass(frozen=True, slots=True)
class Plugin:
    """One known plugin; broken is the reason why it cannot be used, target its dotted name or file."""

    kind: str
    name: str
    target: str
    origin: Origin
    version: str = ""
    broken: str | None = None


class Registry:
    """All plugins of one process; nothing is imported before it is asked for, except files of the plugin folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._plugins: dict[str, Plugin] = {}
        self._loaded: dict[str, Any] = {}
        for key, target in BUILT_IN.items():
            self._add(key, Plugin(*_split(key), target, "built-in", _version("labelbridge")))
        for point in metadata.entry_points(group="labelbridge"):
            version = point.dist.version if point.dist else ""
            self._add(point.name, Plugin(*_split(point.name), point.value, "package", version))
        if folder is not None and folder.is_dir():
            for path in sorted(folder.glob("*.py")):
                self._add_file(path)

    def names(self, kind: Kind) -> list[str]:
        """Names of the usable plugins of a kind, in the order they were found."""
        return [p.name for p in self._plugins.values() if p.kind == kind and p.broken is None]

    def find(self, kind: Kind, name: str) -> Any:
        """An instance of the plugin; raises NotFoundError if there is none or it is broken."""
        key = f"{kind}:{name}"
        if key not in self._loaded:
            found = self._plugins.get(key)
            if found is None or found.broken is not None:
                reason = found.broken if found else ""
                raise NotFoundError(
                    "plugin-missing", kind=kind, plugin=name, reason=reason, known=", ".join(self.names(kind))
                )
            self._load(key, found)
        return self._loaded[key]

    def format(self, name: str) -> plugin.Format:
        """A format by name."""
        return cast(plugin.Format, self.find("format", name))

    def engine(self, name: str) -> plugin.Engine:
        """An engine by name."""
        return cast(plugin.Engine, self.find("engine", name))

    def usable(self, kind: Kind) -> Iterator[tuple[Plugin, Any]]:
        """All plugins of a kind with an instance; one that fails to load is put aside and left out."""
        for known in list(self._plugins.values()):
            if known.kind == kind and known.broken is None:
                try:
                    yield known, self.find(kind, known.name)
                except NotFoundError:
                    continue

    def put_aside(self, kind: str, name: str, reason: str) -> None:
        """Mark a plugin as broken, so that it is listed with its reason and not used again."""
        key = f"{kind}:{name}"
        self._plugins[key] = replace(self._plugins[key], broken=reason)
        self._loaded.pop(key, None)

    def listing(self) -> list[Plugin]:
        """Every plugin that is known, broken ones too; loads them all to find out."""
        for kind in {known.kind for known in self._plugins.values()}:
            deque(self.usable(cast(Kind, kind)), maxlen=0)
        return list(self._plugins.values())

    def _add(self, key: str, found: Plugin) -> None:
        self._plugins[key] = found

    def _add_file(self, path: Path) -> None:
        try:
            spec = importlib.util.spec_from_file_location(f"labelbridge_plugin_{path.stem}", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            for key, maker in module.PLUGINS.items():
                self._add(key, Plugin(*_split(key), str(path), "folder", str(getattr(module, "__version__", ""))))
                self._loaded[key] = maker()
        except Exception as error:  # Somebody else's code: whatever it raises, the server stays up.
            self._add(f"file:{path.name}", Plugin("file", path.name, str(path), "folder", broken=_reason(error)))

    def _load(self, key: str, found: Plugin) -> None:
        module_name, _, attribute = found.target.partition(":")
        try:
            self._loaded[key] = getattr(importlib.import_module(module_name), attribute)()
        except Exception as error:
            if found.origin == "built-in" and not isinstance(error, ImportError):
                raise
            self.put_aside(found.kind, found.name, _reason(error))
            raise NotFoundError(
                "plugin-missing",
                kind=found.kind,
                plugin=found.name,
                reason=_reason(error),
                known=", ".join(self.names(cast(Kind, found.kind))),
            ) from error


def _split(key: str) -> tuple[str, str]:
    kind, _, name = key.partition(":")
    return kind, name or kind


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
