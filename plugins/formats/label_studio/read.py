"""A JSON export of Label Studio → labels and one document per picture."""

from __future__ import annotations

from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from bridge.document import read_text
from bridge.errors import InputError
from bridge.model.annotation import Document, Image, fold_name
from bridge.model.dataset import Reading
from bridge.model.finding import Finding, Severity
from bridge.plugin import ReadOptions
from plugins.formats.halves import read_whole
from plugins.formats.label_studio.config import LabelConfig, parse_config
from plugins.formats.label_studio.naming import address, longer_name, name_in, own_name, picture_name
from plugins.formats.label_studio.region import EXTRA, labels_of
from plugins.formats.label_studio.task import read_task
from plugins.formats.pictures import PictureFolder
from plugins.formats.rivals import merged_twins

CONFIG = "label_config.xml"

_Named = tuple[str, dict[str, Any]]


def read(path: Path, options: ReadOptions) -> Reading:
    """Read an export; its labeling config is the one given, else its own or label_config.xml beside it."""
    raw, halved = read_whole(path, options.max_file_megabytes)
    listed = [raw] if isinstance(raw, dict) and "data" in raw else raw
    tasks = [task for task in listed if _is_task(task)] if isinstance(listed, list) else []
    if not tasks and listed != []:
        raise InputError("not-label-studio", path=str(path), files="")
    damaged = [_damaged(at, task) for at, task in enumerate(listed) if not _is_task(task)]
    config = _config(path, options)
    labels = config.labels or _first_appearance(tasks)
    if not config.labels and labels:
        fields = {"path": str(path), "labels": ", ".join(labels)}
        damaged.append(Finding("label-order", Severity.WARNING, None, fields))
    folder = path.absolute().parent
    pictures = PictureFolder(options.images, folder, folder / "images", max_megapixels=options.max_megapixels)
    groups = _by_picture(tasks, config)
    return Reading(
        labels,
        _documents(groups, config, pictures),
        len(groups),
        title=path.stem,
        declared=bool(config.labels),
        findings=(*halved, *damaged),
        colors=config.colors,
        extra={EXTRA: {"config": config.xml}} if config.xml else {},
    )


def _is_task(task: object) -> bool:
    """Whether this is a whole task; the short export (JSON-MIN) says too little to be read."""
    return isinstance(task, dict) and isinstance(task.get("data"), dict)


def _damaged(at: int, task: object) -> Finding:
    reason = "data" if isinstance(task, dict) else type(task).__name__
    return Finding("damaged-item", Severity.ERROR, None, {"part": "tasks", "row": at, "reason": reason})


def own_config(path: Path) -> Path:
    """Where the labeling config of one export lies when another one has the common name."""
    return path.with_name(f"{path.stem}.{CONFIG}")


def _config(path: Path, options: ReadOptions) -> LabelConfig:
    beside = next((file for file in (own_config(path), path.parent / CONFIG) if file.is_file()), None)
    file = options.label_config or beside
    return parse_config(read_text(file, options.max_file_megabytes)) if file else LabelConfig()


def _first_appearance(tasks: list[dict[str, Any]]) -> tuple[str, ...]:
    holders = (h for t in tasks for key in ("annotations", "completions", "predictions") for h in _dicts(t.get(key)))
    return tuple(dict.fromkeys(name for h in holders for item in _dicts(h.get("result")) for name in labels_of(item)))


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


# ------------------------------------------------------------ pictures


def _by_picture(tasks: list[dict[str, Any]], config: LabelConfig) -> list[list[_Named]]:
    """Tasks by picture. Pictures of one name at different addresses are different ones: the first keeps the name."""
    groups: dict[str, list[_Named]] = {}
    holders: dict[str, str] = {}
    for task in sorted(tasks, key=_number):
        name, url = picture_name(task, config), address(task, config)
        if not own_name(task) and holders.setdefault(fold_name(name), url) != url:
            name = longer_name(task, config)
        groups.setdefault(fold_name(name), []).append((name, task))
    return list(groups.values())


def _number(task: dict[str, Any]) -> float:
    number = task.get("id")
    return number if isinstance(number, (int, float)) else float("inf")


def _documents(groups: list[list[_Named]], config: LabelConfig, pictures: PictureFolder) -> Iterator[Document]:
    named = frozenset(fold_name(group[0][0]) for group in groups)
    for group in groups:
        yield merged_twins([_document(name, task, config, pictures, named) for name, task in group])


def _document(
    name: str, task: dict[str, Any], config: LabelConfig, pictures: PictureFolder, named: Set[str]
) -> Document:
    image, findings = _picture(name, name_in(address(task, config)), pictures, named)
    document = read_task(task, config, image)
    return Document(
        document.image,
        document.regions,
        (*findings, *document.findings),
        document.extra,
        author=document.author,
        predictions=document.predictions,
        looked=document.looked,
    )


def _picture(name: str, told: str, pictures: PictureFolder, named: Set[str]) -> tuple[Image, tuple[Finding, ...]]:
    """The picture of this name; a local file's folder counts from a root that we do not know, so it may be cut off.

    But what is then the name of another picture (named are all of them) is that one.
    """
    parts = told.split("/")
    tails = ("/".join(parts[at:]) for at in range(len(parts)))
    for tail in (name, *(tail for tail in tails if fold_name(tail) not in named)):
        if pictures.find(tail).path is not None:
            image, findings = pictures.image(tail)
            return _named(image, name), findings
    return pictures.image(name)


def _named(image: Image, name: str) -> Image:
    return Image(name, image.width, image.height, image.sha256, image.orientation, image.file)
