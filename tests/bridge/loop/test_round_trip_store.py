"""What goes out of the store and comes into a fresh project again is equal, or was listed before it went out."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import RefusedError
from bridge.loop.export import export
from bridge.loop.intake import Imported, IntakeOptions, import_path, take
from bridge.model.annotation import Document, Region, content_hash, fold_name
from bridge.model.dataset import Dataset, Reading
from bridge.model.finding import Finding, Severity
from bridge.plugin import ReadOptions, WriteOptions
from bridge.settings import Settings
from bridge.store import projects, revisions
from bridge.store.revisions import Current, Draft
from bridge.workspace import Workspace, open_workspace
from tests.imagined import Album, datasets

FIXTURES = Path(__file__).parents[2] / "fixtures"
FILES = {"vott-v1": "p.json", "vott-v2": "", "label-studio": "tasks.json", "coco": "coco.json"}
V2 = ("v2.1.0-posix", "v2.2.0-posix", "v2.2.0-win", "master-enc-absolute-posix", "master-plain-relative-win")
V1 = ("v1.6.1", "v1.7.2", "hand-written")
BARE = WriteOptions(pictures="none")
Files = dict[str, tuple[bytes, int]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """One store for all of these tests; each takes projects of its own."""
    made = open_workspace(Settings(data=tmp_path_factory.mktemp("data")), create=True)
    yield made
    made.close()


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Album:
    return Album.make(tmp_path_factory.mktemp("album"))


_NUMBERS = count()


def fresh() -> str:
    return f"project {next(_NUMBERS)}"


def brought_in(ws: Workspace, path: Path, project: str, **options: Any) -> Imported:
    return import_path(ws, project, path, IntakeOptions(read=ReadOptions(**options)))


def standing(ws: Workspace, project: str) -> dict[str, Current]:
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        return {c.document.image.name: c for c in revisions.current(tx, found.id, found.labels)}


def hashes(ws: Workspace, project: str) -> dict[str, str | None]:
    """Content hashes by folded name, of pictures that somebody looked at."""
    present = {fold_name(name): current.content_hash for name, current in standing(ws, project).items()}
    return {name: digest for name, digest in present.items() if digest is not None}


def files(folder: Path) -> Files:
    """What lies in a folder, with the times of change."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns) for p in found}


def project_v2(name: str, folder: Path) -> Path:
    """A copy of a VoTT 2 project, with its pictures in a folder beside it."""
    shutil.copytree(FIXTURES / "vott2" / name, folder / name)
    shutil.copytree(FIXTURES / "vott2" / "images", folder / "images")
    return folder / name


def project_v1(name: str, folder: Path) -> Path:
    """A copy of a VoTT 1 project beside the folder of its pictures."""
    shutil.copytree(FIXTURES / "vott1" / "images", folder / "images")
    return Path(shutil.copy(FIXTURES / "vott1" / f"{name}.json", folder / "images.json"))


def changed(ws: Workspace, project: str, name: str, regions: tuple[Region, ...]) -> None:
    """A person's other labels of one picture, as a revision."""
    with ws.db.write() as tx:
        found = projects.find(tx, project)
        labels = projects.add_labels(tx, found.id, [n for region in regions for n in region.labels], {})
        (head,) = [c for c in revisions.current(tx, found.id, labels) if c.document.image.name == name]
        image, before = head.document.image, head.revision_id
        assert image.id is not None
        assert before is not None
        digest = content_hash(image.name, image.width, image.height, regions)
        draft = Draft(image.id, regions, digest, "aiko", "desk", (before,), extra=head.document.extra)
        revisions.put(tx, [draft], labels)


def boxes(current: Current) -> int:
    """How many rectangles a picture has before anything else."""
    kinds = [region.kind for region in current.document.regions or ()]
    return next((n for n, kind in enumerate(kinds) if kind != "rectangle"), len(kinds))


def differences(before: Any, after: Any, way: str = "") -> Iterator[str]:
    """The places at which two JSON documents differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            yield from differences(before.get(key), after.get(key), f"{way}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, pair in enumerate(zip(before, after, strict=True)):
            yield from differences(*pair, f"{way}/{at}")
    elif before != after:
        yield way


# ---------------------------------------------------------------- out and in again


def taken(ws: Workspace, dataset: Dataset) -> str:
    """A project with the pictures and labels of a dataset."""
    project = fresh()
    with ws.db.write() as tx:
        made = projects.create(tx, project)
        source = projects.put_source(tx, made.id, "tool", "import", "/x")
    take(ws, made, source, Reading(dataset.labels, dataset.documents, len(tuple(dataset.documents))), "aiko")
    return project


def lost(found: list[Finding]) -> set[str | None]:
    rules = {"tag-renamed", "flat-name", "size-lost", "name-changed", "no-size", "swapped", "shape-lost"}
    rules |= {"ellipse", "rotated", "brush", "bad-number", "label-unwritable"}
    return {f.image for f in found if f.severity is not Severity.INFO and f.rule in rules}


def losses(ws: Workspace, project: str, format_name: str, out: Path) -> int:
    """How many losses an export is refused for; 0 where it goes through."""
    try:
        export(ws, project, format_name, out, WriteOptions())
    except RefusedError as refusal:
        return int(refusal.fields["losses"])
    return 0


@given(data=st.data(), format_name=st.sampled_from(list(FILES)))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_project_comes_back_equal_or_told(
    store: Workspace, album: Album, data: st.DataObject, format_name: str
) -> None:
    project = taken(store, data.draw(datasets(album)))
    folder = Path(tempfile.mkdtemp()) / "alone" / "out"
    folder.mkdir(parents=True)
    out, again = folder / FILES[format_name], fresh()
    before = hashes(store, project)
    refused = losses(store, project, format_name, out)
    assert refused == 0 or list(folder.iterdir()) == []
    listed = lost(export(store, project, format_name, out, WriteOptions(), allow_loss=True))
    assert bool(listed) is bool(refused)
    for current in standing(store, project).values():
        image = current.document.image
        if image.file is not None and not format_name.startswith("vott"):  # These formats place no pictures.
            (folder / "images" / image.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "images" / image.name).hardlink_to(image.file.path)
    brought_in(store, out, again)
    now = hashes(store, again)
    names = {fold_name(name) for name in listed if name is not None}
    assert {n for n, digest in before.items() if now.get(n) != digest} <= names
    shutil.rmtree(folder.parent.parent)


@pytest.mark.parametrize("way", [("vott-v1", "vott-v2"), ("coco", "label-studio"), ("label-studio", "coco", "vott-v2")])
def test_what_vott_drew_goes_through_all_formats(store: Workspace, tmp_path: Path, way: tuple[str, ...]) -> None:
    project = fresh()
    (tmp_path / "source").mkdir()
    brought_in(store, project_v1("v1.7.2", tmp_path / "source"), project)
    before = hashes(store, project)
    assert len(before) == 5
    for step, format_name in enumerate(way):
        folder, again = tmp_path / f"step{step}" / "out", fresh()
        folder.mkdir(parents=True)
        export(store, project, format_name, folder / FILES[format_name], WriteOptions())
        brought_in(store, folder / FILES[format_name], again, images=tmp_path / "source" / "images")
        assert hashes(store, again) == before
        project = again


# ---------------------------------------------------------------- back into the tool's own project


@pytest.mark.parametrize("name", V2)
def test_a_v2_project_is_not_touched_when_nothing_changed(store: Workspace, tmp_path: Path, name: str) -> None:
    folder, project = project_v2(name, tmp_path), fresh()
    before = files(tmp_path)
    brought_in(store, folder, project)
    export(store, project, "vott-v2", folder, WriteOptions())
    assert files(tmp_path) == before


@pytest.mark.parametrize("name", V1)
def test_a_v1_project_is_not_touched_when_nothing_changed(store: Workspace, tmp_path: Path, name: str) -> None:
    path, project = project_v1(name, tmp_path), fresh()
    before = files(tmp_path)
    brought_in(store, path, project)
    export(store, project, "vott-v1", path, WriteOptions())
    assert files(tmp_path) == before


def test_work_by_position_that_came_after_the_import_is_not_dropped(store: Workspace, tmp_path: Path) -> None:
    path, project = project_v1("v1.0.9", tmp_path), fresh()
    brought_in(store, path, project, order="bytes")
    raw = json.loads(path.read_bytes())
    frame = next(frame for frame in raw["frames"].values() if frame)
    frame.append(frame[0] | {"UID": "since-then", "x1": 1})
    path.write_text(json.dumps(raw))
    before = files(tmp_path)
    with pytest.raises(RefusedError, match="export-overwrites"):
        export(store, project, "vott-v1", path, WriteOptions("none"))
    assert files(tmp_path) == before
    told = export(store, project, "vott-v1", path, WriteOptions("none"), allow_loss=True)
    assert [(f.rule, f.fields["count"]) for f in told] == [("replaced", 1)]
    export(store, project, "vott-v1", path, WriteOptions("none"))


def test_what_was_deleted_here_may_go_from_the_v1_file(store: Workspace, tmp_path: Path) -> None:
    path, project = project_v1("v1.7.2", tmp_path), fresh()
    brought_in(store, path, project)
    name = next(n for n, c in standing(store, project).items() if c.document.regions)
    changed(store, project, name, ())
    assert export(store, project, "vott-v1", path, WriteOptions("none")) == []
    assert json.loads(path.read_bytes())["frames"][name] == []


def test_one_box_moved_changes_that_box_in_its_v2_file_only(store: Workspace, tmp_path: Path) -> None:
    folder, project = project_v2("v2.2.0-posix", tmp_path), fresh()
    brought_in(store, folder, project)
    before, present = files(tmp_path), standing(store, project)
    name = next(n for n, c in present.items() if boxes(c))
    first, *rest = present[name].document.regions or ()
    changed(store, project, name, (replace(first, points=((3.5, 4.0), (50.0, 60.25))), *rest))
    export(store, project, "vott-v2", folder, WriteOptions())
    after = files(tmp_path)
    touched = {path for path in after if after[path] != before.get(path)}
    (asset,) = {path for path in touched if ".labelbridge-backup" not in path}
    places = set(differences(json.loads(before[asset][0]), json.loads(after[asset][0])))
    assert places
    assert all(place.startswith(("/regions/0/boundingBox/", "/regions/0/points/")) for place in places)
    assert {path for path in touched if ".labelbridge-backup" in path} == {
        f"v2.2.0-posix/.labelbridge-backup/{Path(asset).name}"
    }


def test_a_new_label_and_an_emptied_picture_change_what_they_must(store: Workspace, tmp_path: Path) -> None:
    folder, project = project_v2("v2.2.0-posix", tmp_path), fresh()
    brought_in(store, folder, project)
    before, present = files(folder), standing(store, project)
    drawn = [n for n, c in present.items() if c.document.regions]
    changed(store, project, drawn[0], ())
    first, *rest = present[drawn[1]].document.regions or ()
    changed(store, project, drawn[1], (replace(first, labels=(*first.labels, "帯")), *rest))
    export(store, project, "vott-v2", folder, WriteOptions())
    after = files(folder)
    touched = {path for path in after if after[path] != before.get(path) and "backup" not in path}
    ids = {path.removesuffix("-asset.json") for path in touched if path.endswith("-asset.json")}
    assert len(ids) == 2
    (vott,) = touched - {f"{key}-asset.json" for key in ids}
    was, now = json.loads(before[vott][0]), json.loads(after[vott][0])
    assert now["tags"][:-1] == was["tags"]
    assert now["tags"][-1]["name"] == "帯"
    (state,) = set(differences(was["assets"], now["assets"]))
    assert state.removesuffix("/state").removeprefix("/") in ids
    assert {key: value for key, value in now.items() if key not in ("tags", "assets")} == {
        key: value for key, value in was.items() if key not in ("tags", "assets")
    }


def test_one_box_moved_changes_that_box_in_a_v1_file_only(store: Workspace, tmp_path: Path) -> None:
    path, project = project_v1("v1.7.2", tmp_path), fresh()
    brought_in(store, path, project)
    before, present = json.loads(path.read_bytes()), standing(store, project)
    name = next(n for n, c in present.items() if boxes(c))
    first, *rest = present[name].document.regions or ()
    changed(store, project, name, (replace(first, points=((3.5, 4.0), (50.0, 60.25))), *rest))
    export(store, project, "vott-v1", path, WriteOptions())
    places = set(differences(before, json.loads(path.read_bytes())))
    assert places
    assert all(place.startswith(f"/frames/{name}/0/") for place in places)


# ---------------------------------------------------------------- what only the tool knows


def test_unknown_keys_of_v2_survive_the_store(store: Workspace, tmp_path: Path) -> None:
    folder, project = project_v2("v2.2.0-posix", tmp_path), fresh()
    vott = next(folder.glob("*.vott"))
    raw = json.loads(vott.read_bytes())
    asset = next(path for path in folder.glob("*-asset.json") if json.loads(path.read_bytes())["regions"])
    inside = json.loads(asset.read_bytes())
    inside |= {"ours": {"note": "注"}}
    inside["regions"][0]["locked"] = [1, {"a": None}]
    asset.write_text(json.dumps(inside, ensure_ascii=False, indent=4))
    raw |= {"team": {"lead": "愛子"}}
    raw["assets"][inside["asset"]["id"]]["seen"] = "2020"
    vott.write_text(json.dumps(raw, ensure_ascii=False, indent=4))
    brought_in(store, folder, project)
    export(store, project, "vott-v2", tmp_path / "out", BARE)
    after = json.loads((tmp_path / "out" / vott.name).read_bytes())
    assert after == raw
    assert json.loads((tmp_path / "out" / asset.name).read_bytes()) == inside


def test_unknown_keys_of_v1_survive_the_store(store: Workspace, tmp_path: Path) -> None:
    path, project = project_v1("v1.7.2", tmp_path), fresh()
    raw = json.loads(path.read_bytes())
    name = next(name for name, frame in raw["frames"].items() if frame)
    raw["frames"][name][0]["note"] = {"who": "愛子"}
    raw["frames"][name].append({})
    raw |= {"team": ["健太"], "suggestiontype": "copy"}
    path.write_text(json.dumps(raw, ensure_ascii=False, separators=(",", ":")))
    brought_in(store, path, project)
    export(store, project, "vott-v1", tmp_path / "out.json", BARE)
    assert json.loads((tmp_path / "out.json").read_bytes()) == raw


def test_a_refused_export_says_what_and_where_and_writes_nothing(store: Workspace, tmp_path: Path) -> None:
    project, ends = fresh(), ((30.0, 20.0), (20.0, 30.0), (10.0, 20.0), (20.0, 10.0))
    document = Document(next(iter(Album.make(tmp_path).pictures)), (Region("ellipse", ends, ("帯",), "e1"),))
    dataset = Dataset("p", ("帯",), (replace(document, image=replace(document.image, name="a.jpg")),))
    project = taken(store, dataset)
    with pytest.raises(RefusedError) as caught:
        export(store, project, "vott-v2", tmp_path / "out", WriteOptions())
    (found,) = caught.value.fields["findings"]
    assert (found.rule, found.image, found.region) == ("ellipse", "a.jpg", 0)
    assert (found.fields["id"], found.fields["labels"], found.fields["x"], found.fields["y"]) == ("e1", "帯", 10, 10)
    assert not (tmp_path / "out").exists()
    told = export(store, project, "vott-v2", tmp_path / "out", WriteOptions(), allow_loss=True)
    assert told.count(found) == 1
