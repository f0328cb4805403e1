"""Labels that people have given elsewhere, written into a VoTT project that somebody has open."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from bridge import picture as looking
from bridge.loop.accept import accept
from bridge.loop.check import check
from bridge.loop.connect import connect_folder
from bridge.loop.intake import Imported, take
from bridge.loop.labels import rename
from bridge.loop.push import push
from bridge.loop.reconcile import pull
from bridge.loop.resolve import resolve
from bridge.loop.tool import reach
from bridge.loop.undo import undo
from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.dataset import Dataset, Reading
from bridge.model.delivery import Delivery, DeliveryState
from bridge.model.finding import Finding
from bridge.model.prediction import Prediction
from bridge.model.project import Source
from bridge.plugin import PushItem, PushOutcome, ReadOptions, WriteOptions
from bridge.store import deliveries, images, projects, revisions
from bridge.workspace import Workspace
from plugins.formats.backup import FOLDER
from tests.annotators import VottOne, VottTwo, rest

Make = Callable[..., Path]
NAMES = ("あ.jpg", "い 1.jpg", "空.jpg", "未.jpg")
CAT = Region.rectangle(Box(4, 4, 20, 20), "猫", region_id="cat1")
DOG = Region.rectangle(Box(30, 10, 60, 40), "犬", region_id="dog1")


@dataclass
class Shared:
    """A VoTT project that is connected, and what there is in it and in the store."""

    ws: Workspace
    kind: Literal["vott-v1", "vott-v2"]
    place: Path
    source: Source

    def pull(self) -> Imported:
        rest(self.place)
        [done] = pull(self.ws, "p", self.source.name)
        return done

    def push(self) -> PushOutcome:
        rest(self.place)
        [done] = push(self.ws, "p", self.source.name, wait=lambda _: None)
        return done

    def there(self, name: str) -> tuple[Region, ...] | None:
        """What the files say of a picture, without what only VoTT knows."""
        reading = self.ws.registry.format(self.kind).read(self.place, ReadOptions())
        found = next(d.regions for d in reading.documents if d.image.name == name)
        return found if found is None else tuple(replace(r, extra={}) for r in found)

    def tags(self) -> list[str]:
        return list(self.ws.registry.format(self.kind).read(self.place, ReadOptions()).labels)

    def present(self, name: str) -> tuple[Region, ...] | None:
        with self.ws.db.read() as tx:
            found = projects.find(tx, "p")
            wanted = images.find(tx, found.id, name)
            [one] = revisions.current(tx, found.id, found.labels, [wanted.id or 0])
        regions = one.document.regions
        return regions if regions is None else tuple(replace(r, extra={}) for r in regions)

    def heads(self, name: str) -> list[int]:
        with self.ws.db.read() as tx:
            found = projects.find(tx, "p")
            wanted = images.find(tx, found.id, name)
            return [head.id for head in revisions.heads(tx, wanted.id or 0, found.labels)]

    def elsewhere(self, name: str, *regions: Region) -> Imported:
        """Somebody labels a picture in another tool, which knew the present labels."""
        with self.ws.db.write() as tx:
            found = projects.find(tx, "p")
            other = projects.put_source(tx, found.id, "label-studio", "label-studio", "http://ls.test")
            image = images.find(tx, found.id, name)
            heads = revisions.head_hashes(tx, [image.id or 0]).get(image.id or 0, [])
            known = heads[0] if heads else (None, None)
            images.put_items(tx, other.id, [(images.Item(image.id or 0, str(image.id), known[1], known[0]), {})])
        document = Document(replace(image, item=str(image.id)), regions)
        return take(self.ws, found, other, Reading((), [document], 1, declared=False), "健太", partial=True)

    def files(self) -> dict[str, bytes]:
        places = [self.place] if self.place.is_file() else list(self.place.iterdir())
        return {path.name: path.read_bytes() for path in places if path.is_file()}

    def deliveries(self) -> list[Delivery]:
        with self.ws.db.read() as tx:
            return deliveries.listing(tx, projects.find(tx, "p").id, direction="out")

    def annotator(self) -> Any:
        return VottOne(self.place) if self.kind == "vott-v1" else VottTwo(self.place)


@pytest.fixture(params=["vott-v1", "vott-v2"])
def shared(request: pytest.FixtureRequest, sqlite_workspace: Workspace, picture: Make, tmp_path: Path) -> Shared:
    kind = request.param
    shown = tmp_path / "写真"
    said = ((CAT, DOG), (CAT,), (), None)
    documents = []
    for n, (name, regions) in enumerate(zip(NAMES, said, strict=True)):
        file = picture(name, 64, 48, folder=shown, quality=50 + n)
        documents.append(Document(Image(name, 64, 48, file=looking.stamp(file)), regions))
    place = shown.with_suffix(".json") if kind == "vott-v1" else tmp_path / "vott"
    dataset = Dataset("撮影", ("猫", "犬"), documents, colors={"猫": "#ff0000", "犬": "#00ff00"})
    sqlite_workspace.registry.format(kind).write(dataset, place, WriteOptions("none"))
    with sqlite_workspace.db.write() as tx:
        projects.create(tx, "p")
    made = Shared(sqlite_workspace, kind, place, connect_folder(sqlite_workspace, "p", kind, place))
    made.pull()
    return made


def rules(found: tuple[Finding, ...]) -> set[str]:
    return {finding.rule for finding in found}


def places(regions: tuple[Region, ...] | None) -> list[Any]:
    return sorted((r.points, r.labels) for r in regions or ())


# ---------------------------------------------------------------- what is written, and what is not


def test_only_what_differs_is_written_once_and_kept_before(shared: Shared) -> None:
    before = shared.files()
    assert (shared.push().written, shared.files()) == (0, before)
    moved = replace(DOG, points=((31, 10), (61, 40)))
    bird = Region.rectangle(Box(1, 1, 9, 9), "鳥", region_id="LsNewBox1")
    shared.elsewhere("あ.jpg", CAT, moved, bird)
    outcome = shared.push()
    assert (outcome.written, rules(outcome.refused)) == (1, set())
    assert shared.there("あ.jpg") == (CAT, moved, bird)
    # The new label stands at the end of the tool's own list.
    assert shared.tags() == ["猫", "犬", "鳥"]
    after = shared.files()
    changed = {name for name in before if after[name] != before[name]}
    assert len(changed) == (1 if shared.kind == "vott-v1" else 2)
    folder = (shared.place if shared.place.is_dir() else shared.place.parent) / FOLDER
    assert {name: (folder / name).read_bytes() for name in changed} == {name: before[name] for name in changed}
    [delivery] = shared.deliveries()
    assert (delivery.state, delivery.outcome) == (DeliveryState.DONE, {"written": 1, "left": 0})
    # Done again it does nothing, and reading it again says nothing new.
    assert (shared.push().written, shared.pull().revisions, shared.files()) == (0, 0, after)


def test_unknown_fields_and_untouched_regions_stay_as_they_were(shared: Shared) -> None:
    path = (
        shared.place
        if shared.place.is_file()
        else next(p for p in shared.place.glob("*-asset.json") if "dog1" in p.read_text("utf-8"))
    )
    content = json.loads(path.read_text("utf-8"))
    records = content["frames"]["あ.jpg"] if shared.kind == "vott-v1" else content["regions"]
    for record in records:
        record["撮影者"] = "愛子"
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    shared.pull()
    shared.elsewhere("あ.jpg", CAT, replace(DOG, labels=("猫",)))
    assert shared.push().written == 1
    now = json.loads(path.read_text("utf-8"))
    after = now["frames"]["あ.jpg"] if shared.kind == "vott-v1" else now["regions"]
    assert after == [records[0], {**records[1], "tags": ["猫"]}]


def test_fixes_undo_and_a_settled_conflict_are_written(shared: Shared) -> None:
    over = replace(DOG, points=((30, 10), (90, 40)))
    shared.annotator().draw("い 1.jpg", "犬", 30, 10, 90, 40)
    shared.pull()
    assert check(shared.ws, "p", fix=True).fixed == 1
    assert shared.push().written == 1
    assert places(shared.there("い 1.jpg")) == places((CAT, replace(DOG, points=((30, 10), (64, 40)))))
    undo(shared.ws, "p", "い 1.jpg")
    assert shared.push().written == 1
    assert places(shared.there("い 1.jpg")) == places((CAT, over))
    # Two people relabel one box, each otherwise: nothing is written until a person has chosen.
    person = shared.annotator()
    before = shared.there("あ.jpg")
    shared.elsewhere("あ.jpg", CAT, replace(DOG, labels=("狼",)))
    person.relabel("あ.jpg", "dog1", "狐")
    shared.pull()
    first, second = shared.heads("あ.jpg")
    assert shared.push().written == 0
    assert before is not None
    resolve(shared.ws, "p", "あ.jpg", first)
    assert second > first
    assert shared.push().written == 1
    assert {r.labels for r in shared.there("あ.jpg") or ()} == {("猫",), ("狼",)}


def test_labels_of_elsewhere_go_onto_a_picture_that_nobody_looked_at(shared: Shared) -> None:
    shared.elsewhere("未.jpg", DOG)
    assert shared.push().written == 1
    assert shared.there("未.jpg") == (DOG,)
    shared.elsewhere("い 1.jpg")
    assert shared.push().written == 1
    assert shared.there("い 1.jpg") == ()
    assert shared.pull().revisions == 0


def test_what_vott_cannot_hold_leaves_the_picture_alone(shared: Shared) -> None:
    before = shared.files()
    ends = ((20.0, 10.0), (10.0, 20.0), (0.0, 10.0), (10.0, 0.0))
    shared.elsewhere("あ.jpg", CAT, DOG, Region("ellipse", ends, ("猫",)))
    outcome = shared.push()
    assert (outcome.written, shared.files()) == (0, before)
    assert rules(outcome.refused) == {"write-back-loss", "ellipse"}
    assert {f.image for f in outcome.refused} == {"あ.jpg"}


def test_an_edit_in_vott_since_the_last_reading_is_merged_first(shared: Shared) -> None:
    shared.elsewhere("あ.jpg", CAT, replace(DOG, labels=("狼",)))
    own = shared.annotator().draw("あ.jpg", "猫", 2, 30, 12, 40)
    assert shared.push().written == 1
    assert {(r.region_id, r.labels) for r in shared.there("あ.jpg") or ()} == {
        ("cat1", ("猫",)),
        ("dog1", ("狼",)),
        (own, ("猫",)),
    }
    assert places(shared.present("あ.jpg")) == places(shared.there("あ.jpg"))


def test_a_file_that_changes_while_we_write_is_read_and_merged_again(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugins.sources.vott_folder import VottFolder

    shared.elsewhere("あ.jpg", CAT, replace(DOG, labels=("狼",)))
    shared.elsewhere("未.jpg", DOG)
    losses, person = VottFolder.losses, shared.annotator()
    drawn: list[str] = []

    def meanwhile(self: VottFolder, *rest_: Any) -> list[Finding]:
        if not drawn:
            drawn.append(person.draw("あ.jpg", "猫", 2, 30, 12, 40))
            rest(shared.place)
        return losses(self, *rest_)

    monkeypatch.setattr(VottFolder, "losses", meanwhile)
    assert shared.push().written >= 1
    assert {(r.region_id, r.labels) for r in shared.there("あ.jpg") or ()} == {
        ("cat1", ("猫",)),
        ("dog1", ("狼",)),
        (drawn[0], ("猫",)),
    }
    assert shared.there("未.jpg") == (DOG,)
    assert {d.state for d in shared.deliveries()} == {DeliveryState.DONE}


def test_a_round_that_broke_off_is_made_up_for(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    from plugins.sources.vott_folder import VottFolder

    shared.elsewhere("あ.jpg", CAT)
    write = VottFolder.write

    def killed(self: VottFolder, *rest_: Any) -> list[Finding]:
        write(self, *rest_)
        raise KeyboardInterrupt

    monkeypatch.setattr(VottFolder, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        shared.push()
    assert [d.state for d in shared.deliveries()] == [DeliveryState.PENDING]
    monkeypatch.setattr(VottFolder, "write", write)
    shared.push()
    assert [d.state for d in shared.deliveries()] == [DeliveryState.DONE]
    assert (shared.there("あ.jpg"), shared.present("あ.jpg")) == ((CAT,), (CAT,))
    assert shared.pull().findings == ()


# ---------------------------------------------------------------- a tool that is behind


def test_a_tool_that_writes_its_old_copy_is_behind_and_no_edit(shared: Shared) -> None:
    person = shared.annotator()
    if shared.kind == "vott-v2":
        person.show("あ.jpg")
    shared.elsewhere("あ.jpg", CAT, replace(DOG, labels=("狼",)))
    shared.push()
    # When VoTT writes what it has in memory
    person.save()
    done = shared.pull()
    # Then that makes no revision, and is told as long as it lasts
    assert done.revisions == 0
    assert [(f.rule, f.image) for f in done.findings if f.rule != "undeclared-label"] == [("stale-tool", "あ.jpg")]
    assert {r.labels for r in shared.present("あ.jpg") or ()} == {("猫",), ("狼",)}
    # And it is written once more.
    assert shared.push().written == 1
    assert {r.labels for r in shared.there("あ.jpg") or ()} == {("猫",), ("狼",)}
    assert "stale-tool" not in rules(shared.pull().findings)


def test_an_edit_of_an_old_copy_is_merged_with_what_it_was_made_from(shared: Shared) -> None:
    person = shared.annotator()
    if shared.kind == "vott-v2":
        person.show("あ.jpg")
    shared.elsewhere("あ.jpg", CAT, replace(DOG, labels=("狼",)))
    shared.push()
    own = person.draw("あ.jpg", "猫", 2, 30, 12, 40)
    assert shared.pull().revisions == 1
    wanted = {("cat1", ("猫",)), ("dog1", ("狼",)), (own, ("猫",))}
    assert {(r.region_id, r.labels) for r in shared.present("あ.jpg") or ()} == wanted
    shared.push()
    assert {(r.region_id, r.labels) for r in shared.there("あ.jpg") or ()} == wanted
    # Once it is opened again, an edit is an edit, also of what we wrote.
    person = shared.annotator()
    person.relabel("あ.jpg", "dog1", "狐")
    assert shared.pull().revisions == 1
    assert {(r.region_id, r.labels) for r in shared.present("あ.jpg") or ()} == {
        ("cat1", ("猫",)),
        ("dog1", ("狐",)),
        (own, ("猫",)),
    }


def test_what_comes_back_again_and_again_is_for_a_person_to_choose(shared: Shared) -> None:
    person = shared.annotator()
    if shared.kind == "vott-v2":
        person.show("あ.jpg")
    shared.elsewhere("あ.jpg", CAT)
    for _ in range(3):
        assert shared.push().written == 1
        person.save()
        assert "stale-tool" in rules(shared.pull().findings)
    assert shared.push().written == 1
    person.save()
    assert "conflict" in rules(shared.pull().findings)
    ours, theirs = shared.heads("あ.jpg")
    assert shared.push().written == 0
    resolve(shared.ws, "p", "あ.jpg", theirs)
    assert ours < theirs
    assert shared.push().written == 0
    assert shared.there("あ.jpg") == (CAT, DOG)


# ---------------------------------------------------------------- names of labels


def test_a_renamed_label_is_renamed_in_the_tool(shared: Shared) -> None:
    rename(shared.ws, "p", "猫", "ねこ", "愛子")
    before = shared.files()
    assert shared.push().written == 2
    assert shared.tags() == ["ねこ", "犬"]
    assert {r.labels for name in NAMES[:2] for r in shared.there(name) or ()} == {("ねこ",), ("犬",)}
    assert shared.pull().revisions == 0
    after = shared.files()
    assert shared.push().written == 0
    assert shared.files() == after
    if shared.kind == "vott-v1":
        now, was = (json.loads(f[shared.place.name]) for f in (after, before))
        assert (now["inputTags"], now["tag_colors"]) == ("ねこ,犬", was["tag_colors"])


def test_a_name_that_a_region_still_has_stays_in_the_list(shared: Shared) -> None:
    """VoTT 1 takes the first tag off a region whose tag it does not list."""
    rename(shared.ws, "p", "犬", "いぬ", "愛子")
    ends = ((20.0, 10.0), (10.0, 20.0), (0.0, 10.0), (10.0, 0.0))
    shared.elsewhere("あ.jpg", CAT, replace(DOG, labels=("いぬ",)), Region("ellipse", ends, ("猫",)))
    shared.push()
    assert {r.labels for r in shared.there("あ.jpg") or ()} == {("猫",), ("犬",)}
    assert "犬" in shared.tags()


# ---------------------------------------------------------------- damage


def test_regions_that_a_damaged_file_lacks_are_not_gone(shared: Shared) -> None:
    if shared.kind == "vott-v1":
        path, whole = shared.place, shared.place.read_text("utf-8")
        path.write_text(whole[: whole.index("dog1") - 150], "utf-8")
    else:
        path = next(p for p in shared.place.glob("*-asset.json") if "dog1" in p.read_text("utf-8"))
        whole = path.read_text("utf-8")
        path.write_text(whole[: whole.index("dog1") - 10], "utf-8")
    waited: list[float] = []
    rest(shared.place)
    [done] = pull(shared.ws, "p", shared.source.name, wait=waited.append)
    assert waited == [2, 4, 8, 16]
    assert "damaged" in rules(done.findings)
    assert shared.present("あ.jpg") == (CAT, DOG)
    assert shared.present("い 1.jpg") == (CAT,)
    # A person's sync writes the file whole again, and keeps the damaged one.
    shared.push()
    assert shared.there("あ.jpg") == (CAT, DOG)
    assert shared.there("い 1.jpg") == (CAT,)
    assert [f for f in shared.pull().findings if f.rule in ("damaged", "lost")] == []


@pytest.mark.parametrize("shared", ["vott-v2"], indirect=True)  # VoTT 1 keeps all labels in one file.
def test_a_picture_that_vott_emptied_after_damage_is_not_empty(shared: Shared) -> None:
    path = next(p for p in shared.place.glob("*-asset.json") if "dog1" in p.read_text("utf-8"))
    path.write_text(path.read_text("utf-8")[:40], "utf-8")
    rest(shared.place)
    pull(shared.ws, "p", shared.source.name, wait=lambda _: None)
    person = shared.annotator()
    person.show("あ.jpg")
    person.save()
    assert not path.exists()
    for _ in range(2):
        rest(shared.place)
        [done] = pull(shared.ws, "p", shared.source.name, wait=lambda _: None)
        assert "destroyed" in rules(done.findings) or done.images == 0
        assert shared.present("あ.jpg") == (CAT, DOG)
    shared.push()
    assert shared.there("あ.jpg") == (CAT, DOG)


def test_files_that_are_being_written_are_read_when_they_are_at_rest(shared: Shared) -> None:
    shared.annotator().draw("あ.jpg", "猫", 2, 30, 12, 40)
    [done] = pull(shared.ws, "p", shared.source.name)
    assert [f.rule for f in done.findings] == ["unsettled"]
    [outcome] = push(shared.ws, "p", shared.source.name)
    assert (outcome.written, rules(outcome.refused)) == (0, {"unsettled"})
    assert shared.pull().revisions == 1


def test_a_project_that_knows_pictures_by_their_place_is_not_written(
    sqlite_workspace: Workspace, picture: Make, tmp_path: Path
) -> None:
    for name in ("a.jpg", "b.jpg"):
        picture(name, 64, 48, folder=tmp_path / "imgs")
    path = tmp_path / "imgs.json"
    region = {"x1": 1, "y1": 1, "x2": 20, "y2": 20, "width": 64, "height": 48, "type": "Rectangle", "tags": ["猫"]}
    frames = {"0": [{**region, "id": 0, "name": 1}], "1": [{**region, "id": 1, "name": 1}]}
    content = {"frames": frames, "framerate": "1", "inputTags": "猫", "visitedFrames": [0, 1], "scd": False}
    path.write_text(json.dumps(content), "utf-8")
    with sqlite_workspace.db.write() as tx:
        projects.create(tx, "p")
    source = connect_folder(sqlite_workspace, "p", "vott-v1", path, order="bytes")
    made = Shared(sqlite_workspace, "vott-v1", path, source)
    made.pull()
    made.elsewhere("a.jpg")
    before = path.read_bytes()
    assert rules(made.push().refused) == {"written-by-position"}
    assert path.read_bytes() == before


@pytest.mark.parametrize("seed", range(4))
def test_whatever_people_do_in_whatever_order_nothing_is_lost(shared: Shared, seed: int) -> None:
    chance, person, drawn = random.Random(seed), shared.annotator(), set()
    for n in range(14):
        left = 1.0 + 4 * n
        act = chance.choice(["draw", "draw", "elsewhere", "elsewhere", "reopen", "pull", "sync", "save"])
        if act == "draw":
            drawn.add(person.draw("あ.jpg", chance.choice(["猫", "犬"]), left, 20, left + 3, 24))
        elif act == "elsewhere" and len(shared.heads("あ.jpg")) == 1:
            new = Region.rectangle(Box(left, 30, left + 3, 34), "鳥", region_id=f"else{n}")
            shared.elsewhere("あ.jpg", *(shared.present("あ.jpg") or ()), new)
            drawn.add(f"else{n}")
        elif act == "reopen":
            person.reopen()
        elif act == "pull":
            shared.pull()
        elif act == "sync":
            shared.push()
        elif act == "save" and (shared.kind == "vott-v1" or person.shown):
            person.save()
    for _ in range(4):
        shared.push()
    with shared.ws.db.read() as tx:
        labels = projects.find(tx, "p").labels
        heads = revisions.heads(tx, images.find(tx, "p", "あ.jpg").id or 0, labels)
    assert {"cat1", "dog1", *drawn} <= {region.region_id for head in heads for region in head.regions}
    if len(heads) == 1:
        assert places(shared.there("あ.jpg")) == places(tuple(heads[0].regions))
        assert shared.push().written == 0


# ---------------------------------------------------------------- a model's boxes beside them


def guess(shared: Shared, name: str) -> PushItem:
    """What a checkpoint sees in a picture."""
    with shared.ws.db.read() as tx:
        wanted = images.find(tx, "p", name)
        item = images.items(tx, shared.source.id)[wanted.id or 0].item or name
    seen = Region.rectangle(Box(40, 2, 50, 12), "犬", author="checkpoint:cafe01", score=0.9)
    other = Region.rectangle(Box(2, 30, 12, 44), "猫", author="checkpoint:cafe01", score=0.8)
    return PushItem(item, 64, 48, Prediction(wanted.id or 0, name, "cafe01", (seen, other)))


def marks(shared: Shared, name: str) -> int:
    """How many of the model's boxes stand in the files, untouched."""
    reading = shared.ws.registry.format(shared.kind).read(shared.place, ReadOptions())
    return next(len(d.predictions) for d in reading.documents if d.image.name == name)


def test_marked_boxes_stay_beside_what_a_person_draws_and_we_change(shared: Shared) -> None:
    tool = reach(shared.ws, shared.source)
    outcome = tool.push("cafe01", [guess(shared, name) for name in ("未.jpg", "空.jpg", "あ.jpg")], [])
    # A picture on which somebody saw nothing, or drew, is not touched.
    assert (outcome.accepted, marks(shared, "未.jpg"), marks(shared, "空.jpg"), marks(shared, "あ.jpg")) == (1, 2, 0, 0)
    assert (shared.there("空.jpg"), shared.there("未.jpg")) == ((), None)
    shared.pull()
    shared.annotator().draw("未.jpg", "猫", 50, 30, 90, 40)
    shared.pull()
    assert check(shared.ws, "p", fix=True).fixed == 1
    assert shared.push().written == 1
    assert marks(shared, "未.jpg") == 2
    assert [r.points for r in shared.there("未.jpg") or ()] == [((50, 30), (64, 40))]
    assert (shared.pull().revisions, shared.push().written) == (0, 0)


def test_accepted_boxes_lose_their_mark_and_a_tool_that_is_behind_takes_nothing_back(shared: Shared) -> None:
    reach(shared.ws, shared.source).push("cafe01", [guess(shared, "未.jpg")], [])
    shared.pull()
    person = shared.annotator()
    if shared.kind == "vott-v2":
        person.show("未.jpg")
    accept(shared.ws, "p", ["未.jpg"])
    assert shared.push().written == 1
    wanted = [((2, 30), (12, 44)), ((40, 2), (50, 12))]
    assert (marks(shared, "未.jpg"), sorted(r.points for r in shared.there("未.jpg") or ())) == (0, wanted)
    assert shared.pull().revisions == 0
    # VoTT writes what it had in memory: the marked boxes.
    person.save()
    assert "stale-tool" in rules(shared.pull().findings)
    assert sorted(r.points for r in shared.present("未.jpg") or ()) == wanted
    assert shared.push().written == 1
    assert marks(shared, "未.jpg") == 0
