"""The work folder: names that trainers can read, the pixels as stored, and labels that fit them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bridge import picture as pictures
from bridge.model.work import Manifest, Picture, TruthBox
from workers import workdir
from workers.cache import Cache
from workers.halt import Halt

Make = Callable[..., Path]


class Store(Cache):
    """A cache that was filled by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, source: Path, name: str, part: str, boxes: tuple[TruthBox, ...] = ()) -> Picture:
        sha256 = pictures.sha256(source)
        target = self.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
        look = pictures.look(source)
        return Picture(1, name, sha256, look.width, look.height, part, boxes)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def nothing() -> None:
    return None


def lay_out(store: Store, folder: Path, *members: Picture) -> workdir.LaidOut:
    return workdir.lay_out(folder, Manifest("v", ("ねじ", "ナット"), members), store, nothing)


def pixels(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_pictures_and_labels_lie_side_by_side(store: Store, picture: Make, tmp_path: Path) -> None:
    train = store.put(picture("あ い.jpg", 100, 50), "写真/あ い.jpg", "train", ((1, 10.0, 5.0, 30.0, 25.0),))
    valid = store.put(picture("b.png", 64, 48), "b.png", "valid")
    laid = lay_out(store, tmp_path / "run", train, valid)
    (one,), (other,) = laid.train, laid.valid
    assert (one.name, other.name) == ("000000.jpg", "000001.png")
    number, *place = one.with_suffix(".txt").read_text().split()
    assert (number, [round(float(v), 6) for v in place]) == ("1", [0.2, 0.3, 0.2, 0.4])
    assert other.with_suffix(".txt").read_text() == ""
    assert one.stat().st_ino == store.path(train.sha256).stat().st_ino


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_no_trainer_can_turn_a_picture(store: Store, picture: Make, tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = picture("turned.jpg", 80, 40, exif=exif)
    (path,) = lay_out(store, tmp_path / "run", store.put(source, "turned.jpg", "train")).train
    assert pictures.look(path).orientation == 1
    assert (pictures.look(path).width, pictures.look(path).height) == (80, 40)
    assert np.array_equal(pixels(path), pixels(source))
    assert pictures.look(source).orientation == orientation


@pytest.mark.parametrize("name", ["a.bmp", "a.gif", "a.tiff", "a.webp", "a.ppm"])
def test_other_formats_become_png_pixel_for_pixel(store: Store, picture: Make, tmp_path: Path, name: str) -> None:
    source = picture(name, 40, 30)
    (path,) = lay_out(store, tmp_path / "run", store.put(source, name, "train")).train
    assert path.name == "000000.png"
    assert pictures.look(path).format == "PNG"
    assert np.array_equal(pixels(path), pixels(source))


def test_a_jpeg_that_cannot_be_followed_is_left_to_the_decoder() -> None:
    assert workdir.without_exif(b"\xff\xd8\xff\xe1") is None
    assert workdir.without_exif(b"") is None


def test_a_reason_to_stop_stops_it(store: Store, picture: Make, tmp_path: Path) -> None:
    def stop() -> None:
        raise Halt("lost")

    member = store.put(picture("a.jpg"), "a.jpg", "train")
    with pytest.raises(Halt):
        workdir.lay_out(tmp_path / "run", Manifest("v", ("a",), (member,)), store, stop)


@pytest.mark.parametrize("name", ["with blank", "images", "raw data", "My.jpg.d", "$(touch x)", "学習"])
def test_a_folder_with_a_troublesome_name_gets_another(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with workdir.plain_name(folder) as plain:
        assert workdir._PLAIN.fullmatch(str(plain))
        assert name not in str(plain)
        (plain / "made").write_text("here")
        place = plain
    assert (folder / "made").read_text() == "here"
    assert not place.exists()


def test_a_plain_folder_keeps_its_name() -> None:
    with workdir.plain_name(Path("/srv/labelbridge-data/node/runs/abc/attempt-1")) as plain:
        assert plain == Path("/srv/labelbridge-data/node/runs/abc/attempt-1")


def test_the_other_name_that_a_killed_worker_left_can_be_dropped(tmp_path: Path) -> None:
    folder = tmp_path / "with blank"
    folder.mkdir()
    (folder / "made").touch()
    private = tmp_path / "private"
    private.mkdir()
    (private / "run").symlink_to(folder)
    workdir.drop_plain_name(private / "run")
    workdir.drop_plain_name(folder)
    assert not private.exists()
    assert (folder / "made").exists()
