"""The rules of a cfg, one function each: what darknet reads over in silence, trains wrongly with, or dies of.

How bad it is depends on the fork: hank-ai's stops at most mistakes, the older ones train on with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bridge.errors import InputError
from bridge.model.finding import Finding, Severity
from bridge.model.training import Recipe
from bridge.plugin import EngineInfo
from plugins.engines.darknet.cfg import Cfg, Section
from plugins.engines.darknet.dialect import ALEXEYAB, HANK_AI, LAYERS, PJREDDIE, hank_keys
from plugins.engines.darknet.network import walk
from plugins.engines.darknet.recipe import head_filters

_RANK = [Severity.INFO, Severity.WARNING, Severity.ERROR]
_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
# What pjreddie's and AlexeyAB's of before 2020 pass over, though the network or its boxes are not the same without it.
_NEWER = (
    ("route", "groups", 1.0),
    ("convolutional", "dilation", 1.0),
    ("convolutional", "stride_x", 0.0),
    ("yolo", "scale_x_y", 1.0),
    ("yolo", "new_coords", 0.0),
    ("shortcut", "weights_type", 0.0),
)
_OLD_ACTIVATIONS = frozenset(
    "logistic loggy relu elu selu relie plse hardtan lhtan linear ramp leaky tanh stair".split()  # noqa: SIM905
)
_PLAIN_VALUE = re.compile(r"[-+.,\d]*$")


@dataclass(frozen=True, slots=True)
class Check:
    """A cfg to look at, for a recipe, on a darknet (None: not known yet)."""

    cfg: Cfg
    recipe: Recipe
    info: EngineInfo | None

    @property
    def fork(self) -> str:
        """The fork's name, empty when unknown."""
        return self.info.fork if self.info else ""

    @property
    def old(self) -> bool:
        """A darknet from before yolov4."""
        return self.info is not None and (self.fork == PJREDDIE or self.info.version == "2018-2019")

    def severity(self, pjreddie: Severity, alexeyab: Severity, hank: Severity) -> Severity:
        """How bad it is on this fork; the worst of all when it is not known."""
        by_fork = {PJREDDIE: pjreddie, ALEXEYAB: alexeyab, HANK_AI: hank}
        return by_fork.get(self.fork) or max(by_fork.values(), key=_RANK.index)

    def heads(self) -> Iterator[tuple[int, Section]]:
        """Detection heads with their layer numbers."""
        return ((index, self.cfg.layers[index]) for index in self.cfg.heads())


Rule = Callable[[Check], Iterator[Finding]]


def _finding(rule: str, severity: Severity, section: Section | None = None, **fields: object) -> Finding:
    place = {} if section is None else {"section": section.name, "line": section.line}
    return Finding(rule, severity, fields={**place, **fields})


def sections(check: Check) -> Iterator[Finding]:
    """Section names that this fork does not know: the older ones crash at them."""
    known = LAYERS.get(check.fork) or frozenset().union(*LAYERS.values())
    for section in check.cfg.sections:
        bare = "".join(section.header.split())
        if section.name not in known or (bare != f"[{section.name}]" and check.fork != HANK_AI):
            yield _finding("cfg-unknown-section", _ERROR, section, found=section.header.strip())


def keys(check: Check) -> Iterator[Finding]:
    """Keys that are unknown, repeated or empty, and values that a comment spoils."""
    net = check.cfg.net
    for section in check.cfg.sections:
        known = hank_keys(section.kind, net.value("policy", "constant"), bool(net.integer("adam")))
        seen: set[str] = set()
        for entry in section.entries():
            where = {"section": section.name, "line": entry.line, "key": entry.key}
            if entry.key in seen:
                yield Finding("cfg-duplicate-key", check.severity(_WARNING, _WARNING, _ERROR), fields=where)
            seen.add(entry.key)
            if not entry.value:
                yield Finding("cfg-empty-value", _WARNING, fields=where)
            elif known is not None and entry.key not in known and check.fork in (HANK_AI, ""):
                yield Finding("cfg-unknown-key", _ERROR if check.fork else _WARNING, fields=where)
            plain = re.split("[#;]", entry.value)[0]
            if plain != entry.value and not _PLAIN_VALUE.match(plain):
                severity = check.severity(_ERROR, _ERROR, _INFO)
                yield Finding("cfg-trailing-comment", severity, fields={**where, "value": entry.value})


def heads(check: Check) -> Iterator[Finding]:
    """Classes and filters of every head: with other classes darknet trains in silence on the wrong thing."""
    wanted, found_any = len(check.recipe.classes), False
    for index, head in check.heads():
        found_any = True
        if head.integer("classes", 20) != wanted:
            yield _finding("cfg-classes", _ERROR, head, found=head.integer("classes", 20), wanted=wanted)
        before = check.cfg.layers[index - 1] if index else None
        filters = head_filters(head)
        if before is None or before.kind != "convolutional":
            yield _finding("cfg-head-input", _ERROR, head)
        elif filters is not None and before.integer("filters", 1) != filters:
            yield _finding("cfg-filters", _ERROR, before, found=before.integer("filters", 1), wanted=filters)
        counters = head.integers("counters_per_class")
        if counters and len(counters) != head.integer("classes", 20):
            yield _finding("cfg-counters", _ERROR, head, found=len(counters), wanted=head.integer("classes", 20))
    if not found_any:
        yield _finding("cfg-no-head", _ERROR)


def anchors(check: Check) -> Iterator[Finding]:
    """Anchors and masks: too few are filled up with rubbish in silence, too many overwrite memory."""
    used: list[int] = []
    lists: set[tuple[float, ...]] = set()
    yolo = [head for _, head in check.heads() if head.kind != "region"]
    for head in yolo:
        num, numbers = head.integer("num", 1), head.numbers("anchors")
        mask = head.integers("mask") or tuple(range(num))
        used += mask
        lists.add(numbers)
        if len(numbers) < 2 * num:
            yield _finding("cfg-anchors", _ERROR, head, found=len(numbers) // 2, wanted=num)
        if len(numbers) > 2 * num:
            severity = check.severity(_ERROR, _WARNING, _ERROR)
            yield _finding("cfg-anchors-extra", severity, head, found=len(numbers) // 2, wanted=num)
        if any(not 0 <= index < num for index in mask):
            yield _finding("cfg-masks", _ERROR, head, mask=",".join(map(str, mask)), num=num)
    if len(lists) > 1:
        yield _finding("cfg-anchors-differ", _WARNING)
    if yolo and sorted(used) != list(range(yolo[0].integer("num", 1))):
        yield _finding("cfg-masks-share", _WARNING, masks=",".join(map(str, sorted(used))))


def shapes(check: Check) -> Iterator[Finding]:
    """Sizes that do not fit together, and networks whose weights this program cannot measure."""
    net = check.cfg.net
    try:
        walk(check.cfg)
    except InputError as error:
        severity = _ERROR if error.rule == "cfg-shape" else _WARNING
        yield Finding(error.rule, severity, fields=error.fields)
    width, height = net.integer("width"), net.integer("height")
    if width % 32 or height % 32:
        severity = check.severity(_INFO, _WARNING, _ERROR)
        yield _finding("cfg-size", severity, width=width, height=height, multiple=32)


def batch(check: Check) -> Iterator[Finding]:
    """Batch and subdivisions: darknet divides without a word about the rest."""
    size, parts = check.cfg.net.integer("batch", 1), check.cfg.net.integer("subdivisions", 1)
    if size == 1:
        yield _finding("cfg-batch", check.severity(_WARNING, _ERROR, _ERROR))
    elif parts > size:
        severity = check.severity(_ERROR, _WARNING, _WARNING)
        yield _finding("cfg-subdivisions-large", severity, batch=size, subdivisions=parts)
    elif parts > 0 and size % parts:
        yield _finding("cfg-subdivisions", _WARNING, batch=size, subdivisions=parts, used=size // parts * parts)


def steps(check: Check) -> Iterator[Finding]:
    """The learning rate's schedule."""
    net = check.cfg.net
    if net.value("policy", "constant") != "steps":
        return
    when, scales, end = net.integers("steps"), net.numbers("scales"), net.integer("max_batches")
    if not when or len(when) != len(scales):
        yield _finding("cfg-steps", _ERROR, steps=len(when), scales=len(scales))
    elif max(when) >= end:
        yield _finding("cfg-steps-late", _WARNING, last=max(when), max_batches=end)
    first = min(when, default=end)
    if net.integer("burn_in") >= min(first, end):
        yield _finding("cfg-burn-in", _WARNING, burn_in=net.integer("burn_in"), first=first)


def augmentation(check: Check) -> Iterator[Finding]:
    """Mosaic, cutmix, letter box and changing sizes, as builds and forks can or cannot do them."""
    net = check.cfg.net
    without_opencv = check.fork in (ALEXEYAB, "") and "opencv" not in (check.info.capabilities if check.info else ())
    if net.integer("mosaic") and without_opencv:
        yield _finding("cfg-mosaic", _ERROR if check.fork else _WARNING)
    if net.integer("mosaic") and net.integer("letter_box"):
        yield _finding("cfg-letter-box", check.severity(_INFO, _ERROR, _ERROR))
    if net.integer("cutmix"):
        yield _finding("cfg-cutmix", check.severity(_INFO, _ERROR if without_opencv else _WARNING, _ERROR))
    if check.fork == PJREDDIE and any(head.number("random") for _, head in check.heads()):
        yield _finding("cfg-random", _WARNING)


def age(check: Check) -> Iterator[Finding]:
    """Parts of yolov4 on a darknet from before it: passed over, so that another network is trained."""
    if not check.old:
        return
    for section in check.cfg.layers:
        for kind, key, default in _NEWER:
            text = section.value(key, "none")
            if section.kind == kind and text != "none" and (section.number(key) != default or key == "weights_type"):
                yield _finding("cfg-fork", _ERROR, section, key=f"{key}={text}", fork=check.fork)
        activation = section.value("activation", "linear")
        if activation.partition("#")[0] not in _OLD_ACTIVATIONS:
            yield _finding("cfg-fork", _ERROR, section, key=f"activation={activation}", fork=check.fork)
        if section.kind == "shortcut" and len(section.integers("from")) > 1:
            yield _finding("cfg-fork", _ERROR, section, key=f"from={section.value('from')}", fork=check.fork)


RULES: tuple[Rule, ...] = (sections, keys, heads, anchors, shapes, batch, steps, augmentation, age)
