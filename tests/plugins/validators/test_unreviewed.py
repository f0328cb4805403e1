"""Pictures that nobody has looked at."""

from __future__ import annotations

from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.finding import Severity
from bridge.plugin import View
from bridge.texts import render
from plugins.validators.unreviewed import Unreviewed

LABELLED = Document(Image("a.jpg"), (Region.rectangle(Box(1, 1, 9, 9), "犬"),))
EMPTY = Document(Image("b.jpg"), ())


def unknown(count: int) -> list[Document]:
    return [Document(Image(f"夜{i}.jpg")) for i in range(count)]


def test_one_finding_tells_unseen_from_empty() -> None:
    (finding,) = Unreviewed().check(View(("犬",), [LABELLED, *unknown(5), EMPTY, EMPTY]))
    assert (finding.severity, finding.image) == (Severity.INFO, None)
    assert finding.fields == {
        "unknown": 5,
        "reviewed_empty": 2,
        "labelled": 1,
        "pictures": 8,
        "names": "夜0.jpg, 夜1.jpg, 夜2.jpg …",
    }
    assert "5 of 8" in render("findings", finding.rule, finding.fields)


def test_a_picture_in_conflict_was_looked_at() -> None:
    torn = Document(Image("c.jpg"), extra={"conflict": 2})
    assert list(Unreviewed().check(View(("犬",), [LABELLED, torn]))) == []
    (finding,) = Unreviewed().check(View(("犬",), [LABELLED, torn, *unknown(1)]))
    assert (finding.fields["unknown"], finding.fields["pictures"]) == (1, 3)


def test_few_are_all_named_and_none_is_silent() -> None:
    (finding,) = Unreviewed().check(View((), unknown(2)))
    assert finding.fields["names"] == "夜0.jpg, 夜1.jpg"
    assert list(Unreviewed().check(View((), [LABELLED, EMPTY]))) == []
