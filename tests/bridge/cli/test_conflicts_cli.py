"""Pictures whose labels clash, told and settled at a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.model.annotation import Box, Image, Region
from bridge.settings import Settings
from bridge.store import images, projects, revisions
from bridge.store.revisions import Draft
from bridge.workspace import Workspace, open_workspace
from tests.bridge.cli.conftest import Say

KIMONO = Region.rectangle(Box(1, 2, 30, 40), "着物")


def clash(ws: Workspace, project: str) -> list[int]:
    """A project with a picture that two people labelled unlike each other, and one that nobody looked at."""
    with ws.db.write() as tx:
        found = projects.create(tx, project)
        labels = projects.add_labels(tx, found.id, ["着物"], {})
        [image, _] = images.put(tx, found.id, [Image("あ 1.jpg", 64, 48), Image("未.jpg", 64, 48)])
        drafts = [
            Draft(image, (KIMONO,), "a", "愛子", "vott"),
            Draft(image, (KIMONO, KIMONO), "b", "健太", "label-studio"),
        ]
        return revisions.put(tx, drafts, labels)


@pytest.fixture
def heads(tmp_path: Path) -> list[int]:
    """The two sets of labels of あ 1.jpg in project p of the data folder."""
    ws = open_workspace(Settings(data=tmp_path / "labelbridge-data"), create=True)
    found = clash(ws, "p")
    ws.close()
    return found


def test_a_clash_is_listed_and_settled(say: Say, heads: list[int]) -> None:
    told = say("conflicts", "p")
    assert all(word in told.out for word in ("あ 1.jpg", "愛子", "健太", "vott", "label-studio", str(heads[1])))
    assert "labelbridge resolve p PICTURE --keep NUMBER" in told.out
    assert "added" in told.out
    [one] = say("conflicts", "p", "--json").json["conflicts"]
    assert one["image"] == "あ 1.jpg"
    assert [(h["number"], h["source"], h["author"], h["boxes"]) for h in one["heads"]] == [
        (heads[0], "vott", "愛子", 1),
        (heads[1], "label-studio", "健太", 2),
    ]
    # They have nothing in common, so each is told against the other.
    assert [h["changes"] for h in one["heads"]] == [
        [],
        [{"kind": "added", "labels": ["着物"], "box": [1, 2, 30, 40], "was_labels": None, "was_box": None}],
    ]
    assert say("resolve", "p", "あ 1.jpg", "--json").json["error"]["name"] == "resolve-how"
    assert say("resolve", "p", "あ 1.jpg", "--keep", "99", "--json").json["error"]["name"] == "revision-missing"
    assert say("resolve", "p", "ない", "--keep", "1", "--json").json["error"]["name"] == "image-missing"
    done = say("resolve", "p", "あ 1.jpg", "--keep", str(heads[1]), "--json").json
    assert (done["image"], done["kept"]) == ("あ 1.jpg", heads[1])
    assert say("conflicts", "p").out == "No labels clash.\n"
    again = say("resolve", "p", "あ 1.jpg", "--keep", str(heads[1]), "--json")
    assert (again.code, again.json["error"]["name"]) == (1, "resolve-nothing")


def test_all_sets_may_hold_together(say: Say, heads: list[int]) -> None:
    done = say("resolve", "p", "あ 1.jpg", "--both", "--json").json
    assert (done["image"], done["kept"]) == ("あ 1.jpg", None)
    assert done["revision"] > heads[1]
    assert say("conflicts", "p").out == "No labels clash.\n"


def test_check_calls_a_clash_by_its_name(say: Say, heads: list[int]) -> None:
    found = {f["rule"]: f for f in say("check", "p", "--json").json["findings"]}
    assert (found["conflict"]["severity"], found["conflict"]["image"]) == ("warning", "あ 1.jpg")
    assert "愛子: vott, 健太: label-studio" in found["conflict"]["message"]
    assert (found["unreviewed"]["unknown"], found["unreviewed"]["names"]) == (1, "未.jpg")
    assert say("check", "p", "--fail-on", "warning").code == 1
    say("resolve", "p", "あ 1.jpg", "--keep", str(heads[0]))
    assert "conflict" not in {f["rule"] for f in say("check", "p", "--json").json["findings"]}


def test_two_unlike_answers_in_one_file_are_a_clash_too(say: Say, tmp_path: Path) -> None:
    def answer(number: int, email: str, x: int) -> dict[str, Any]:
        value = {"x": x, "y": 1, "width": 9, "height": 9, "rotation": 0, "rectanglelabels": ["着物"]}
        item = {"id": "x", "type": "rectanglelabels", "from_name": "l", "to_name": "i", "value": value}
        size = {"original_width": 64, "original_height": 48}
        return {"id": number, "completed_by": {"id": number, "email": email}, "result": [{**item, **size}]}

    answers = [answer(1, "aiko@example.com", 1), answer(2, "kenta@example.com", 40)]
    tasks = [{"id": 1, "data": {"image": "a.jpg"}, "annotations": answers}]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    assert say("import", "p", "tasks.json").code == 0
    found = {f["rule"]: f for f in say("check", "p", "--json").json["findings"]}
    assert "unreviewed" not in found
    assert "aiko@example.com" in found["conflict"]["message"]
    bare = {f["rule"] for f in say("check", "./tasks.json", "--json").json["findings"]}
    assert ("conflict" in bare, "unreviewed" in bare) == (True, False)
