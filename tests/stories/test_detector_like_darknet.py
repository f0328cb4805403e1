"""Our detector beside Debian's darknet, on a network that darknet has just trained."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bridge.model.annotation import Document
from bridge.plugin import Detection, DetectorOptions
from bridge.sample import LABELS, draw_sample
from plugins.detectors.onnx.detector import OnnxDetector
from plugins.geometry import paired_iou

pytestmark = pytest.mark.story

# Fewer, and the network is still sure of nothing.
ITERATIONS = 180
HELD_OUT = 24
# Sizes whose last row darknet's 32-bit rounding leaves black, sizes it letter-boxes, and one without any rest.
ODD_SIZES = ((263, 120), (347, 120), (564, 120), (1131, 777), (96, 128), (500, 100), (60, 60), (128, 96))
NET = f"""[net]
batch=8
subdivisions=1
width=128
height=96
channels=3
momentum=0.9
decay=0.0005
learning_rate=0.01
burn_in=60
max_batches={ITERATIONS}
policy=steps
steps=675,810
scales=.1,.1
"""
HEAD = """[yolo]
mask=0,1,2,3
anchors=22,20, 29,24, 35,31, 41,38
classes=4
num=4
jitter=.15
ignore_thresh=.7
truth_thresh=1
random=0
"""
POOL = "[maxpool]\nsize=2\nstride=2\n"


def conv(filters: int, size: int, stride: int = 1) -> str:
    shape = f"filters={filters}\nsize={size}\nstride={stride}\npad=1\n"
    return f"[convolutional]\nbatch_normalize=1\n{shape}activation=leaky\n"


CFG = (
    NET
    + conv(12, 3, 2)
    + conv(24, 3)
    + POOL
    + conv(32, 3)
    + POOL
    + conv(48, 3)
    + POOL
    + conv(64, 3)
    + conv(96, 3)
    + conv(48, 1)
    + "[convolutional]\nfilters=36\nsize=1\nactivation=linear\n"
    + HEAD
)


@pytest.fixture(scope="module")
def darknet() -> str:
    found = shutil.which("darknet")
    if found is None:
        if os.environ.get("LABELBRIDGE_REQUIRE_ALL") == "1":
            pytest.fail("darknet is missing, and LABELBRIDGE_REQUIRE_ALL=1")
        pytest.skip("darknet is not installed")
    return found


@pytest.fixture(scope="module")
def trained(darknet: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a training on 40 sample pictures: net.cfg, obj.data, backup/ and the held-out pictures."""
    folder = tmp_path_factory.mktemp("training")
    documents = draw_sample(folder / "drawn", train=40, valid=HELD_OUT)
    for part, name in ((False, "train"), (True, "valid")):
        chosen = [darknet_picture(folder, k, d) for k, d in enumerate(documents) if d.held_out is part]
        write_lines(folder / f"{name}.txt", chosen)
    write_lines(folder / "valid.txt", [*(folder / "valid.txt").read_text().split(), *odd_pictures(folder)])
    write_lines(folder / "obj.names", LABELS)
    (folder / "net.cfg").write_text(CFG)
    settings = {"classes": 4, "names": "obj.names", "train": "train.txt", "valid": "valid.txt"}
    places = {"backup": "backup", "results": "results"}
    write_lines(folder / "obj.data", [f"{k}={v}" for k, v in (settings | places).items()])
    for place in places.values():
        (folder / place).mkdir()  # Without its folder of results darknet dies.
    run(darknet, folder, "train", "obj.data", "net.cfg")
    return folder


def write_lines(path: Path, lines: Any) -> None:
    path.write_text("".join(f"{line}\n" for line in lines))


def darknet_picture(folder: Path, number: int, document: Document) -> Path:
    """A picture under a name that is safe for darknet, with its label file."""
    path = folder / f"s{number:03d}.jpg"
    os.link(folder / "drawn" / document.image.name, path)
    width, height = document.image.width, document.image.height
    rows = [(r.labels[0], r.box) for r in document.regions or () if r.box]
    write_lines(
        path.with_suffix(".txt"),
        [
            f"{LABELS.index(label)} {(b.left + b.right) / 2 / width:.6f} {(b.top + b.bottom) / 2 / height:.6f}"
            f" {b.width / width:.6f} {b.height / height:.6f}"
            for label, b in rows
        ],
    )
    return path


def odd_pictures(folder: Path) -> list[Path]:
    made = []
    for number, size in enumerate(ODD_SIZES):
        path = folder / f"odd{number}.png"
        with Image.open(folder / f"s{number:03d}.jpg") as image:
            image.resize(size).save(path)
        made.append(path)
    return made


def run(darknet: str, folder: Path, word: str, *arguments: str) -> None:
    command = ["stdbuf", "-oL", darknet, "detector", word, *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=600
    )


def darknet_boxes(folder: Path, weights: Path) -> dict[str, dict[int, NDArray[Any]]]:
    """What `detector valid` writes: per picture and class rows of score and corners, counted from 1 and clipped."""
    run("darknet", folder, "valid", "obj.data", "net.cfg", str(weights))
    found: dict[str, dict[int, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
    for class_id, label in enumerate(LABELS):
        for line in (folder / "results" / f"comp4_det_test_{label}.txt").read_text().splitlines():
            picture, *numbers = line.split()
            found[picture][class_id].append([float(n) for n in numbers])
    return {picture: {c: np.array(rows) for c, rows in classes.items()} for picture, classes in found.items()}


def our_rows(found: list[Detection], class_id: int, size: tuple[int, int]) -> NDArray[Any]:
    """The same form as darknet writes."""
    rows = np.array([(d.score, d.left, d.top, d.right, d.bottom) for d in found if d.class_id == class_id])
    rows = rows.reshape(-1, 5)
    rows[:, 1:] += 1
    rows[:, 1:3] = np.maximum(rows[:, 1:3], 1)
    rows[:, 3:] = np.minimum(rows[:, 3:], size)
    return rows


def test_every_detection_is_darknets_own(darknet: str, trained: Path) -> None:
    weights = trained / "backup" / "net_final.weights"
    theirs = darknet_boxes(trained, weights)
    # pjreddie's darknet letter-boxes what it validates.
    options = DetectorOptions(epsilon="pjreddie", letterbox=True)
    pictures = [Path(line) for line in (trained / "valid.txt").read_text().splitlines()]
    assert len(pictures) == HELD_OUT + len(ODD_SIZES)
    total, worst = 0, 0.0
    for path, found in zip(pictures, OnnxDetector().load(CFG, weights, options).detect(pictures), strict=True):
        with Image.open(path) as image:
            size = image.size
        for class_id in range(len(LABELS)):
            wanted = theirs.get(path.stem, {}).get(class_id, np.zeros((0, 5)))
            ours = our_rows(found, class_id, size)
            assert len(ours) == len(wanted), (path.name, LABELS[class_id])
            worst = max(worst, difference(ours, wanted))
            total += len(ours)
    assert total > 20, "too few detections to compare anything"
    assert worst < 1e-4


def difference(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """The largest score difference of boxes paired by place; each must have a partner of its own, in the same place."""
    if not len(theirs):
        return 0.0
    apart = np.abs(theirs[:, None] - ours[None])
    partners = apart.max(axis=2).argmin(axis=1)
    assert len(set(partners.tolist())) == len(theirs)
    mine = ours[partners]
    assert np.abs(mine[:, 1:] - theirs[:, 1:]).max() < 0.01
    # Of a box outside but for a sliver the overlap is a matter of printed digits.
    whole = ((theirs[:, 3:] - theirs[:, 1:3]) >= 1).all(axis=1)
    assert (paired_iou(mine[whole, 1:], theirs[whole, 1:]) >= 0.999).all()
    return float(np.abs(mine[:, 0] - theirs[:, 0]).max())
