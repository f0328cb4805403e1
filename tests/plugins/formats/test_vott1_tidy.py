from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from bridge.errors import ConflictError, InputError, NotFoundError, RefusedError
from bridge.model.annotation import Document
from bridge.plugin import ReadOptions
from plugins.formats.vott1 import VottV1
from plugins.formats.vott1.tidy import journal as journals
from plugins.formats.vott1.tidy.journal import MAP
from plugins.formats.vott1.tidy.tidying import tidy, undo
from tests.plugins.formats.roundtrip import rules

ORDER = Path(__file__).parents[2] / "fixtures" / "vott1" / "order"
READ = ReadOptions()
# After every picture: none came later.
SAVED = 4_000_000_000


class Cut(BaseException):
    """The power goes."""


def region(*corners: float, **rest: Any) -> dict[str, Any]:
    box = dict(zip(("x1", "y1", "x2", "y2"), corners, strict=True))
    return {**box, "width": 64, "height": 48, "box": box, "tags": ["a"], "type": "rect", **rest}


def pictures(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for n, name in enumerate(names):
        Pillow.new("RGB", (64, 48), (n, 0, 0)).save(folder / name, "PNG")


def project(tmp_path: Path, frames: dict[str, Any], visited: list[Any] | None = None, **rest: Any) -> Path:
    path = tmp_path / "imgs.json"
    listed = list(frames) if visited is None else visited
    top = {"frames": frames, "framerate": "1", "inputTags": "a,b", "visitedFrames": listed, **rest}
    path.write_text(json.dumps(top, ensure_ascii=False, separators=(",", ":")), "utf-8")
    return path


def frames_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))["frames"]
    return found


def state(folder: Path) -> dict[str, bytes]:
    """Every file below, but for our backup."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and ".labelbridge-backup" not in p.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def labels(path: Path, **options: Any) -> dict[str, Any]:
    """What is labelled, by the bytes of the pictures."""

    def key(document: Document) -> str:
        file = document.image.file
        return sha256(Path(file.path).read_bytes()).hexdigest() if file else document.image.name

    read = VottV1().read(path, ReadOptions(**options))
    return {key(d): d.regions and [(r.kind, r.points, r.labels, r.extra) for r in d.regions] for d in read.documents}


@pytest.fixture
def ordered(tmp_path: Path) -> Path:
    """A project that knows its pictures by their position in a listing of NTFS."""
    shutil.copytree(ORDER / "images", tmp_path / "imgs")
    shutil.copy(ORDER / "images.ntfs-order.json", tmp_path / "imgs.json")
    for path in tmp_path.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tmp_path


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """The same with three pictures, each of its own shape."""
    (tmp_path / "imgs").mkdir()
    frames = {}
    for at, (name, size) in enumerate((("a 1.jpg", (60, 40)), ("a_1.JPG", (40, 60)), ("b.jpg", (90, 30)))):
        Pillow.new("RGB", size).save(tmp_path / "imgs" / name, "JPEG")
        frames[str(at)] = [{**region(at, 1, 9, 9), "box": None, "width": size[0] * 8, "height": size[1] * 8}]
    os.utime(project(tmp_path, frames, [0, 1, 2]), (SAVED, SAVED))
    return tmp_path


# ---------------------------------------------------------------- what it does


@pytest.mark.parametrize("place", ["imgs", "imgs.json", ""])
def test_positions_become_names_for_good(ordered: Path, place: str) -> None:
    before, files = labels(ordered / "imgs.json"), state(ordered)
    done = tidy(ordered / place, "safe", READ)
    assert (done.order, done.changed, dict(done.renames)["日本語.jpg"]) == ("ntfs", True, "p-741fb1ee.jpg")
    assert {"tidy-named", "ordered"} <= set(rules(done.findings))
    truth = json.loads((ORDER / "truth.json").read_text("utf-8"))
    new = {old: dict(done.renames).get(old, old) for old in truth}
    tags = {
        name: [tag for raw in frame for tag in raw["tags"]] for name, frame in frames_of(ordered / "imgs.json").items()
    }
    labelled = [name for name in truth if new[name] in tags]
    assert len(labelled) == 12
    assert {name: tags[new[name]] for name in labelled} == {name: [truth[name]["tag"]] for name in labelled}
    assert labels(ordered / "imgs.json") == before
    assert VottV1().read(ordered / "imgs.json", READ).order == "names"
    assert {"notes.txt", "skipme.bmp", "weirdjpg", MAP} <= {path.name for path in (ordered / "imgs").iterdir()}
    assert (ordered / ".labelbridge-backup" / "imgs.json").read_bytes() == files["imgs.json"]
    undo(ordered / place, READ)
    assert state(ordered) == files


def test_an_order_that_nobody_can_tell_is_refused(tmp_path: Path) -> None:
    pictures(tmp_path / "imgs", "a_1.jpg", "aa.jpg")
    project(tmp_path, {"0": [region(1, 1, 9, 9)], "1": [region(2, 2, 9, 9)]}, [0, 1])
    before = state(tmp_path)
    with pytest.raises(RefusedError):
        tidy(tmp_path / "imgs", "safe", READ)
    assert state(tmp_path) == before
    tidy(tmp_path / "imgs", "safe", ReadOptions(order="ntfs"))
    assert {name: frame[0]["x1"] for name, frame in frames_of(tmp_path / "imgs.json").items()} == {
        "aa.jpg": 1,
        "a_1.jpg": 2,
    }


def test_names_are_safe_or_hashes(tmp_path: Path) -> None:
    pictures(tmp_path / "imgs", "日本 語.JPG", "ok.jpeg", "raw1.png", "b.png")
    (tmp_path / "imgs" / "copy.png").write_bytes((tmp_path / "imgs" / "b.png").read_bytes())
    names = dict(tidy(tmp_path / "imgs", "safe", READ, dry_run=True).renames)
    assert names["ok.jpeg"] == "ok.jpg"
    assert "b.png" not in names
    assert all(new.isascii() and " " not in new and "raw" not in new for new in names.values())
    done = tidy(tmp_path / "imgs", "hash", READ)
    assert len(done.renames) == 5
    for old, new in done.renames:
        digest = sha256((tmp_path / "imgs" / new).read_bytes()).hexdigest()
        assert new.startswith(digest[:16]), old
    assert tidy(tmp_path / "imgs", "hash", READ).changed is False
    assert tidy(tmp_path / "imgs", "safe", READ).changed is False


def test_two_names_that_fold_to_one_get_names_of_their_own(tmp_path: Path) -> None:
    nfc = "が.jpg"
    nfd = unicodedata.normalize("NFD", nfc)
    pictures(tmp_path / "imgs", nfc, nfd, "A.jpg", "a.jpg")
    project(tmp_path, {nfc: [region(1, 1, 9, 9)], nfd: [region(2, 2, 9, 9)]})
    names = dict(tidy(tmp_path / "imgs", "safe", READ).renames)
    assert len({name.casefold() for name in names.values()}) == 4
    frames = frames_of(tmp_path / "imgs.json")
    assert (frames[names[nfc]][0]["x1"], frames[names[nfd]][0]["x1"]) == (1, 2)


def test_every_field_of_every_version_is_kept(tmp_path: Path) -> None:
    pictures(tmp_path / "imgs", "花.jpg", "b.jpg", "新.jpg")
    odd = region(1, 1, 9, 9, UID="x", score=1e-7, suggestedBy={"frameId": 3}, 未知=[None])
    frames = {"/home/me/花.jpg": [odd, {}], "b.jpg": [], "gone.jpg": [region(3, 3, 5, 5)]}
    path = project(tmp_path, frames, ["花.jpg", "b.jpg", "gone.jpg"], tag_colors=["#123456"], extra={"a": [1.5]})
    raw = json.loads(path.read_text("utf-8"))
    done = tidy(tmp_path / "imgs", "safe", READ)
    new = dict(done.renames)
    now = json.loads(path.read_text("utf-8"))
    assert now["frames"] == {f"/home/me/{new['花.jpg']}": [odd, {}], "b.jpg": [], "gone.jpg": [region(3, 3, 5, 5)]}
    assert now["visitedFrames"] == [new["花.jpg"], "b.jpg", "gone.jpg"]
    assert {k: v for k, v in now.items() if k not in ("frames", "visitedFrames")} == {
        k: v for k, v in raw.items() if k not in ("frames", "visitedFrames")
    }
    assert list(now) == list(raw)
    assert set(new) == {"花.jpg", "新.jpg"}  # Pictures that the project does not name are renamed too.


def test_what_is_no_picture_stays(tmp_path: Path) -> None:
    folder = tmp_path / "imgs"
    pictures(folder, "花.jpg")
    pictures(tmp_path / "else", "linked.jpg")
    (folder / "リンク.jpg").symlink_to(tmp_path / "else" / "linked.jpg")
    (folder / "フォルダ.jpg").mkdir()
    (folder / "メモ.txt").write_text("x")
    (folder / "花.txt").write_text("0 0.5 0.5 0.1 0.1")
    done = tidy(folder, "safe", READ)
    assert [old for old, _ in done.renames] == ["花.jpg"]
    assert {"リンク.jpg", "フォルダ.jpg", "メモ.txt", "花.txt"} <= {path.name for path in folder.iterdir()}
    assert rules(done.findings) == ["tidy-labels-beside"]


def test_a_dry_run_changes_nothing(ordered: Path) -> None:
    before = state(ordered)
    plan = tidy(ordered / "imgs", "hash", READ, dry_run=True)
    assert (plan.changed, len(plan.renames)) == (False, 14)
    assert state(ordered) == before


def test_pictures_that_come_later_go_into_the_same_map(tmp_path: Path) -> None:
    pictures(tmp_path / "imgs", "花.jpg")
    project(tmp_path, {"花.jpg": [region(1, 1, 9, 9)]})
    before = state(tmp_path)
    tidy(tmp_path / "imgs", "safe", READ)
    pictures(tmp_path / "imgs", "空.jpg")
    (later,) = [p for p in (tmp_path / "imgs").iterdir() if p.name == "空.jpg"]
    data = later.read_bytes()
    assert len(tidy(tmp_path / "imgs", "hash", READ).renames) == 2
    assert len(undo(tmp_path / "imgs", READ).renames) == 2
    assert state(tmp_path) == before | {"imgs/空.jpg": data}


# ---------------------------------------------------------------- undoing


def test_undoing_gives_the_project_its_time_back(ordered: Path) -> None:
    """By it the pictures that came later are told."""
    path, first = ordered / "imgs.json", 1_500_000_000_123_456_700
    os.utime(path, ns=(first, first))
    tidy(ordered / "imgs", "safe", READ)
    assert path.stat().st_mtime_ns != first
    tidy(ordered / "imgs", "hash", READ)
    undo(ordered / "imgs", READ)
    assert path.stat().st_mtime_ns == first
    tidy(ordered / "imgs", "safe", READ)
    raw = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**raw, "scd": True}))
    undo(ordered / "imgs", READ)
    assert path.stat().st_mtime_ns != first  # Labelled on since.


def test_what_was_labelled_since_is_kept(ordered: Path) -> None:
    new = dict(tidy(ordered / "imgs", "hash", READ).renames)
    raw = json.loads((ordered / "imgs.json").read_text("utf-8"))
    raw["frames"][new["apple.jpg"]].append(region(5, 5, 7, 7))
    (ordered / "imgs.json").write_text(json.dumps(raw))
    done = undo(ordered / "imgs", READ)
    assert "tidy-kept" in rules(done.findings)
    frames = frames_of(ordered / "imgs.json")
    assert len(frames["apple.jpg"]) == 2
    assert set(frames) <= {path.name for path in (ORDER / "images").iterdir()}
    assert {path.name for path in (ordered / "imgs").iterdir()} == {path.name for path in (ORDER / "images").iterdir()}


def test_other_bytes_and_pictures_that_went_are_told(tmp_path: Path) -> None:
    pictures(tmp_path / "imgs", "花.jpg", "空.jpg")
    new = dict(tidy(tmp_path / "imgs", "safe", READ).renames)
    (tmp_path / "imgs" / new["花.jpg"]).write_bytes(b"else")
    (tmp_path / "imgs" / new["空.jpg"]).unlink()
    done = undo(tmp_path / "imgs", READ)
    assert {(f.rule, f.image) for f in done.findings} == {("tidy-other-bytes", "花.jpg"), ("tidy-gone", "空.jpg")}
    assert state(tmp_path) == {"imgs/花.jpg": b"else"}


def test_an_old_name_that_is_taken_by_now_stops_the_undoing(tmp_path: Path) -> None:
    pictures(tmp_path / "imgs", "花.jpg", "空.jpg")
    tidy(tmp_path / "imgs", "safe", READ)
    (tmp_path / "imgs" / "花.jpg").write_bytes(b"new")
    before = state(tmp_path)
    with pytest.raises(ConflictError) as error:
        undo(tmp_path / "imgs", READ)
    assert (error.value.rule, error.value.fields["new"]) == ("tidy-taken", "花.jpg")
    assert state(tmp_path) == before


def test_nothing_to_undo(tmp_path: Path) -> None:
    pictures(tmp_path / "imgs", "花.jpg")
    with pytest.raises(NotFoundError):
        undo(tmp_path / "imgs", READ)


@pytest.mark.parametrize(
    "text", ["{}", "[1]", '{"program": "labelbridge tidy", "state": "done", "pictures": [], "json": 3}']
)
def test_a_broken_map_is_named(tmp_path: Path, text: str) -> None:
    pictures(tmp_path / "imgs", "花.jpg")
    (tmp_path / "imgs" / MAP).write_text(text)
    with pytest.raises(InputError) as error:
        tidy(tmp_path / "imgs", "safe", READ)
    assert error.value.rule == "tidy-map-broken"
    with pytest.raises(InputError):
        undo(tmp_path / "imgs", READ)


def test_a_map_never_leads_out_of_its_folder(tmp_path: Path) -> None:
    pictures(tmp_path / "imgs", "花.jpg")
    tidy(tmp_path / "imgs", "safe", READ)
    raw = json.loads((tmp_path / "imgs" / MAP).read_text())
    raw["pictures"][0]["first"] = "../花.jpg"
    (tmp_path / "imgs" / MAP).write_text(json.dumps(raw))
    with pytest.raises(InputError):
        undo(tmp_path / "imgs", READ)


# ---------------------------------------------------------------- what it refuses


def refused(tmp_path: Path, rule: str, path: Path | None = None) -> None:
    before = state(tmp_path)
    with pytest.raises((RefusedError, ConflictError, InputError, NotFoundError)) as error:
        tidy(path or tmp_path / "imgs", "safe", READ)
    assert error.value.rule == rule
    assert state(tmp_path) == before


def test_videos(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4.json").write_text(json.dumps({"frames": {"1": [region(1, 1, 9, 9)]}, "framerate": "1"}))
    refused(tmp_path, "tidy-video", tmp_path / "clip.mp4.json")


def test_pictures_of_a_vott_2_project(tmp_path: Path) -> None:
    pictures(tmp_path / "imgs", "花.jpg")
    (tmp_path / "imgs" / "p.vott").write_text("{}")
    refused(tmp_path, "tidy-vott2")


def test_a_damaged_project(tmp_path: Path) -> None:
    pictures(tmp_path / "imgs", "花.jpg")
    path = project(tmp_path, {"花.jpg": [region(1, 1, 9, 9), region(1, 1, 9, 9)]})
    path.write_bytes(path.read_bytes()[:-90])
    refused(tmp_path, "tidy-damaged")


def test_two_keys_for_one_picture(tmp_path: Path) -> None:
    nfc = "が.jpg"
    pictures(tmp_path / "imgs", nfc)
    project(tmp_path, {nfc: [region(1, 1, 9, 9)], unicodedata.normalize("NFD", nfc): [region(2, 2, 9, 9)]})
    refused(tmp_path, "tidy-twins")


def test_pictures_that_are_not_where_they_should_be(tmp_path: Path) -> None:
    refused(tmp_path, "tidy-no-folder", project(tmp_path, {"花.jpg": []}))


def test_a_name_that_something_else_has(tmp_path: Path) -> None:
    pictures(tmp_path / "imgs", "ok.jpeg")
    (tmp_path / "imgs" / "OK.jpg.txt").write_text("x")
    (tmp_path / "imgs" / "ok.JPG").mkdir()
    done = tidy(tmp_path / "imgs", "safe", READ)
    assert (tmp_path / "imgs" / "ok.JPG").is_dir()
    assert [new.casefold() == "ok.jpg" for _, new in done.renames] == [False]


@contextmanager
def somebody() -> Iterator[Path]:
    """A folder of his, seen by somebody to whom read-only means something: root is nobody for a while."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="lb-tidy-"))
    folder.chmod(0o755)
    me = os.geteuid()
    try:
        yield folder
    finally:
        os.seteuid(me)
        (folder / "imgs").chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such rights")
@pytest.mark.parametrize("closed", ["imgs", ""])
def test_a_folder_that_may_not_be_written(closed: str) -> None:
    with somebody() as folder:
        pictures(folder / "imgs", "花.jpg")
        project(folder, {"花.jpg": [region(1, 1, 9, 9)]})
        tidy(folder / "imgs", "safe", READ, dry_run=True)  # All that is needed is loaded by now.
        for path in (folder, folder / "imgs"):
            path.chmod(0o555 if path == folder / closed else 0o777)
        if os.geteuid() == 0:
            os.seteuid(65534)
        refused(folder, "folder-unwritable")
        assert not (folder / ".labelbridge-backup").exists()


# ---------------------------------------------------------------- cut off


def cut_at(number: int) -> Callable[[str], None]:
    """Goes on so many steps and then no further."""
    left = number

    def step(name: str) -> None:
        nonlocal left
        if not left:
            raise Cut(name)
        left -= 1

    return step


@pytest.mark.parametrize("way", ["forwards", "backwards"])
@pytest.mark.parametrize("end", ["forwards", "backwards"])
def test_cut_off_at_any_step_it_can_be_ended_or_undone(few: Path, way: str, end: str) -> None:
    """Until it is, no label lies on a wrong picture."""
    before, truth = state(few), labels(few / "imgs.json")
    tidy(few / "imgs", "hash", READ)
    after = state(few)
    undo(few / "imgs", READ)
    start, act = (before, tidy) if way == "forwards" else (after, undo)
    for number in range(20):
        _restore(few, start)
        assert state(few) == start
        try:
            _run(act, few, cut_at(number))
        except Cut:
            _no_label_is_wrong(few, truth)
        else:
            break
        if end == "backwards" and not (few / "imgs" / MAP).exists():
            assert state(few) == before
            continue
        _run(tidy if end == "forwards" else undo, few, lambda name: None)
        assert state(few) == (after if end == "forwards" else before)
    assert number > 4


def _run(act: Any, folder: Path, step: Callable[[str], None]) -> None:
    if act is tidy:
        tidy(folder / "imgs", "hash", READ, step=step)
    else:
        undo(folder / "imgs", READ, step=step)


def _restore(folder: Path, files: dict[str, bytes]) -> None:
    for path in (folder / "imgs").iterdir():
        path.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    os.utime(folder / "imgs.json", (SAVED, SAVED))  # The map notes it.


def _no_label_is_wrong(folder: Path, truth: dict[str, Any]) -> None:
    """Whatever the project says of a picture that is there is what was labelled on it."""
    found = labels(folder / "imgs.json")
    assert all(found[digest] in (None, regions) for digest, regions in truth.items() if digest in found)


def test_a_picture_cut_off_between_its_two_names(tmp_path: Path) -> None:
    pictures(tmp_path / "imgs", "花.jpg", "空.jpg")
    before = state(tmp_path)
    with pytest.raises(Cut):
        tidy(tmp_path / "imgs", "safe", READ, step=cut_at(3))
    journal = journals.read(tmp_path / "imgs")
    assert journal is not None
    (left,) = [one for one in journal.pictures if (tmp_path / "imgs" / one.old).exists()]
    os.link(tmp_path / "imgs" / left.old, tmp_path / "imgs" / left.new)
    assert "tidy-resumed" in rules(tidy(tmp_path / "imgs", "safe", READ).findings)
    assert not (tmp_path / "imgs" / left.old).exists()
    undo(tmp_path / "imgs", READ)
    assert state(tmp_path) == before


def test_a_name_taken_at_the_last_moment_is_not_written_over(tmp_path: Path) -> None:
    pictures(tmp_path / "imgs", "花.jpg")

    def step(name: str) -> None:
        if name.startswith("p-"):
            (tmp_path / "imgs" / name).write_bytes(b"mine")

    with pytest.raises(ConflictError):
        tidy(tmp_path / "imgs", "safe", READ, step=step)
    assert b"mine" in state(tmp_path).values()
    assert (tmp_path / "imgs" / "花.jpg").exists()


def test_an_open_vott_that_wrote_meanwhile_is_noticed(few: Path) -> None:
    names = {path.name for path in (few / "imgs").iterdir()}
    with pytest.raises(Cut):
        tidy(few / "imgs", "hash", READ, step=cut_at(3))
    raw = json.loads((few / "imgs.json").read_text("utf-8"))
    raw["frames"]["b.jpg"] = [region(1, 1, 2, 2)]
    (few / "imgs.json").write_text(json.dumps(raw))
    with pytest.raises(ConflictError) as error:
        tidy(few / "imgs", "hash", READ)
    assert error.value.rule == "tidy-project-changed"
    done = undo(few / "imgs", READ)
    assert {"tidy-kept", "tidy-left"} <= set(rules(done.findings))
    frames = frames_of(few / "imgs.json")
    assert (len(frames), frames["b.jpg"]) == (4, [region(1, 1, 2, 2)])  # Nobody's labels are put over another's.
    assert {path.name for path in (few / "imgs").iterdir()} == names


def test_a_project_that_broke_meanwhile_is_named_before_anything_moves(few: Path) -> None:
    tidy(few / "imgs", "hash", READ)
    (few / "imgs.json").write_text('{"frames": {]')
    before = state(few)
    with pytest.raises(InputError):
        undo(few / "imgs", READ)
    assert state(few) == before


# ---------------------------------------------------------------- anything

NAMES = st.lists(
    st.text("aAbB_ 1日ü'#%[]", min_size=1, max_size=5).map(str.strip).filter(bool), min_size=1, max_size=6, unique=True
)


@given(NAMES, st.sampled_from([".jpg", ".JPG", ".png", ".jpeg"]), st.sampled_from(["safe", "hash"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_names_go_there_and_back(tmp_path: Path, stems: list[str], extension: str, how: Any) -> None:
    shutil.rmtree(tmp_path)
    names = [stem + extension for stem in stems]
    pictures(tmp_path / "imgs", *names)
    frames = {name: [region(n, n, n + 5, n + 5, UID=str(n))] for n, name in enumerate(names[1:])}
    path = project(tmp_path, frames)
    before, truth = state(tmp_path), labels(path)
    done = tidy(tmp_path / "imgs", how, READ)
    now = {p.name for p in (tmp_path / "imgs").iterdir()} - {MAP}
    assert len({name.casefold() for name in now}) == len(names)
    assert all(name.isascii() and not set(name) & set(" '#%[]") for name in now)
    assert {key: raws and [r[:3] for r in raws] for key, raws in labels(path).items()} == {
        key: raws and [r[:3] for r in raws] for key, raws in truth.items()
    }
    assert tidy(tmp_path / "imgs", how, READ).changed is False
    if done.changed:
        undo(tmp_path / "imgs", READ)
    assert state(tmp_path) == before
