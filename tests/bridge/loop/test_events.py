from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.loop import events

FIXTURES = Path(__file__).parents[2] / "fixtures" / "label_studio"
SENT = sorted(path.name for path in FIXTURES.glob("*webhook_*.json"))


def sent(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((FIXTURES / name).read_text("utf-8"))["body"]
    return body


@pytest.mark.parametrize(
    ("name", "tasks"),
    [
        ("webhook_ANNOTATION_CREATED.json", 1),
        ("webhook_ANNOTATION_UPDATED.json", 1),
        ("webhook_ANNOTATIONS_CREATED_bulk.json", 1),
        ("webhook_TASKS_CREATED_3.json", 3),
        ("ml_webhook_ANNOTATION_CREATED.json", 1),
        ("webhook_ANNOTATIONS_DELETED.json", 0),
        ("webhook_TASKS_DELETED.json", 0),
        ("webhook_PROJECT_UPDATED_org_level.json", 0),
        ("ml_webhook_START_TRAINING.json", 0),
    ],
)
def test_what_real_events_name(name: str, tasks: int) -> None:
    event = sent(name)
    assert len(events.tasks_of(event)) == tasks
    assert events.deletes(event) is ("DELETED" in name)
    assert events.trains(event) is ("START_TRAINING" in name)
    assert events.only_new_tasks(event) is ("TASKS_CREATED" in name)


@pytest.mark.parametrize("name", SENT)
def test_nothing_secret_is_kept_of_a_real_event(name: str) -> None:
    event = sent(name)
    event["project"] |= {"task_data_login": "me", "task_data_password": "geheim"}
    kept = events.body_of(event, 7)
    assert kept["source"] == 7
    assert "REDACTED_PROJECT_TOKEN" not in json.dumps(kept)
    assert "geheim" not in json.dumps(kept)
    # And the rest is as it came.
    assert {**kept["event"], "project": 0} == {**event, "project": 0}


def test_the_same_version_of_an_annotation_is_the_same_event() -> None:
    event = sent("webhook_ANNOTATION_CREATED.json")
    twin = {**event, "project": {**event["project"], "total_annotations_number": 99}}
    assert events.key_of(event, 1, b"a") == events.key_of(twin, 1, b"b")
    later = {**event, "annotation": {**event["annotation"], "updated_at": "2027-01-01T00:00:00Z"}}
    other = {**event, "action": "ANNOTATION_UPDATED"}
    keys = {events.key_of(e, n, b"a") for e, n in ((event, 1), (later, 1), (other, 1), (event, 2))}
    assert len(keys) == 4
    deleted = sent("webhook_ANNOTATIONS_DELETED.json")
    assert events.key_of(deleted, 1, b"a") != events.key_of(deleted, 1, b"b")


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["action", "task", "tasks", "annotation", "id", "token", "project", "x"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_nothing_that_comes_in_breaks_it(value: Any) -> None:
    event = value if isinstance(value, dict) else {"task": value, "annotation": value}
    assert all(task.lstrip("-").isdecimal() for task in events.tasks_of(event))
    assert len(events.key_of(event, 1, b"x")) <= 200
    events.body_of(event, 1)
    assert [events.deletes(event), events.trains(event), events.only_new_tasks(event)].count(True) <= 1
