"""Scoring of files beside hotcoco and pycocotools called bare, and of a run's checkpoints from stored detections.

Bare means: in a process of its own, the two files read by the library itself, and nothing but its numbers printed.
Start-up is in all of them, and told apart.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from bench.checkpoints import scored_run
from bench.measure import Row, Taken, interleaved, labelbridge, run

_HOTCOCO = """
import sys
from hotcoco import COCO, COCOeval
known = COCO(sys.argv[1])
run = COCOeval(known, known.load_res(sys.argv[2]), "bbox")
run.evaluate(); run.accumulate(); run.summarize()
"""
_PYCOCOTOOLS = """
import sys
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
known = COCO(sys.argv[1])
run = COCOeval(known, known.loadRes(sys.argv[2]), "bbox")
run.evaluate(); run.accumulate(); run.summarize()
print(list(run.stats))
"""
_MEGABYTES = 300


def measure(folder: Path, quick: bool) -> list[Row]:
    """5,000 pictures, 20 classes, 40,000 objects, 400,000 detections; then 50 checkpoints of that size."""
    share = 50 if quick else 1
    sizes = (5_000 // share, 20, 40_000 // share, 400_000 // share)
    files = folder / "truth.json", folder / "results.json"
    run([sys.executable, "-m", "bench.scored", *files, *map(str, sizes)])
    coco, darknet, both, bare, start = interleaved(
        1 if quick else 7,
        lambda: _ours(files, "--protocol", "coco"),
        lambda: _ours(files, "--protocol", "darknet"),
        lambda: _ours(files),
        lambda: run([sys.executable, "-c", _HOTCOCO, *files]),
        lambda: labelbridge("evaluate", "--help"),
    )
    slow = run([sys.executable, "-c", _PYCOCOTOOLS, *files])
    what = f"{sizes[3]:,} detections, {sizes[2]:,} objects"
    rows = [
        _row(f"COCO: {what}", coco, bare, 1.3),
        _row("darknet's rule on the same", darknet, bare, 1.5),
        _row("both, and why they differ", both, bare, None),
        Row("start-up alone", f"{start.cpu:.2f} CPU s", "-", "-", "-"),
        _row_of_pycocotools(coco, slow),
        _row_of_memory(coco, darknet, both),
    ]
    rows += _checkpoints(folder / "run", 3 if quick else 50, *sizes)
    shutil.rmtree(folder, ignore_errors=True)
    return rows


def _ours(files: tuple[Path, Path], *words: str) -> Taken:
    return labelbridge("evaluate", "--truth", files[0], "--detections", files[1], *words, "--json")


def _row(what: str, ours: Taken, bare: Taken, wanted: float | None) -> Row:
    ratio = ours.cpu / bare.cpu
    told = f"hotcoco bare: {bare.cpu:.2f} CPU s, {bare.memory:.0f} MB"
    promised, met = (f"≤ {wanted}×", ratio <= wanted) if wanted else ("-", None)
    return Row(what, f"{ours.cpu:.2f} CPU s, {ours.memory:.0f} MB", told, f"{ratio:.2f}×", promised, met)


def _row_of_pycocotools(ours: Taken, slow: Taken) -> Row:
    ratio, apart = slow.cpu / ours.cpu, _apart(ours.output, slow.output)
    told = f"pycocotools: {slow.cpu:.1f} CPU s, {slow.memory:.0f} MB, numbers at most {apart:.0e} apart"
    return Row("COCO beside pycocotools", f"{ours.cpu:.2f} CPU s", told, f"{ratio:.0f}×", "≥ 25×", ratio >= 25)


def _apart(ours: str, theirs: str) -> float:
    """The largest difference between the twelve numbers."""
    stats = json.loads(ours)["stats"].values()
    words = theirs.strip().splitlines()[-1].replace("np.float64(", "").translate(str.maketrans("", "", "[]()"))
    return max(abs(float(a) - float(b)) for a, b in zip(stats, words.split(","), strict=True))


def _row_of_memory(*taken: Taken) -> Row:
    most = max(t.memory for t in taken)
    return Row("most memory", f"{most:.0f} MB", "-", "-", f"≤ {_MEGABYTES} MB", most <= _MEGABYTES)


def _checkpoints(folder: Path, count: int, *sizes: int) -> list[Row]:
    """Both protocols of each checkpoint, one job after the other, as the bridge does them."""
    scored = scored_run(folder, count, *sizes)
    told = f"{scored.wall:.0f} s, {scored.cpu:.0f} CPU s, {scored.memory:.0f} MB"
    wanted = 120 * count / 50
    return [
        Row(
            f"{count} checkpoints of that size, from the store",
            told,
            "-",
            "-",
            f"≤ {wanted:.0f} s",
            scored.wall <= wanted,
        )
    ]
