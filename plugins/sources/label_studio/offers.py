"""Showing pictures in Label Studio: one task for each, never two, by link or as an uploaded file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bridge.document import read_bytes
from bridge.model.annotation import Image
from bridge.model.finding import Finding, Severity
from bridge.plugin import Offer
from plugins.sources.label_studio.client import Client
from plugins.sources.label_studio.tasks import Task, Tasks

OURS = "labelbridge"
_CHUNK = 500
# A 101st file in one request fails with 500; the memory of the server is bounded too.
_FILES, _FILE_BYTES = 100, 200_000_000
# What browsers show and Label Studio takes as an upload.
_SHOWN = frozenset({".bmp", ".gif", ".jpg", ".jpeg", ".png", ".webp"})


class Offers:
    """The tasks of one Label Studio project that show pictures of one of our projects."""

    def __init__(self, client: Client, project: int, ours: str, key: str) -> None:
        self._client, self._project, self._ours, self._key = client, project, ours, key

    def offer(self, pictures: Sequence[Offer]) -> tuple[dict[int, str], list[Finding]]:
        """Make tasks for those that have none, and renew the links of those that have one."""
        known = self._known()
        fit, findings = _sorted_out(pictures)
        found = {i: str(task["id"]) for i, task in known.items()}
        for offer in fit:
            task = known.get(_id(offer.image))
            if task is not None and offer.link is not None:
                self._renew(task, offer.link)
        new = [offer for offer in fit if _id(offer.image) not in known]
        linked = [(offer.image, offer.link) for offer in new if offer.link is not None]
        for start in range(0, len(linked), _CHUNK):
            found |= self._make(linked[start : start + _CHUNK])
        for part in _bundles([offer.image for offer in new if offer.link is None]):
            found |= self._make(list(zip(part, self._upload(part), strict=True)))
        wanted = {_id(offer.image) for offer in pictures}
        return {i: task for i, task in found.items() if i in wanted}, findings

    def _known(self) -> dict[int, Task]:
        """Tasks that we made, by image id: also those of a run that ended before it could remember them."""
        found: dict[int, Task] = {}
        for task in Tasks(self._client, self._project).brief():
            image_id = ours_in(task, self._ours)
            if image_id is not None:
                found.setdefault(image_id, task)
        return found

    def _make(self, pictures: Sequence[tuple[Image, str]]) -> dict[int, str]:
        tasks = [self._task(image, address) for image, address in pictures]
        path = f"/api/projects/{self._project}/import"
        made = self._client.post(path, tasks, 120.0, return_task_ids="true")["task_ids"]
        return {_id(image): str(task) for (image, _), task in zip(pictures, made, strict=True)}

    def _task(self, image: Image, address: str) -> Task:
        noted = {
            "project": self._ours,
            "image_id": image.id,
            "name": image.name,
            "width": image.width,
            "height": image.height,
            "orientation": image.orientation,
        }
        return {"data": {self._key: address, "labelbridge_name": image.name}, "meta": {OURS: noted}}

    def _renew(self, task: Task, link: str) -> None:
        if task["data"].get(self._key) != link and not _uploaded(task["data"].get(self._key)):
            self._client.patch(f"/api/tasks/{task['id']}/", {"data": {**task["data"], self._key: link}})

    def _upload(self, images: Sequence[Image]) -> list[str]:
        """Send files without making tasks of them; gives the address of each in Label Studio."""
        files = [_file(image) for image in images]
        path = f"/api/projects/{self._project}"
        sent = self._client.upload(f"{path}/import", files, commit_to_project="false")["file_upload_ids"]
        there: dict[int, str] = {}
        for start in range(0, len(sent), 50):  # The ids stand in the address.
            ids = ",".join(map(str, sent[start : start + 50]))
            there |= {one["id"]: one["file"] for one in self._client.get(f"{path}/file-uploads", ids=f"[{ids}]")}
        return [f"/data/{there[number]}" for number in sent]


def ours_in(task: Task, project: str) -> int | None:
    """The id of the picture that we made this task for; None if it is none of this project's."""
    meta = task.get("meta")
    noted = meta.get(OURS) if isinstance(meta, dict) else None
    if not isinstance(noted, dict) or noted.get("project") != project:
        return None
    image_id = noted.get("image_id")
    return image_id if isinstance(image_id, int) else None


def _sorted_out(pictures: Sequence[Offer]) -> tuple[list[Offer], list[Finding]]:
    """Those that can be shown, and why the others cannot."""
    fit: list[Offer] = []
    findings: list[Finding] = []
    for offer in pictures:
        suffix = Path(offer.image.name).suffix.lower()
        if offer.image.file is None or not Path(offer.image.file.path).is_file():
            findings.append(_unshown(offer.image, "missing", suffix))
        elif suffix not in _SHOWN:
            findings.append(_unshown(offer.image, "format", suffix))
        else:
            fit.append(offer)
    return fit, findings


def _unshown(image: Image, case: str, suffix: str) -> Finding:
    return Finding("not-offered", Severity.WARNING, image.name, {"case": case, "format": suffix or "-"})


def _bundles(images: Sequence[Image]) -> Iterator[list[Image]]:
    """As many files as one request may hold."""
    part: list[Image] = []
    size = 0
    for image in images:
        bytes_ = image.file.size if image.file else 0
        if part and (len(part) == _FILES or size + bytes_ > _FILE_BYTES):
            yield part
            part, size = [], 0
        part.append(image)
        size += bytes_
    if part:
        yield part


def _file(image: Image) -> tuple[str, tuple[str, bytes, str]]:
    assert image.file is not None
    # Its own name would be changed there, and might not be unique.
    name = f"{image.id}{Path(image.name).suffix.lower()}"
    data = read_bytes(Path(image.file.path), _FILE_BYTES // 1_000_000)
    return f"file{image.id}", (name, data, "application/octet-stream")


def _uploaded(address: object) -> bool:
    return isinstance(address, str) and address.startswith("/data/upload/")


def _id(image: Image) -> int:
    assert image.id is not None
    return image.id
