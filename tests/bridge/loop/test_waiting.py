from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.errors import ConflictError, NotFoundError, RefusedError
from bridge.loop import undecided, waiting
from bridge.model.delivery import DeliveryState
from bridge.plugin import ReadOptions
from bridge.store import deliveries, projects, revisions, tokens
from bridge.workspace import Workspace


def refused(ws: Workspace, path: Path, kind: str = "import") -> int:
    with ws.db.write() as tx:
        if kind == "import":
            return undecided.keep_import(tx, "浴衣", path, "coco", ReadOptions(), RefusedError("x"))
        body = {"project": "浴衣", "path": str(path)}
        return deliveries.put(tx, "in", kind, None, f"{kind}:{path}", body, DeliveryState.WAITING)[0]


def coco(path: Path, picture: Callable[..., Path]) -> Path:
    picture("い.jpg", folder=path.parent)
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 20], "area": 600, "iscrowd": 0}
    found = {
        "images": [{"id": 1, "file_name": "い.jpg", "width": 64, "height": 48}],
        "annotations": [box],
        "categories": [{"id": 1, "name": "浴衣"}],
    }
    path.write_text(json.dumps(found))
    return path


def test_a_refused_import_goes_on_when_a_person_has_decided(
    sqlite_workspace: Workspace, tmp_path: Path, picture: Callable[..., Path]
) -> None:
    number = refused(sqlite_workspace, coco(tmp_path / "a.json", picture))
    settled = waiting.resume(sqlite_workspace, number, "bytes", "愛子")
    assert settled.state is DeliveryState.DONE
    assert settled.outcome["boxes"] == 1
    with sqlite_workspace.db.read() as tx:
        found = projects.find(tx, "浴衣")
        assert revisions.counts(tx, found.id).boxes == 1
        assert ("愛子", "resume") in {(e["who"], e["what"]) for e in tokens.recorded(tx)}
    with pytest.raises(ConflictError, match="delivery-settled"):
        waiting.resume(sqlite_workspace, number, "bytes")


def test_what_cannot_be_imported_goes_on_waiting(sqlite_workspace: Workspace, tmp_path: Path) -> None:
    number = refused(sqlite_workspace, tmp_path / "gone.json")
    with pytest.raises(NotFoundError):
        waiting.resume(sqlite_workspace, number, "ntfs")
    with sqlite_workspace.db.read() as tx:
        assert deliveries.find(tx, number).state is DeliveryState.WAITING


def test_only_imports_are_resumed_but_anything_is_put_aside(sqlite_workspace: Workspace, tmp_path: Path) -> None:
    number = refused(sqlite_workspace, tmp_path, "push")
    with pytest.raises(ConflictError):
        waiting.resume(sqlite_workspace, number, "ntfs")
    assert waiting.dismiss(sqlite_workspace, number, "愛子").outcome == {"dismissed": "愛子"}
    with pytest.raises(ConflictError):
        waiting.dismiss(sqlite_workspace, number)
