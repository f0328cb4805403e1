"""The files of a training, and where each fork looks for labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import InputError
from bridge.plugin import RecipeWish
from plugins.engines.darknet.files import check_labels, label_path, prepare
from plugins.engines.darknet.wish import draft

RECIPE = draft(RecipeWish(("ナット", "bolt"), 40, "demo-tiny", max_batches=3000))


def read(path: Path) -> dict[str, str]:
    return dict(line.split(" = ") for line in path.read_text("utf-8").splitlines())


def test_everything_that_darknet_needs(tmp_path: Path) -> None:
    pictures = [tmp_path / f"{i}.jpg" for i in range(3)]
    files = prepare(tmp_path / "run", RECIPE, pictures, pictures[:1])
    assert files.cfg.read_text("utf-8") == RECIPE.cfg
    assert files.names.read_text("utf-8") == "ナット\nbolt\n"
    assert files.train.read_text("utf-8").splitlines() == [str(p) for p in pictures]
    assert files.valid.read_text("utf-8").splitlines() == [str(pictures[0])]
    assert files.backup.is_dir()
    assert (files.folder / "results").is_dir(), "`valid` crashes without it"
    assert files.cfg.name.count(".") == 1, "backups are named after what stands before the first dot"
    data = read(files.data)
    assert data.pop("classes") == "2"
    assert (data.pop("saveweights"), data.pop("savelast")) == ("300", "100")
    assert set(data) == {"train", "valid", "names", "backup", "results"}
    assert all(Path(value).is_absolute() and Path(value).exists() for value in data.values())
    assert files.weights is None


def test_last_weights_are_saved_more_often_than_numbered_ones(tmp_path: Path) -> None:
    short = draft(RecipeWish(("a",), 4, "demo-tiny"))
    data = read(prepare(tmp_path / "r", short, [tmp_path / "a.jpg"], []).data)
    assert int(data["savelast"]) < int(data["saveweights"]) == 100


def test_without_held_out_pictures_the_training_ones_stand_in(tmp_path: Path) -> None:
    files = prepare(tmp_path / "run", RECIPE, [tmp_path / "a.jpg"], [])
    assert files.valid.read_text("utf-8") == files.train.read_text("utf-8")


def test_an_empty_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        prepare(tmp_path / "run", RECIPE, [], [])
    assert caught.value.rule == "no-train-pictures"


@pytest.mark.parametrize("name", ["a b", "a$(touch x)", "a;b", "a'b", "a\nb", "a`b`", "a&b", "写真 1"])
def test_paths_that_darknet_or_a_shell_would_change(tmp_path: Path, name: str) -> None:
    for folder, picture in ((tmp_path / name, tmp_path / "a.jpg"), (tmp_path / "run", tmp_path / f"{name}.jpg")):
        with pytest.raises(InputError) as caught:
            prepare(folder, RECIPE, [picture], [])
        assert caught.value.rule == "path-unsafe"
        assert not folder.exists(), "nothing is written before it is sure"


def test_japanese_paths_are_fine(tmp_path: Path) -> None:
    assert prepare(tmp_path / "学習", RECIPE, [tmp_path / "写真.jpg"], []).data.is_file()


@pytest.mark.parametrize(
    ("picture", "pjreddie", "alexeyab", "hank"),
    [
        ("/a/x.jpg", "/a/x.txt", "/a/x.txt", "/a/x.txt"),
        ("/a/x.jpg.jpg", "/a/x.txt.jpg", "/a/x.jpg.txt", "/a/x.jpg.txt"),
        ("/a/x.jpeg", "/a/x.jpeg", "/a/x.txt", "/a/x.txt"),
        ("/a/x.webp", "/a/x.webp", "/a/x.webp", "/a/x.txt"),
        ("/raw/x.jpg", "/labels/x.txt", "/raw/x.txt", "/raw/x.txt"),
        ("/images/x.png", "/labels/x.txt", "/images/x.txt", "/images/x.txt"),
        ("/images/train2017/x.jpg", "/labels/train2017/x.txt", "/labels/train2017/x.txt", "/images/train2017/x.txt"),
        ("/JPEGImages/x.jpg", "/labels/x.txt", "/labels/x.txt", "/JPEGImages/x.txt"),
    ],
)
def test_label_paths(picture: str, pjreddie: str, alexeyab: str, hank: str) -> None:
    found = [label_path(picture, fork) for fork in ("pjreddie", "alexeyab", "hank-ai")]
    assert found == [pjreddie, alexeyab, hank]


def test_labels_that_a_fork_would_not_find(tmp_path: Path) -> None:
    files = prepare(tmp_path / "run", RECIPE, [tmp_path / "raw" / "a.jpg"], [])
    check_labels(files, "alexeyab")
    with pytest.raises(InputError) as caught:
        check_labels(files, "pjreddie")
    assert caught.value.rule == "label-path"
    assert caught.value.fields["path"].endswith("raw/a.txt")
