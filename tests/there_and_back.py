"""A dataset written in a format and read again: what must be equal then, and what may differ if it was told."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.model.annotation import Document, Region, content_hash, fold_name
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding, Severity
from bridge.plugin import Format, ReadOptions, WriteOptions
from plugins.formats.coco import Coco
from plugins.formats.label_studio import LabelStudio
from plugins.formats.voc import Voc
from plugins.formats.vott1 import VottV1
from plugins.formats.vott2 import VottV2
from tests.plugins.formats.roundtrip import contents, dataset_of

FORMATS: dict[str, Format] = {f.name: f for f in (VottV1(), VottV2(), LabelStudio(), Coco())}
EVERY: dict[str, Format] = {**FORMATS, "voc": Voc()}
FILES = {"vott-v1": "p.json", "vott-v2": "", "label-studio": "tasks.json", "coco": "coco.json", "voc": "voc"}


@contextmanager
def fresh_folder() -> Iterator[Path]:
    outer = Path(tempfile.mkdtemp())
    folder = outer / "alone" / "project"  # Pictures are also looked for in folders nearby.
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(outer)


def there_and_back(name: str, dataset: Dataset, folder: Path) -> Dataset:
    """Written into a fresh folder and read from it; VoTT's writers put the pictures there, else we do."""
    EVERY[name].write(dataset, folder / FILES[name], WriteOptions())
    for document in dataset.documents:
        image = document.image
        target = folder / "images" / image.name
        if image.file is not None and not name.startswith("vott"):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.hardlink_to(image.file.path)
    reading = EVERY[name].read(folder / FILES[name], ReadOptions())
    return dataset_of(reading, name=dataset.name)


def content(region: Region) -> str:
    return content_hash("", 0, 0, [region])


def lost(found: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.severity is not Severity.INFO]


def compare(before: Dataset, told: list[Finding], after: Dataset) -> None:
    """Every picture equal or listed, every region equal or listed, and nothing listed that is equal."""
    hashes, again = contents(before.documents), {fold_name(k): v for k, v in contents(after.documents).items()}
    listed = {finding.image for finding in told}
    for name, was in hashes.items():
        now = again.get(fold_name(name))
        assert (now == was) or name in listed, (name, was, now)
    documents = {fold_name(d.image.name): d for d in after.documents}
    for document in before.documents:
        if document.regions is not None:
            own = [finding for finding in told if finding.image == document.image.name]
            renamed = next(
                (f.fields["name"] for f in own if f.rule in ("flat-name", "name-changed")), document.image.name
            )
            compare_picture(document, own, documents.get(fold_name(renamed)))
    if not any(finding.image is None for finding in told):
        gone = {(finding.image, finding.region) for finding in told}
        kept = [r for d in before.documents for n, r in enumerate(d.regions or ()) if (d.image.name, n) not in gone]
        every = list(dict.fromkeys((*before.labels, *(label for region in kept for label in region.labels))))
        assert [label for label in after.labels if label in every] == every


def compare_picture(document: Document, told: list[Finding], now: Document | None) -> None:
    gone = {finding.region for finding in told if finding.region is not None}
    records = {finding.region for finding in told if finding.fields.get("case") == "record"}
    drawn = document.regions or ()
    found = Counter(content(region) for region in (now.regions if now else None) or ())
    kept = Counter(content(region) for index, region in enumerate(drawn) if index not in gone - records)
    assert not kept - found, (kept - found, document)
    for index in [index for index in gone - records if drawn[index].kind != "damaged"]:
        assert found[content(drawn[index])] == kept[content(drawn[index])], ("cried wolf", drawn[index])
    whole = [finding for finding in told if finding.region is None]
    if now is not None and not whole and not gone - records:
        assert sum(found.values()) == len(drawn)
    for finding in whole:
        fits = now is not None and (now.image.width, now.image.height) == (document.image.width, document.image.height)
        assert (now is None or now.image.name != document.image.name) or not fits, ("cried wolf", finding)
