"""All files of a darknet folder: decided first, then put on disk, a new folder whole, one of ours step by step."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bridge.document import write_atomic
from bridge.plugin import Progress
from plugins.formats.pictures import place
from plugins.formats.yolo.entries import MAP, map_text, original_names
from plugins.formats.yolo.safe import safe_names

# No fork replaces anything in this word, as they do in images, JPEGImages and raw.
FOLDER = "data"
_OURS = re.compile(rf"{FOLDER}/[A-Za-z0-9_][A-Za-z0-9._-]*\.(?:jpg|png|bmp)")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One picture to write: where it is (None: labels only), the extension that fits it, and its label file."""

    name: str
    source: Path | None
    extension: str
    labels: str
    held_out: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Files by path relative to the folder: sources of pictures, texts of label files, and the files that name them.

    names are what the pictures were called.
    """

    pictures: dict[str, Path]
    labels: dict[str, str]
    heads: dict[str, str]
    names: dict[str, str]


def layout_of(pictures: Sequence[Labelled], classes: Sequence[str], other: Mapping[str, object]) -> Layout:
    """The files of a folder; other are further keys for obj.data."""
    safe = safe_names((picture.name for picture in pictures), {p.name: p.extension for p in pictures})
    paths = {picture.name: f"{FOLDER}/{safe[picture.name]}" for picture in pictures}
    names = {path: name for name, path in paths.items()}
    keys = {"classes": str(len(classes)), "train": "train.txt", "valid": "valid.txt", "names": "obj.names"}
    keys |= {"backup": "backup/"} | {key: str(value) for key, value in other.items()}
    heads = {
        MAP: map_text(names),
        "obj.names": _lines(classes),
        "train.txt": _lines(paths[picture.name] for picture in pictures if not picture.held_out),
        "valid.txt": _lines(paths[picture.name] for picture in pictures if picture.held_out),
        "obj.data": _lines(f"{key} = {value}" for key, value in keys.items()),
    }
    return Layout(
        {paths[picture.name]: picture.source for picture in pictures if picture.source is not None},
        {paths[picture.name].rpartition(".")[0] + ".txt": picture.labels for picture in pictures},
        heads,
        names,
    )


def _lines(lines: Iterable[str]) -> str:
    return "".join(line + "\n" for line in lines)


def put(layout: Layout, out: Path, how: Literal["link", "copy"], progress: Progress) -> list[str]:
    """Write the folder, and say which pictures had gone meanwhile; raises OSError.

    A new one appears whole or not at all. In one that we wrote before only what differs is touched: what a training
    left there stays.
    """
    if out.exists():
        stale = {path for path in original_names(out) if _OURS.fullmatch(path)}
        gone = _fill(layout, out, how, progress, fresh=False)
        _clear(out, {path.rpartition(".")[0] for path in stale} - {path.rpartition(".")[0] for path in layout.labels})
        return gone
    out.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name[:40]}.", suffix=".part"))
    try:
        gone = _fill(layout, made, how, progress, fresh=True)
        made.chmod(0o755)
        made.rename(out)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return gone


def _fill(layout: Layout, folder: Path, how: Literal["link", "copy"], progress: Progress, fresh: bool) -> list[str]:
    for name in (FOLDER, "backup"):  # darknet does not make the folder for its weights.
        (folder / name).mkdir(exist_ok=True)
    gone = []
    for done, (path, source) in enumerate(layout.pictures.items(), 1):
        if not _place(source, folder / path, how, fresh):
            gone.append(path)
        progress(done, len(layout.pictures))
    root = f"{folder}/"
    for path, text in layout.labels.items():
        if fresh:
            _write_new(root + path, text.encode("ascii"))
        else:
            write_atomic(folder / path, text, sync=False)
    for name, text in layout.heads.items():
        write_atomic(folder / name, text.encode("utf-8", "surrogatepass"))
    return gone


def _write_new(path: str, data: bytes) -> None:
    """A small file that is not there yet; the folder appears only when all of it was written."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
    try:
        if os.write(handle, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    finally:
        os.close(handle)


def _place(source: Path, target: Path, how: Literal["link", "copy"], fresh: bool) -> bool:
    """Put a picture there in place of an older one; False if there is none to put."""
    try:
        source = source.resolve() if source.is_symlink() else source
        if not fresh and target.exists() and not _is_same(source.stat(), target.stat()):
            target.unlink()
        place(source, target, how)
    except FileNotFoundError:
        return False
    return True


def _is_same(here: os.stat_result, there: os.stat_result) -> bool:
    return os.path.samestat(here, there) or (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns)


def _clear(folder: Path, stems: Iterable[str]) -> None:
    """Take away pictures that an older export put there and this one does not have."""
    for stem in stems:
        for extension in (".jpg", ".png", ".bmp", ".txt"):
            (folder / (stem + extension)).unlink(missing_ok=True)
