"""A VoTT 2 project into the store, and the hashing of large pictures beside bare hashlib."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from bench.measure import Row, Taken, interleaved, labelbridge, run
from bench.projects import vott_project

_HASHING = """
import hashlib, sys
from pathlib import Path
for path in Path(sys.argv[1]).iterdir():
    with path.open("rb", buffering=0) as file:
        hashlib.file_digest(file, "sha256").hexdigest()
"""


def measure(folder: Path, quick: bool) -> list[Row]:
    """8 boxes a picture: many small pictures, where the work is ours, and few large ones, where it is the hash's."""
    small = vott_project(folder / "small", 1_000 if quick else 10_000, 8, 25_000)
    large = vott_project(folder / "large", 20 if quick else 200, 8, 4_000_000)
    acts = [lambda: _imported(small, folder), lambda: _imported(large, folder), lambda: _hashed(folder / "large")]
    many, few, bare = interleaved(1 if quick else 3, *acts)
    shutil.rmtree(folder, ignore_errors=True)
    return [_many(many, quick), _few(few, bare, quick)]


def _imported(project: Path, folder: Path) -> Taken:
    shutil.rmtree(folder / "data", ignore_errors=True)
    return labelbridge("import", "bench", project / "bench.vott", data=folder / "data")


def _hashed(folder: Path) -> Taken:
    return run([sys.executable, "-c", _HASHING, folder / "pictures"])


def _many(taken: Taken, quick: bool) -> Row:
    wanted = 0.25 if quick else 2.5
    what = f"import of {1_000 if quick else 10_000:,} pictures of 25 kB, 8 boxes each"
    told = f"{taken.cpu:.2f} CPU s, {taken.memory:.0f} MB"
    return Row(what, told, "-", "-", f"≤ {wanted:g} CPU s", taken.cpu <= wanted)


def _few(taken: Taken, bare: Taken, quick: bool) -> Row:
    megabytes = (20 if quick else 200) * 4
    what = f"import of {megabytes:,} MB of large pictures"
    told = f"{megabytes / taken.cpu:.0f} MB per CPU s"
    beside = f"bare hashlib: {megabytes / bare.cpu:.0f} MB per CPU s"
    return Row(what, told, beside, f"{bare.cpu / taken.cpu:.2f}×", "-")
