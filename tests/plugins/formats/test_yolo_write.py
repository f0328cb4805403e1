from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from bridge.errors import InputError, RefusedError
from bridge.model.annotation import Box, Document, FileStamp, Image, Region, State
from bridge.model.dataset import Dataset
from bridge.model.finding import Severity
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.vott2 import VottV2
from plugins.formats.yolo import Yolo
from tests.plugins.formats.roundtrip import contents, dataset_of, rules

VOTT = Path(__file__).parents[2] / "fixtures" / "vott2" / "v2.2.0-posix"
BARE = WriteOptions(pictures="none")


def document(path: Path, *regions: Region, **changes: Any) -> Document:
    found = path.stat()
    image = Image(path.name, 64, 48, file=FileStamp(str(path), found.st_size, found.st_mtime_ns))
    return Document(replace(image, **changes), regions)


def box(left: float, top: float, right: float, bottom: float, *labels: str) -> Region:
    return Region.rectangle(Box(left, top, right, bottom), *(labels or ("a",)))


def dataset(*documents: Document, **changes: Any) -> Dataset:
    return replace(Dataset("p", ("a", "b"), documents), **changes)


def texts(out: Path) -> dict[str, str]:
    suffixes = {".txt", ".data", ".names"}
    return {str(p.relative_to(out)): p.read_text("utf-8") for p in sorted(out.rglob("*")) if p.suffix in suffixes}


def again(out: Path) -> Dataset:
    return dataset_of(Yolo().read(out, ReadOptions()))


@pytest.fixture
def three(picture: Callable[..., Path]) -> list[Document]:
    """A labelled, an empty and an unknown picture."""
    labelled, empty, unknown = (picture(f"pics/{name}") for name in ("a.jpg", "水着 1.JPG", "unknown.png"))
    return [
        document(labelled, box(16, 12, 48, 36, "b")),
        document(empty),
        replace(document(unknown), regions=None),
    ]


def test_the_folder_is_one_that_darknet_can_use(three: list[Document], tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    found = Yolo().write(dataset(*three, held_out=frozenset({"水着 1.JPG"})), out, WriteOptions())
    assert [(f.rule, f.severity, f.fields) for f in found] == [
        ("renamed", Severity.INFO, {"count": 1}),
        ("unreviewed", Severity.INFO, {"case": "cut", "unknown": 1}),
    ]
    written = texts(out)
    (safe,) = re.findall(r"^data/(\S+)\.jpg\n$", written["valid.txt"])
    assert written == {
        "obj.data": "classes = 2\ntrain = train.txt\nvalid = valid.txt\nnames = obj.names\nbackup = backup/\n",
        "obj.names": "a\nb\n",
        "train.txt": "data/a.jpg\n",
        "valid.txt": f"data/{safe}.jpg\n",
        "data/a.txt": "1 0.5000000000 0.5000000000 0.5000000000 0.5000000000\n",
        f"data/{safe}.txt": "",
    }
    assert (out / "backup").is_dir()
    assert json.loads((out / "labelbridge.json").read_text("utf-8"))["pictures"] == {
        "data/a.jpg": "a.jpg",
        f"data/{safe}.jpg": "水着 1.JPG",
    }
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "pics"]  # no temporary folder is left
    assert [p.name for p in out.parent.iterdir()] == ["out"]


def test_what_was_written_is_read_back_under_the_old_names(three: list[Document], tmp_path: Path) -> None:
    Yolo().write(dataset(*three, held_out=frozenset({"a.jpg"})), tmp_path / "out", WriteOptions())
    back = again(tmp_path / "out")
    assert contents(back.documents) == {k: v for k, v in contents(three).items() if v is not None}
    assert {d.image.name: d.held_out for d in back.documents} == {"a.jpg": True, "水着 1.JPG": False}
    assert back.labels == ("a", "b")


def test_a_vott_project_comes_out_as_it_was_drawn(tmp_path: Path) -> None:
    before = dataset_of(VottV2().read(VOTT, ReadOptions()))
    found = Yolo().write(before, tmp_path / "out", WriteOptions())
    assert [(f.rule, f.image) for f in found if f.image and "#t=" not in f.image] == [("outside", "quote'.jpg")]
    after = {d.image.name: d for d in again(tmp_path / "out").documents}
    assert set(after) == {d.image.name for d in before.documents if d.image.file and d.regions is not None}
    for was in before.documents:
        if was.image.file is None or was.regions is None:
            continue
        wanted = [
            (label, region.box.clipped(was.image.width, was.image.height))
            for region in was.regions or ()
            for label in region.labels
            if region.box is not None
        ]
        got = [(region.labels[0], region.box) for region in after[was.image.name].regions or ()]
        assert [label for label, _ in got] == [label for label, _ in wanted]
        for (_, ours), (_, theirs) in zip(got, wanted, strict=True):
            assert ours is not None
            assert (ours.left, ours.top) == pytest.approx((theirs.left, theirs.top), abs=1e-4)
            assert (ours.right, ours.bottom) == pytest.approx((theirs.right, theirs.bottom), abs=1e-4)


def test_the_split_that_came_with_the_pictures_is_kept_if_no_other_is_asked_for(
    three: list[Document], tmp_path: Path
) -> None:
    documents = [replace(three[0], held_out=True), replace(three[1], held_out=False)]
    Yolo().write(dataset(*documents), tmp_path / "own", BARE)
    assert texts(tmp_path / "own")["valid.txt"] == "data/a.jpg\n"
    Yolo().write(dataset(*documents, held_out=frozenset({"水着 1.JPG"})), tmp_path / "asked", BARE)
    assert texts(tmp_path / "asked")["train.txt"] == "data/a.jpg\n"


# ---------------------------------------------------------------- pictures


@pytest.mark.parametrize("how", ["link", "copy", "none"])
def test_pictures_are_linked_copied_or_left(three: list[Document], tmp_path: Path, how: Any) -> None:
    Yolo().write(dataset(*three), tmp_path / "out", WriteOptions(pictures=how))
    source, target = tmp_path / "pics" / "a.jpg", tmp_path / "out" / "data" / "a.jpg"
    assert target.exists() == (how != "none")
    if target.exists():
        assert (target.samefile(source), target.is_symlink()) == (how == "link", False)
        assert target.read_bytes() == source.read_bytes()


def test_a_link_to_a_picture_is_followed(picture: Callable[..., Path], tmp_path: Path) -> None:
    real = picture("real/x.jpg")
    (tmp_path / "pics").mkdir()
    link = tmp_path / "pics" / "a.jpg"
    link.symlink_to(real)
    Yolo().write(dataset(document(link, box(1, 1, 9, 9))), tmp_path / "out", WriteOptions())
    target = tmp_path / "out" / "data" / "a.jpg"
    assert (target.is_symlink(), target.samefile(real)) == (False, True)


def test_the_extension_is_that_of_the_content(picture: Callable[..., Path], tmp_path: Path) -> None:
    png = picture("pics/lies.jpg", format="PNG")
    jpeg = picture("pics/under.png", format="JPEG")
    bmp = picture("pics/c.bmp")
    found = Yolo().write(
        dataset(*(document(p, box(1, 1, 9, 9)) for p in (png, jpeg, bmp))), tmp_path / "out", WriteOptions()
    )
    assert texts(tmp_path / "out")["train.txt"] == "data/lies.png\ndata/under.jpg\ndata/c.bmp\n"
    assert rules(found) == ["picture-bmp", "renamed"]


@pytest.mark.parametrize(
    ("name", "options"), [("a.gif", {}), ("a.webp", {}), ("a.tiff", {}), ("a.jpg", {"format": "GIF"})]
)
def test_formats_that_not_every_darknet_reads_are_left_out(
    name: str, options: dict[str, str], picture: Callable[..., Path], tmp_path: Path
) -> None:
    path = picture(f"pics/{name}", **options)
    found = Yolo().write(dataset(document(path, box(1, 1, 9, 9))), tmp_path / "out", WriteOptions())
    assert [(f.rule, f.severity, f.image) for f in found] == [("picture-format", Severity.WARNING, name)]
    assert texts(tmp_path / "out")["train.txt"] == ""


def test_a_missing_picture_is_left_out_and_told(three: list[Document], tmp_path: Path) -> None:
    (tmp_path / "pics" / "a.jpg").unlink()
    never = replace(three[1], image=Image("never.jpg", 64, 48))
    found = Yolo().write(dataset(three[0], never), tmp_path / "out", WriteOptions())
    assert [(f.rule, f.image) for f in found] == [("missing-image", "a.jpg"), ("missing-image", "never.jpg")]
    assert texts(tmp_path / "out")["train.txt"] == ""


def test_labels_alone_need_no_pictures(three: list[Document], tmp_path: Path) -> None:
    (tmp_path / "pics" / "a.jpg").unlink()
    never = replace(three[0], image=Image("never.JPEG", 64, 48))
    assert rules(Yolo().write(dataset(three[0], never), tmp_path / "out", BARE)) == ["renamed"]
    assert texts(tmp_path / "out")["train.txt"] == "data/a.jpg\ndata/never.jpg\n"


def test_a_turned_picture_is_a_warning(three: list[Document], tmp_path: Path) -> None:
    turned = replace(three[0], image=replace(three[0].image, orientation=6))
    found = Yolo().write(dataset(turned), tmp_path / "out", BARE)
    assert [(f.rule, f.severity, f.fields["orientation"]) for f in found] == [("exif", Severity.WARNING, 6)]


# ---------------------------------------------------------------- regions


def test_what_is_clipped_or_dropped_is_told(three: list[Document], tmp_path: Path) -> None:
    regions = (box(-20, 0, 10, 10), box(5, 5, 5, 9), box(100, 5, 120, 9), box(1, 1, 9, 9))
    found = Yolo().write(dataset(replace(three[0], regions=regions)), tmp_path / "out", BARE)
    assert [(f.rule, f.severity, f.region) for f in found] == [
        ("outside", Severity.WARNING, 0),
        ("outside", Severity.ERROR, 2),
        ("zero-area", Severity.ERROR, 1),
    ]
    assert texts(tmp_path / "out")["data/a.txt"].count("\n") == 2


@pytest.mark.parametrize(
    "regions",
    [
        (Region("point", ((3, 4),), ("a",)),),
        (Region("damaged", (), ("a",)), Region("brush", (), ("a",))),
        (box(5, 5, 5, 9),),
        (Region("rectangle", ((1, 1), (9, 9)), ()),),
    ],
)
def test_a_picture_without_a_box_is_left_out_and_never_a_negative(
    regions: tuple[Region, ...], three: list[Document], tmp_path: Path
) -> None:
    found = Yolo().write(dataset(replace(three[0], regions=regions)), tmp_path / "out", BARE)
    assert ("no-box", "a.jpg") in [(f.rule, f.image) for f in found]
    assert texts(tmp_path / "out")["train.txt"] == ""
    assert not (tmp_path / "out" / "data" / "a.txt").exists()


def test_a_picture_of_unknown_size_has_no_boxes(three: list[Document], tmp_path: Path) -> None:
    unsized = [replace(d, image=replace(d.image, width=0, height=0)) for d in three[:2]]
    found = Yolo().write(dataset(*unsized), tmp_path / "out", BARE)
    assert rules(found) == ["no-box", "renamed"]
    assert len(texts(tmp_path / "out")["train.txt"].splitlines()) == 1


def test_labels_of_no_list_go_last_and_are_told(three: list[Document], tmp_path: Path) -> None:
    labelled = replace(three[0], regions=(box(1, 1, 9, 9, "水着", "a"), box(1, 1, 8, 8, "class-9")))
    found = Yolo().write(dataset(labelled), tmp_path / "out", BARE)
    assert sorted(rules(found)) == ["class-out-of-range", "undeclared-label"]
    written = texts(tmp_path / "out")
    assert written["obj.names"] == "a\nb\n水着\nclass-9\n"
    assert written["obj.data"].startswith("classes = 4\n")
    assert [line.split()[0] for line in written["data/a.txt"].splitlines()] == ["2", "0", "3"]


def test_losses_block_nothing_and_name_every_shape() -> None:
    shapes = (
        box(1, 1, 9, 9),
        Region("polygon", ((1, 1), (9, 1), (5, 9)), ("a",)),
        Region("rotated", ((5, 0), (9, 5), (5, 9), (0, 5)), ("a",)),
        Region("point", ((3, 4),), ("a",)),
        Region("brush", (), ("a",)),
        Region("damaged", (), ("a",)),
    )
    found = Yolo().losses(dataset(Document(Image("a.jpg", 64, 48), shapes)))
    assert [(f.rule, f.region) for f in found] == [
        ("polygon", 1),
        ("rotated", 2),
        ("point", 3),
        ("brush", 4),
        ("bad-number", 5),
    ]
    assert {f.severity for f in found} == {Severity.INFO}
    assert (
        Yolo().losses(dataset(Document(Image("a.jpg", 64, 48), (Region("point", ((1, 1),), ("a",)),))))[0].rule
        == "point"
    )


# ---------------------------------------------------------------- a folder that is there already


def test_a_folder_of_somebody_else_is_never_written_into(three: list[Document], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(RefusedError) as caught:
        Yolo().write(dataset(*three), tmp_path / "out", WriteOptions())
    assert caught.value.rule == "folder-not-ours"
    (tmp_path / "out" / "labelbridge.json").write_text('{"program": "another", "pictures": {"a": "b"}}')
    with pytest.raises(RefusedError):
        Yolo().write(dataset(*three), tmp_path / "out", WriteOptions())
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["labelbridge.json", "mine.txt"]


def test_an_empty_folder_is_filled(three: list[Document], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    Yolo().write(dataset(*three), tmp_path / "out", WriteOptions())
    assert len(list(again(tmp_path / "out").documents)) == 2


def test_our_own_folder_is_brought_up_to_date_and_weights_stay(
    three: list[Document], picture: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    Yolo().write(dataset(*three), out, WriteOptions())
    (out / "backup" / "net_best.weights").write_bytes(b"weights")
    (out / "net.cfg").write_text("[net]")
    untouched = {p: p.stat().st_mtime_ns for p in out.rglob("*.txt")}
    Yolo().write(dataset(*three), out, WriteOptions())
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*.txt")} == untouched
    changed = picture("pics/new.jpg", 30, 20)
    picture("pics/other.jpg", 100, 100).replace(tmp_path / "pics" / "a.jpg")
    Yolo().write(
        dataset(document(tmp_path / "pics" / "a.jpg"), document(changed, box(1, 1, 9, 9))), out, WriteOptions()
    )
    assert sorted(p.name for p in (out / "data").iterdir()) == ["a.jpg", "a.txt", "new.jpg", "new.txt"]
    assert (out / "data" / "a.jpg").samefile(tmp_path / "pics" / "a.jpg")
    assert (out / "data" / "a.txt").read_text() == ""
    assert (out / "backup" / "net_best.weights").read_bytes() == b"weights"
    assert (out / "net.cfg").exists()
    assert (tmp_path / "pics" / "水着 1.JPG").exists()


def test_a_map_that_was_tampered_with_takes_away_nothing_outside(three: list[Document], tmp_path: Path) -> None:
    out = tmp_path / "out"
    Yolo().write(dataset(*three), out, WriteOptions())
    precious = tmp_path / "precious.jpg"
    precious.write_bytes(b"mine")
    pictures = {"../precious.jpg": "x", "data/../../precious.jpg": "y", "obj.data": "z"}
    (out / "labelbridge.json").write_text(json.dumps({"program": "labelbridge", "pictures": pictures}))
    Yolo().write(dataset(three[0]), out, WriteOptions())
    assert precious.read_bytes() == b"mine"
    assert (out / "obj.data").exists()


def test_what_fails_half_way_leaves_nothing(
    three: list[Document], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("plugins.formats.yolo.layout.write_atomic", full)
    with pytest.raises(InputError) as caught:
        Yolo().write(dataset(*three), tmp_path / "out", WriteOptions())
    assert caught.value.rule == "disk-full"
    assert [p.name for p in tmp_path.iterdir()] == ["pics"]


def test_progress_is_told(three: list[Document], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    Yolo().write(
        dataset(*three), tmp_path / "out", WriteOptions(progress=lambda done, total: seen.append((done, total)))
    )
    assert seen == [(1, 2), (2, 2)]


def test_keys_of_the_data_file_that_we_do_not_know_go_back(three: list[Document], tmp_path: Path) -> None:
    Yolo().write(dataset(*three, extra={"yolo": {"eval": "coco"}}), tmp_path / "out", BARE)
    assert texts(tmp_path / "out")["obj.data"].endswith("backup = backup/\neval = coco\n")


# ---------------------------------------------------------------- whatever there may be

side = st.floats(0, 63, allow_nan=False).map(lambda v: round(v, 3))
boxes = st.builds(
    lambda x, y, w, h, label: box(x, y, min(x + w, 64), min(y + h, 48), label),
    side,
    st.floats(0, 46).map(lambda v: round(v, 3)),
    st.floats(1, 60).map(lambda v: round(v, 3)),
    st.floats(1, 45).map(lambda v: round(v, 3)),
    st.sampled_from(["a", "b", "水着"]),
)
names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=8)


@given(st.dictionaries(names, st.lists(boxes, max_size=3), max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_labels_come_back(tmp_path_factory: pytest.TempPathFactory, made: dict[str, list[Region]]) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = folder / "picture.jpg"
    Pillow.new("RGB", (64, 48)).save(path)
    documents = [document(path, *regions, name=f"{name}.jpg") for name, regions in made.items()]
    Yolo().write(dataset(*documents), folder / "out", WriteOptions())
    back = {d.image.name: d for d in again(folder / "out").documents}
    for was in documents:
        found = back[was.image.name]
        assert found.state is (State.LABELLED if was.regions else State.REVIEWED_EMPTY)
        assert contents([found]) == contents([was])
