from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bridge.errors import UnreachableError
from plugins.sources.label_studio import tasks as tasks_module
from plugins.sources.label_studio.client import Client
from plugins.sources.label_studio.tasks import Tasks, written
from tests.paper_studio import TOKEN, Asked, PaperStudio


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "_BRIEF", 3)
    monkeypatch.setattr(tasks_module, "_WHOLE", 2)
    monkeypatch.setattr(tasks_module, "_IDS", 4)


def test_times_are_written_as_the_filter_wants_them() -> None:
    assert written(datetime(2026, 11, 24, 4, 51, 5, 663086, UTC).timestamp()) == "2026-11-24T04:51:05.663086Z"
    assert written(datetime(2026, 1, 2, tzinfo=UTC).timestamp()) == "2026-01-02T00:00:00.000000Z"


@pytest.mark.usefixtures("small_pages")
def test_all_pages_are_read_and_labelled_tasks_wholly(paper: PaperStudio) -> None:
    project = paper.project()
    numbers = [paper.task(project) for _ in range(10)]
    paper.task(paper.project())  # Somebody else's.
    for number in numbers[::3]:
        paper.annotate(number, {"id": "r"})
    paper.annotate(numbers[1], was_cancelled=True)
    tasks = Tasks(Client(paper.url, TOKEN), project)
    found = {task["id"]: task for task in tasks.changed()}
    assert list(found) == numbers
    assert tasks.ids() == {str(number) for number in numbers}
    assert [i for i, task in found.items() if task.get("annotations")] == [*numbers[:2], *numbers[3::3]]
    # What a model put there is no label.
    assert not any("predictions" in task for task in found.values())


@pytest.mark.usefixtures("small_pages")
def test_only_what_changed_since_is_read(paper: PaperStudio) -> None:
    project = paper.project()
    old = [paper.task(project, updated_at="2026-01-01T00:00:00.000000Z") for _ in range(5)]
    new = paper.task(project)
    since = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
    tasks = Tasks(Client(paper.url, TOKEN), project)
    assert [task["id"] for task in tasks.changed(since)] == [new]
    paper.annotate(old[2], {"id": "r"})
    assert [task["id"] for task in tasks.changed(since)] == [old[2], new]


@pytest.mark.usefixtures("small_pages")
def test_a_task_that_goes_between_two_pages_hides_no_other(paper: PaperStudio) -> None:
    project = paper.project()
    numbers = [paper.task(project) for _ in range(9)]

    def delete(asked: Asked) -> None:
        if asked.path == "/api/tasks/":
            paper.tasks.pop(numbers[0], None)

    paper.after = delete
    found = [task["id"] for task in Tasks(Client(paper.url, TOKEN), project).changed()]
    assert found == numbers


def test_a_page_that_is_shorter_than_announced_is_not_believed(paper: PaperStudio) -> None:
    project = paper.project()
    paper.task(project)
    short = (200, {"total": 5, "tasks": []})
    paper.faults["GET /api/tasks/"] = [short]
    assert len(Tasks(Client(paper.url, TOKEN), project).ids()) == 1
    paper.faults["GET /api/tasks/"] = [short, short]
    with pytest.raises(UnreachableError, match="label-studio-short"):
        Tasks(Client(paper.url, TOKEN), project).ids()


def test_a_task_that_went_is_not_taken_for_unlabelled(paper: PaperStudio) -> None:
    project = paper.project()
    number = paper.task(project)
    paper.annotate(number, {"id": "r"})

    def delete(asked: Asked) -> None:
        if asked.query.get("include"):
            paper.tasks.clear()

    paper.after = delete
    assert list(Tasks(Client(paper.url, TOKEN), project).changed()) == []


def test_the_route_that_would_ask_us_for_predictions_is_never_used(paper: PaperStudio) -> None:
    project = paper.project()
    number = paper.task(project)
    assert [task["id"] for task in Tasks(Client(paper.url, TOKEN), project).named([number, 999])] == [number]
    assert {asked.path for asked in paper.asked} == {"/api/tasks/"}
