"""A checkpoint looks at pictures: the held-out part of its dataset (to be scored), or any pictures (pre-labels)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

import msgspec
import structlog

from bridge.errors import BridgeError, InputError
from bridge.model.annotation import Box
from bridge.model.work import End, Found, FoundBox, Manifest, Picture, PictureFound
from bridge.plugin import Detection, Detector, DetectorOptions, LoadedDetector
from workers.cache import Cache
from workers.halt import Outcome, Reasons, attempted
from workers.lease import Hold, take
from workers.node import Station

log = structlog.get_logger()

DETECTOR = "onnx"
# An untrained network finds thousands of boxes in a picture; a part should stay small beside the bridge's limit.
_BOXES_AT_ONCE = 20_000
_PICTURES_AT_ONCE = 64


def detect(station: Station, job_id: str, stopping: Callable[[], bool]) -> None:
    """Do a job of kind detect or predict that we were woken for; stopping says that this worker is to end."""
    hold = take(station, job_id)
    if hold is None:
        return
    with hold:
        Looking(station, hold, Reasons(hold.cancelled, (hold.lost,), stopping)).run()


class Looking:
    """One leased detection."""

    def __init__(self, station: Station, hold: Hold, reasons: Reasons) -> None:
        self._station, self._hold, self._reasons = station, hold, reasons
        self._grant = hold.grant
        self._cache = Cache(station.folder / "cache", station.desk.bridge)
        self._unreadable: list[str] = []

    def run(self) -> None:
        """Work, and say how it ended; nothing is said under a lost lease."""
        outcome = attempted(self._work, self._hold.job_id)
        if outcome is not None:
            end = End(self._grant.number, outcome.state, outcome.failure)
            self._hold.finish(end, self._reasons.may_wait)

    def _work(self) -> Outcome:
        labels, pictures = self._wanted()
        self._cache.fetch_all(pictures, self._reasons.check)
        detector = self._load(len(labels))
        identity = detector.identity
        for part, done in self._parts(detector, pictures):
            last = done == len(pictures)
            if last and self._unreadable:
                identity = {**identity, "unreadable": self._unreadable}
            checkpoint = self._grant.checkpoint
            assert checkpoint is not None
            said = Found(self._grant.number, checkpoint.id, identity, tuple(part), last)
            self._station.desk.found(self._hold.job_id, said)
        return Outcome("done")

    def _wanted(self) -> tuple[tuple[str, ...], Sequence[Picture]]:
        """Class names of the dataset that the checkpoint was trained on, and the pictures to look at."""
        version: Manifest = self._station.desk.dataset(self._grant.run.version)
        if self._grant.kind == "detect":
            return version.labels, [m for m in version.members if m.part == "valid"]
        ids = self._grant.payload.get("images")
        return version.labels, self._station.desk.pictures(self._grant.project, ids).members

    def _load(self, classes: int) -> LoadedDetector:
        assert self._grant.checkpoint is not None
        weights = self._cache.fetch(self._grant.checkpoint.blob)
        options = msgspec.convert(self._grant.options, DetectorOptions)
        detector = cast(Detector, self._station.registry.find("detector", DETECTOR))
        loaded = detector.load(self._grant.run.recipe.cfg, weights, options)
        if loaded.classes != classes:
            raise InputError("classes-differ", network=loaded.classes, dataset=classes)
        return loaded

    def _parts(self, detector: LoadedDetector, pictures: Sequence[Picture]) -> Iterator[tuple[list[PictureFound], int]]:
        """Found boxes, some pictures at a time, with the count of pictures looked at; at least one part."""
        part: list[PictureFound] = []
        boxes = 0
        looked = iter(detector.detect([self._cache.path(p.sha256) for p in pictures]))
        for done, member in enumerate(pictures, start=1):
            self._reasons.check()
            found = self._next(looked, member)
            part.append(PictureFound(member.image_id, found))
            boxes += len(found)
            self._hold.tell({"phase": "detecting", "done": done, "pictures": len(pictures)})
            if done < len(pictures) and (boxes >= _BOXES_AT_ONCE or len(part) >= _PICTURES_AT_ONCE):
                yield part, done
                part, boxes = [], 0
        yield part, len(pictures)

    def _next(self, looked: Iterator[list[Detection]], member: Picture) -> tuple[FoundBox, ...]:
        try:
            found = next(looked)
        except BridgeError as error:
            # Nothing is found in it, and that is said beside the numbers.
            log.warning("picture-not-seen", image=member.name, rule=error.rule, fields=error.fields)
            self._unreadable.append(member.name)
            return ()
        boxes = [(d.class_id, d.score, d.left, d.top, d.right, d.bottom) for d in found]
        # A scored box stays as the network said; one that a person sees ends at the picture's edge.
        return tuple(boxes) if self._grant.kind == "detect" else tuple(_inside(boxes, member))


def _inside(boxes: Sequence[FoundBox], member: Picture) -> Iterator[FoundBox]:
    for number, score, *corners in boxes:
        box = Box(*corners).clipped(member.width, member.height)
        if box.width > 0 and box.height > 0:
            yield number, score, box.left, box.top, box.right, box.bottom
