"""A bare VoTT 2 project to darknet labels, beside datumaro 1.13 (which only reads VoTT's export JSON)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from bench.measure import Row, Taken, interleaved, labelbridge
from bench.peers import environment, script
from bench.projects import LABELS, vott_project

DATUMARO = "1.13.12"
_PEER = """
import sys
from datumaro.components.dataset import Dataset
Dataset.import_from(sys.argv[1], "vott_json").export(sys.argv[2], "yolo", save_media=False)
"""


def measure(folder: Path, quick: bool) -> list[Row]:
    """8 boxes a picture; no pictures are copied by either. Then a small project, start-up included."""
    pictures = 1_000 if quick else 10_000
    project = vott_project(folder / "project", pictures, 8, 25_000)
    small = vott_project(folder / "small", 100 if quick else 1_000, 8, 25_000)
    peer_python = environment("datumaro", DATUMARO)
    acts = [lambda: _ours(project, folder / "ours"), lambda: _ours(small, folder / "ours")]
    if peer_python is not None:
        _export_json(project, folder / "peer" / "train")
        acts.append(lambda: _theirs(peer_python, folder))
    ours, little, *peers = interleaved(1 if quick else 5, *acts)
    shutil.rmtree(folder, ignore_errors=True)
    return [*_rows(pictures, ours, peers[0] if peers else None), _small_row(little, quick)]


def _rows(pictures: int, ours: Taken, peer: Taken | None) -> list[Row]:
    what = f"VoTT 2 project of {pictures:,} pictures to darknet labels"
    told = f"{ours.cpu:.2f} CPU s, {ours.memory:.0f} MB"
    memory = Row("its memory", f"{ours.memory:.0f} MB", "-", "-", "≤ 120 MB", ours.memory <= 120)
    if peer is None:
        return [Row(what, told, "datumaro could not be installed", "-", "≥ 4× its pictures per CPU s"), memory]
    ratio = peer.cpu / ours.cpu
    beside = f"datumaro {DATUMARO}: {peer.cpu:.2f} CPU s, {peer.memory:.0f} MB"
    return [Row(what, told, beside, f"{ratio:.1f}×", "≥ 4× its pictures per CPU s", ratio >= 4), memory]


def _small_row(little: Taken, quick: bool) -> Row:
    what = f"{100 if quick else 1_000:,} pictures, start-up included"
    return Row(what, f"{little.cpu:.2f} CPU s", "-", "-", "≤ 0.40 CPU s", little.cpu <= 0.4)


def _ours(project: Path, out: Path) -> Taken:
    shutil.rmtree(out, ignore_errors=True)
    return labelbridge("export", project / "bench.vott", "yolo", out, "--pictures", "none")


def _theirs(python: Path, folder: Path) -> Taken:
    shutil.rmtree(folder / "theirs", ignore_errors=True)
    return script(python, _PEER, folder / "peer", folder / "theirs")


def _export_json(project: Path, target: Path) -> None:
    """What VoTT's own JSON export would hold, with bare file names and the pictures beside, as datumaro can follow."""
    target.mkdir(parents=True)
    whole = json.loads((project / "bench.vott").read_text("utf-8"))
    whole["tags"] = [{"name": name, "color": "#5db300"} for name in LABELS]
    for asset_id in list(whole["assets"]):
        document = json.loads((project / f"{asset_id}-asset.json").read_text("utf-8"))
        picture = Path(document["asset"]["path"].removeprefix("file:"))
        (target / picture.name).hardlink_to(picture)
        document["asset"]["path"] = picture.name
        whole["assets"][asset_id] = document
    (target / "train-export.json").write_text(json.dumps(whole, ensure_ascii=False), "utf-8")
