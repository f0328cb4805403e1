"""Labels in and out of a project, as a person at a terminal does it."""

from __future__ import annotations

import json
import shutil
import zlib
from pathlib import Path

import pytest
from PIL import Image as Pillow

from bridge.model.delivery import DeliveryState
from bridge.settings import Settings
from bridge.store import deliveries
from bridge.workspace import open_workspace
from tests.bridge.cli.conftest import Say

FIXTURES = Path(__file__).parents[2] / "fixtures"


def test_import_says_what_it_took(say: Say, vott: Path) -> None:
    told = say("import", "撮影", vott, "--json")
    assert told.code == 0
    assert {k: told.json[k] for k in ("status", "order", "images", "boxes", "revisions")} == {
        "status": "ok",
        "order": "names",
        "images": 30,
        "boxes": 116,
        "revisions": 29,
    }
    assert "untagged" in {f["rule"] for f in told.json["findings"]}
    again = say("import", "撮影", next(vott.glob("*.vott")), "--format", "vott-v2", "--json").json
    assert (again["images"], again["revisions"]) == (30, 0)
    assert "labels of 0 pictures are new or changed" in say("import", "撮影", vott).out


def test_an_import_that_cannot_be_trusted_waits_for_a_person(say: Say, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("Zoo.jpg", "apple.jpg"):  # Of one shape: Windows and Linux list them otherwise, and nothing tells.
        Pillow.new("RGB", (64, 48)).save(tmp_path / "images" / name)
    box = {"x1": 10, "y1": 10, "x2": 90, "y2": 90, "width": 733, "height": 550, "tags": ["cat"]}
    frames = {"0": [box], "1": [{**box, "x1": 20}]}
    Path("images.json").write_text(json.dumps({"frames": frames, "inputTags": "cat", "visitedFrames": [0, 1]}))
    told = say("import", "撮影", "images.json", "--json")
    assert told.code == 3
    assert (told.json["status"], told.json["images"], told.json["boxes"]) == ("refused", 0, 0)
    assert told.json["error"]["name"] == "ambiguous-order"
    assert [p["names"]["ntfs"] for p in told.json["error"]["evidence"]["pictures"]] == ["apple.jpg", "Zoo.jpg"]
    assert isinstance(told.json["findings"], list)
    assert "--order ntfs" in say("import", "撮影", "images.json").err
    ws = open_workspace(Settings(data=tmp_path / "labelbridge-data"))
    with ws.db.read() as tx:
        waiting = deliveries.listing(tx, state=DeliveryState.WAITING)
    ws.close()
    assert len(waiting) == 1
    chosen = say("import", "撮影", "images.json", "--order", "ntfs", "--json").json
    assert (chosen["status"], chosen["order"]) == ("ok", "ntfs")


def test_the_order_of_a_folder_is_found_by_the_shapes_of_its_pictures(say: Say, tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "vott1/order/images", tmp_path / "images")
    shutil.copy(FIXTURES / "vott1/order/images.ntfs-order.json", tmp_path / "images.json")
    told = say("import", "撮影", "images.json", "--json").json
    assert (told["status"], told["order"], told["boxes"]) == ("ok", "ntfs", 12)
    (ordered,) = (f for f in told["findings"] if f["rule"] == "ordered")
    assert (ordered["misfits"], ordered["other"], ordered["other_misfits"]) == (0, "bytes", 9)
    assert "9 do not fit" in ordered["message"]


def test_mending_and_taking_it_back(say: Say, vott: Path) -> None:
    say("import", "撮影", vott)
    assert "2 pictures mended (labelbridge undo takes that back)" in say("check", "撮影", "--fix").out
    assert "nothing that is safe to mend" in say("check", "撮影", "--fix").out
    assert say("undo", "撮影", "--json").json == {"undone": 2}
    assert say("undo", "撮影", "--json").json["error"]["name"] == "undo-nothing"
    said = say("undo", "撮影", "--image", "bench_000.jpg", "--json")
    assert (said.code, said.json["error"]["name"]) == (1, "undo-nothing")
    assert say("undo", "撮影", "--image", "nothing", "--json").json["error"]["name"] == "image-missing"


def test_labels_are_renamed_and_merged(say: Say, vott: Path) -> None:
    say("import", "撮影", vott)
    assert "座金" in say("label", "撮影", "rename", "washer", "座金", "--json").json["labels"]
    merged = say("label", "撮影", "merge", "Washer", "座金", "--json").json
    assert merged["labels"] == ["座金", "nut", "bolt", "gear"]
    assert say("label", "撮影", "merge", "nut", "nut", "--json").json["error"]["name"] == "label-itself"


def test_a_project_goes_out_with_the_split_of_its_cut(say: Say, vott: Path) -> None:
    say("import", "撮影", vott)
    made = say("cut", "撮影", "--split", "0.7", "--json").json
    say("export", "撮影", "yolo", "out", "--allow-loss")
    assert len(Path("out/valid.txt").read_text().split()) == made["valid"]
    assert len(Path("out/train.txt").read_text().split()) == made["train"]


def test_a_broken_picture_name_does_not_stop_the_rest(say: Say, tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "../../etc/passwd", "width": 9, "height": 9, "state": "labelled"}]
    images.append({"id": 2, "file_name": "写真.jpg", "width": 9, "height": 9, "state": "labelled"})
    (tmp_path / "coco.json").write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    told = say("import", "p", "coco.json", "--json")
    assert told.code == 0
    assert told.json["findings"] != []


@pytest.mark.parametrize("words", [("import", "p", "."), ("check", "./"), ("export", "./", "coco", "x.json")])
def test_a_folder_without_labels_is_named(say: Say, words: tuple[str, ...]) -> None:
    said = say(*words, "--json")
    assert (said.code, said.json["error"]["name"]) == (1, "format-unknown")
    assert "vott-v2" in said.json["error"]["known"]


def test_connecting_the_folder_that_was_imported_is_no_conflict(say: Say, vott: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vott"
    shutil.copytree(vott, folder)
    say("import", "撮影", folder)
    say("check", "撮影", "--fix")
    assert say("source", "add", "撮影", "vott-v2", folder).code == 0
    pulled = say("sync", "撮影", "--json").json
    assert [one["revisions"] for one in pulled["pulled"]] == [0]
    assert "conflict" not in {f["rule"] for f in pulled["findings"]}
    # What was mended stays mended, and what an annotator changes from now on comes in beside it.
    assert "nothing that is safe to mend" in say("check", "撮影", "--fix").out
    asset = next(p for p in folder.glob("*-asset.json") if "bench_021" in p.read_text("utf-8"))
    drawn = json.loads(asset.read_text("utf-8"))
    drawn["regions"].append({**drawn["regions"][-1], "id": "new", "tags": ["bolt"]})
    asset.write_text(json.dumps(drawn), "utf-8")
    again = say("sync", "撮影", "--json").json
    assert [one["revisions"] for one in again["pulled"]] == [1]
    assert "conflict" not in {f["rule"] for f in again["findings"]}
    assert "nothing that is safe to mend" in say("check", "撮影", "--fix").out


def coco(folder: Path, *names: str) -> Path:
    """A COCO file that names pictures with one box each, and nobody's pictures beside it yet."""
    images = [{"id": n, "file_name": name, "width": 64, "height": 48} for n, name in enumerate(names)]
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [5, 5, 20, 20]} for n in range(len(names))]
    told = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "着物"}]}
    (folder / "coco.json").write_text(json.dumps(told))
    return folder / "coco.json"


def test_check_tells_of_pictures_that_no_training_could_read(say: Say, tmp_path: Path) -> None:
    for name in ("切れた.jpg", "巨大.png", "良い.png", "消えた.png"):
        Pillow.effect_noise((64, 48), 80).save(tmp_path / name)
    (tmp_path / "切れた.jpg").write_bytes((tmp_path / "切れた.jpg").read_bytes()[:40])
    huge = bytearray((tmp_path / "巨大.png").read_bytes())
    huge[16:24] = (60_000).to_bytes(4, "big") * 2
    huge[29:33] = zlib.crc32(huge[12:29]).to_bytes(4, "big")
    (tmp_path / "巨大.png").write_bytes(huge)
    file = coco(tmp_path, "切れた.jpg", "巨大.png", "良い.png", "消えた.png", "ない.jpg")
    say("import", "p", file, "--images", tmp_path)
    (tmp_path / "消えた.png").unlink()
    told = say("check", "p", "--json")
    assert told.code == 1
    assert sorted((f["rule"], f["image"]) for f in told.json["findings"] if f["severity"] != "info") == [
        ("missing-image", "ない.jpg"),
        ("missing-image", "消えた.png"),
        ("unreadable", "切れた.jpg"),
        ("unreadable", "巨大.png"),
    ]
    assert say("check", "p", "--json").json == told.json


def test_a_project_for_a_machine_that_calls_its_folders_otherwise(say: Say, vott: Path) -> None:
    say("import", "撮影", vott)
    spelled = ("--images-as", "C:\\Users\\me\\画像", "--project-as", "Z:\\labels")
    told = say("export", "撮影", "vott-v2", "out", "--pictures", "none", *spelled, "--json")
    assert (told.code, "vott-folder" in {f["rule"] for f in told.json["findings"]}) == (0, False)
    (project,) = Path("out").glob("*.vott")
    content = json.loads(project.read_text("utf-8"))
    assert content["targetConnection"]["providerOptions"] == {"folderPath": "Z:\\labels"}
    assert {a["path"].rpartition("/")[0] for a in content["assets"].values()} == {"file:C:/Users/me/%E7%94%BB%E5%83%8F"}
    for words in (("coco", "c.json", "--images-as", "C:\\x"), ("vott-v2", "o", "--project-as", "C:\\x")):
        refused = say("export", "撮影", *words, "--json")
        assert (refused.code, refused.json["error"]["name"]) == (2, "images-as-not-here")
