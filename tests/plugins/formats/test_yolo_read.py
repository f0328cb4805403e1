from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from bridge.errors import InputError, NotFoundError, RefusedError
from bridge.model.annotation import Document, State
from bridge.model.dataset import Reading
from bridge.model.finding import Severity
from bridge.plugin import ReadOptions
from plugins.formats.yolo import Yolo
from tests.plugins.formats.roundtrip import rules

FIXTURE = Path(__file__).parents[2] / "fixtures" / "yolo" / "v1.7.2-last"
DATA = "classes = 2\ntrain = train.txt\nvalid = valid.txt\nnames = obj.names\nbackup = backup/\n"
BOX = "0 0.5 0.5 0.25 0.5\n"


def read(path: Path, **options: Any) -> Reading:
    return Yolo().read(path, ReadOptions(**options))


def by_name(reading: Reading) -> dict[str, Document]:
    return {document.image.name: document for document in reading.documents}


@pytest.fixture
def folder(tmp_path: Path, picture: Callable[..., Path]) -> Path:
    """A darknet folder with a labelled, an empty, an unknown and a held-out picture."""
    root = tmp_path / "net"
    for name in ("a.jpg", "empty.jpg", "unknown.png", "held 水着.jpg"):
        picture(f"net/data/{name}", 640, 480)
    (root / "data" / "a.txt").write_text(BOX + "1 0.1 0.1 0.1 0.1\n")
    (root / "data" / "empty.txt").write_text("")
    (root / "data" / "held 水着.txt").write_text(BOX)
    (root / "obj.data").write_text(DATA)
    (root / "obj.names").write_text("kimono\n水着\n", "utf-8")
    (root / "train.txt").write_text("data/a.jpg\ndata/empty.jpg\ndata/unknown.png\n")
    (root / "valid.txt").write_text("data/held 水着.jpg\n", "utf-8")
    return root


def test_a_folder_is_read(folder: Path) -> None:
    reading = read(folder)
    found = by_name(reading)
    assert (reading.labels, reading.total, reading.title, reading.findings) == (("kimono", "水着"), 4, "net", ())
    assert {name: (d.state, d.held_out) for name, d in found.items()} == {
        "data/a.jpg": (State.LABELLED, False),
        "data/empty.jpg": (State.REVIEWED_EMPTY, False),
        "data/unknown.png": (State.UNKNOWN, False),
        "data/held 水着.jpg": (State.LABELLED, True),
    }
    first = found["data/a.jpg"]
    assert [(r.kind, r.labels, r.points) for r in first.regions or ()] == [
        ("rectangle", ("kimono",), ((240, 120), (400, 360))),
        ("rectangle", ("水着",), ((32, 24), (96, 72))),
    ]
    assert (first.image.width, first.image.height, first.findings) == (640, 480, ())
    assert first.image.file is not None
    assert first.image.file.path == str(folder / "data" / "a.jpg")
    assert list(reading.documents) == list(reading.documents)


@pytest.mark.parametrize("where", ["", "obj.data"])
def test_folder_and_data_file_are_the_same(folder: Path, where: str) -> None:
    assert Yolo().recognises(folder / where)
    assert list(by_name(read(folder / where))) == list(by_name(read(folder)))


def test_nothing_of_the_users_is_touched_not_even_where_nothing_may_be(folder: Path) -> None:
    paths = sorted(folder.rglob("*"))
    for path in [*paths, folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = [(p, p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"") for p in paths]
    assert len(by_name(read(folder))) == 4
    assert [(p, p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"") for p in paths] == before
    assert sorted(folder.rglob("*")) == paths


def test_an_export_of_vott_v1_is_read_from_either_folder() -> None:
    for path in (FIXTURE, FIXTURE / "data"):
        reading = read(path)
        assert reading.labels == ("kimono", "swimsuit", "beauty-man")
        found = {name.rpartition("/")[2]: document for name, document in by_name(reading).items()}
        assert found["_under.png"].image.width == 300
        assert found["_under.png"].state is State.LABELLED
        assert found["apple.jpg"].held_out is True
        missing = found["wide.jpg"]
        assert rules(missing.findings) == ["missing-image"]
        assert [(r.kind, r.labels, r.extra) for r in missing.regions or ()] == [
            ("damaged", ("swimsuit",), {"yolo": {"line": "1 0.375000 0.500000 0.250000 0.500000"}})
        ]


# ---------------------------------------------------------------- the data file and what it names


@pytest.mark.parametrize(
    "data",
    [
        DATA.replace("\n", "\r\n"),
        "# a comment\n" + DATA + "names = other.names\n",  # the first of two counts
        DATA.replace(" ", ""),
        DATA.replace("= obj.names", "=\tobj.names  "),
        DATA.replace("obj.names", "D:\\yolo\\build\\obj.names").replace("train.txt", "D:\\yolo\\train.txt"),
        "\ufeff" + DATA,
    ],
)
def test_data_files_as_people_write_them(folder: Path, data: str) -> None:
    (folder / "obj.data").write_text(data, "utf-8")
    reading = read(folder)
    assert (reading.labels, len(by_name(reading)), reading.findings) == (("kimono", "水着"), 4, ())


def test_spaces_in_a_value_are_kept_or_deleted_as_the_files_are_called(folder: Path) -> None:
    (folder / "obj.names").rename(folder / "my obj.names")
    (folder / "obj.data").write_text(DATA.replace("obj.names", "my obj.names").replace("= train.txt", "= tra in.txt"))
    reading = read(folder)
    assert (reading.labels, reading.total, reading.findings) == (("kimono", "水着"), 4, ())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
def test_names_in_any_encoding(folder: Path, encoding: str) -> None:
    (folder / "obj.names").write_text("kimono\r\n水着\r\n\r\n", encoding)
    assert read(folder).labels == ("kimono", "水着")


def test_every_class_keeps_its_number(folder: Path) -> None:
    (folder / "obj.names").write_text("kimono\n\nkimono\n# x\n")
    reading = read(folder)
    assert reading.labels == ("kimono", "class-1", "kimono (2)", "# x")
    assert [(f.rule, f.severity, f.fields.get("case")) for f in reading.findings] == [
        ("names", Severity.ERROR, "blank"),
        ("names", Severity.ERROR, "doubled"),
        ("disagreement", Severity.ERROR, "classes"),
    ]


def test_without_names_classes_are_called_by_number(folder: Path) -> None:
    (folder / "obj.names").unlink()
    reading = read(folder)
    assert (reading.labels, reading.declared) == (("class-0", "class-1"), False)
    assert rules(reading.findings) == ["names-missing"]
    assert [r.labels for r in by_name(reading)["data/a.jpg"].regions or ()] == [("class-0",), ("class-1",)]


def test_a_list_that_is_not_there_is_an_error(folder: Path) -> None:
    (folder / "valid.txt").unlink()
    reading = read(folder)
    assert rules(reading.findings) == ["list-missing", "unlisted"]
    assert reading.findings[0].fields == {"key": "valid", "path": "valid.txt"}
    assert [d.held_out for d in reading.documents] == [None] * 3


def test_keys_we_do_not_know_are_kept(folder: Path) -> None:
    (folder / "obj.data").write_text(DATA + "eval = coco\n")
    assert read(folder).extra == {"yolo": {"eval": "coco"}}


def test_more_than_one_data_file_needs_a_person(folder: Path) -> None:
    shutil.copy(folder / "obj.data", folder / "other.data")
    assert len(by_name(read(folder))) == 4  # obj.data is the usual name
    (folder / "obj.data").rename(folder / "third.data")
    assert not Yolo().recognises(folder)
    with pytest.raises(RefusedError) as caught:
        read(folder)
    assert caught.value.fields["found"] == "other.data, third.data"
    assert len(by_name(read(folder / "third.data"))) == 4


def test_a_folder_with_nothing_of_the_kind_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.data").write_bytes(b"\x00\x01binary")
    assert not Yolo().recognises(tmp_path)
    assert not Yolo().recognises(tmp_path / "a.data")
    assert not Yolo().recognises(tmp_path / "none")
    with pytest.raises(NotFoundError):
        read(tmp_path)


# ---------------------------------------------------------------- which pictures


def test_pictures_on_paths_of_another_machine_are_known_by_their_names(folder: Path) -> None:
    (folder / "train.txt").write_text("D:\\yolo\\data\\a.jpg\r\n/home/other/data/empty.jpg \n")
    assert [d.image.file is not None for d in read(folder).documents] == [True, True, True]


def test_paths_relative_to_where_darknet_was_started(folder: Path) -> None:
    lines = ["net/data/a.jpg", "./net/data/empty.jpg", f"../{folder.parent.name}/net/data/unknown.png"]
    (folder / "train.txt").write_text("\n".join(lines))
    found = by_name(read(folder))
    assert list(found) == ["data/a.jpg", "data/empty.jpg", "data/unknown.png", "data/held 水着.jpg"]
    assert all(d.image.file for d in found.values())


def test_pictures_elsewhere_have_names_of_their_own_folder(folder: Path, picture: Callable[..., Path]) -> None:
    paths = [picture("far/set1/x.jpg"), picture("far/set2/y.jpg")]
    (folder / "train.txt").write_text("".join(f"{path}\n" for path in paths))
    assert list(by_name(read(folder))) == ["set1/x.jpg", "set2/y.jpg", "data/held 水着.jpg"]


def test_a_name_in_another_unicode_form_is_found(folder: Path) -> None:
    (folder / "data" / "held 水着.jpg").rename(folder / "data" / unicodedata.normalize("NFD", "が.jpg"))
    (folder / "valid.txt").write_text("data/" + unicodedata.normalize("NFC", "が.jpg") + "\n", "utf-8")
    assert all(d.image.file for d in read(folder).documents)


def test_a_picture_listed_twice_counts_once(folder: Path) -> None:
    (folder / "train.txt").write_text("data/a.jpg\ndata/a.jpg\n./data/a.jpg\n")
    reading = read(folder)
    assert list(by_name(reading)) == ["data/a.jpg", "data/held 水着.jpg"]
    clash = next(f for f in reading.findings if f.rule == "name-clash")
    assert (clash.severity, clash.fields["case"]) == (Severity.INFO, "listed")


def test_one_list_for_both_holds_nothing_back(folder: Path) -> None:
    (folder / "obj.data").write_text(DATA.replace("valid.txt", "train.txt"))
    assert [d.held_out for d in read(folder).documents] == [None] * 3
    (folder / "obj.data").write_text(DATA)
    (folder / "valid.txt").write_text("data/a.jpg\ndata/empty.jpg\ndata/unknown.png\ndata/held 水着.jpg\n", "utf-8")
    assert [d.held_out for d in read(folder).documents] == [None] * 4


def test_pictures_in_both_lists_are_told(folder: Path) -> None:
    (folder / "valid.txt").write_text("data/a.jpg\ndata/held 水着.jpg\n", "utf-8")
    reading = read(folder)
    assert [d.held_out for d in reading.documents] == [True, False, False, True]
    assert [(f.rule, f.fields) for f in reading.findings] == [("split-overlap", {"count": 1, "example": "data/a.jpg"})]


def test_labelled_pictures_in_no_list_are_told(folder: Path) -> None:
    (folder / "train.txt").write_text("data/empty.jpg\n")
    found = read(folder).findings
    assert [(f.rule, f.fields) for f in found] == [("unlisted", {"count": 1, "example": "a.jpg"})]


def test_a_folder_without_data_file_is_all_its_pictures(tmp_path: Path, picture: Callable[..., Path]) -> None:
    picture("set/images/b.jpg")
    picture("set/images/deep/a.jpg")
    (tmp_path / "set" / "labels" / "deep").mkdir(parents=True)
    (tmp_path / "set" / "labels" / "b.txt").write_text(BOX)
    (tmp_path / "set" / "labels" / "deep" / "a.txt").write_text("")
    assert not Yolo().recognises(tmp_path / "set")
    (tmp_path / "set" / "classes.txt").write_text("kimono\n")
    assert Yolo().recognises(tmp_path / "set")
    reading = read(tmp_path / "set")
    assert {name: d.state for name, d in by_name(reading).items()} == {
        "images/b.jpg": State.LABELLED,
        "images/deep/a.jpg": State.REVIEWED_EMPTY,
    }
    assert [d.held_out for d in reading.documents] == [None, None]


def test_lists_without_data_file_are_used(folder: Path) -> None:
    (folder / "obj.data").unlink()
    assert [d.held_out for d in read(folder).documents] == [False, False, False, True]


# ---------------------------------------------------------------- labels


def test_odd_lines_are_read_kept_and_told(folder: Path) -> None:
    good = "0.5 0.5 0.3 0.3"
    lines = [f"0 {good}", "kimono 1 2 3 4", f"7 {good}", f"0 {good} 0.9", "0,0.5,0.5,0.3,0.3", f"1.0 {good}"]
    (folder / "data" / "a.txt").write_text("\n".join(lines))
    found = by_name(read(folder))["data/a.jpg"]
    assert [(r.kind, r.labels) for r in found.regions or ()] == [
        ("rectangle", ("kimono",)),
        ("damaged", ()),
        ("rectangle", ("class-7",)),
        ("rectangle", ("kimono",)),
        ("rectangle", ("kimono",)),
        ("rectangle", ("水着",)),
    ]
    assert [(f.rule, f.severity, f.region, f.fields.get("line")) for f in found.findings] == [
        ("bad-number", Severity.ERROR, 1, 2),
        ("class-out-of-range", Severity.ERROR, 2, None),
        ("extra-columns", Severity.ERROR, 3, 4),
        ("label-comma", Severity.ERROR, 4, 5),
        ("float-class", Severity.ERROR, 5, 6),
    ]
    assert (found.regions or ())[1].extra == {"yolo": {"line": "kimono 1 2 3 4"}}
    out_of_range = found.findings[1].fields
    assert out_of_range == {"box": 3, "label": "class-7", "number": 7, "classes": 2, "last": 1}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_told_since_darknet_reads_nothing_then(folder: Path, encoding: str) -> None:
    (folder / "data" / "a.txt").write_text(BOX, encoding)
    found = by_name(read(folder))["data/a.jpg"]
    assert (len(found.regions or ()), rules(found.findings)) == (1, ["label-bom"])


@pytest.mark.parametrize("text", ["", "\n", " \r\n\t\n"])
def test_an_empty_label_file_is_a_negative_example(folder: Path, text: str) -> None:
    (folder / "data" / "a.txt").write_text(text)
    assert by_name(read(folder))["data/a.jpg"].state is State.REVIEWED_EMPTY


def test_a_file_of_rubbish_is_no_negative_example(folder: Path) -> None:
    (folder / "data" / "a.txt").write_bytes(b"\x00\xff\xfe rubbish")
    found = by_name(read(folder))["data/a.jpg"]
    assert (found.state, [r.kind for r in found.regions or ()]) == (State.LABELLED, ["damaged"])


def test_a_label_file_that_cannot_be_read_is_told(folder: Path) -> None:
    (folder / "data" / "a.txt").unlink()
    (folder / "data" / "a.txt").mkdir()
    found = by_name(read(folder))["data/a.jpg"]
    assert (found.state, [(f.rule, f.fields["case"]) for f in found.findings]) == (
        State.UNKNOWN,
        [("damaged", "label")],
    )


def test_boxes_outside_stay_as_they_are(folder: Path) -> None:
    (folder / "data" / "a.txt").write_text("0 1.5 0.5 0.25 0.5\n0 0.5 0.5 0 -0.5\n")
    assert [r.points for r in by_name(read(folder))["data/a.jpg"].regions or ()] == [
        ((880, 120), (1040, 360)),
        ((320, 360), (320, 120)),
    ]


def test_missing_and_unreadable_pictures_keep_their_labels(folder: Path) -> None:
    (folder / "data" / "a.jpg").unlink()
    (folder / "data" / "empty.jpg").write_bytes(b"no picture")
    (folder / "data" / "empty.txt").write_text(BOX)
    found = by_name(read(folder))
    for name, rule in (("data/a.jpg", "missing-image"), ("data/empty.jpg", "unreadable")):
        document = found[name]
        assert (document.state, rules(document.findings)) == (State.LABELLED, [rule])
        assert all(r.kind == "damaged" and r.extra["yolo"]["line"] for r in document.regions or ())
        assert all(f.image == name for f in document.findings)


def test_a_turned_picture_is_told(folder: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.new("RGB", (64, 48)).save(folder / "data" / "a.jpg", exif=exif)
    found = by_name(read(folder))["data/a.jpg"]
    assert (found.image.width, found.image.orientation) == (64, 6)
    assert [(f.rule, f.severity, f.fields["orientation"]) for f in found.findings] == [("exif", Severity.WARNING, 6)]


def test_pictures_can_lie_where_a_person_says(folder: Path, tmp_path: Path) -> None:
    (folder / "data").rename(tmp_path / "moved")
    (folder / "train.txt").write_text("a.jpg\nempty.jpg\n")
    found = by_name(read(folder, images=tmp_path / "moved"))
    assert found["a.jpg"].state is State.LABELLED


def test_a_file_larger_than_allowed_is_refused(folder: Path) -> None:
    with pytest.raises(InputError):
        read(folder, max_file_megabytes=0)
