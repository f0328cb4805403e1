from __future__ import annotations

from typing import Any

import pytest

from bridge import texts
from bridge.model.job import JobState
from bridge.web.pages.steps import Standing, next_steps


def keys(**known: object) -> list[str]:
    return [step.key for step in next_steps(Standing(**known))]  # type: ignore[arg-type]


LABELLED = {"images": 10, "labelled": 8, "checked": True}
TRAINED = {**LABELLED, "version": "a", "run": "r", "run_state": JobState.DONE, "measured": 3}


CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["import"]),
    ({"images": 10, "unknown": 10, "checked": True}, ["label"]),
    ({"images": 10, "labelled": 5}, ["check", "cut"]),
    (LABELLED, ["cut"]),
    ({**LABELLED, "errors": 2, "conflicts": 1}, ["conflicts", "errors", "cut"]),
    ({**LABELLED, "version": "a"}, ["train"]),
    ({**LABELLED, "version": "a", "run": "r", "run_state": JobState.RUNNING}, ["watch"]),
    ({**LABELLED, "version": "a", "run": "r", "run_state": JobState.FAILED}, ["failed"]),
    ({**TRAINED, "measured": 0}, ["measuring"]),
    (TRAINED, ["report", "predict"]),
    ({**TRAINED, "predicted": 5}, ["report"]),
    ({**TRAINED, "predicted": 5, "tools": 1, "unknown": 2}, ["report", "push", "label-rest"]),
    ({**TRAINED, "changed": True}, ["cut-again", "report", "predict"]),
]


@pytest.mark.parametrize(("known", "expected"), CASES)
def test_what_comes_next(known: dict[str, Any], expected: list[str]) -> None:
    assert keys(**known) == expected


def test_there_is_always_something_to_say() -> None:
    assert keys(**{**LABELLED, "version": "a", "run": "r", "run_state": JobState.CANCELLED}) == ["rest"]


def test_every_step_has_words() -> None:
    words = texts.catalogue("en", "pages")
    for key in {key for _, expected in CASES for key in expected} | {"rest"}:
        assert {f"step.{key}.title", f"step.{key}.why"} <= set(words)
