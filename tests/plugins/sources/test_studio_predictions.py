from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import UnreachableError
from bridge.model.annotation import Box, Region
from bridge.model.prediction import Prediction
from bridge.plugin import PushItem
from plugins.formats.label_studio.config import parse_config
from plugins.sources.label_studio import predictions as predictions_module
from plugins.sources.label_studio.client import Client
from plugins.sources.label_studio.predictions import Predictions, body_of
from plugins.sources.label_studio.refusal import Reasons
from tests.paper_studio import CONFIG, TOKEN, PaperStudio


class Pushing:
    """Three tasks of one project."""

    def __init__(self, paper: PaperStudio) -> None:
        self.paper = paper
        self.project = paper.project()
        self.tasks = [paper.task(self.project) for _ in range(3)]
        self.predictions = Predictions(Client(paper.url, TOKEN), self.project, parse_config(CONFIG))

    def items(self, *labels: str, left: float = 10.0) -> list[PushItem]:
        """The same box in every picture, for each label."""
        regions = tuple(
            Region.rectangle(Box(left, 5, 40, 30), label, author="checkpoint:v1", score=0.5) for label in labels
        )
        return [
            PushItem(str(task), 100, 50, Prediction(n, f"{n}.jpg", "v1", regions)) for n, task in enumerate(self.tasks)
        ]

    def there(self) -> list[tuple[int, str, int]]:
        return sorted((p["task"], p["model_version"], len(p["result"])) for p in self.paper.predictions.values())


@pytest.fixture
def pushing(paper: PaperStudio) -> Pushing:
    return Pushing(paper)


def test_a_box_becomes_percent_with_an_id_of_its_version(pushing: Pushing) -> None:
    body = body_of(pushing.items("猫")[0], "v1", parse_config(CONFIG))
    [item] = body["result"]
    assert (item["id"], item["value"]["x"], item["value"]["width"], item["score"]) == ("lb-v1-0", 10.0, 30.0, 0.5)
    assert (body["model_version"], body["score"]) == ("v1", 0.5)
    assert "score" not in body_of(pushing.items()[0], "v1", parse_config(CONFIG))


def test_a_new_version_is_shown_before_the_old_one_goes(pushing: Pushing) -> None:
    pushing.predictions.push("v1", pushing.items("猫"), [])
    outcome = pushing.predictions.push("v2", pushing.items("dog"), ["v1", "never-pushed"])
    assert (outcome.sent, outcome.accepted, outcome.refused) == (3, 3, ())
    assert outcome.detail["removed"] == 3
    assert pushing.there() == [(task, "v2", 1) for task in pushing.tasks]
    assert pushing.paper.projects[pushing.project]["model_version"] == "v2"
    order = [(a.method, a.path.rpartition("/import")[1] or a.path) for a in pushing.paper.asked]
    imported = max(n for n, asked in enumerate(order) if asked[1] == "/import")
    shown = max(n for n, asked in enumerate(order) if asked[0] == "PATCH")
    deleted = max(n for n, asked in enumerate(order) if asked[0] == "DELETE")
    assert imported < shown < deleted


def test_pushing_again_sends_nothing(pushing: Pushing) -> None:
    pushing.predictions.push("v1", pushing.items("猫"), [])
    outcome = pushing.predictions.push("v1", pushing.items("猫"), [])
    assert (outcome.accepted, outcome.detail["created"], outcome.detail["changed"]) == (3, 0, 0)
    assert pushing.there() == [(task, "v1", 1) for task in pushing.tasks]


def test_other_boxes_of_the_same_version_change_it_in_place(pushing: Pushing) -> None:
    pushing.predictions.push("v1", pushing.items("猫"), [])
    before = set(pushing.paper.predictions)
    outcome = pushing.predictions.push("v1", pushing.items("猫", "dog"), [])
    assert (outcome.accepted, outcome.detail["changed"]) == (3, 3)
    assert set(pushing.paper.predictions) == before
    assert pushing.there() == [(task, "v1", 2) for task in pushing.tasks]


def test_what_is_left_out_silently_is_named_with_the_reason(pushing: Pushing) -> None:
    items = [*pushing.items("猫")[:2], pushing.items("猫", "鳥")[2]]
    outcome = pushing.predictions.push("v1", items, [])
    assert (outcome.sent, outcome.accepted) == (3, 2)
    [finding] = outcome.refused
    assert (finding.rule, finding.image, finding.fields["case"]) == ("push-refused", "2.jpg", "refused")
    assert "鳥" in finding.fields["reason"]


def test_nothing_is_shown_when_nothing_arrived(pushing: Pushing) -> None:
    outcome = pushing.predictions.push("v1", pushing.items("鳥"), [])
    assert (outcome.accepted, len(outcome.refused)) == (0, 3)
    assert pushing.paper.projects[pushing.project]["model_version"] == ""


def test_one_task_that_is_gone_does_not_hold_up_the_others(pushing: Pushing) -> None:
    del pushing.paper.tasks[pushing.tasks[1]]
    outcome = pushing.predictions.push("v1", pushing.items("猫"), [])
    assert (outcome.sent, outcome.accepted) == (3, 2)
    assert [(f.image, f.fields["case"]) for f in outcome.refused] == [("1.jpg", "gone")]


def test_a_push_that_broke_off_is_completed_and_not_doubled(pushing: Pushing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions_module, "_CHUNK", 2)
    path = f"/api/projects/{pushing.project}/import/predictions"
    # Given that the second chunk gets no answer
    items = pushing.items("猫")

    def fail_next(asked: object) -> None:
        if getattr(asked, "path", "") == path:
            pushing.paper.faults[f"POST {path}"] = [(504, {"detail": "gateway"})]

    pushing.paper.after = fail_next
    with pytest.raises(UnreachableError):
        pushing.predictions.push("v1", items, [])
    assert len(pushing.there()) == 2
    # When it is tried again
    pushing.paper.after = lambda asked: None
    outcome = pushing.predictions.push("v1", items, [])
    # Then only the rest was sent
    assert (outcome.accepted, outcome.detail["created"]) == (3, 1)
    assert pushing.there() == [(task, "v1", 1) for task in pushing.tasks]


def test_predictions_of_somebody_else_s_model_stay(pushing: Pushing) -> None:
    pushing.paper.predictions[9000] = {"id": 9000, "task": pushing.tasks[0], "result": [], "model_version": "theirs"}
    pushing.predictions.push("v1", pushing.items("猫"), ["v0"])
    assert pushing.paper.versions() == {"theirs": 1, "v1": 3}


NUMBER = st.floats(-2000, 2000, allow_nan=False, width=32)


@settings(max_examples=80, deadline=None)
@given(
    boxes=st.lists(
        st.tuples(NUMBER, NUMBER, NUMBER, NUMBER, st.floats(0, 1), st.sampled_from(["猫", "dog"])), max_size=4
    ),
    orientation=st.integers(1, 8),
)
def test_whatever_a_detector_draws_passes_label_studio_s_own_check(
    boxes: list[tuple[float, float, float, float, float, str]], orientation: int
) -> None:
    regions = tuple(
        Region.rectangle(Box(left, top, right, bottom), label, author="checkpoint:v", score=score)
        for left, top, right, bottom, score, label in boxes
    )
    item = PushItem("1", 640, 480, Prediction(1, "a.jpg", "v", regions), orientation)
    body = body_of(item, "v", parse_config(CONFIG))
    assert Reasons(CONFIG).of({**body, "score": body.get("score", 0.0)}) == ""
    assert len({one["id"] for one in body["result"]}) == len(body["result"])
