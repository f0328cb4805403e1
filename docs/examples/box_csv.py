"""A format: a CSV table with one box a line, as a spreadsheet reads it."""

# start box-csv
from __future__ import annotations

import csv
import io
import math
from pathlib import Path

from bridge.document import read_text, write_atomic
from bridge.errors import InputError
from bridge.model.annotation import Box, Document, Region
from bridge.model.dataset import Dataset, Reading
from bridge.model.finding import Finding, Severity
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.pictures import PictureFolder

HEADER = ["picture", "label", "left", "top", "right", "bottom"]


class BoxCsv:
    """A picture that was looked at and shows nothing has one line without label and box."""

    name = "box-csv"

    def recognises(self, path: Path) -> bool:
        """By its first line."""
        try:
            with path.open("rb") as file:
                return file.readline(200).strip() == ",".join(HEADER).encode()
        except OSError:
            return False

    def read(self, path: Path, options: ReadOptions) -> Reading:
        """A line that cannot be read is a finding of its picture, and the rest is read."""
        regions: dict[str, list[Region]] = {}
        findings: list[Finding] = []
        table = csv.DictReader(io.StringIO(read_text(path, options.max_file_megabytes)))
        if table.fieldnames != HEADER:
            raise InputError("box-csv-header", text=f"{path} does not begin with the line {','.join(HEADER)}.")
        for row in table:
            of_picture = regions.setdefault(row["picture"], [])
            if row["label"]:
                of_picture.append(_region(row))
                if of_picture[-1].kind == "damaged":
                    findings.append(Finding("bad-number", Severity.ERROR, row["picture"], {"labels": row["label"]}))
        folder = PictureFolder(options.images or path.parent, max_megapixels=options.max_megapixels)
        documents = []
        for name, found in regions.items():
            image, told = folder.image(name)
            documents.append(Document(image, tuple(found), told))
        labels = tuple(dict.fromkeys(label for d in documents for r in d.regions or () for label in r.labels))
        return Reading(labels, documents, len(documents), path.stem, declared=False, findings=tuple(findings))

    def losses(self, dataset: Dataset) -> list[Finding]:
        """A region without a label cannot be written, and of any shape but a rectangle only the box around it."""
        found = []
        for document in dataset.documents:
            for index, region in enumerate(document.regions or ()):
                if region.kind != "rectangle" or not region.labels:
                    labels = ", ".join(region.labels) or "no label"
                    text = f"A table of boxes cannot hold this {region.kind} ({labels})."
                    fields = {"text": text}
                    found.append(Finding("box-csv-shape", Severity.WARNING, document.image.name, fields, index))
        return found

    def write(self, dataset: Dataset, out: Path, options: WriteOptions) -> list[Finding]:
        """The table alone: pictures stay where they are, whatever the options say."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(HEADER)
        for document in dataset.documents:
            if document.regions == ():
                table.writerow([document.image.name, "", "", "", "", ""])
            for region in document.regions or ():
                box = region.box
                if box is not None:
                    sides = (box.left, box.top, box.right, box.bottom)
                    table.writerows([document.image.name, label, *sides] for label in region.labels)
        write_atomic(out, text.getvalue())
        return []


def _region(row: dict[str, str]) -> Region:
    """A box; what cannot be read is kept as damaged, so that its picture is never taken for one without objects."""
    try:
        corners = [float(row[side]) for side in HEADER[2:]]
        if all(map(math.isfinite, corners)):
            return Region.rectangle(Box(*corners), row["label"])
    except (TypeError, ValueError):
        pass
    return Region("damaged", (), (row["label"],), extra=dict(row))


PLUGINS = {"format:box-csv": BoxCsv}
# end box-csv
