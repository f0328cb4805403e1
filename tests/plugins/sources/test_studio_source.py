from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import AccessError, InputError
from bridge.model.annotation import Box, Region, State
from bridge.model.prediction import Prediction
from bridge.model.project import Source
from bridge.plugin import PushItem
from plugins.sources.label_studio import source as source_module
from plugins.sources.label_studio.source import LabelStudioProject, LabelStudioSource
from tests.paper_studio import CONFIG, TOKEN, PaperStudio


def opened(paper: PaperStudio, project: int, **options: Any) -> LabelStudioProject:
    told = {"ls_project": project, **options}
    return LabelStudioSource().open(Source(1, "p", "label-studio", "label-studio", paper.url, told), TOKEN)


def box(label: str, x: float = 10.0) -> dict[str, Any]:
    value = {"x": x, "y": 0, "width": 50, "height": 100, "rotation": 0, "rectanglelabels": [label]}
    shape = {"id": "r", "from_name": "label", "to_name": "image", "type": "rectanglelabels", "value": value}
    return {**shape, "original_width": 100, "original_height": 50, "image_rotation": 0}


def ours(number: int, project: str = "p") -> dict[str, Any]:
    noted = {"project": project, "image_id": number, "name": "犬.jpg", "width": 100, "height": 50, "orientation": 1}
    return {"meta": {"labelbridge": noted}, "data": {"image": "http://us.test/1", "labelbridge_name": "犬.jpg"}}


def test_a_task_of_ours_is_known_by_its_number_and_its_annotator_by_address(paper: PaperStudio) -> None:
    project = paper.project()
    task = paper.task(project, **ours(41))
    paper.annotate(task, box("猫"))
    changes = opened(paper, project).pull(None)
    [document] = changes.documents
    assert (document.image.id, document.image.item, document.image.name) == (41, str(task), "犬.jpg")
    assert document.author == "label-studio:aiko@example.com"
    assert document.regions is not None
    assert document.regions[0].box == Box(10, 0, 60, 50)
    assert (changes.labels, changes.whole, changes.present) == (("猫", "dog"), True, frozenset({str(task)}))
    assert changes.extra["label-studio"]["config"] == CONFIG
    # A task of another project of ours is a stranger's here.
    other = paper.task(project, **ours(41, "q"))
    assert {d.image.item: d.image.id for d in opened(paper, project).pull(None).documents} == {
        str(task): 41,
        str(other): None,
    }


def test_half_a_character_in_a_task_or_the_config_is_replaced_and_told(paper: PaperStudio) -> None:
    project = paper.project(CONFIG.replace("dog", "dog\ud83d"))
    paper.annotate(paper.task(project, **ours(1)), box("猫\ud83d"))
    changes = opened(paper, project).pull(None)
    [document] = changes.documents
    assert changes.labels == ("猫", "dog\ufffdD83D")
    assert [region.labels for region in document.regions or ()] == [("猫\ufffdD83D",)]
    [finding] = [f for f in document.findings if f.rule == "bad-text"]
    assert (finding.image, finding.fields) == ("犬.jpg", {"path": f"task {document.image.item}", "count": 1})
    json.dumps(changes.extra).encode()


def test_people_stay_numbers_where_they_may_not_be_listed(paper: PaperStudio) -> None:
    project = paper.project()
    paper.annotate(paper.task(project, **ours(1)), box("猫"))
    paper.faults["GET /api/users/"] = [(403, {"detail": "no"})]
    [document] = opened(paper, project).pull(None).documents
    assert document.author == "label-studio:7"


def test_a_second_pull_reads_only_what_changed_and_a_daily_one_all(
    paper: PaperStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = paper.project()
    for number in range(3):
        paper.task(project, **ours(number), updated_at="2026-01-01T00:00:00.000000Z")
    tool = opened(paper, project)
    first = tool.pull(None)
    assert len(list(first.documents)) == 3
    second = tool.pull(first.cursor)
    assert (list(second.documents), second.whole) == ([], False)
    assert second.present is not None
    assert len(second.present) == 3
    new = paper.task(project, **ours(9))
    assert [d.image.item for d in tool.pull(second.cursor).documents] == [str(new)]
    monkeypatch.setattr(source_module, "_WHOLE_SECONDS", -1.0)
    third = tool.pull(second.cursor)
    assert (len(list(third.documents)), third.whole) == (4, True)
    assert json.loads(third.cursor)["whole"] >= json.loads(second.cursor)["whole"]


def test_what_was_skipped_or_never_looked_at_is_no_labelling(paper: PaperStudio) -> None:
    project = paper.project()
    skipped, unseen, empty = (paper.task(project, **ours(n)) for n in range(3))
    paper.annotate(skipped, box("猫"), was_cancelled=True)
    paper.annotate(empty)
    found = {d.image.item: d.state for d in opened(paper, project).pull(None).documents}
    assert found == {
        str(skipped): State.UNKNOWN,
        str(unseen): State.UNKNOWN,
        str(empty): State.REVIEWED_EMPTY,
    }


def test_named_tasks_are_read_and_missing_ones_are_gone(paper: PaperStudio) -> None:
    project = paper.project()
    task = paper.task(project, **ours(1))
    paper.annotate(task, box("猫"))
    changes = opened(paper, project).fetch([str(task), "999", "nonsense"])
    assert [d.image.item for d in changes.documents] == [str(task)]
    assert (changes.gone, changes.cursor, changes.whole) == (("999",), "", False)


def test_labels_are_added_only_to_a_config_that_is_ours(paper: PaperStudio) -> None:
    project = paper.project()
    [finding] = opened(paper, project).declare(["猫", "鳥"], {})
    assert (finding.rule, finding.fields["label"]) == ("label-not-in-tool", "鳥")
    assert paper.projects[project]["label_config"] == CONFIG
    assert opened(paper, project, owns_config=True).declare(["猫", "鳥"], {}) == []
    assert 'value="鳥"' in paper.projects[project]["label_config"]
    # The second time there is nothing to change.
    before = len(paper.asked)
    opened(paper, project, owns_config=True).declare(["猫", "鳥"], {})
    assert [asked.method for asked in paper.asked[before:]] == ["GET"]


def test_an_answer_as_backend_fits_the_config_that_asked(paper: PaperStudio) -> None:
    region = Region.rectangle(Box(10, 5, 40, 30), "猫", author="checkpoint:v", score=0.5)
    item = PushItem("", 100, 50, Prediction(1, "a.jpg", "v", (region,)))
    theirs = CONFIG.replace('name="label"', 'name="kind"')
    [answer] = opened(paper, paper.project()).prelabels(theirs, "v", [item])
    assert answer["result"][0]["from_name"] == "kind"
    assert paper.asked == []


def test_health_tells_what_is_wrong(paper: PaperStudio) -> None:
    project, hook = paper.project(), "http://bridge.local/hook"
    assert [f.rule for f in opened(paper, project, webhook=hook).health()] == ["webhook-missing"]
    paper.webhooks[1] = {"id": 1, "url": hook, "is_active": True}
    assert opened(paper, project, webhook=hook).health() == []
    [finding] = opened(paper, 999).health()
    assert (finding.rule, finding.fields["reason"]) == ("source-unhealthy", "label-studio-missing")


def test_who_we_are_and_whether_boxes_can_be_drawn(paper: PaperStudio) -> None:
    assert opened(paper, paper.project()).verify() == "bridge@example.com"
    choices = '<View><Image name="i" value="$image"/><Choices name="c" toName="i"><Choice value="x"/></Choices></View>'
    with pytest.raises(InputError, match="label-config-no-boxes"):
        opened(paper, paper.project(choices)).verify()
    refused = LabelStudioSource().open(Source(1, "p", "x", "label-studio", paper.url, {}), "wrong")
    with pytest.raises(AccessError):
        refused.verify()


def test_pictures_of_others_are_fetched_into_the_folder(paper: PaperStudio, tmp_path: Path) -> None:
    project = paper.project()
    task = paper.task(project, "/data/upload/3/0123abcd-x.jpg")
    paper.faults["GET /data/upload/3/0123abcd-x.jpg"] = [(404, {"detail": "gone"})]
    [document] = opened(paper, project, pictures=str(tmp_path)).pull(None).documents
    assert (document.image.name, document.image.item, document.image.file) == ("x.jpg", str(task), None)
    assert [f.rule for f in document.findings] == ["not-fetched"]
