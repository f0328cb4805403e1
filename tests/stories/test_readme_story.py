"""Every command of README.md, cut out of it and run in its order, for real, on a small project.

What is changed of them: names that stand for others (my-vott-folder, RUN, …) become real ones, and both `train` lines
get a network that Debian's darknet trains in seconds; the one that they would take needs a GPU and hours. `make demo`
has a story of its own (test_demo_story.py).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bridge.label_studio import Server
from bridge.model.dataset import Dataset
from bridge.plugin import WriteOptions
from bridge.registry import Registry
from bridge.running import Running
from bridge.sample import LABELS, draw_sample, plant_defects
from bridge.settings import Settings
from tests.parts import absent
from tests.untold import draw_untold

pytestmark = pytest.mark.story

README = Path(__file__).parents[2] / "README.md"
QUICK = ["--template", "demo-tiny", "--size", "128x96", "--max-batches", "20"]
ELSEWHERE = {"make demo": "test_demo_story.py"}
# What is wrong, or left to a person, is said by the exit code; of the rest everything must go well.
CODES = {
    "labelbridge check 撮影": 1,
    "labelbridge check 撮影 --fix": 1,
    "labelbridge check my-darknet-folder/obj.data": 1,
    "labelbridge import 浴衣 yukata/images.json": 3,
    "labelbridge verify-export imgs.json vott-export --fix right": 1,
}
VOTT1 = README.parent / "tests" / "fixtures" / "vott1"


def commands() -> list[str]:
    """The indented lines of README.md that are commands, without their comments."""
    lines = [line[4:] for line in README.read_text("utf-8").splitlines() if line.startswith("    ")]
    found = [line for line in lines if re.match(r"(\w+=\S+ )?(labelbridge|make) ", line)]
    return [re.sub(r"\s+#.*", "", line) for line in found]


@dataclass
class Terminal:
    """A folder in which commands are typed, one after the other."""

    folder: Path
    running: Running | None = None
    names: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def type(self, line: str) -> None:
        """Run a line of README.md; it must end as it should."""
        if line == "labelbridge up":
            self.running = Running(Settings(data=self.folder / "labelbridge-data", port=0))
            self.running.start()
            return
        self._prepare(line)
        done = self._run(line)
        assert done.returncode == CODES.get(line, 0), f"{line}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        self.outputs[line] = done.stdout

    def _prepare(self, line: str) -> None:
        """Files that the reader has, and that come from what was done before."""
        if " RUN" in line:
            self.names["RUN"] = json.loads(self._run("labelbridge runs --json").stdout)["runs"][0]["run"]
        if " NUMBER" in line:
            waiting = json.loads(self._run("labelbridge deliveries 浴衣 --json").stdout)["deliveries"]
            self.names["NUMBER"] = str(waiting[0]["id"])
        if "--truth" in line:
            assert self._run("labelbridge export 撮影 coco coco.json").returncode == 0
            truth = json.loads((self.folder / "coco.json").read_text("utf-8"))
            found = [
                {k: one[k] for k in ("image_id", "category_id", "bbox")} | {"score": 0.9}
                for one in truth["annotations"]
            ]
            (self.folder / "results.json").write_text(json.dumps(found))
        if "explain" in line:
            log = self._run("labelbridge run log RUN -n 10000").stdout
            (self.folder / "training.log").write_text(log, "utf-8")

    def _run(self, line: str) -> subprocess.CompletedProcess[str]:
        for name, real in self.names.items():
            line = line.replace(name, real)
        words = shlex.split(line)
        given = {}
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            given[name] = value
        assert words.pop(0) == "labelbridge"
        if words[0] == "train":
            words += QUICK
        known = {k: v for k, v in os.environ.items() if not k.startswith("LABELBRIDGE_")}
        return subprocess.run(
            [sys.executable, "-m", "bridge.cli.main", *words],
            cwd=self.folder,
            env={**known, "PYTHONPATH": str(README.parent), "LANG": "C.UTF-8", **given},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A reader's folder: his VoTT project of 30 pictures, a darknet folder, and what VoTT 1 once left him."""
    if shutil.which("darknet") is None:
        absent("darknet")
    folder = tmp_path_factory.mktemp("reader")
    drawn = draw_sample(folder / "写真", 24, 6)
    spoilt, _ = plant_defects(drawn)
    formats = Registry()
    formats.format("vott-v2").write(
        Dataset("project", tuple(LABELS), spoilt), folder / "my-vott-folder", WriteOptions("none")
    )
    shutil.copytree(folder / "my-vott-folder", folder / "shared")
    yolo = Dataset("project", tuple(LABELS), spoilt, frozenset(d.image.name for d in drawn if d.held_out))
    formats.format("yolo").write(yolo, folder / "my-darknet-folder", WriteOptions("copy"))
    shutil.copy(VOTT1 / "v1.0.9.json", folder / "imgs.json")
    shutil.copytree(VOTT1 / "images", folder / "imgs")
    shutil.copytree(VOTT1 / "exports" / "v1.0.9", folder / "vott-export")
    draw_untold(folder / "yukata")
    found = Terminal(folder, names={"/share/vott-project": str(folder / "shared")})
    yield found
    if found.running is not None:
        found.running.stop()


def test_every_command_works_in_its_order(terminal: Terminal) -> None:
    lines = [line for line in commands() if "LABEL_STUDIO" not in line]
    assert len(lines) > 15
    for line in lines:
        if line not in ELSEWHERE:
            terminal.type(line)
    said = terminal.outputs
    # A few things that the reader is promised.
    assert "2 pictures mended" in said["labelbridge check 撮影 --fix"]
    assert re.search(r"Dataset version [0-9a-f]{64}", said["labelbridge cut 撮影"])
    assert "trained to the end" in said["labelbridge train 撮影 --watch"]
    assert "mAP@0.5" in said["labelbridge train 撮影 --watch"]
    report = (terminal.folder / "report.html").read_text("utf-8")
    assert "撮影" in report
    assert "mAP" in report
    assert "boxes by the model now" in said["labelbridge predict 撮影"]
    assert "It reached iteration 20" in said["labelbridge explain training.log"]
    # Detections are the labels themselves; of the planted mistakes one cannot be found by anybody.
    assert "mAP@0.5 = 99." in said["labelbridge evaluate --truth coco.json --detections results.json"]
    assert (terminal.folder / "out-folder/obj.data").is_file()
    # An old project: read by its shapes, asked about where they do not tell, and turned into names.
    assert "in the order “bytes”: 4 fit" in said["labelbridge import 昔の写真 imgs.json"]
    assert terminal.running is not None
    assert f"{terminal.running.settings.url()}/deliveries/" in said["labelbridge import 浴衣 yukata/images.json"]
    assert "5 pictures with 4 boxes read" in said["labelbridge delivery resume NUMBER --order ntfs"]
    assert "Labels checked: 5, right: 4." in said["labelbridge verify-export imgs.json vott-export --fix right"]
    assert (terminal.folder / "right/obj.data").is_file()
    assert "UPPER.jpg" in json.loads((terminal.folder / "imgs.json").read_text("utf-8"))["frames"]
    assert "UPPER.jpg" in said["labelbridge tidy imgs"]


def test_a_real_label_studio_is_connected(terminal: Terminal, label_studio: Server) -> None:
    if terminal.running is None:
        pytest.skip("the commands before it did not come so far")
    (line,) = [line for line in commands() if "LABEL_STUDIO" in line]
    terminal.names |= {"…": label_studio.access.token, "http://label-studio.local:8080": label_studio.url}
    terminal.type(line)
    assert f"at {label_studio.url}" in terminal.outputs[line]


def test_the_users_files_are_only_read(terminal: Terminal) -> None:
    """What the first story leaves behind: his VoTT folder is as it was, and nothing strange lies beside it."""
    made = {
        "labelbridge-data",
        "report.html",
        "out-folder",
        "coco.json",
        "results.json",
        "training.log",
        "right",
        ".labelbridge-backup",
    }
    his = {"写真", "my-vott-folder", "my-darknet-folder", "shared", "imgs", "imgs.json", "vott-export", "yukata"}
    assert {p.name for p in terminal.folder.iterdir()} <= made | his
    for path in (terminal.folder / "my-vott-folder").iterdir():
        assert path.read_bytes() == (terminal.folder / "shared" / path.name).read_bytes()
