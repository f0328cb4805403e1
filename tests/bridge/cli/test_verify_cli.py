"""`verify-export`, called as a person calls it."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.bridge.cli.conftest import Say

VOTT1 = Path(__file__).parents[2] / "fixtures" / "vott1"
EXPORTS = VOTT1 / "exports"


def test_damaged_labels_are_told_and_written_anew(say: Say) -> None:
    words = ("verify-export", VOTT1 / "v1.6.1.json", EXPORTS / "v1.6.1-wide-on-screen", "--images", VOTT1 / "images")
    told = say(*words, "--fix", "right", "--json")
    assert told.code == 1
    assert {k: told.json[k] for k in ("status", "checked", "right", "damaged", "out")} == {
        "status": "damaged",
        "checked": 5,
        "right": 1,
        "damaged": {"export-other-size": 4},
        "out": "right",
    }
    assert all("wide.jpg, 1200x400" in finding["message"] for finding in told.json["findings"])
    assert Path("right/obj.data").is_file()
    again = say("verify-export", VOTT1 / "v1.6.1.json", "right", "--images", VOTT1 / "images", "--json")
    assert (again.code, again.json["status"], again.json["findings"]) == (0, "ok", [])
    assert not Path("labelbridge-data").exists()


def test_it_speaks_to_people(say: Say) -> None:
    words = ("verify-export", VOTT1 / "v1.7.2.json", EXPORTS / "v1.7.2-tagged", "--images", VOTT1 / "images")
    english = say(*words)
    assert "wide.jpg: VoTT 1.7 leaves the last picture out" in english.out
    assert "Labels checked: 8, right: 5." in english.out
    assert "wide.jpg: VoTT 1.7 は" in say(*words, "--lang", "ja").out


def test_an_order_that_nobody_can_tell_is_a_person_s_to_say(say: Say) -> None:
    from PIL import Image

    shutil.copytree(VOTT1 / "images", "images")
    for path in Path("images").iterdir():
        Image.new("RGB", (640, 480)).save(path, "JPEG")
    words = ("verify-export", VOTT1 / "v1.0.9.json", EXPORTS / "v1.0.9", "--json", "--images")
    assert say(*words, "images").code == 3
    assert say(*words, VOTT1 / "images", "--order", "bytes").json["damaged"] == {"export-canvas-height": 1}


def test_a_folder_without_labels_is_named(say: Say) -> None:
    Path("empty").mkdir()
    told = say("verify-export", VOTT1 / "v1.6.1.json", "empty", "--json")
    assert (told.code, told.json["error"]["name"]) == (1, "labels-missing")
