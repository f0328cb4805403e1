"""`tidy`, called as a person calls it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.bridge.cli.conftest import Say

ORDER = Path(__file__).parents[2] / "fixtures" / "vott1" / "order"


@pytest.fixture
def folder(say: Say) -> Path:
    """A picture folder with its project beside it, by position."""
    shutil.copytree(ORDER / "images", "imgs")
    shutil.copy(ORDER / "images.ntfs-order.json", "imgs.json")
    for path in Path().rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return Path("imgs")


def test_a_plan_then_the_deed_then_back(say: Say, folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    plan = say("tidy", folder, "--dry-run")
    assert (plan.code, "Nothing was changed." in plan.out, "[x].jpg" in plan.out) == (0, True, True)
    assert {path.name for path in folder.iterdir()} == names
    told = say("tidy", folder, "--json")
    assert {k: told.json[k] for k in ("status", "order")} == {"status": "ok", "order": "ntfs"}
    assert {"from": "日本語.jpg", "to": "p-741fb1ee.jpg"} in told.json["renames"]
    assert Path(told.json["project"]).name == "imgs.json"
    again = say("tidy", folder, "--json")
    assert (again.code, again.json["status"], again.json["renames"]) == (0, "unchanged", [])
    back = say("tidy", folder, "--undo", "--lang", "ja")
    assert "3 枚の画像の名前を元に戻しました" in back.out
    assert Path("imgs.json").read_bytes() == (ORDER / "images.ntfs-order.json").read_bytes()
    assert {path.name for path in folder.iterdir()} == names
    assert not Path("labelbridge-data").exists()


def test_nobody_can_tell(say: Say, folder: Path) -> None:
    from PIL import Image

    for path in folder.iterdir():
        if path.suffix.lower() in (".jpg", ".png", ".gif"):
            Image.new("RGB", (64, 48)).save(path)
    told = say("tidy", folder, "--json")
    assert told.code == 3
    assert say("tidy", folder, "--order", "bytes", "--json").json["order"] == "bytes"


def test_an_import_knows_the_pictures_again(say: Say, folder: Path) -> None:
    assert say("import", "p", "imgs.json").code == 0
    assert say("tidy", folder, "--names", "hash").code == 0
    again = say("import", "p", "imgs.json", "--json").json
    assert len([f for f in again["findings"] if f["rule"] == "renamed"]) == 13
    assert not [f for f in again["findings"] if f["rule"] in ("lost", "near-duplicate")]
    assert say("project", "list", "--json").json["projects"][0]["images"] == again["images"] == 14


def test_nothing_to_undo(say: Say, folder: Path) -> None:
    told = say("tidy", folder, "--undo", "--json")
    assert (told.code, told.json["error"]["name"]) == (1, "tidy-nothing")
