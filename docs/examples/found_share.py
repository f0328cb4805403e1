"""An evaluator: the share of objects that are found at the score from which annotators are shown boxes."""

# start found-share
from __future__ import annotations

from collections import defaultdict

import numpy as np

from bridge.model.scores import ClassScore, Scores
from bridge.plugin import BoxTable, ScoreOptions
from plugins.geometry import iou

LEAST_SCORE = 0.25


class FoundShare:
    """Recall: an object counts as found if any detection of its class overlaps it by at least options.iou."""

    name = "found-share"

    def score(self, truth: BoxTable, detections: BoxTable, options: ScoreOptions) -> Scores:
        """The share of each class, and their mean over the classes that have an object."""
        assert detections.score is not None
        shown: dict[tuple[int, int], list[int]] = defaultdict(list)
        for row in np.flatnonzero(detections.score >= LEAST_SCORE):
            shown[detections.picture[row], detections.class_id[row]].append(row)
        found: list[list[bool]] = [[] for _ in truth.classes]
        for picture, class_id, corners in zip(truth.picture, truth.class_id, truth.corners, strict=True):
            overlaps = iou(corners[None], detections.corners[shown[picture, class_id]])
            found[class_id].append(bool((overlaps >= options.iou).any()))
        detected = np.bincount(detections.class_id, minlength=len(truth.classes))
        classes = tuple(
            ClassScore(number, name, sum(one) / max(len(one), 1), len(one), int(detected[number]))
            for number, (name, one) in enumerate(zip(truth.classes, found, strict=True))
        )
        counted = [c.ap for c in classes if c.truths]
        mean = sum(counted) / max(len(counted), 1)
        said = {"iou": options.iou, "least_score": LEAST_SCORE}
        return Scores(self.name, mean, classes, said, {"found": mean}, pictures=len(truth.pictures))


PLUGINS = {"evaluator:found-share": FoundShare}
# end found-share
