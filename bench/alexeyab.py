"""AlexeyAB's darknet, the fork that has calc_anchors: Debian's is pjreddie's, which has none."""

from __future__ import annotations

import os
import re
from pathlib import Path

from bench.measure import Taken, run

# Where somebody who has the program tells of it.
PLACE = "LABELBRIDGE_BENCH_ALEXEYAB"


def darknet() -> Path | None:
    """The program that the environment names; None where it names none that is there."""
    named = os.environ.get(PLACE)
    return Path(named) if named and Path(named).is_file() else None


def calc_anchors(binary: Path, folder: Path, n: int) -> tuple[Taken, float]:
    """One run on a darknet folder: what it took, and the average IoU that it prints, in percent."""
    size = ("-width", "416", "-height", "416")
    taken = run([binary, "detector", "calc_anchors", "obj.data", "-num_of_clusters", str(n), *size], cwd=folder)
    found = re.search(r"avg IoU = ([\d.]+) %", taken.output)
    assert found is not None, taken.output[-500:]
    return taken, float(found[1])
