"""What waits for a person, at a terminal: seen, decided, put aside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.hands import Hand2, rest
from bridge.cli.console import Console
from bridge.cli.evidence import say_evidence
from bridge.cli.refused import page_url
from bridge.running import free_port
from tests.bridge.cli.conftest import Say
from tests.untold import draw_untold


def told_evidence(positions: int = 2) -> dict[str, Any]:
    """The fields of a refusal, as a reader of VoTT 1 gives them."""
    names = {"ntfs": "a1.jpg", "bytes": "B.jpg"}
    picture = {"labels": ["浴衣", "帯"], "names": names, "fits": {"ntfs": True, "bytes": False}}
    untold = {**picture, "fits": {"ntfs": None, "bytes": None}, "labels": []}
    pictures = [{**(untold if n else picture), "position": n} for n in range(positions)]
    candidates = [
        {"order": "ntfs", "without_newer": False, "fits": 11, "misfits": 1, "weak": 0},
        {"order": "bytes", "without_newer": True, "fits": 2, "misfits": 10, "weak": 3},
    ]
    return {"evidence": {"candidates": candidates, "pictures": pictures, "hints": ["Thumbs.db"]}}


def test_a_refused_import_says_where_it_waits(say: Say, tmp_path: Path) -> None:
    draw_untold(tmp_path)
    told = say("import", "浴衣", "images.json")
    assert told.code == 3
    assert "labelbridge delivery resume 1 --order ntfs" in told.out
    assert "labelbridge up" in told.out
    again = say("import", "浴衣", "images.json", "--json")
    assert (again.code, again.json["status"], again.json["order"]) == (3, "refused", None)
    assert (again.json["images"], again.json["boxes"], again.json["error"]["delivery"]) == (0, 0, 1)
    assert "判断を待っています" in say("import", "浴衣", "images.json", "--lang", "ja").out


def test_what_waits_is_listed_shown_and_decided(say: Say, tmp_path: Path) -> None:
    path = draw_untold(tmp_path)
    say("import", "浴衣", path)
    [waits] = say("deliveries", "--json").json["deliveries"]
    assert (waits["state"], waits["body"]["path"]) == ("waiting", str(path))
    # The project is not made yet, and is asked for by its name all the same.
    assert [d["id"] for d in say("deliveries", "浴衣", "--json").json["deliveries"]] == [waits["id"]]
    assert str(path) in say("deliveries").out
    assert "--order ntfs" in say("delivery", "show", "1").out
    done = say("delivery", "resume", "1", "--order", "bytes", "--json")
    assert (done.code, done.json["state"], done.json["outcome"]["order"]) == (0, "done", "bytes")
    assert done.json["outcome"]["who"] == "愛子"
    assert say("deliveries", "--json").json["deliveries"] == []
    assert "Nothing waits" in say("deliveries").out
    assert len(say("deliveries", "浴衣", "--all", "--json").json["deliveries"]) == 1
    assert say("delivery", "resume", "1", "--json").json["error"]["name"] == "delivery-settled"
    assert say("delivery", "show", "99", "--json").json["error"]["name"] == "delivery-missing"


def test_refused_again_it_says_what_is_wrong_now(say: Say, tmp_path: Path) -> None:
    draw_untold(tmp_path)
    say("import", "浴衣", "images.json")
    for name in ("B.jpg", "浴衣.jpg"):
        (tmp_path / "images" / name).unlink()
    told = say("delivery", "resume", "1", "--order", "ntfs")
    assert told.code == 3
    assert "4 pictures" in told.err
    assert "delivery resume 1" in told.out
    assert "put aside" in say("delivery", "dismiss", "1").out


def test_a_folder_whose_order_is_unknown_is_connected_and_waits(say: Say, tmp_path: Path) -> None:
    draw_untold(tmp_path)
    say("project", "create", "浴衣")
    told = say("source", "add", "浴衣", "vott-v1", "images.json")
    assert told.code == 3
    assert "delivery resume 1 --order" in told.out
    assert say("sync", "浴衣").code == 3
    assert len(say("deliveries", "浴衣", "--json").json["deliveries"]) == 1
    assert say("delivery", "resume", "1", "--order", "ntfs").code == 0
    assert say("sync", "浴衣").code == 0


def test_a_folder_is_connected_with_its_order(say: Say, tmp_path: Path) -> None:
    draw_untold(tmp_path)
    say("project", "create", "浴衣")
    told = say("source", "add", "浴衣", "vott-v1", "images.json", "--order", "ntfs", "--json")
    assert (told.code, told.json["pulled"]) == (0, [{"images": 5, "boxes": 4, "revisions": 4}])
    assert "ordered" in {f["rule"] for f in told.json["findings"]}


def test_what_was_exported_has_a_beginning_once_it_is_connected(say: Say, tmp_path: Path) -> None:
    """Also where no server runs that would read the folder: edits of it are no conflict."""
    draw_untold(tmp_path)
    say("import", "浴衣", "images.json", "--order", "ntfs")
    say("export", "浴衣", "vott-v2", "v2")
    assert "labels of 0 are new or changed" in say("source", "add", "浴衣", "vott-v2", "v2").out
    hand = Hand2(folder=tmp_path / "v2")
    hand.retag("B.jpg", hand.regions("B.jpg")[0]["id"], "浴衣")
    rest(hand.folder)
    told = say("sync", "浴衣", "--json").json
    assert ([one["revisions"] for one in told["pulled"]], told["findings"]) == ([1], [])


def test_the_evidence_is_a_table_of_orders_and_positions(capsys: pytest.CaptureFixture[str]) -> None:
    say_evidence(Console(False, "en"), told_evidence())
    out = capsys.readouterr().out
    assert "ntfs (Windows)" in out
    assert "without pictures newer than the project file" in out
    assert "a1.jpg (fits)" in out
    assert "B.jpg (does not fit)" in out
    assert "浴衣, 帯" in out
    assert "Thumbs.db" in out
    say_evidence(Console(False, "ja"), told_evidence(50))
    out = capsys.readouterr().out
    assert "a1.jpg (合う)" in out
    assert "30 箇所" in out
    for silent in (Console(True, "en"), Console(False, "en")):
        say_evidence(silent, {} if not silent.json else told_evidence())
    assert capsys.readouterr().out == ""


def test_pages_are_named_only_while_they_are_served(tmp_path: Path) -> None:
    assert page_url(tmp_path) is None
    # A server that was killed leaves its address behind.
    gone = f"http://127.0.0.1:{free_port()}"
    (tmp_path / "web.json").write_text(json.dumps({"url": gone, "here": gone}), "utf-8")
    assert page_url(tmp_path) is None
    (tmp_path / "web.json").write_text("[", "utf-8")
    assert page_url(tmp_path) is None
