"""What darknet does with files as they lie in a folder: endings, kinds, paths, and the labels it looks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from bridge import picture
from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.finding import Finding, Severity
from bridge.plugin import Notebook, View
from bridge.registry import Registry
from bridge.texts import LANGUAGES, render
from plugins.validators.darknet_paths import alexeyab, hank, pjreddie

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
NUT = Region.rectangle(Box(1, 1, 30, 30), "nut")
REGISTRY = Registry()
Said = list[tuple[str | None, Severity, str]]


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Document]:
    def make(name: str, mode: str = "RGB", kind: str = "", labels: str | None = "", where: str = "") -> Document:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.new(mode, (64, 48)).save(path, kind or {"jpg": "JPEG", "JPG": "JPEG"}.get(path.suffix[1:]))
        if labels is not None:
            beside = tmp_path / where if where else path.with_suffix(".txt")
            beside.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(labels)
        image = Image(name, 64, 48, picture.sha256(path), file=picture.stamp(path))
        return Document(image, None if labels is None else (NUT,))

    return make


def check(rule: str, documents: Sequence[Document], bare: bool = True) -> list[Finding]:
    found = list(REGISTRY.find("validator", rule).check(View(("nut", "bolt"), documents, bare=bare)))
    for finding in found:
        for language in LANGUAGES:
            assert "{" not in render("findings", rule, finding.fields, language).replace("{}", "")
    return found


def said(found: list[Finding]) -> Said:
    return [(f.image, f.severity, str(f.fields.get("case", ""))) for f in found]


def test_an_ending_that_lies(put: Callable[..., Document]) -> None:
    documents = [put("a.jpg"), put("b.png", kind="JPEG"), put("c.JPG"), put("d.jpg", kind="WEBP"), put("e.PNG")]
    assert said(check("wrong-extension", documents)) == [("b.png", INFO, ""), ("d.jpg", ERROR, "hard")]
    assert said(check("wrong-extension", documents, bare=False)) == [("b.png", INFO, ""), ("d.jpg", INFO, "")]


def test_kinds_that_not_every_build_reads(put: Callable[..., Document]) -> None:
    documents = [put("a.webp"), put("b.gif"), put("c.tif"), put("d.png", "RGBA"), put("e.jpg", "CMYK"), put("f.jpg")]
    documents += [put("g.png", "I;16"), put("h.png", "RGBA"), put("i.png", "L"), put("j.bmp")]
    everywhere = [(None, INFO, "alpha"), (None, INFO, "inks"), (None, INFO, "deep")]
    unread = [("a.webp", ERROR, "opencv"), ("b.gif", ERROR, "gif"), ("c.tif", ERROR, "opencv")]
    found = check("picture-kind", documents)
    assert said(found) == [*unread, *everywhere]
    assert (found[3].fields["count"], found[3].fields["name"]) == (2, "d.png")
    assert said(check("picture-kind", documents, bare=False)) == everywhere


def test_headers_are_read_once_and_damaged_files_left_to_others(
    put: Callable[..., Document], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [put("a.png", kind="JPEG"), put("b.jpg"), put("gone.jpg"), put("cut.jpg")]
    (tmp_path / "gone.jpg").unlink()
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8")
    view = View((), documents, notes=Notebook())
    first = list(REGISTRY.find("validator", "wrong-extension").check(view))
    assert [f.image for f in first] == ["a.png"]
    monkeypatch.setattr(picture, "look", lambda path, limit: pytest.fail(path) if "b.jpg" in path else _raise())
    assert list(REGISTRY.find("validator", "wrong-extension").check(view)) == first


def _raise() -> None:
    from bridge.errors import InputError

    raise InputError("picture-unreadable")


@pytest.mark.parametrize(
    ("path", "ours", "theirs", "others"),
    [
        ("/data/a.jpg", "/data/a.txt", "/data/a.txt", "/data/a.txt"),
        ("/data/a.b.jpg", "/data/a.b.txt", "/data/a.b.txt", "/data/a.b.txt"),
        ("/data/x.jpg.jpg", "/data/x.jpg.txt", "/data/x.jpg.txt", "/data/x.txt.jpg"),
        ("/data/a.webp", "/data/a.webp", "/data/a.txt", "/data/a.webp"),
        ("/data/a.Jpg", "/data/a.Jpg", "/data/a.txt", "/data/a.Jpg"),
        ("/data/a.jpeg", "/data/a.txt", "/data/a.txt", "/data/a.jpeg"),
        ("/images/train2017/a.jpg", "/labels/train2017/a.txt", "/images/train2017/a.txt", "/labels/train2017/a.txt"),
        ("/images/train/a.jpg", "/images/train/a.txt", "/images/train/a.txt", "/labels/train/a.txt"),
        ("/VOC/JPEGImages/a.jpg", "/VOC/labels/a.txt", "/VOC/JPEGImages/a.txt", "/VOC/labels/a.txt"),
        ("/data/drawing.png", "/data/drawing.txt", "/data/drawing.txt", "/data/dlabelsing.txt"),
        ("/data/picture", "/data/picture", "/data/picture.txt", "/data/picture"),
    ],
)
def test_each_fork_looks_for_labels_by_rules_of_its_own(path: str, ours: str, theirs: str, others: str) -> None:
    assert (alexeyab(path), hank(path), pjreddie(path)) == (ours, theirs, others)


@given(st.from_regex(r"\A/data/[a-qs-z]{1,9}\.(jpg|png)\Z"))
def test_plain_names_are_found_by_all(path: str) -> None:
    assert alexeyab(path) == hank(path) == pjreddie(path) == path[:-4] + ".txt"


def test_labels_that_a_fork_does_not_find(put: Callable[..., Document]) -> None:
    beside = [put("data/a.jpg"), put("data/絵.png"), put("data/unseen.jpg", labels=None)]
    assert check("label-path", beside) == []
    raw = put("data/raw.jpg")
    assert said(check("label-path", [*beside, raw])) == [(None, WARNING, "pjreddie")]
    apart = put("images/train/b.jpg", where="labels/train/b.txt")
    (ours, theirs) = check("label-path", [*beside, apart])
    assert (ours.severity, ours.fields["fork"], ours.fields["wanted"]) == (ERROR, "AlexeyAB", "images/train/b.txt")
    assert (theirs.severity, theirs.fields["fork"]) == (ERROR, "hank-ai")
    assert check("label-path", [apart, raw], bare=False) == []


def test_pictures_without_a_label_file_are_told_in_one(put: Callable[..., Document]) -> None:
    documents = [put("a.jpg"), put("b.jpg", labels=None), put("c.jpg", labels=None)]
    (found,) = check("no-label-file", documents)
    assert (found.severity, found.fields) == (WARNING, {"count": 2, "name": "b.jpg"})
    assert check("no-label-file", documents, bare=False) == []


def test_names_that_a_shell_would_run_or_that_do_not_fit(put: Callable[..., Document]) -> None:
    names = ["a$(touch PWNED).jpg", "with blank.jpg", "x" * 190 + ".jpg", "犬-1_a.jpg", "it's.jpg"]
    documents = [put(name) for name in names]
    found = said(check("risky-path", documents))
    assert found == [(names[0], ERROR, "shell"), (names[1], WARNING, "blank"), (names[2], WARNING, "long"),
                     (names[4], ERROR, "shell")]  # fmt: skip
    assert check("risky-path", documents, bare=False) == []


@pytest.mark.parametrize(("count", "severity"), [(90, None), (91, INFO), (200, INFO), (201, WARNING)])
def test_more_boxes_than_darknet_takes(count: int, severity: Severity | None) -> None:
    found = check("many-boxes", [Document(Image("a.jpg", 64, 48), (NUT,) * count)])
    assert [f.severity for f in found] == ([] if severity is None else [severity])


def test_tips_of_the_guide_are_information() -> None:
    full = [Document(Image(f"{n}.jpg", 64, 48), (NUT, NUT)) for n in range(2000)]
    (found,) = check("few-examples", full)
    assert (found.severity, found.fields["count"], found.fields["named"]) == (INFO, 1, "bolt 0")
    (found,) = check("few-negatives", full)
    assert (found.severity, found.fields) == (INFO, {"empty": 0, "labelled": 2000})
    assert check("few-negatives", [*full[:2], Document(Image("e.jpg"), ()), Document(Image("f.jpg"), ())]) == []
