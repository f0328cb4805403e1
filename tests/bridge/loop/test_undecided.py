"""What a person must decide: kept once, renewed in place, settled by whatever reads it after all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import RefusedError
from bridge.loop import reconcile, undecided, waiting
from bridge.loop.connect import connect_folder
from bridge.loop.intake import Imported, IntakeOptions, import_path
from bridge.model.delivery import BY_ORDER, Delivery, DeliveryState, Order
from bridge.plugin import ReadOptions
from bridge.store import deliveries, projects, revisions, tokens
from bridge.workspace import Workspace
from tests.untold import draw_untold


def read(ws: Workspace, path: Path, who: str = "local", **options: Any) -> Imported:
    return import_path(ws, "浴衣", path, IntakeOptions("auto", ReadOptions(**options), who))


def refuse(ws: Workspace, path: Path, **options: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read(ws, path, **options)
    return caught.value


def waits(ws: Workspace) -> list[Delivery]:
    with ws.db.read() as tx:
        return deliveries.listing(tx, state=DeliveryState.WAITING)


def every(ws: Workspace) -> list[Delivery]:
    with ws.db.read() as tx:
        return deliveries.listing(tx)


def owners(ws: Workspace) -> dict[str, tuple[str, ...]]:
    """The labels of every picture that has any."""
    with ws.db.read() as tx:
        found = projects.find(tx, "浴衣")
        present = list(revisions.current(tx, found.id, found.labels))
    return {
        c.document.image.name: tuple(n for r in c.document.regions for n in r.labels)
        for c in present
        if c.document.regions
    }


def test_one_import_waits_once_however_often_it_is_tried(sqlite_workspace: Workspace, tmp_path: Path) -> None:
    path = draw_untold(tmp_path)
    first = refuse(sqlite_workspace, path)
    [kept] = waits(sqlite_workspace)
    assert first.rule in BY_ORDER
    assert first.fields["delivery"] == kept.id
    # Tried again after a picture came, it is the same delivery, and says what is wrong now.
    (tmp_path / "images" / "new.jpg").write_bytes((tmp_path / "images" / "B.jpg").read_bytes())
    again = refuse(sqlite_workspace, path)
    [renewed] = waits(sqlite_workspace)
    assert (renewed.id, renewed.at) == (kept.id, kept.at)
    assert renewed.body["refusal"]["fields"]["found"] == again.fields["found"] == 6
    # Another path, or another project, waits for itself.
    refuse(sqlite_workspace, draw_untold(tmp_path / "other"))
    with pytest.raises(RefusedError):
        import_path(sqlite_workspace, "帯", path, IntakeOptions())
    assert len(waits(sqlite_workspace)) == 3


def test_the_terminal_settles_what_waits(sqlite_workspace: Workspace, tmp_path: Path) -> None:
    path = draw_untold(tmp_path)
    refuse(sqlite_workspace, path)
    done = read(sqlite_workspace, path, "愛子", order="ntfs")
    assert waits(sqlite_workspace) == []
    [settled] = every(sqlite_workspace)
    assert settled.outcome == {"order": "ntfs", "who": "愛子", **done.outcome}
    with sqlite_workspace.db.read() as tx:
        [entry] = [e for e in tokens.recorded(tx, done.project) if e["what"] == "resume"]
    assert (entry["who"], entry["fields"]["order"]) == ("愛子", "ntfs")
    # Refused once more, it waits under a new number; what was decided stays listed.
    refuse(sqlite_workspace, path)
    assert [d.state for d in every(sqlite_workspace)] == [DeliveryState.WAITING, DeliveryState.DONE]


@pytest.mark.parametrize(("order", "first"), [("ntfs", "a1.jpg"), ("bytes", "B.jpg")])
def test_the_order_that_was_chosen_decides_whose_the_boxes_are(
    sqlite_workspace: Workspace, tmp_path: Path, order: Order, first: str
) -> None:
    refuse(sqlite_workspace, draw_untold(tmp_path))
    [kept] = waits(sqlite_workspace)
    settled = waiting.resume(sqlite_workspace, kept.id, order, "愛子")
    assert settled.state is DeliveryState.DONE
    assert (settled.outcome["order"], settled.outcome["boxes"]) == (order, 4)
    assert owners(sqlite_workspace)[first] == ("帯",)


def test_all_that_was_said_of_the_import_holds_when_it_goes_on(
    sqlite_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = draw_untold(tmp_path)
    (tmp_path / "images").rename(tmp_path / "写真")
    monkeypatch.chdir(tmp_path)
    refuse(sqlite_workspace, path, images=Path("写真"), label_config=Path("config.xml"), max_megapixels=50)
    monkeypatch.chdir("/")
    [kept] = waits(sqlite_workspace)
    assert undecided.read_options(kept.body) == ReadOptions(
        tmp_path / "写真", "auto", tmp_path / "config.xml", max_megapixels=50
    )
    assert waiting.resume(sqlite_workspace, kept.id, "ntfs").outcome["boxes"] == 4


def test_refused_again_it_goes_on_waiting_with_what_is_wrong_now(sqlite_workspace: Workspace, tmp_path: Path) -> None:
    refuse(sqlite_workspace, draw_untold(tmp_path))
    [kept] = waits(sqlite_workspace)
    for name in ("B.jpg", "浴衣.jpg"):
        (tmp_path / "images" / name).rename(tmp_path / name)
    with pytest.raises(RefusedError, match="index-short"):
        waiting.resume(sqlite_workspace, kept.id, "ntfs")
    [still] = waits(sqlite_workspace)
    assert (still.id, still.body["refusal"]["rule"]) == (kept.id, "index-short")
    # Back in their place, it goes on.
    for name in ("B.jpg", "浴衣.jpg"):
        (tmp_path / name).rename(tmp_path / "images" / name)
    assert waiting.resume(sqlite_workspace, kept.id, "ntfs").state is DeliveryState.DONE


def test_names_that_are_no_text_wait_too(sqlite_workspace: Workspace, tmp_path: Path) -> None:
    path = draw_untold(tmp_path)
    (tmp_path / "images" / "a1.jpg").rename(tmp_path / "images" / "a\udcff.jpg")
    refuse(sqlite_workspace, path)
    assert len(waits(sqlite_workspace)) == 1


# ---------------------------------------------------------------- a connected folder


def connected(ws: Workspace, path: Path, **options: Any) -> None:
    with ws.db.write() as tx:
        projects.create(tx, "浴衣")
    connect_folder(ws, "浴衣", "vott-v1", path, "愛子", **options)


def test_a_folder_that_must_be_decided_is_connected_and_waits(sqlite_workspace: Workspace, tmp_path: Path) -> None:
    path = draw_untold(tmp_path)
    with pytest.raises(RefusedError) as caught:
        connected(sqlite_workspace, path)
    [kept] = waits(sqlite_workspace)
    assert (kept.id, kept.kind) == (caught.value.fields["delivery"], "pull")
    # Every poll is refused, and it is still one delivery.
    with pytest.raises(RefusedError):
        reconcile.pull(sqlite_workspace, "浴衣")
    assert [d.id for d in waits(sqlite_workspace)] == [kept.id]
    # The choice stays with the connection: what the annotator does next is read in the same way.
    settled = waiting.resume(sqlite_workspace, kept.id, "ntfs", "愛子")
    assert (settled.state, settled.outcome["order"], settled.outcome["who"]) == (DeliveryState.DONE, "ntfs", "愛子")
    assert owners(sqlite_workspace)["a1.jpg"] == ("帯",)
    raw = json.loads(path.read_text("utf-8"))
    raw["frames"]["0"][0]["tags"] = ["浴衣"]
    path.write_text(json.dumps(raw), "utf-8")
    os.utime(path, (1, 1))  # Nobody is writing it any more.
    reconcile.pull(sqlite_workspace, "浴衣")
    assert owners(sqlite_workspace)["a1.jpg"] == ("浴衣",)


def test_a_folder_may_be_connected_with_its_order(sqlite_workspace: Workspace, tmp_path: Path) -> None:
    path = draw_untold(tmp_path)
    connected(sqlite_workspace, path, order="bytes")
    reconcile.pull(sqlite_workspace, "浴衣")
    assert owners(sqlite_workspace)["B.jpg"] == ("帯",)
    # Connected again without one, it keeps it; with another, it is read again.
    connect_folder(sqlite_workspace, "浴衣", "vott-v1", path)
    with sqlite_workspace.db.read() as tx:
        [source] = projects.sources(tx, projects.find(tx, "浴衣").id)
    assert source.options["order"] == "bytes"
    connect_folder(sqlite_workspace, "浴衣", "vott-v1", path, order="ntfs")
    reconcile.pull(sqlite_workspace, "浴衣")
    assert owners(sqlite_workspace)["a1.jpg"] == ("帯",)


def test_a_pull_that_was_put_aside_comes_back_only_with_news(sqlite_workspace: Workspace, tmp_path: Path) -> None:
    path = draw_untold(tmp_path)
    with pytest.raises(RefusedError):
        connected(sqlite_workspace, path)
    [kept] = waits(sqlite_workspace)
    waiting.dismiss(sqlite_workspace, kept.id)
    with pytest.raises(RefusedError):
        reconcile.pull(sqlite_workspace, "浴衣")
    assert waits(sqlite_workspace) == []
    (tmp_path / "images" / "B.jpg").unlink()
    (tmp_path / "images" / "浴衣.jpg").unlink()
    with pytest.raises(RefusedError):
        reconcile.pull(sqlite_workspace, "浴衣")
    assert len(waits(sqlite_workspace)) == 1


def test_a_choice_that_is_refused_does_not_stay_with_the_connection(
    sqlite_workspace: Workspace, tmp_path: Path
) -> None:
    path = draw_untold(tmp_path)
    with pytest.raises(RefusedError):
        connected(sqlite_workspace, path)
    (tmp_path / "images" / "B.jpg").unlink()
    (tmp_path / "images" / "浴衣.jpg").unlink()
    [kept] = waits(sqlite_workspace)
    with pytest.raises(RefusedError):
        waiting.resume(sqlite_workspace, kept.id, "bytes")
    with sqlite_workspace.db.read() as tx:
        [source] = projects.sources(tx, projects.find(tx, "浴衣").id)
    assert "order" not in source.options
