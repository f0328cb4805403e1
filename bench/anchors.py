"""Anchors: how well they fit and how long that takes, beside darknet's own calculation and a long search."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import alexeyab
from bench.measure import Row, Taken, labelbridge
from bench.projects import picture_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures" / "darknet" / "anchors"
_A_PICTURE = 20  # boxes
_RUNS = 5
_LARGE = 1_000_000
# A file system allows a file so many names and not many more.
_LINKS = 10_000


@dataclass(frozen=True, slots=True)
class Runs:
    """What several runs of a program on the same boxes took and reached, in percent."""

    taken: list[Taken]
    reached: list[float]

    @property
    def cpu(self) -> float:
        """CPU seconds of the middle run."""
        return median(t.cpu for t in self.taken)


def measure(folder: Path, quick: bool) -> list[Row]:
    """Mixed shapes and log-normal sizes, a thousand to a million boxes, 20 a picture, reading them included."""
    binary = alexeyab.darknet()
    sizes = (1_000,) if quick else (1_000, 10_000, 100_000, _LARGE)
    rows: list[Row] = []
    for kind in ("mix", "logn"):
        for boxes in sizes:
            labels = _labels(folder / f"{kind}-{boxes}", _boxes(kind, boxes))
            for n in (6, 9):
                rows += _rows(f"{kind}, {boxes:,} boxes, {n} anchors", boxes, labels, n, binary)
    return rows


def _rows(what: str, boxes: int, labels: Path, n: int, binary: Path | None) -> list[Row]:
    ours, theirs = Runs([], []), Runs([], [])
    told: dict[str, Any] = {}
    for _ in range(_RUNS):
        taken = labelbridge("anchors", labels / "obj.data", "-n", str(n), "--json")
        told = json.loads(taken.output)
        ours.taken.append(taken)
        ours.reached.append(100 * told["average_iou"])
        if binary is not None:
            time.sleep(1 - time.time() % 1)  # It is seeded by the clock's second.
            peer, reached = alexeyab.calc_anchors(binary, labels, n)
            theirs.taken.append(peer)
            theirs.reached.append(reached)
    searched = json.loads(labelbridge("anchors", labels / "obj.data", "-n", str(n), "--json", "--long").output)
    best = 100 * searched["best_known_iou"]
    return [
        _fit_row(what, ours, theirs, best, 100 * told["darknet_average_iou"]),
        _time_row(what, boxes, ours, theirs),
    ]


def _fit_row(what: str, ours: Runs, theirs: Runs, best: float, stated: float) -> Row:
    """Without the program, darknet's calculation as we state it."""
    least, reached = min(ours.reached), theirs.reached or [stated]
    above, below = least - median(reached), best - least
    peer = f"darknet {median(reached):.2f} ({min(reached):.2f} to {max(reached):.2f}), best {best:.2f}"
    wanted = "≥ 1.0 above darknet, ≤ 0.15 below best"
    return Row(what, f"{least:.2f} %", peer, f"+{above:.2f}, -{below:.2f}", wanted, above >= 1.0 and below <= 0.15)


def _time_row(what: str, boxes: int, ours: Runs, theirs: Runs) -> Row:
    peer = f"darknet {theirs.cpu:.2f} CPU s" if theirs.taken else f"{alexeyab.PLACE} names no program"
    ratio = ours.cpu / theirs.cpu if theirs.taken else None
    told, shown = f"{ours.cpu:.2f} CPU s", f"{ratio:.1f}×" if ratio else "-"
    if boxes < 100_000:
        return Row("its time", told, peer, shown, "≤ 1.5 CPU s", ours.cpu <= 1.5)
    if boxes < _LARGE or ratio is None:
        return Row("its time", told, peer, shown, "-")
    return Row("its time", told, peer, shown, "≤ 2.5× darknet", ratio <= 2.5)


def _boxes(kind: str, boxes: int) -> NDArray[np.float64]:
    """Widths and heights as fractions: the sets that darknet was measured on, larger ones drawn from them.

    What is drawn is stretched by 3 % at random, so that hardly two are equal.
    """
    import numpy as np

    known = np.asarray(np.load(_FIXTURES / f"boxes_{kind}_{min(boxes, 10_000)}.npy"), np.float64)
    if boxes == len(known):
        return known
    rng = np.random.default_rng(boxes)
    drawn = known[rng.integers(len(known), size=boxes)] * np.exp(rng.normal(0, 0.03, (boxes, 2)))
    return np.asarray(np.clip(drawn, 0.002, 1.0))


def _labels(folder: Path, boxes: NDArray[np.float64]) -> Path:
    """A darknet folder; its pictures are few under many names."""
    (folder / "data").mkdir(parents=True)
    picture, names = folder, []
    for number, start in enumerate(range(0, len(boxes), _A_PICTURE)):
        name = f"data/{number:06d}"
        if number % _LINKS == 0:
            picture = folder / f"picture-{number}.jpg"
            picture.write_bytes(picture_bytes(0))
        (folder / f"{name}.jpg").hardlink_to(picture)
        lines = (f"0 0.5 0.5 {w:.6f} {h:.6f}\n" for w, h in boxes[start : start + _A_PICTURE].tolist())
        (folder / f"{name}.txt").write_text("".join(lines))
        names.append(f"{name}.jpg\n")
    (folder / "train.txt").write_text("".join(names))
    (folder / "obj.names").write_text("thing\n")
    (folder / "obj.data").write_text("classes=1\ntrain=train.txt\nnames=obj.names\nbackup=backup\n")
    return folder
