"""The files of one training in a fresh folder, so that no fork of darknet trips over a name in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bridge.document import write_atomic
from bridge.errors import InputError
from bridge.model.training import Recipe
from bridge.plugin import RunFiles
from plugins.engines.darknet.cfg import read
from plugins.engines.darknet.dialect import HANK_AI, PJREDDIE
from plugins.engines.darknet.weights import save_every

BASE = "net"
# No blank (dropped from obj.data) and nothing a shell would act on: AlexeyAB's hands paths of bad labels to one.
_SAFE = re.compile(r"[\w./+=@,:%-]+")
_ALEXEYAB_SUFFIXES = (
    ".jpg",
    ".JPG",
    ".jpeg",
    ".JPEG",
    ".png",
    ".PNG",
    ".bmp",
    ".BMP",
    ".ppm",
    ".PPM",
    ".tiff",
    ".TIFF",
)
_COCO = re.compile(r"/images/((?:train|val)20(?:14|17))/")


def prepare(folder: Path, recipe: Recipe, train: Sequence[Path], valid: Sequence[Path]) -> RunFiles:
    """Write cfg, names, lists and data file; without held-out pictures the training ones stand in for them.

    Raises InputError path-unsafe for a folder or picture with a blank or a character that a shell acts on, and
    no-train-pictures.
    """
    if not train:
        raise InputError("no-train-pictures")
    folder = folder.absolute()
    for path in (folder, *train, *valid):
        _demand_safe(path)
    files = RunFiles(
        folder=folder,
        data=folder / "obj.data",
        cfg=folder / f"{BASE}.cfg",
        names=folder / "obj.names",
        train=folder / "train.txt",
        valid=folder / "valid.txt",
        backup=folder / "backup",
    )
    for made in (files.backup, folder / "results"):  # `valid` crashes without results/.
        made.mkdir(parents=True, exist_ok=True)
    write_atomic(files.cfg, read(recipe.cfg).text())
    write_atomic(files.names, "".join(f"{_one_line(name)}\n" for name in recipe.classes))
    write_atomic(files.train, _listing(train))
    write_atomic(files.valid, _listing(valid or train))
    write_atomic(files.data, _data(files, recipe))
    return files


def label_path(picture: str, fork: str) -> str:
    """Where a fork looks for the labels of a picture; each changes the path in its own way."""
    if fork == HANK_AI:
        return picture.rpartition(".")[0] + ".txt"
    if fork == PJREDDIE:
        for word in ("images", "JPEGImages", "raw"):
            picture = picture.replace(word, "labels", 1)
        for suffix in (".jpg", ".png", ".JPG", ".JPEG"):
            picture = picture.replace(suffix, ".txt", 1)
        return picture
    picture = _COCO.sub(r"/labels/\1/", picture, count=1).replace("/JPEGImages/", "/labels/", 1)
    suffix = next((s for s in _ALEXEYAB_SUFFIXES if picture.endswith(s)), "")
    return picture.removesuffix(suffix) + ".txt" if suffix else picture


def check_labels(files: RunFiles, fork: str) -> None:
    """See that the fork will look for labels beside the pictures; raises InputError label-path.

    A missing label file counts as an empty picture (AlexeyAB) or ends darknet with exit code 0 (pjreddie).
    """
    for listing in (files.train, files.valid):
        for picture in listing.read_text("utf-8").splitlines():
            beside, sought = str(Path(picture).with_suffix(".txt")), label_path(picture, fork)
            if beside != sought:
                raise InputError("label-path", image=picture, path=beside, sought=sought, fork=fork)


def _demand_safe(path: Path) -> None:
    if not _SAFE.fullmatch(str(path)):
        bad = "".join(sorted({c for c in str(path) if not _SAFE.fullmatch(c)}))
        raise InputError("path-unsafe", path=str(path), characters=bad)


def _one_line(name: str) -> str:
    return " ".join(name.split("\n")).strip("\r")


def _listing(pictures: Sequence[Path]) -> str:
    return "".join(f"{picture.absolute()}\n" for picture in pictures)


def _data(files: RunFiles, recipe: Recipe) -> str:
    """The .data file; saveweights and savelast are AlexeyAB's (since 2023), the others pass over them."""
    every = save_every(recipe.max_batches)
    values = {
        "classes": len(recipe.classes),
        "train": files.train,
        "valid": files.valid,
        "names": files.names,
        "backup": files.backup,
        "results": files.folder / "results",
        "saveweights": every,
        "savelast": min(100, every // 2),  # It must be the smaller one, or no last weights are saved at all.
    }
    return "".join(f"{key} = {value}\n" for key, value in values.items())
