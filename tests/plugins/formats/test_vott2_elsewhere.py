from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.model.annotation import Box, Document, FileStamp, Image, Region
from bridge.model.dataset import Dataset
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.vott2 import VottV2
from plugins.formats.vott2.asset import asset_id
from tests.plugins.formats.roundtrip import contents, dataset_of, rules

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vott2"
VECTORS = [json.loads(line) for line in (FIXTURES / "asset_id_vectors.jsonl").read_text("utf-8").splitlines()]
WINDOWS = "C:\\Users\\me\\画像"


def labelled(name: str, file: Path | None = None) -> Document:
    stamp = FileStamp(str(file), file.stat().st_size, file.stat().st_mtime_ns) if file else None
    return Document(Image(name, 64, 48, file=stamp), (Region.rectangle(Box(1, 2, 3, 4), "a"),))


def written(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("*.vott")
    return dict(json.loads(path.read_bytes()))


def options(images: str, project: str = "Z:\\labels", pictures: Any = "none") -> WriteOptions:
    return WriteOptions(pictures, images_as=images, project_as=project)


@pytest.mark.parametrize(
    "vector",
    [v for v in VECTORS if v["path"].startswith("file:") and "." in v["name"] and ".." not in v["input"]],
    ids=lambda vector: vector["input"],
)
def test_ids_are_those_that_vott_makes_on_the_other_machine(vector: dict[str, str], tmp_path: Path) -> None:
    spelled = vector["input"]
    cut = max(spelled.rfind("\\"), spelled.rfind("/"))
    given = Dataset("p", ("a",), (labelled(spelled[cut + 1 :]),))
    VottV2().write(given, tmp_path, options(spelled[: cut + 1]))
    (asset,) = written(tmp_path)["assets"].values()
    assert {key: asset[key] for key in ("id", "path", "name")} == {key: vector[key] for key in ("id", "path", "name")}
    assert (tmp_path / f"{vector['id']}-asset.json").is_file()


def test_a_new_project_says_where_things_are_on_the_other_machine(tmp_path: Path, picture: Callable[..., Path]) -> None:
    made = picture("in/a b.jpg")
    given = Dataset("撮影", ("a",), (labelled("a b.jpg", made), labelled("sub/日本語.jpg")))
    found = VottV2().write(given, tmp_path / "out", options(WINDOWS, pictures="link"))
    content = written(tmp_path / "out")
    assert content["sourceConnection"]["providerOptions"] == {"folderPath": WINDOWS}
    assert content["targetConnection"]["providerOptions"] == {"folderPath": "Z:\\labels"}
    assert [asset["path"] for asset in content["assets"].values()] == [
        "file:C:/Users/me/%E7%94%BB%E5%83%8F/a%20b.jpg",
        "file:C:/Users/me/%E7%94%BB%E5%83%8F/sub/%E6%97%A5%E6%9C%AC%E8%AA%9E.jpg",
    ]
    assert (tmp_path / "out" / "images" / "a b.jpg").samefile(made)
    assert "vott-folder" not in rules(found)
    after = list(VottV2().read(tmp_path / "out", ReadOptions()).documents)
    assert [d.image.name for d in after] == ["a b.jpg", "sub/日本語.jpg"]


def test_another_annotators_project_moves_as_a_whole(tmp_path: Path) -> None:
    before = dataset_of(VottV2().read(FIXTURES / "v2.2.0-win", ReadOptions()))
    VottV2().write(before, tmp_path, options("/home/花子/pics", "/home/花子/labels"))
    content = written(tmp_path)
    every = [*content["assets"].values(), *(a["parent"] for a in content["assets"].values() if "parent" in a)]
    assert len(every) == 17 + 4
    for asset in every:
        assert asset["path"].startswith("file:/home/%E8%8A%B1%E5%AD%90/pics/")
        assert asset["id"] == asset_id(asset["path"])
        assert asset["path"].endswith("/" + asset["name"])
    assert list(content["assets"]) == [asset["id"] for asset in content["assets"].values()]
    assert content["lastVisitedAssetId"] in content["assets"]
    for path in tmp_path.iterdir():
        assert b"C:/vott" not in path.read_bytes()
        if path.name.endswith("-asset.json"):
            asset = json.loads(path.read_bytes())["asset"]
            assert path.name == f"{asset['id']}-asset.json"
            assert content["assets"][asset["id"]] == asset
    there = [d for d in before.documents if d.regions is not None]
    assert contents(VottV2().read(tmp_path, ReadOptions()).documents) == contents(there)
    assert [content[k] for k in ("id", "securityToken", "tags")] == [
        before.extra["vott"][k] for k in ("id", "securityToken", "tags")
    ]


@pytest.mark.parametrize(
    ("images", "project", "cases"),
    [
        (WINDOWS, "", ["project"]),
        ("pictures", "Z:\\x", [None]),
        ("\\\\server\\share\\画像", "Z:\\x", []),
        ("C:\\", "labels", [None]),
    ],
)
def test_folders_that_the_other_machine_will_not_find_are_told(
    images: str, project: str, cases: list[str | None], tmp_path: Path
) -> None:
    found = VottV2().write(Dataset("p", ("a",), (labelled("a.jpg"),)), tmp_path, options(images, project))
    assert [f.fields.get("case") for f in found if f.rule == "vott-folder"] == cases


def test_a_project_that_is_there_keeps_its_folder_and_says_so(tmp_path: Path) -> None:
    given = Dataset("p", ("a",), (labelled("a.jpg"),))
    VottV2().write(given, tmp_path, options(WINDOWS))
    before = written(tmp_path)
    found = VottV2().write(given, tmp_path, options("/elsewhere"))
    assert [f.fields for f in found if f.rule == "vott-folder"] == [{"case": "there", "folder": "C:/Users/me/画像"}]
    assert written(tmp_path) == before
