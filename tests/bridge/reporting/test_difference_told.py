"""What is said of the difference between the protocols."""

from __future__ import annotations

from bridge.model.scores import ClassScore, Scores
from bridge.reporting.difference import why_different
from bridge.texts import LANGUAGES, catalogue

DARKNET = Scores(
    "darknet",
    0.5,
    (ClassScore(0, "nut", 1, 4, 9), ClassScore(1, "浴衣", 0, 0, 2)),
    {"iou": 0.5, "points": 0, "classes_without_truth": ["浴衣"]},
    steps={"no-truth": 1.0, "points": 0.98, "overlap": 0.98},
)
COCO = Scores(
    "coco",
    0.6,
    (),
    {"iou": "0.50:0.95", "points": 101, "detections_per_picture": 100, "crowds": 3, "beyond_limit": 12},
    {"AP": 0.6},
    steps={"match": 0.9802, "crowd": 0.99, "limit": 0.95, "average": 0.6},
)


def test_what_acts_comes_first_by_its_size_and_the_rest_is_named() -> None:
    assert why_different(DARKNET, COCO) == (
        "darknet's rule gives 50.0 % (overlap above 0.5), COCO's 60.0 %: +10.0 points. "
        "Of that: +50.0 because darknet counts 1 of 2 classes, which have no object to find, as 0 and COCO leaves them "
        "out; −35.0 because COCO's AP is the mean over ten overlaps from .50 to .95 (at .50 alone it is 95.0 %); "
        "−4.0 because COCO counts the best 100 detections of a class in a picture only (12 are beyond); "
        "−2.0 because COCO measures the curve at 101 recalls and not the area under it; "
        "+1.0 because COCO sets 3 boxes that mark a crowd aside and darknet counts each as an object. "
        "No effect here: the lowest overlap; how detections are matched."
    )


def test_every_step_has_its_sentences_in_both_languages() -> None:
    causes = [*DARKNET.steps, *COCO.steps]
    for language in LANGUAGES:
        known = catalogue(language, "scores")
        assert [c for c in causes if f"idle.{c}" not in known] == []
        assert [c for c in causes if not {f"step.{c}", f"step.{c}_area"} & set(known)] == []
        said = why_different(DARKNET, COCO, language)
        assert "{" not in said
        assert "−35.0" in said


def test_at_eleven_points_the_points_are_named() -> None:
    scores = Scores("darknet", 0.5, (), {**DARKNET.options, "points": 11}, steps=DARKNET.steps)
    assert "at 101 recalls and not at 11" in why_different(scores, COCO)


def test_without_objects_nothing_is_said() -> None:
    assert why_different(Scores("darknet", 0.0, ()), Scores("coco", -1.0, ())) == ""
