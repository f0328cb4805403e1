"""Finds plugins by kind and name, loads them when first used, and puts broken ones aside with a reason."""

from __future__ import annotations

import importlib
import importlib.util
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, cast, get_args

from bridge import plugin
from bridge.errors import NotFoundError
from bridge.installed import entry_points, version_of

Kind = Literal["format", "validator", "engine", "detector", "evaluator", "boxes", "anchors", "source", "listener"]
Origin = Literal["built-in", "package", "folder"]

# What a plugin of each kind must offer; a listener offers what it likes.
CONTRACT: dict[Kind, type] = {
    "format": plugin.Format,
    "validator": plugin.Validator,
    "engine": plugin.Engine,
    "detector": plugin.Detector,
    "evaluator": plugin.Evaluator,
    "boxes": plugin.BoxFiles,
    "anchors": plugin.AnchorFitter,
    "source": plugin.SourceOpener,
}

# Named here and not by entry point, so that a bare checkout runs.
BUILT_IN: dict[str, str] = {
    "format:vott-v1": "plugins.formats.vott1:VottV1",
    "format:vott-v2": "plugins.formats.vott2:VottV2",
    "format:label-studio": "plugins.formats.label_studio:LabelStudio",
    "format:yolo": "plugins.formats.yolo:Yolo",
    "format:coco": "plugins.formats.coco:Coco",
    "format:voc": "plugins.formats.voc:Voc",
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
    "validator:near-duplicate": "plugins.validators.near_duplicate:NearDuplicate",
    "validator:missing-label-on-copy": "plugins.validators.missing_label_on_copy:MissingLabelOnCopy",
    "validator:wrong-extension": "plugins.validators.wrong_extension:WrongExtension",
    "validator:picture-kind": "plugins.validators.picture_kind:PictureKind",
    "validator:label-path": "plugins.validators.label_path:LabelPath",
    "validator:no-label-file": "plugins.validators.no_label_file:NoLabelFile",
    "validator:risky-path": "plugins.validators.risky_path:RiskyPath",
    "validator:many-boxes": "plugins.validators.many_boxes:ManyBoxes",
    "validator:few-examples": "plugins.validators.few_examples:FewExamples",
    "validator:few-negatives": "plugins.validators.few_negatives:FewNegatives",
    "engine:darknet": "plugins.engines.darknet.engine:Darknet",
    "detector:onnx": "plugins.detectors.onnx.detector:OnnxDetector",
    "evaluator:darknet": "plugins.evaluators.darknet:DarknetProtocol",
    "evaluator:coco": "plugins.evaluators.coco:CocoProtocol",
    "boxes:coco": "plugins.evaluators.tables:CocoFiles",
    "anchors:median": "plugins.anchors.median:MedianFitter",
    "anchors:long": "plugins.anchors.median:LongFitter",
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

    @property
    def key(self) -> str:
        """How it is written down: "<kind>:<name>"."""
        return f"{self.kind}:{self.name}"


class Registry:
    """All plugins of one process; nothing is imported before it is asked for, except files of the plugin folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._plugins: dict[str, Plugin] = {}
        self._loaded: dict[str, Any] = {}
        for key, target in BUILT_IN.items():
            self._add(Plugin(*_split(key), target, "built-in"))
        for point in entry_points("labelbridge"):
            self._add(Plugin(*_split(point.name), point.target, "package", point.version))
        if folder is not None and folder.is_dir():
            for path in sorted(folder.glob("*.py")):
                self._add_file(path)

    def known(self, kind: Kind) -> list[Plugin]:
        """The plugins of a kind that are not known to be broken, in the order they were found; loads none."""
        return [p for p in self._plugins.values() if p.kind == kind and p.broken is None]

    def names(self, kind: Kind) -> list[str]:
        """Names of the usable plugins of a kind, in the order they were found."""
        return [p.name for p in self.known(kind)]

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
            self._load(found)
        return self._loaded[key]

    def format(self, name: str) -> plugin.Format:
        """A format by name."""
        return cast(plugin.Format, self.find("format", name))

    def engine(self, name: str) -> plugin.Engine:
        """An engine by name."""
        return cast(plugin.Engine, self.find("engine", name))

    def usable(self, kind: Kind) -> Iterator[tuple[Plugin, Any]]:
        """All plugins of a kind with an instance; one that fails to load is put aside and left out."""
        for known in self.known(kind):
            try:
                yield known, self.find(kind, known.name)
            except NotFoundError:
                continue

    def add(self, known: Plugin, made: Any) -> None:
        """Add a plugin that is at hand, a class or an instance; one that does not fit its kind is put aside."""
        if self._add(known):
            self._try(known, partial(_instance, made))

    def put_aside(self, kind: str, name: str, reason: str) -> None:
        """Mark a plugin as broken, so that it is listed with its reason and not used again."""
        key = f"{kind}:{name}"
        self._plugins[key] = replace(self._plugins[key], broken=reason)
        self._loaded.pop(key, None)

    def listing(self) -> list[Plugin]:
        """Every plugin that is known, broken ones too; loads them all to find out."""
        for kind in get_args(Kind):
            deque(self.usable(kind), maxlen=0)
        ours = version_of("labelbridge")
        return [replace(p, version=ours) if p.origin == "built-in" else p for p in self._plugins.values()]

    def _add(self, found: Plugin) -> bool:
        """Make known by name; the last one of a name is the one that counts. False when there is no such kind."""
        fits = found.kind in get_args(Kind) and found.name != ""
        self._plugins[found.key] = found if fits else replace(found, broken=f"{found.key} names no kind of plugin")
        self._loaded.pop(found.key, None)
        return fits

    def _add_file(self, path: Path) -> None:
        try:
            module = _module(path)
            version = str(getattr(module, "__version__", ""))
            known = {key: Plugin(*_split(key), str(path), "folder", version) for key in module.PLUGINS}
        except (Exception, SystemExit) as error:  # Somebody else's code: whatever it raises, the server stays up.
            self._plugins[f"file:{path.name}"] = Plugin("file", path.name, str(path), "folder", broken=_reason(error))
            return
        for key, one in known.items():
            self.add(one, module.PLUGINS[key])

    def _load(self, found: Plugin) -> None:
        if not self._try(found, partial(make, found)):
            reason, known = self._plugins[found.key].broken, ", ".join(self.names(cast(Kind, found.kind)))
            raise NotFoundError("plugin-missing", kind=found.kind, plugin=found.name, reason=reason, known=known)

    def _try(self, found: Plugin, maker: Callable[[], Any]) -> bool:
        """Make and keep an instance, or put the plugin aside; our own faults are not hidden."""
        try:
            made = maker()
            missing = _missing(cast(Kind, found.kind), made)
        except (Exception, SystemExit) as error:
            if found.origin == "built-in" and not isinstance(error, ImportError):
                raise
            self.put_aside(found.kind, found.name, _reason(error))
            return False
        if missing:
            self.put_aside(found.kind, found.name, f"it lacks {', '.join(missing)}")
            return False
        self._loaded[found.key] = made
        return True


def make(found: Plugin) -> Any:
    """A fresh instance of a plugin from its own module or file alone; raises whatever that raises."""
    if found.origin == "folder":
        return _instance(_module(Path(found.target)).PLUGINS[found.key])
    module_name, _, attribute = found.target.partition(":")
    return _instance(getattr(importlib.import_module(module_name), attribute))


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"labelbridge_plugin_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _instance(made: Any) -> Any:
    """A plugin is a class, or an instance already."""
    return made() if callable(made) else made


def _missing(kind: Kind, made: Any) -> list[str]:
    """What the contract of a kind asks for and this plugin does not have."""
    contract = CONTRACT.get(kind)
    wanted = [] if contract is None else [*contract.__annotations__, *vars(contract)]
    return [name for name in wanted if not name.startswith("_") and not hasattr(made, name)]


def _split(key: str) -> tuple[str, str]:
    kind, _, name = key.partition(":")
    return kind, name


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
