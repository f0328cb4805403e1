"""One task of Label Studio → one document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from bridge.model.annotation import Document, Image, Point, Region
from bridge.model.finding import Finding, Severity
from plugins.formats.label_studio.config import LabelConfig
from plugins.formats.label_studio.geometry import original_size, shown_by
from plugins.formats.label_studio.naming import ours_in, picture_name
from plugins.formats.label_studio.region import EXTRA, read_region, region_findings, split
from plugins.formats.pixels import finite
from plugins.formats.rivals import settled
from plugins.formats.shapes import shape_findings


def read_task(task: dict[str, Any], config: LabelConfig, picture: Image | None = None) -> Document:
    """What a task says about its picture: only submitted annotations are labels, never skipped ones or drafts.

    picture is what is known of the file (size as stored, orientation); without it the size that results record is
    taken, or the one we noted in the task's meta. Several annotators: one marked as ground truth wins, equal ones
    count once, unlike ones are a conflict (regions None, all of them in extra["conflict"]).
    """
    annotations = [a for a in _list(task, "annotations", "completions") if isinstance(a, dict)]
    size = next((size for item in _all_results(task, annotations) if (size := original_size(item))), None)
    image = _image(task, config, picture, size)
    submitted = [(at, a) for at, a in enumerate(annotations) if not a.get("was_cancelled")]
    truths = [(at, a) for at, a in submitted if a.get("ground_truth")]
    rest = {key: value for key, value in task.items() if key not in ("annotations", "completions")}
    said = {EXTRA: {"task": rest, "annotations": annotations}}
    waiting = tuple(_waiting(image, task, annotations))
    empty = Document(image, None, waiting, said, predictions=tuple(_predictions(task, config, image, size)))
    rivals = [_labelling(empty, at, config, size) for at, _ in truths or submitted]
    document = settled(rivals) if rivals else empty
    if rivals and document.regions is None:  # A conflict: what was said of one labelling holds for none.
        return replace(document, findings=(*waiting, document.findings[-1]), extra={**document.extra, **said})
    return document


def _image(task: dict[str, Any], config: LabelConfig, picture: Image | None, size: Point | None) -> Image:
    """The picture: its size as the file says, else as we noted, else as results record."""
    image = picture or Image("")
    if not image.width:
        noted = _noted(task)
        width, height = (
            (noted.width, noted.height) if noted.width else (round(size[0]), round(size[1])) if size else (0, 0)
        )
        image = replace(image, width=width, height=height, orientation=noted.orientation)
    item = str(task["id"]) if task.get("id") is not None else None
    return replace(image, name=image.name or picture_name(task, config), item=item)


def _list(task: dict[str, Any], *keys: str) -> list[Any]:
    """The first of these keys that is there; completions is what old versions called annotations."""
    return next((task[key] for key in keys if isinstance(task.get(key), list)), [])


def _noted(task: dict[str, Any]) -> Image:
    ours = ours_in(task)
    width, height, turn = finite(ours.get("width")), finite(ours.get("height")), finite(ours.get("orientation"))
    return Image("", round(width or 0), round(height or 0), orientation=round(turn or 1))


def _all_results(task: dict[str, Any], annotations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    holders = [*annotations, *(p for p in _list(task, "predictions") if isinstance(p, dict))]
    return [item for holder in holders for item in _list(holder, "result") if isinstance(item, dict)]


def _labelling(empty: Document, at: int, config: LabelConfig, size: Point | None) -> Document:
    """What one annotator says; at is the annotation's place in the task."""
    said, image = empty.extra[EXTRA], empty.image
    annotation = said["annotations"][at]
    groups, rest = split(_list(annotation, "result"), config.image_name if config.controls else None)
    shown = [shown_by(image, original_size(group[0]) or size) for group in groups]
    regions = tuple(read_region(group, on) for group, on in zip(groups, shown, strict=True))
    findings = [f for on in dict.fromkeys(shown) for f in on.findings()]
    special = [f for index, group in enumerate(groups) for f in region_findings(image.name, index, group)]
    told = {f.region for f in special}
    findings += special + [
        f for f in shape_findings(image.name, regions) if f.rule != "bad-number" or f.region not in told
    ]
    if other := [item for item in rest if isinstance(item, dict) and _elsewhere(item, config)]:
        findings.append(Finding("other-object", Severity.WARNING, image.name, {"count": len(other)}))
    # The chosen one's results lie with the regions.
    bare = [{**a, "result": None} if n == at else a for n, a in enumerate(said["annotations"])]
    return replace(
        empty,
        regions=regions,
        findings=(*empty.findings, *findings),
        extra={EXTRA: {**said, "annotations": bare, "chosen": at, "rest": rest}},
        author=_author(annotation),
        looked=_from_prediction(annotation),
    )


def _from_prediction(annotation: dict[str, Any]) -> bool:
    """Whether an annotator began with a model's boxes: the annotation names them, or some of its regions do."""
    if annotation.get("parent_prediction") is not None:
        return True
    origins = (item.get("origin") for item in _list(annotation, "result") if isinstance(item, dict))
    return any(isinstance(origin, str) and origin.startswith("prediction") for origin in origins)


def _elsewhere(item: dict[str, Any], config: LabelConfig) -> bool:
    return bool(config.controls) and item.get("to_name", config.image_name) != config.image_name


def _author(annotation: dict[str, Any]) -> str | None:
    who = annotation.get("completed_by")
    told = (who.get("email") or who.get("id")) if isinstance(who, dict) else who
    return f"label-studio:{told}" if told is not None and told != "" else None


def _waiting(image: Image, task: dict[str, Any], annotations: Iterable[dict[str, Any]]) -> list[Finding]:
    """Work that is there but is no labelling: skipped annotations and drafts."""
    counts = {
        "skipped": sum(bool(a.get("was_cancelled")) for a in annotations),
        "draft": sum(isinstance(draft, dict) for draft in _list(task, "drafts")),
    }
    return [Finding(rule, Severity.INFO, image.name, {"count": n}) for rule, n in counts.items() if n]


def _predictions(task: dict[str, Any], config: LabelConfig, image: Image, size: Point | None) -> Iterator[Region]:
    """The boxes that models put beside the labels; an export may only name them by number."""
    for prediction in _list(task, "predictions"):
        if isinstance(prediction, dict):
            groups, _ = split(_list(prediction, "result"), config.image_name if config.controls else None)
            author, overall = f"checkpoint:{prediction.get('model_version')}", finite(prediction.get("score"))
            for group in groups:
                region = read_region(group, shown_by(image, original_size(group[0]) or size))
                score = finite(group[0].get("score"))
                yield replace(region, author=author, score=overall if score is None else score, extra={})
