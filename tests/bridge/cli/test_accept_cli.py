from __future__ import annotations

from pathlib import Path

import pytest

from bench.hands import Hand2, rest
from bridge.loop import predict
from bridge.loop.cut import CutOptions, cut
from bridge.loop.push import push
from bridge.loop.reconcile import pull
from bridge.model.training import Checkpoint
from bridge.settings import Settings
from bridge.store import images, projects, runs
from bridge.workspace import open_workspace
from tests.bridge.cli.conftest import Say
from tests.serving import due_run, recipe


@pytest.fixture
def hand(say: Say, vott: Path, tmp_path: Path) -> Hand2:
    """A connected VoTT folder with two boxes of a model on each of two pictures that nobody has labelled."""
    import shutil

    shutil.copytree(vott, tmp_path / "vott")
    made = Hand2(folder=tmp_path / "vott")
    unseen = sorted(made.names())[:2]
    for name in unseen:
        forget(made, name)
    say("import", "部品", made.folder)
    say("source", "add", "部品", "vott-v2", made.folder)
    ws = open_workspace(Settings(data=tmp_path / "labelbridge-data"))
    rest(made.folder)
    pull(ws, "部品", "vott-v2")
    version = cut(ws, "部品", CutOptions(fraction=0.5)).version
    run = due_run(ws, version.id, recipe(ws)).id
    with ws.db.write() as tx:
        project = projects.find(tx, "部品")
        kept, _ = runs.put_checkpoint(tx, Checkpoint("cafe01", run, 1000, "numbered", ws.blobs.put(b"w"), 1))
        boxes = [(k, 0.9, 20.0 + 50 * k, 30.0, 60.0 + 50 * k, 90.0) for k in range(2)]
        found = {images.find(tx, project.id, name).id or 0: boxes for name in unseen}
        predict.keep(tx, project.id, kept.id, found)
        projects.publish(tx, project.id, kept.id)
    rest(made.folder)
    push(ws, "部品")
    ws.close()
    rest(made.folder)
    return made


def forget(hand: Hand2, name: str) -> None:
    """As if nobody had looked at a picture yet."""
    import json

    path = next(hand.folder.glob("*.vott"))
    project = json.loads(path.read_text("utf-8"))
    asset = next(a for a in project["assets"].values() if a["name"] == name)
    asset["state"] = 0
    (hand.folder / f"{asset['id']}-asset.json").unlink(missing_ok=True)
    path.write_text(json.dumps(project, ensure_ascii=False, indent=4), "utf-8")


def test_it_is_shown_then_accepted_then_undone(say: Say, hand: Hand2) -> None:
    first, second = sorted(hand.names())[:2]
    assert "2 wait to be looked at" in say("accept", "部品").out
    hand.look(second)
    rest(hand.folder)
    listed = say("accept", "部品", "--json")
    assert (listed.code, listed.json["accepted"], listed.json["pictures"], listed.json["boxes"]) == (0, False, 1, 2)
    assert (listed.json["images"], listed.json["unseen"]) == ([second], 1)
    assert {(row["checkpoint"], row["boxes"]) for row in listed.json["rows"]} == {("cafe01", 1)}
    said = say("accept", "部品")
    assert "Nothing was accepted" in said.out
    assert second in said.out
    done = say("accept", "部品", "--visited", "--yes")
    assert "2 boxes on 1 pictures are a person's own now" in done.out
    [run] = say("runs", "--json").json["runs"]
    [judged] = say("run", "show", run["run"], "--json").json["judged"]
    assert (judged["checkpoint"], judged["pictures"], judged["total"]["kept"]) == ("cafe01", 1, 2)
    assert [counts["kept"] for counts in judged["labels"].values()] == [1, 1]
    assert "What people did with its boxes" in (shown := say("run", "show", run["run"]).out)
    assert shown.count("100.0 %") == 3
    assert "1 wait to be looked at" in say("accept", "部品", "--yes").out
    assert say("accept", "部品", "--image", first, "--yes", "--json").json["images"] == [first]
    assert say("undo", "部品", "--json").json == {"undone": 1}
    assert say("undo", "部品", "--json").json == {"undone": 1}
    assert say("accept", "部品", "--json").json["images"] == [second]


def test_a_wrong_call_and_a_wrong_picture_are_named(say: Say, hand: Hand2) -> None:
    both = say("accept", "部品", "--visited", "--image", "a.jpg", "--json")
    assert (both.code, both.json["error"]["name"]) == (2, "accept-both")
    labelled = sorted(hand.names())[5]
    told = say("accept", "部品", "--image", labelled, "--json")
    assert (told.code, told.json["error"]["name"]) == (1, "accept-nothing-there")
    assert say("accept", "部品", "--image", "nothing", "--json").json["error"]["name"] == "image-missing"
