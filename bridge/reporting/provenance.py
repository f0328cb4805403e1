"""Where the numbers of a report come from, as names and values to be printed beside them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bridge.model.report import CheckpointRow, Report
from bridge.texts import catalogue, render

Fact = tuple[str, str]

# In which box of the page a fact stands; what is not named here comes last, under its own name.
_GROUPS = {
    "data": "dataset_version pictures_train pictures_valid seed fraction valid_is_train",
    "training": "engine fork engine_version network batch subdivisions max_batches gpus node start_weights cfg_hash "
    "attempts",
    "measuring": "protocol iou points detector detector_version onnxruntime resize letterbox threshold nms nms_kind "
    "max_per_class epsilon ignored_detections shown_threshold",
    "run": "run_id checkpoint_id state started ended seconds labelbridge",
}
_TIMES = {"started", "ended"}
_SHORT_HASH = 12


def beside_the_number(report: Report, language: str) -> list[Fact]:
    """How the best number was got, in the few lines that stand next to it."""
    best = report.best_row
    if best is None:
        return []
    known = {**report.facts, **best.scores.options}
    lines = {
        "protocol": _protocol(best, language),
        "pictures": _say(
            "beside.held-out", language, valid=best.scores.pictures or report.pictures[1], train=report.pictures[0]
        ),
        "dataset_version": str(known.get("dataset_version") or "")[:_SHORT_HASH],
        "detector": _detector(known, language),
        "engine": " ".join(str(known[k]) for k in ("engine", "fork", "engine_version") if known.get(k)),
        "checkpoint_id": f"{best.checkpoint_id[:_SHORT_HASH]} · {_say(f'kind.{best.kind}', language)}",
    }
    return [(_say(f"fact.{key}", language), value) for key, value in lines.items() if value]


def groups(report: Report, language: str) -> list[tuple[str, list[Fact]]]:
    """Every fact there is, sorted into boxes with a title each."""
    left = {key: value for key, value in _all_facts(report).items() if value not in (None, "", [], ())}
    found = []
    for group, names in _GROUPS.items():
        facts = [(_name(key, language), _value(key, left.pop(key), language)) for key in names.split() if key in left]
        if facts:
            found.append((_say(f"facts.{group}", language), facts))
    if left:
        rest = [(_name(key, language), _value(key, value, language)) for key, value in left.items()]
        found.append((_say("facts.other", language), rest))
    return found


def moment(text: str) -> str:
    """A time stamp for people, to the minute; what is no time stamp stays as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    zone = at.strftime(" %Z") if at.tzinfo else ""
    return at.strftime("%Y-%m-%d %H:%M") + zone


def duration(seconds: float, language: str) -> str:
    """Seconds as hours and minutes."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    key = "duration.hours" if hours else "duration.minutes" if minutes else "duration.seconds"
    return _say(key, language, hours=hours, minutes=minutes, seconds=rest)


def _protocol(best: CheckpointRow, language: str) -> str:
    options: Mapping[str, Any] = {"iou": 0.5, "points": 0, **best.scores.options}
    key = f"protocol.{best.scores.protocol}"
    if key not in catalogue("en", "report"):
        return best.scores.protocol
    area = _say("points.area", language) if not options["points"] else _say("points.some", language, **options)
    return _say(key, language, **{**options, "points": area, "classes": len(best.scores.classes)})


def _detector(known: Mapping[str, Any], language: str) -> str:
    parts = [" ".join(str(known[k]) for k in ("detector", "detector_version") if known.get(k))]
    parts += [
        _say(f"part.{key}", language, value=_plain(known[key]))
        for key in ("resize", "threshold", "nms")
        if key in known
    ]
    return _say("list.comma", language).join(p for p in parts if p)


def _all_facts(report: Report) -> dict[str, Any]:
    best = report.best_row
    measured: dict[str, Any] = {}
    if best is not None:
        # Said in words among the caveats already.
        options = {k: v for k, v in best.scores.options.items() if k != "classes_without_truth"}
        measured = {"protocol": best.scores.protocol, "checkpoint_id": best.checkpoint_id, **options}
    train, valid = report.pictures
    return {"pictures_train": train, "pictures_valid": valid, "run_id": report.run_id, **report.facts, **measured}


def _value(key: str, value: Any, language: str) -> str:
    if isinstance(value, bool):
        return _say("value.yes" if value else "value.no", language)
    if key == "seconds" and isinstance(value, int | float):
        return duration(value, language)
    if key in _TIMES:
        return moment(str(value))
    if key == "points" and value == 0:
        return _say("points.area", language)
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_plain(v)}" for k, v in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(_plain, value))
    return str(value)


def _name(key: str, language: str) -> str:
    return _say(f"fact.{key}", language) if f"fact.{key}" in catalogue("en", "report") else key


def _say(key: str, language: str, **fields: Any) -> str:
    return render("report", key, fields, language)
