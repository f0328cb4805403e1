"""Picture files that cannot be decoded."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as Pillow

from bridge import picture
from bridge.model.annotation import Document, FileStamp, Image
from bridge.model.finding import Severity
from bridge.plugin import View
from bridge.texts import render
from plugins.validators.unreadable import Unreadable


def document(path: Path) -> Document:
    return Document(Image(path.name, 64, 48, file=picture.stamp(path)), ())


def drawn(path: Path) -> Path:
    noise = Pillow.effect_noise((64, 48), 80).convert("RGB")
    noise.save(path)
    return path


def test_cut_foreign_and_empty_files_are_errors_and_sound_ones_are_not(tmp_path: Path) -> None:
    sound = [drawn(tmp_path / f"猫{i}.jpg") for i in range(30)] + [drawn(tmp_path / "猫.png")]
    cut = drawn(tmp_path / "切れた.jpg")
    cut.write_bytes(cut.read_bytes()[:600])
    foreign = tmp_path / "text.jpg"
    foreign.write_text("これは画像ではない")
    empty = tmp_path / "empty.png"
    empty.touch()
    before = {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    documents = [document(p) for p in (*sound[:9], cut, *sound[9:], foreign, empty)]
    found = list(Unreadable().check(View((), documents)))
    assert [f.image for f in found] == ["切れた.jpg", "text.jpg", "empty.png"]
    assert {f.severity for f in found} == {Severity.ERROR}
    assert "truncated" in found[0].fields["reason"].lower()
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}


def test_missing_files_are_another_rule(tmp_path: Path) -> None:
    gone = Document(Image("a.jpg", file=FileStamp(str(tmp_path / "a.jpg"), 1, 1)))
    (finding,) = Unreadable().check(View((), [gone, Document(Image("b.jpg"))]))
    assert (finding.rule, finding.severity, finding.image) == ("missing-image", Severity.WARNING, "a.jpg")
    assert "a.jpg is gone" in render("findings", finding.rule, finding.fields)


def test_a_picture_of_which_no_more_than_the_place_is_known_is_looked_at(tmp_path: Path) -> None:
    cut = drawn(tmp_path / "切れた.jpg")
    cut.write_bytes(cut.read_bytes()[:30])
    (finding,) = Unreadable().check(View((), [Document(Image(cut.name, file=picture.stamp(cut)))]))
    assert (finding.rule, finding.image) == ("unreadable", cut.name)


def test_a_picture_beyond_the_bound_is_not_decoded(tmp_path: Path) -> None:
    (finding,) = Unreadable().check(View((), [document(drawn(tmp_path / "a.jpg"))], max_megapixels=0))
    assert finding.fields["reason"] == "64 x 48 px > 0 megapixels"


def test_sound_bytes_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [drawn(tmp_path / f"{n}.jpg") for n in range(3)]
    cut = paths[2].with_name("cut.jpg")
    cut.write_bytes(paths[2].read_bytes()[:600])
    documents = [Document(Image(p.name, 64, 48, picture.sha256(p), file=picture.stamp(p)), ()) for p in (*paths, cut)]
    view = View((), documents)
    first = list(Unreadable().check(view))
    assert [f.image for f in first] == ["cut.jpg"]
    paths[0].write_bytes(b"other bytes of another length")
    paths[1].unlink()
    decoded: list[str] = []
    decode = picture.decode

    def counted(path: Path, most: int) -> None:
        decoded.append(path.name)
        decode(path, most)

    monkeypatch.setattr(picture, "decode", counted)
    again = list(Unreadable().check(view))
    assert [(f.rule, f.image) for f in again] == [
        ("unreadable", "0.jpg"), ("missing-image", "1.jpg"), ("unreadable", "cut.jpg")
    ]  # fmt: skip
    assert sorted(decoded) == ["0.jpg", "1.jpg", "cut.jpg"]
