"""An old VoTT 1 project, copied from Windows to Linux, becomes a model whose boxes get back to the annotators.

One story, told by what is typed and what is seen: real commands, a real server with its workers, Debian's darknet.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bench.hands import Hand1, Hand2, box_of
from bridge.model.annotation import Box
from bridge.running import Running
from bridge.settings import Settings
from tests.parts import absent
from tests.stories.old_project import DISC, MISTAKEN, OUTSIDE, SIZES, SQUARE, UNSEEN, WIDE, OldProject, draw_old_project

pytestmark = pytest.mark.story

ROOT = Path(__file__).parents[2]
PROJECT = "昔の写真"
LABELLED = [name for name in SIZES if name not in UNSEEN]
TINY = ("--template", "demo-tiny", "--size", "64x64", "--max-batches", "300")
# What encodeURI of JavaScript leaves as it is.
PLAIN = ";,/?:@&=+$-_.!~*'()#"


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder in which commands are typed, with the old project in it."""

    folder: Path
    old: OldProject

    def type(self, *words: str | Path) -> Any:
        """What a command prints with --json; it must go well."""
        surroundings = {k: v for k, v in os.environ.items() if not k.startswith("LABELBRIDGE_")}
        done = subprocess.run(
            [sys.executable, "-m", "bridge.cli.main", *map(str, words), "--json"],
            cwd=self.folder,
            env={**surroundings, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def boxes(self) -> dict[str, list[tuple[str, Box]]]:
        """Label and place of every box that the project holds now, by picture."""
        self.type("export", PROJECT, "coco", "now.json")
        told = json.loads((self.folder / "now.json").read_text("utf-8"))
        names = {one["id"]: one["file_name"] for one in told["images"]}
        labels = {one["id"]: one["name"] for one in told["categories"]}
        found: dict[str, list[tuple[str, Box]]] = {name: [] for name in names.values()}
        for one in told["annotations"]:
            left, top, width, height = one["bbox"]
            found[names[one["image_id"]]].append(
                (labels[one["category_id"]], Box(left, top, left + width, top + height))
            )
        return found

    def truth(self, name: str) -> list[tuple[str, Box]]:
        """What is to be seen on a picture."""
        shot = self.old.truth[name]
        places = ([part * side for part, side in zip(one.at, shot.size * 2, strict=True)] for one in shot.boxes)
        return [(one.tag, Box(*place)) for one, place in zip(shot.boxes, places, strict=True)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    if shutil.which("darknet") is None:
        absent("darknet")
    return Desk(tmp_path, draw_old_project(tmp_path / "windows", tmp_path / "写真"))


def test_from_an_old_project_to_a_model_and_back(desk: Desk) -> None:
    before = files(desk.old.pictures)
    read_by_shape(desk)
    names_for_places(desk)
    corrected_in_vott_1(desk)
    with Running(Settings(data=desk.folder / "labelbridge-data", port=0)):
        run, checkpoint = trained(desk)
        predicted_into_vott_1(desk, checkpoint)
        vott = predicted_into_vott_2(desk, checkpoint)
        accepted_by_looking(desk, vott, run, checkpoint)
    assert files(desk.old.pictures) == before


def read_by_shape(desk: Desk) -> None:
    """The import finds the order by the shapes of the pictures, says so, and puts every box where it was drawn."""
    told = desk.type("import", PROJECT, desk.old.json)
    assert (told["status"], told["order"], told["images"], told["boxes"]) == ("ok", "ntfs", 14, 24)
    findings = {rule: [f for f in told["findings"] if f["rule"] == rule] for rule in rules(told)}
    assert set(findings) == {"ordered", "canvas", "canvas-height", "times-lost", "outside"}
    [ordered] = findings["ordered"]
    assert (ordered["order"], ordered["other"], ordered["misfits"]) == ("ntfs", "bytes", 0)
    assert ordered["fits"] + ordered["weak"] == len(LABELLED)
    assert ordered["other_misfits"] >= 8
    assert {f["image"] for f in findings["canvas-height"]} == set(WIDE)
    found = desk.boxes()
    assert set(found) == set(SIZES)
    assert all(found[name] == [] for name in UNSEEN)
    for name in LABELLED:
        slack = desk.old.truth[name].slack()
        for (label, box), (seen, place) in zip(found[name], desk.truth(name), strict=True):
            assert label == seen or name == MISTAKEN
            assert name == OUTSIDE or edges(box) == pytest.approx(edges(place), abs=slack)


def names_for_places(desk: Desk) -> None:
    """The box that reaches out is clipped; the project file gets the names of its pictures, as VoTT 1.7.2 has them."""
    [outside] = [f for f in desk.type("check", PROJECT)["findings"] if f["rule"] == "outside"]
    assert outside["image"] == OUTSIDE
    assert desk.type("check", PROJECT, "--fix")["fixed"] == 1
    original = desk.old.json.read_bytes()
    assert desk.type("source", "add", PROJECT, "vott-v1", desk.old.json)["pulled"][0]["revisions"] == 0
    [pushed] = desk.type("sync", PROJECT)["pushed"]
    assert (pushed["written"], rules(pushed, "refused")) == (0, {"written-by-position"})
    assert desk.old.json.read_bytes() == original
    desk.type("export", PROJECT, "vott-v1", desk.old.json)
    assert (desk.old.json.parent / ".labelbridge-backup" / desk.old.json.name).read_bytes() == original
    project = opened_by_vott_1(desk)
    assert list(project["frames"]) == project["visitedFrames"] == LABELLED
    assert project["frames"][OUTSIDE][1]["x2"] == SIZES[OUTSIDE][0]


def corrected_in_vott_1(desk: Desk) -> None:
    """Somebody sees the mistaken label in VoTT 1.7.2; what he saves comes in as one change, and nothing else."""
    vott = Hand1(path=desk.old.json)
    vott.retag(MISTAKEN, vott.regions(MISTAKEN)[0]["UID"], DISC)
    told = desk.type("sync", PROJECT)
    assert (told["pulled"][0]["revisions"], told["findings"]) == (1, [])
    assert [label for label, _ in desk.boxes()[MISTAKEN]] == [DISC, SQUARE]


def trained(desk: Desk) -> tuple[str, str]:
    """Darknet learns discs and squares, and every checkpoint is scored; gives the run and the best checkpoint."""
    cut = desk.type("cut", PROJECT, "--split", "0.8")
    assert (cut["labels"], cut["train"] + cut["valid"]) == ([DISC, SQUARE], len(LABELLED))
    done = desk.type("train", PROJECT, *TINY, "--watch")
    assert (done["state"], done["version"]) == ("done", cut["version"])
    shown = desk.type("run", "show", done["run"])
    scores = {one["checkpoint"]: one["map"] for one in shown["checkpoints"]}
    best = max(scores, key=lambda one: scores[one])
    assert shown["map"] == scores[best] > 0.2
    return done["run"], best


def predicted_into_vott_1(desk: Desk, checkpoint: str) -> None:
    """The pictures that nobody labelled get boxes, marked as the model's; all else stays to the letter."""
    before = opened_by_vott_1(desk)
    assert desk.type("predict", PROJECT, "--unlabelled")["state"] == "done"
    [pushed] = desk.type("push", PROJECT)["pushed"]
    assert pushed == {"sent": 2, "accepted": 2, "written": 0, "refused": []}
    after = opened_by_vott_1(desk)
    frames = {name: after["frames"].pop(name) for name in UNSEEN}
    assert after == before
    for name, frame in frames.items():
        assert all(raw["UID"].startswith(f"lb-{checkpoint}-") for raw in frame)
        assert found_again(desk.truth(name), frame)


def predicted_into_vott_2(desk: Desk, checkpoint: str) -> Hand2:
    """The same project for those who use VoTT 2; gives one of them."""
    vott = Hand2(folder=desk.folder / "v2")
    [token] = desk.type("export", PROJECT, "vott-v2", vott.folder)["findings"]
    assert token["rule"] == "vott-token"
    assert set(opened_by_vott_2(vott.folder)) == set(LABELLED)
    told = desk.type("source", "add", PROJECT, "vott-v2", vott.folder)
    assert (told["pulled"][0]["revisions"], told["findings"]) == (0, [])
    [pushed] = desk.type("push", PROJECT, "--source", "vott-v2")["pushed"]
    assert (pushed["accepted"], pushed["refused"]) == (2, [])
    regions = opened_by_vott_2(vott.folder)
    assert set(regions) == set(SIZES)
    for name, found in regions.items():
        marked = [region["id"].startswith(f"lb-{checkpoint}-") for region in found]
        assert marked == [name in UNSEEN] * len(found)
        assert found_again(desk.truth(name), found)
    return vott


def accepted_by_looking(desk: Desk, vott: Hand2, run: str, checkpoint: str) -> None:
    """A look at one picture in VoTT 2 is enough to take its boxes, everywhere; the other one's stay the model's."""
    seen, unseen = UNSEEN
    regions = vott.look(seen)
    told = desk.type("accept", PROJECT, "--visited")
    assert (told["accepted"], told["images"], told["unseen"]) == (False, [seen], 1)
    told = desk.type("accept", PROJECT, "--visited", "--yes")
    assert (told["accepted"], told["pictures"], told["boxes"]) == (True, 1, len(regions))
    assert len(desk.boxes()[seen]) == len(regions)
    told = desk.type("sync", PROJECT)
    assert (told["findings"], [one["written"] for one in told["pushed"]]) == ([], [1, 1])
    # In both files they are a person's now.
    project = opened_by_vott_1(desk)
    assert (seen in project["visitedFrames"], unseen in project["visitedFrames"]) == (True, False)
    assert not any(raw["UID"].startswith("lb-") for raw in project["frames"][seen])
    assert not any(region["id"].startswith("lb-") for region in opened_by_vott_2(vott.folder)[seen])
    # And it is counted for the model that nobody had to mend anything.
    [judged] = desk.type("run", "show", run)["judged"]
    assert (judged["checkpoint"], judged["pictures"], judged["total"]["kept"]) == (checkpoint, 1, len(regions))
    cut = desk.type("cut", PROJECT, "--split", "0.8")
    assert cut["train"] + cut["valid"] == len(LABELLED) + 1


# ---------------------------------------------------------------- what a program must find in the files


def opened_by_vott_1(desk: Desk) -> Any:
    """The project file, in which VoTT 1.7.2 finds all that it reads in its own files."""
    text = desk.old.json.read_text("utf-8")
    project = json.loads(text)
    assert "\n" not in text
    assert (project["framerate"], project["suggestiontype"], project["scd"]) == ("1", "track", False)
    assert project["inputTags"] == f"{DISC},{SQUARE}"
    assert len([color for color in project["tag_colors"] if re.fullmatch("#[0-9a-fA-F]{6}", color)]) == 2
    assert set(project["visitedFrames"]) <= set(project["frames"]) <= {p.name for p in desk.old.pictures.iterdir()}
    for name, frame in project["frames"].items():
        size = SIZES[name]
        assert len({raw["UID"] for raw in frame}) == len(frame)
        for number, raw in enumerate(frame, start=1):
            assert (raw["type"], raw["name"], type(raw["id"])) == ("rect", number, int)
            assert (raw["width"], raw["height"]) == size
            assert re.fullmatch(r"[0-9a-f]{8}|lb-[0-9a-f]+-\d+-[0-9a-f]{8}", raw["UID"])
            assert [raw["tags"]] in ([[DISC]], [[SQUARE]])
            corners = [raw[key] for key in ("x1", "y1", "x2", "y2")]
            left, top, right, bottom = corners
            assert raw["box"] == dict(zip(("x1", "y1", "x2", "y2"), corners, strict=True))
            around = [(left, top), (right, top), (right, bottom), (left, bottom)]
            assert [(point["x"], point["y"]) for point in raw["points"]] == around
            assert 0 <= left < right <= size[0] + 1
            assert 0 <= top < bottom <= size[1] + 1
    return project


def opened_by_vott_2(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The regions by picture, of a project in which VoTT 2.2.0 finds all that it reads in its own files."""
    [path] = folder.glob("*.vott")
    project = json.loads(path.read_text("utf-8"))
    assert (project["name"], project["version"], bool(project["securityToken"])) == (PROJECT, "2.2.0", True)
    assert [tag["name"] for tag in project["tags"]] == [DISC, SQUARE]
    source, target = (project[f"{end}Connection"]["providerOptions"]["folderPath"] for end in ("source", "target"))
    assert Path(target) == folder
    found = {}
    for key, asset in project["assets"].items():
        name = next(one for one in SIZES if encoded(one) == asset["name"])
        assert asset["path"] == f"file:{encoded(source)}/{asset['name']}"
        assert key == asset["id"] == hashlib.md5(asset["path"].encode()).hexdigest()
        assert (asset["type"], tuple(asset["size"].values())) == (1, SIZES[name])
        file = folder / f"{key}-asset.json"
        if not file.exists():
            assert asset["state"] == 0
            continue
        told = json.loads(file.read_text("utf-8"))
        assert (told["asset"], told["version"]) == (asset, "2.2.0")
        found[name] = told["regions"]
        marked = any(region["id"].startswith("lb-") for region in found[name])
        assert asset["state"] == (0 if marked else 2)  # VoTT says so itself when somebody has looked.
        for region in found[name]:
            assert (region["type"], len(region["points"]), len(region["tags"])) == ("RECTANGLE", 4, 1)
    return found


def encoded(name: str) -> str:
    """As VoTT 2 spells a path or a name."""
    return quote(name, safe=PLAIN.replace("#", "").replace("?", ""))


def found_again(truth: list[tuple[str, Box]], regions: list[dict[str, Any]]) -> bool:
    """Whether each thing on a picture has a box of its label over it, as good as so short a training makes it."""
    drawn = [(region["tags"][0], box_of(region)) for region in regions]
    return all(any(tag == label and overlap(box, place) > 0.2 for tag, box in drawn) for label, place in truth)


def overlap(a: Box, b: Box) -> float:
    """Shared area by joint area."""
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (a.width * a.height + b.width * b.height - shared)


# ---------------------------------------------------------------- what is compared


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of every file."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def rules(told: Any, key: str = "findings") -> set[str]:
    return {finding["rule"] for finding in told[key]}


def edges(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom
