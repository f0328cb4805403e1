"""A large VoTT project into the store and out again, beside merely reading and hashing the same files."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from bench.measure import Row, Taken, labelbridge, run
from bench.projects import vott_project

# The least work there is: every file read once, pictures hashed.
_LIMIT = """
import hashlib, sys
from pathlib import Path
for path in Path(sys.argv[1]).rglob("*"):
    if path.is_file():
        data = path.read_bytes()
        if path.suffix == ".jpg":
            hashlib.sha256(data).hexdigest()
"""


def measure(folder: Path, quick: bool) -> list[Row]:
    """Import, import again, export; 10 boxes and 25 kB a picture."""
    pictures = 5_000 if quick else 100_000
    share = pictures / 100_000
    project = vott_project(folder / "project", pictures, 10, 25_000)
    data, out = folder / "data", folder / "out"
    limit = run([sys.executable, "-c", _LIMIT, folder / "project"])
    first = labelbridge("import", "bench", project, data=data)
    again = labelbridge("import", "bench", project, data=data)
    labelbridge("cut", "bench", data=data)
    exported = labelbridge("export", "bench", "yolo", out, "--pictures", "none", data=data)
    shutil.rmtree(folder, ignore_errors=True)
    size = f"{pictures:,} pictures, {10 * pictures:,} boxes"
    return [
        _row(f"import of {size}", first, limit, 60 * share),
        _row("the same import again", again, limit, None),
        _row("export as darknet labels", exported, limit, 30 * share),
    ]


def _row(what: str, ours: Taken, limit: Taken, wanted: float | None) -> Row:
    promised = f"≤ {wanted:.1f} CPU s" if wanted is not None else "-"
    met = ours.cpu <= wanted if wanted is not None else None
    told = f"{ours.cpu:.1f} CPU s, {ours.memory:.0f} MB"
    return Row(what, told, f"reading and hashing: {limit.cpu:.1f} CPU s", f"{ours.cpu / limit.cpu:.1f}×", promised, met)
