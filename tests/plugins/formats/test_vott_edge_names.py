"""Names of pictures in either VoTT: which file is meant, what never becomes a path, and what is said of it."""

from __future__ import annotations

import json
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import RefusedError
from bridge.loop.export import export
from bridge.model.annotation import State
from bridge.model.finding import Severity
from bridge.plugin import WriteOptions
from plugins.formats.vott2.asset import asset_id, new_asset
from tests.plugins.formats.vott_cases import Case, Desk, of, only, picture, told

NFC, NFD = (unicodedata.normalize(form, "がぎ.jpg") for form in ("NFC", "NFD"))
ODD = ["a b.jpg", "a#1.jpg", "a?.jpg", "a%.jpg", "a%25.jpg", "a%2520.jpg", "a&b.jpg", "it's.jpg", "[x].jpg", "😀.jpg"]


def test_missing_image_keeps_its_labels_and_is_told(vott: Case, desk: Desk) -> None:
    vott.add("gone.jpg", vott.box(1, 2, 30, 40), here=False)
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    done = desk.take(vott.write())
    found = only(done, "missing-image")
    assert (found.image, str(vott.images) in told(found)) == ("gone.jpg", True)
    gone = desk.documents()["gone.jpg"]
    assert (gone.image.file, gone.state, (gone.image.width, gone.image.height)) == (None, State.LABELLED, (640, 480))
    assert list(desk.darknet()[0]) == ["x.jpg"]


def test_missing_image_with_index_keys_stops_the_whole_import(vott1: Case, desk: Desk) -> None:
    vott1.add("a.jpg", vott1.box(1, 2, 30, 40))
    vott1.add("b.jpg", vott1.box(1, 2, 30, 40), here=False)
    vott1.frames, vott1.visited = {"0": vott1.frames["a.jpg"], "1": vott1.frames["b.jpg"]}, [0, 1]
    with pytest.raises(RefusedError) as caught:
        desk.take(vott1.write(), order="ntfs")
    assert caught.value.rule == "index-short"


@pytest.mark.parametrize("name", ODD)
def test_odd_characters_in_names_are_read_as_a_person_spells_them(vott: Case, desk: Desk, name: str) -> None:
    vott.add(name, vott.box(1, 2, 30, 40))
    assert of(desk.take(vott.write())) == []
    [(found, document)] = desk.documents().items()
    assert found == name
    assert document.image.file is not None
    assert document.image.file.path == str(vott.images / name)
    assert desk.darknet()[0] == {name: [("a", 1, 2, 30, 40)]}


@pytest.mark.parametrize(("told_as", "on_disk"), [(NFC, NFD), (NFD, NFC)])
def test_nfd_and_nfc_are_one_name_and_the_spelling_stays(vott: Case, desk: Desk, told_as: str, on_disk: str) -> None:
    vott.add(told_as, vott.box(1, 2, 30, 40), here=False)
    picture(vott.images / on_disk)
    assert of(desk.take(vott.write())) == []
    [document] = desk.documents().values()
    assert (document.image.name, document.image.file is not None) == (told_as, True)


@pytest.mark.parametrize(("told_as", "other"), [(NFC, NFD), (NFD, NFC)])
def test_two_files_that_fold_to_one_name_are_reported(vott: Case, desk: Desk, told_as: str, other: str) -> None:
    vott.add(told_as, vott.box(1, 2, 30, 40))
    picture(vott.images / other, shade=9)
    done = desk.take(vott.write())
    clash = only(done, "name-clash")
    assert (of(done), clash.severity) == (["name-clash"], Severity.ERROR)
    assert f"{told_as!a} was taken, {other!a} was not read" in told(clash)
    [document] = desk.documents().values()
    assert document.image.file is not None
    assert Path(document.image.file.path).name == told_as


def test_case_only_difference_is_matched_when_it_is_the_only_one(vott: Case, desk: Desk) -> None:
    vott.add("A.jpg", vott.box(1, 2, 30, 40), here=False)
    picture(vott.images / "a.JPG")
    assert of(desk.take(vott.write())) == ["name-case"]
    [document] = desk.documents().values()
    assert (document.image.name, document.image.file is not None) == ("A.jpg", True)


def test_case_only_difference_of_two_files_is_kept_apart_and_warned_of(vott: Case, desk: Desk) -> None:
    vott.add("A.jpg", vott.box(1, 2, 30, 40))
    picture(vott.images / "a.jpg")
    done = desk.take(vott.write())
    assert (of(done), only(done, "name-clash").severity) == (["name-clash"], Severity.WARNING)
    assert "A.jpg, a.jpg differ only in case" in told(only(done, "name-clash"))
    assert {name: d.state.value for name, d in desk.documents().items()} == {"A.jpg": "labelled", "a.jpg": "unknown"}


def test_case_only_difference_that_fits_two_files_is_no_guess(vott: Case, desk: Desk) -> None:
    vott.add("PIC.jpg", vott.box(1, 2, 30, 40), here=False)
    for name in ("Pic.jpg", "pic.jpg"):
        picture(vott.images / name)
    done = desk.take(vott.write())
    assert "ambiguous-name" in of(done, "PIC.jpg") or "missing-image" in of(done, "PIC.jpg")
    assert desk.documents()["PIC.jpg"].image.file is None
    assert desk.documents()["PIC.jpg"].regions


def test_same_stem_different_extension_get_label_files_of_their_own(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    vott.add("x.png", vott.box(5, 6, 70, 80, tags=["b"]))
    assert of(desk.take(vott.write())) == []
    written, said = desk.darknet()
    assert written == {"x.jpg": [("a", 1, 2, 30, 40)], "x.png": [("b", 5, 6, 70, 80)]}
    assert only(said, "renamed").severity is Severity.INFO


@pytest.mark.parametrize("folder", ["/home/u/imgs/", "C:\\Users\\u\\imgs\\", "../../elsewhere/"])
def test_key_that_is_a_full_path_means_the_file_of_its_last_part(vott1: Case, desk: Desk, folder: str) -> None:
    vott1.add("x.jpg", vott1.box(1, 2, 30, 40))
    vott1.frames = {f"{folder}x.jpg": vott1.frames["x.jpg"]}
    assert of(desk.take(vott1.write())) == []
    assert desk.darknet()[0] == {"x.jpg": [("a", 1, 2, 30, 40)]}


def test_frame_key_for_a_file_outside_votts_filter_is_kept_and_warned_of(vott1: Case, desk: Desk) -> None:
    vott1.add("x.bmp", vott1.box(1, 2, 30, 40))
    assert of(desk.take(vott1.write())) == ["not-shown"]
    assert desk.darknet()[0] == {"x.bmp": [("a", 1, 2, 30, 40)]}


@pytest.mark.parametrize("name", ["C:x.jpg", "a\0b.jpg", "n" * 5000 + ".jpg", "__proto__", "constructor.jpg"])
def test_names_that_are_no_path_keep_their_labels_and_open_nothing(vott: Case, desk: Desk, name: str) -> None:
    opens_nothing(vott, desk, name)


@pytest.mark.parametrize("name", [".", "..", "../.."])
def test_a_key_that_leads_out_of_the_folder_opens_nothing(vott1: Case, desk: Desk, name: str) -> None:
    opens_nothing(vott1, desk, name)


def opens_nothing(vott: Case, desk: Desk, name: str) -> None:
    picture(vott.folder / "secret.jpg")
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    vott.add(name, vott.box(5, 6, 70, 80), here=False)
    done = desk.take(vott.write())
    assert (done.images, done.boxes) == (2, 2)
    odd = next(d for n, d in desk.documents().items() if n != "x.jpg")
    assert (odd.image.file, [r.points for r in odd.regions or ()]) == (None, [((5, 6), (70, 80))])
    [said] = [f for f in done.findings if f.image == odd.image.name]
    assert said.rule in ("unsafe-name", "missing-image")
    assert list(desk.darknet()[0]) == ["x.jpg"]
    for format_name in ("vott-v1", "vott-v2", "coco"):
        export(desk.ws, "p", format_name, desk.folder / f"{format_name}.json", WriteOptions("copy"), allow_loss=True)
    assert not {p.name for p in desk.folder.parent.iterdir()} - {"work", "store"}


@pytest.mark.parametrize(
    "path", ["file:/etc/passwd", "file:../../etc/passwd", "file:C:/../../x.jpg", "file:%2e%2e/x.jpg"]
)
def test_a_path_that_leads_out_is_only_a_name(vott2: Case, desk: Desk, path: str) -> None:
    vott2.add("x.jpg", vott2.box(1, 2, 30, 40), id=asset_id(path), path=path)
    vott2.write()
    file = vott2.asset_file("x.jpg")
    file.rename(file.with_name(f"{asset_id(path)}-asset.json"))
    done = desk.take(vott2.place)
    assert (done.boxes, [f.rule for f in done.findings if f.image]) in (
        (1, ["missing-image"]),
        (1, ["unreadable"]),
        (1, []),
    )
    for name, document in desk.documents().items():
        assert ".." not in name.split("/")
        assert len(document.regions or ()) in (0, 1)


def test_tag_with_comma_or_whitespace_towards_v1_is_refused_or_mapped(vott2: Case, desk: Desk) -> None:
    vott2.tags = ("a", "beauty man", "x,y")
    vott2.add("x.jpg", vott2.box(1, 2, 30, 40, tags=["beauty man"]))
    desk.take(vott2.write())
    out = desk.folder / "out.json"
    with pytest.raises(RefusedError) as caught:
        export(desk.ws, "p", "vott-v1", out, WriteOptions("none"))
    assert {f.fields["label"] for f in caught.value.fields["findings"] if f.rule == "tag-renamed"} == {
        "beauty man",
        "x,y",
    }
    assert not out.exists()
    export(desk.ws, "p", "vott-v1", out, WriteOptions("none"), allow_loss=True)
    assert json.loads(out.read_text("utf-8"))["inputTags"] == "a,beauty_man,x_y"


def test_duplicate_assets_after_a_move_are_merged_by_path_and_the_newest_regions_win(vott2: Case, desk: Desk) -> None:
    vott2.add("x.jpg", vott2.box(1, 2, 30, 40))
    path = vott2.write()
    old, project = vott2.asset_file("x.jpg"), json.loads((path / "p.vott").read_text("utf-8"))
    asset = new_asset(str(vott2.images / "x.jpg"), 640, 480) | {"id": "f" * 32, "state": 2}
    project["assets"]["f" * 32] = asset
    (path / "p.vott").write_text(json.dumps(project))
    newer = json.loads(old.read_text("utf-8")) | {"asset": asset}
    newer["regions"][0]["tags"] = ["b"]
    (path / f"{'f' * 32}-asset.json").write_text(json.dumps(newer))
    done = desk.take(path)
    found = only(done, "duplicate-asset")
    assert (found.image, found.severity, done.images) == ("x.jpg", Severity.WARNING, 1)
    assert desk.darknet()[0] == {"x.jpg": [("b", 1, 2, 30, 40)]}


def test_a_folder_moved_away_takes_no_labels_with_it(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    desk.take(vott.write())
    before: Any = desk.documents()["x.jpg"].regions
    shutil.rmtree(vott.images)
    assert of(desk.take(vott.place)) == ["missing-image"]
    assert desk.documents()["x.jpg"].regions == before


def test_renamed_file_is_proposed_by_its_bytes_of_an_earlier_import(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    vott.add("z.jpg", vott.box(5, 6, 70, 80))
    desk.take(vott.write())
    (vott.images / "x.jpg").rename(vott.images / "y.jpg")
    found = only(desk.take(vott.place), "renamed")
    assert (found.image, found.severity, "y.jpg holds the very same bytes" in told(found)) == (
        "x.jpg",
        Severity.WARNING,
        True,
    )
    documents = desk.documents()
    assert ([r.points for r in documents["x.jpg"].regions or ()], documents["y.jpg"].state) == (
        [((1, 2), (30, 40))],
        State.UNKNOWN,
    )
    assert list(desk.darknet()[0]) == ["z.jpg"]


def test_renamed_file_that_was_never_seen_before_is_an_orphan(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    vott.write()
    (vott.images / "x.jpg").rename(vott.images / "y.jpg")
    assert of(desk.take(vott.place)) == ["missing-image"]
    assert desk.documents()["x.jpg"].regions
