"""Detections as nodes send them, part by part, until the set is whole.

The parts of a checkpoint's set lie as lines in DATA/incoming/<job>-<lease number>; a part that is sent again replaces
itself, and one of an older lease is never mixed in. The whole set becomes one blob, and its scoring due.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

from bridge.loop import predict
from bridge.loop.evaluate import PictureBoxes
from bridge.loop.work import cause_of
from bridge.model.job import Job
from bridge.model.work import Found
from bridge.store import jobs, runs
from bridge.store.database import make_folder
from bridge.workspace import Workspace


def take(ws: Workspace, job_id: str, said: Found) -> None:
    """Keep detections: of a scoring until all are there, of a prediction at once. Raises StaleLeaseError."""
    with ws.db.read() as tx:
        job = jobs.require(tx, job_id, said.number)
    if job.kind == "predict":
        _show(ws, job, said)
        return
    parts = _append(ws, job_id, said)
    if said.last:
        blob = ws.blobs.put_stream(_whole(parts))
        _close(ws, job, said, blob)
        parts.unlink(missing_ok=True)


def _show(ws: Workspace, job: Job, said: Found) -> None:
    found = {picture.image_id: picture.boxes for picture in said.pictures}
    with ws.db.write() as tx:
        jobs.require(tx, job.id, said.number)
        # The node has left out what is too weak to show already.
        predict.keep(tx, str(job.project), str(job.payload["checkpoint"]), found, threshold=0.0)


def _append(ws: Workspace, job_id: str, said: Found) -> Path:
    folder = ws.settings.data / "incoming"
    make_folder(folder)
    path = folder / f"{job_id}-{said.number}"
    if not path.exists():
        for stale in folder.glob(f"{job_id}-*"):
            stale.unlink(missing_ok=True)
    lines = [msgspec.json.encode(PictureBoxes(p.image_id, list(p.boxes))) + b"\n" for p in said.pictures]
    with path.open("a+b") as file:
        if not _ends_whole(file):
            lines.insert(0, b"\n")
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    return path


def _ends_whole(file: IO[bytes]) -> bool:
    """False after a crash in the middle of a line: what follows must not be glued to it."""
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _whole(parts: Path) -> Iterator[bytes]:
    """The lines as one document; of a picture that was sent twice, the last."""
    places: dict[int, tuple[int, int]] = {}
    with parts.open("rb") as file:
        start = 0
        for line in file:
            # A line that a crash cut short was never answered, so it was sent again.
            if line.endswith(b"}\n"):
                places[_image_of(line)] = (start, len(line) - 1)
            start += len(line)
        yield b'{"pictures":['
        for number, (start, length) in enumerate(places.values()):
            file.seek(start)
            yield (b"," if number else b"") + file.read(length)
        yield b"]}"


class _Head(msgspec.Struct):
    image_id: int


def _image_of(line: bytes) -> int:
    return msgspec.json.decode(line, type=_Head).image_id


def _close(ws: Workspace, job: Job, said: Found, blob: str) -> None:
    with ws.db.write() as tx:
        jobs.require(tx, job.id, said.number)
        checkpoint = runs.find_checkpoint(tx, str(job.payload["checkpoint"]))
        runs.put_detections(tx, checkpoint.id, blob, said.detector)
        jobs.put_once(
            tx, "evaluate", "bridge", {"checkpoint": checkpoint.id}, job.project, cause=cause_of(checkpoint.id)
        )
