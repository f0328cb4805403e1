"""Commands on bare files and folders: what other programs read of them, and that nothing else is touched."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.cli.conftest import Say

FIXTURES = Path(__file__).parents[2] / "fixtures"


def stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    return {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in sorted(folder.rglob("*"))}


@pytest.fixture
def darknet(say: Say, vott: Path) -> Path:
    """A darknet folder as `export` writes it."""
    assert say("export", next(vott.glob("*.vott")), "yolo", "out").code == 0
    return Path("out")


def test_export_and_its_findings(say: Say, vott: Path) -> None:
    before = stamps(vott.parent)
    told = say("export", vott, "coco", "labels.json", "--json")
    assert told.code == 0
    assert (told.json["status"], told.json["out"]) == ("ok", "labels.json")
    for finding in told.json["findings"]:
        assert {"rule", "severity", "image", "message"} <= set(finding)
        assert finding["severity"] in ("error", "warning", "info")
    coco = json.loads(Path("labels.json").read_text("utf-8"))
    assert {i["state"] for i in coco["images"]} == {"labelled", "reviewed-empty", "unknown"}
    assert stamps(vott.parent) == before
    assert not Path("labelbridge-data").exists()


def test_a_loss_is_told_before_anything_is_written(say: Say, picture: Callable[..., Path]) -> None:
    picture("a.jpg", 64, 48)
    region = {"type": "brushlabels", "value": {"format": "rle", "rle": [0, 1, 2, 3], "brushlabels": ["ねじ"]}}
    size = {"original_width": 64, "original_height": 48}
    result = [{**region, **size, "id": "a", "from_name": "label", "to_name": "image"}]
    tasks = [{"id": 1, "data": {"image": "a.jpg"}, "annotations": [{"id": 1, "result": result}]}]
    Path("tasks.json").write_text(json.dumps(tasks))
    refused = say("export", "tasks.json", "vott-v2", "out", "--json")
    assert refused.code == 3
    assert (refused.json["status"], refused.json["error"]["name"]) == ("refused", "export-loses")
    (lost,) = refused.json["findings"]
    assert (lost["rule"], lost["image"], lost["region"], lost["id"]) == ("brush", "a.jpg", 0, "a")
    assert (lost["labels"], lost["severity"]) == ("ねじ", "warning")
    assert not Path("out").exists()
    done = say("export", "tasks.json", "vott-v2", "out", "--allow-loss", "--json")
    assert (done.code, done.json["findings"].count(lost)) == (0, 1)


def test_losses_are_listed_for_people_by_rule(say: Say, picture: Callable[..., Path]) -> None:
    picture("a.jpg", 64, 48)
    size = {"original_width": 64, "original_height": 48, "from_name": "label", "to_name": "image"}
    values = [{"x": 10 * n, "y": 5, "radiusX": 4, "radiusY": 8, "ellipselabels": ["ねじ 山"]} for n in range(8)]
    result = [{**size, "id": f"e{n}", "type": "ellipselabels", "value": value} for n, value in enumerate(values)]
    tasks = [{"id": 1, "data": {"image": "a.jpg"}, "annotations": [{"id": 1, "result": result}]}]
    Path("tasks.json").write_text(json.dumps(tasks))
    refused = say("export", "tasks.json", "vott-v1", "out.json")
    assert (refused.code, Path("out.json").exists()) == (3, False)
    assert "--allow-loss" in refused.err
    assert "ellipse (8)" in refused.out
    assert "a.jpg (3.84, -1.44)" in refused.out
    assert "tag-renamed (9)" in refused.out
    assert refused.out.count("An ellipse (ねじ 山)") == 5
    assert "… and 3 more" in refused.out


def test_check_takes_the_network_size_of_the_folder(say: Say, darknet: Path) -> None:
    def tiny(*words: str) -> list[Any]:
        found = say("check", f"./{darknet}", *words, "--json").json["findings"]
        return [f for f in found if f["rule"] == "tiny"]

    assert "416 x 416" in tiny()[0]["message"]
    (darknet / "net.cfg").write_text("[net]\n width = 64 # small\nheight=32\n[convolutional]\nwidth=9\n")
    assert all("64 x 32" in f["message"] for f in tiny())
    assert len(tiny()) >= 1
    assert "608 x 608" in tiny("--size", "608")[0]["message"]
    (darknet / "other.cfg").write_text("[net]\nwidth=96\nheight=96\n")
    assert "416 x 416" in tiny()[0]["message"]
    (darknet / "other.cfg").unlink()
    (darknet / "folder.cfg").mkdir()
    assert "64 x 32" in tiny()[0]["message"]


def test_check_fails_on_what_it_is_told_to(say: Say, darknet: Path) -> None:
    assert say("check", f"./{darknet}/obj.data").code == 1
    label = next(p for p in (darknet / "data").rglob("*.txt") if p.read_text().strip())
    for path in (darknet / "data").rglob("*.txt"):
        path.write_text("0 0.5 0.5 0.4 0.4\n")
    clean = say("check", f"./{darknet}", "--fail-on", "warning", "--json")
    assert (clean.code, [f for f in clean.json["findings"] if f["severity"] != "info"]) == (0, [])
    label.write_text("0 0.5 0.5 0.4 0.4\n0 0.5 0.5 0.4 0.4\n")
    assert say("check", f"./{darknet}").code == 0
    assert say("check", f"./{darknet}", "--fail-on", "warning").code == 1


def test_anchors(say: Say, darknet: Path) -> None:
    told = say("anchors", f"./{darknet}", "--size", "608x416", "-n", "6", "--json").json
    assert len(told["anchors"]) == 6
    areas = [w * h for w, h in told["anchors"]]
    assert areas == sorted(areas)
    assert all(0 < w <= 608 and 0 < h <= 416 for w, h in told["anchors"])
    assert 0 < told["darknet_average_iou"] <= told["average_iou"] + 1e-9 <= 1
    assert sorted(i for mask in told["masks"] for i in mask) == list(range(6))
    said = say("anchors", f"./{darknet}", "--size", "608x416", "-n", "6").out
    assert re.match(r"anchors = (\d+\.\d\d,\d+\.\d\d(, )?){6}\n", said)


def test_anchors_beside_those_of_a_cfg(say: Say, darknet: Path) -> None:
    cfg = FIXTURES / "darknet" / "cfg" / "net.cfg"
    told = say("anchors", f"./{darknet}", "--cfg", cfg, "--json").json
    assert (len(told["anchors"]), told["width"], told["height"]) == (6, 64, 64), "as the cfg has them"
    assert (told["given"]["name"], len(told["given"]["anchors"])) == ("net.cfg", 6)
    assert sorted(told["cells"]) == told["cells"]
    assert told["best_known_iou"] >= max(told["average_iou"], told["given"]["average_iou"])
    advice = next(f for f in told["findings"] if f["rule"] == f"anchors-{told['advice']}")
    assert "net.cfg" in advice["message"]
    english, japanese = (say("anchors", f"./{darknet}", "--cfg", cfg, "--lang", lang).out for lang in ("en", "ja"))
    assert all(word in english for word in ("Recalculating", "darknet's own way", "cell px", "net.cfg"))
    assert all(word in japanese for word in ("アンカーを計算し直", "darknet 自身の方法", "net.cfg"))


def test_anchors_of_a_cfg_that_has_none(say: Say, darknet: Path) -> None:
    Path("none.cfg").write_text("[net]\nwidth=32\nheight=32\n")
    refused = say("anchors", f"./{darknet}", "--cfg", "none.cfg", "--json")
    assert (refused.code, refused.json["error"]["name"]) == (1, "cfg-no-anchors")
    missing = say("anchors", f"./{darknet}", "--cfg", "missing.cfg", "--json")
    assert (missing.code, missing.json["error"]["name"]) == (1, "file-missing")
    many = say("anchors", f"./{darknet}", "-n", "100", "--json")
    assert (many.code, many.json["error"]["name"]) == (1, "anchors-too-few")


# ---------------------------------------------------------------- evaluate


@pytest.fixture
def boxes() -> tuple[str, str]:
    """240 pictures with what AlexeyAB's darknet saw in them, as COCO files; IoU does not change under scaling."""
    truth = json.loads((FIXTURES / "map_repro/ground_truth.json").read_text())
    seen = json.loads((FIXTURES / "map_repro/detections_thresh0.005_alexeyab.json").read_text())
    ids = {name: n for n, name in enumerate(truth, 1)}

    def corner(x: float, y: float, w: float, h: float) -> list[float]:
        return [1000 * (x - w / 2), 1000 * (y - h / 2), 1000 * w, 1000 * h]

    labels = [(ids[name], int(c), corner(*box)) for name, rows in truth.items() for c, *box in rows]
    coco = {
        "images": [{"id": n, "file_name": Path(name).name, "width": 1000, "height": 1000} for name, n in ids.items()],
        "categories": [{"id": n, "name": f"物{n}"} for n in range(3)],
        "annotations": [
            {"id": n, "image_id": i, "category_id": c, "bbox": b, "area": b[2] * b[3], "iscrowd": 0}
            for n, (i, c, b) in enumerate(labels, 1)
        ],
    }
    found = [
        {"image_id": ids[picture["filename"]], "category_id": int(c), "bbox": corner(*box), "score": score}
        for picture in seen
        for c, *box, score in picture["objects"]
    ]
    Path("truth.json").write_text(json.dumps(coco))
    Path("found.json").write_text(json.dumps(found))
    return "truth.json", "found.json"


@pytest.mark.parametrize(("points", "wanted"), [("0", 0.605838), ("11", 0.593393)])
def test_evaluate_as_darknet_counts(say: Say, boxes: tuple[str, str], points: str, wanted: float) -> None:
    told = say("evaluate", "--truth", boxes[0], "--detections", boxes[1], "--points", points, "--json").json
    assert told["map"] == pytest.approx(wanted, abs=2e-5)
    assert [(c["id"], c["name"]) for c in told["classes"]] == [(0, "物0"), (1, "物1"), (2, "物2")]
    assert sum(c["ap"] for c in told["classes"]) / 3 == pytest.approx(told["map"])
    assert (told["protocol"], told["options"]["points"]) == ("darknet", int(points))


def test_evaluate_as_coco_counts(say: Say, boxes: tuple[str, str]) -> None:
    words = ("evaluate", "--truth", boxes[0], "--detections", boxes[1])
    told = say(*words, "--protocol", "coco", "--json").json
    names = [
        "AP",
        "AP50",
        "AP75",
        "APsmall",
        "APmedium",
        "APlarge",
        "AR1",
        "AR10",
        "AR100",
        "ARsmall",
        "ARmedium",
        "ARlarge",
    ]
    assert list(told["stats"]) == names
    assert 0.1 < told["stats"]["AP"] < told["stats"]["AP50"] < 1
    assert "AP50" in say(*words, "--protocol", "coco").out
    said = say(*words, "--protocol", "darknet").out
    assert "mAP@0.5 = 60.58 %" in said
    assert "AP50" not in said


def test_evaluate_says_both_and_why_they_differ(say: Say, boxes: tuple[str, str]) -> None:
    words = ("evaluate", "--truth", boxes[0], "--detections", boxes[1])
    told = say(*words, "--json").json
    assert told["protocol"] == "darknet"
    alone = {name: say(*words, "--protocol", name, "--json").json for name in ("darknet", "coco")}
    assert {key: told[key] for key in alone["darknet"]} == alone["darknet"]
    assert told["coco"] == {key: value for key, value in alone["coco"].items() if key != "findings"}
    steps = told["difference"]["steps"]
    assert [step["cause"] for step in steps] == ["no-truth", "points", "overlap", "match", "crowd", "limit", "average"]
    assert told["map"] + sum(step["change"] for step in steps) == pytest.approx(told["coco"]["stats"]["AP"])
    # Real darknets print 216/237/74 and 208/245/82 here, by the order in which their boxes lie.
    assert (told["counts"]["TP"], told["counts"]["FP"], told["counts"]["FN"]) == (217, 236, 73)
    said = say(*words).out
    assert told["difference"]["message"] in said
    assert "60.6 %" in told["difference"]["message"]
    assert "217 right, 236 wrong, 73 missed" in said
    assert "darknet の規則では 60.6 %" in say(*words, "--lang", "ja").out
    counts = say(*words, "--threshold", "0.5", "--json").json["counts"]
    assert (counts["TP"], counts["FP"], counts["FN"]) == (210, 183, 80)


def test_evaluate_scores_what_can_be_scored(say: Say, boxes: tuple[str, str]) -> None:
    """Each fault is a finding and the exit code 0: the number is that of the rest."""
    truth, found = json.loads(Path(boxes[0]).read_text()), json.loads(Path(boxes[1]).read_text())
    wanted = say("evaluate", "--truth", boxes[0], "--detections", boxes[1], "--json").json
    box = truth["annotations"][0]
    truth["annotations"] += [box, {**box, "id": 9001, "bbox": [1, 1, -5, 5]}, {**box, "id": 9002, "image_id": 777}]
    truth["images"].append(truth["images"][0])
    found[3:3] = [{**found[0], "score": float("nan")}, {**found[0], "image_id": 778}, {"image_id": 1}]
    Path("truth.json").write_text(json.dumps(truth))
    Path("found.json").write_text(json.dumps(found))
    call = say("evaluate", "--truth", boxes[0], "--detections", boxes[1], "--json")
    assert call.code == 0
    assert (call.json["map"], call.json["coco"]["stats"]) == (wanted["map"], wanted["coco"]["stats"])
    rules = {
        "score-duplicate-id": 2,
        "score-bad-number": 2,
        "score-unknown-picture": 2,
        "score-damaged": 1,
    }
    counted = {rule: sum(f["rule"] == rule for f in call.json["findings"]) for rule in rules}
    assert counted == rules
    assert all(f["message"] and "{" not in f["message"] for f in call.json["findings"])


def test_evaluate_with_nothing_on_one_side(say: Say, boxes: tuple[str, str]) -> None:
    Path("none.json").write_text("[]")
    told = say("evaluate", "--truth", boxes[0], "--detections", "none.json", "--json")
    assert (told.code, told.json["map"], told.json["coco"]["stats"]["AP"]) == (0, 0.0, 0.0)
    assert told.json["findings"][0]["rule"] == "score-no-detections"
    assert "all 290 object(s) count as missed" in told.json["findings"][0]["message"]
    empty = {**json.loads(Path(boxes[0]).read_text()), "annotations": []}
    Path("empty.json").write_text(json.dumps(empty))
    told = say("evaluate", "--truth", "empty.json", "--detections", boxes[1], "--json")
    assert (told.code, told.json["coco"]["stats"]["AP"], told.json["difference"]["message"]) == (0, -1, "")
    assert [f["rule"] for f in told.json["findings"]] == ["score-no-truth"]


@pytest.mark.parametrize(
    ("text", "name"), [("", "evaluate-empty-file"), ("[{", "json-broken"), ("{}", "evaluate-not-results")]
)
def test_evaluate_refuses_what_is_no_file_of_detections(say: Say, boxes: tuple[str, str], text: str, name: str) -> None:
    Path("odd.json").write_text(text)
    told = say("evaluate", "--truth", boxes[0], "--detections", "odd.json", "--json")
    assert (told.code, told.json["error"]["name"]) == (1, name)
    assert say("evaluate", "--truth", boxes[0], "--detections", "not-there.json", "--json").code == 1


# ---------------------------------------------------------------- explain


KEYS = {"last_iteration", "iterations", "saved", "map", "class_names", "first_nan_iteration", "failure"}


def test_explain_what_went_well(say: Say) -> None:
    told = say("explain", FIXTURES / "darknet/train/alexeyab_head_map.stdout.txt", "--json").json
    assert set(told) >= KEYS
    assert told["iterations"][-1]["iteration"] == told["last_iteration"] > 0
    assert set(told["iterations"][0]) == {"iteration", "loss", "avg_loss"}
    assert told["map"]
    assert all(0 <= value <= 1 for value in told["map"])


def test_explain_what_went_wrong(say: Say) -> None:
    log = FIXTURES / "darknet/train/alexeyab_head_nan.stdout.txt"
    told = say("explain", log, "--json").json
    assert told["failure"]["class"] == "nan"
    assert told["first_nan_iteration"] > 0
    assert None in [one["avg_loss"] for one in told["iterations"]]
    japanese = say("explain", log, "--lang", "ja").out
    assert japanese.splitlines()[-2].startswith("nan: ")
    assert re.search(r"[ぁ-ん]", japanese.splitlines()[-1])
    # In JSON the words are English, whoever asks.
    assert told["failure"]["cause"] == say("explain", log, "--lang", "ja", "--json").json["failure"]["cause"]


def test_explain_a_transcript_of_ours(say: Say) -> None:
    text = "CUDA Error: out of memory: No such file or directory\n"
    lines = [{"stream": "err", "data": base64.b64encode(text.encode()).decode()}, {"exit": 1}]
    Path("run.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    told = say("explain", "run.jsonl", "--json")
    assert (told.code, told.json["failure"]["class"]) == (0, "out-of-memory")
    assert "Nothing went wrong" not in say("explain", "run.jsonl").out
