"""The client against the real app: named errors, retries, and bytes that arrive whole or not at all."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.client import Bridge
from bridge.errors import (
    AccessError,
    ConflictError,
    InputError,
    MissingPartError,
    NotFoundError,
    StaleLeaseError,
    UnreachableError,
)
from bridge.model.annotation import Image
from bridge.model.job import Node
from bridge.picture import stamp
from bridge.settings import Settings
from bridge.store import images, jobs, nodes, projects
from bridge.web.api import blobs
from bridge.workspace import Workspace, open_workspace
from tests.serving import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    ws = open_workspace(Settings(data=tmp_path_factory.mktemp("client") / "data"), create=True)
    with serving(ws) as found:
        yield found
    ws.close()


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_an_error_comes_back_as_it_was_raised(served: Served) -> None:
    with pytest.raises(NotFoundError) as caught:
        served.bridge().get("/work/datasets/abcdef")
    assert caught.value.rule == "version-missing"
    assert caught.value.fields["version"] == "abcdef"
    with pytest.raises(InputError, match="request-invalid"):
        served.bridge().post("/work/node", {"name": 3})


def test_a_held_job_and_a_draining_node_are_told_apart(served: Served) -> None:
    with served.ws.db.write() as tx:
        held = jobs.put(tx, "train", "train", {})
        jobs.lease(tx, held, "other/train", time.time(), 60)
        nodes.put(tx, Node("n1"))
        nodes.drain(tx, "n1", True)
    bridge = served.bridge()
    with pytest.raises(StaleLeaseError, match="job-held"):
        bridge.post(f"/work/jobs/{held}/lease", {"holder": "n2/train"})
    with pytest.raises(ConflictError, match="node-draining") as caught:
        bridge.post(f"/work/jobs/{held}/lease", {"holder": "n1/train"})
    assert not isinstance(caught.value, StaleLeaseError)


@pytest.mark.parametrize("token", ["", "lb_wrong"])
def test_nobody_gets_in_without_a_valid_token(served: Served, token: str) -> None:
    with pytest.raises(AccessError):
        served.bridge(token=token).post("/work/node", {"name": "n"})
    with pytest.raises(AccessError):
        served.bridge(token=token).has("0" * 64)


def test_a_server_that_is_away_is_waited_for_where_that_does_no_harm(served: Served) -> None:
    bridge = served.bridge(tries=6)
    served.stop()
    with pytest.raises(UnreachableError, match="bridge-unreachable"):
        bridge.post("/work/node", {"name": "n"})  # Once only: it might have been heard.
    threading.Timer(0.5, served.start).start()
    assert bridge.has("0" * 64) is False


def test_bytes_go_up_and_come_down(served: Served, tmp_path: Path) -> None:
    data = bytes(range(256)) * 20_000
    source = tmp_path / "重み.weights"
    source.write_bytes(data)
    bridge = served.bridge()
    assert bridge.upload(source, hash_of(data)) is True
    assert bridge.upload(source, hash_of(data)) is False
    bridge.download(hash_of(data), tmp_path / "in" / "there.weights")
    assert (tmp_path / "in" / "there.weights").read_bytes() == data


def test_other_bytes_than_announced_are_not_kept(served: Served, tmp_path: Path) -> None:
    source = tmp_path / "w"
    source.write_bytes(b"something else")
    with pytest.raises(InputError, match="blob-differs"):
        served.bridge().upload(source, hash_of(b"what was announced"))
    assert not served.ws.blobs.has(hash_of(b"something else"))


def refer(ws: Workspace, path: Path) -> str:
    digest = hash_of(path.read_bytes())
    with ws.db.write() as tx:
        project = projects.create(tx, str(path))
        images.put(tx, project.id, [Image(path.name, 1, 1, digest, file=stamp(path))])
    return digest


def test_a_picture_is_served_from_where_it_lies(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "写真.jpg"
    path.write_bytes(b"pixels" * 400_000)
    digest = refer(served.ws, path)
    bridge = served.bridge()
    assert bridge.has(digest)
    bridge.download(digest, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == path.read_bytes()


def test_a_changed_picture_is_never_passed_off_as_the_old_one(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"first" * 100)
    digest = refer(served.ws, path)
    path.write_bytes(b"later" * 100 + b"!")
    with pytest.raises(NotFoundError, match="blob-missing"):
        served.bridge().download(digest, tmp_path / "got")
    # Even when size and time say that nothing happened.
    path.write_bytes(b"other" * 100)
    with served.ws.db.write() as tx:
        (image,) = images.by_sha(tx, digest)
        images.change(tx, [Image(image.name, 1, 1, digest, file=stamp(path), id=image.id)])
    with pytest.raises(NotFoundError):
        served.bridge(tries=1).download(digest, tmp_path / "got")
    # Nor when it is too large to be looked at first.
    monkeypatch.setattr(blobs, "_WHOLE", 0)
    with pytest.raises(UnreachableError):
        served.bridge(tries=1).download(digest, tmp_path / "got")
    assert not (tmp_path / "got").exists()
    assert list(tmp_path.glob("*.part")) == []


def test_a_folder_that_cannot_be_written_has_a_name(served: Served, tmp_path: Path) -> None:
    digest = served.ws.blobs.put(b"x")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MissingPartError, match="folder-unwritable"):
        served.bridge().download(digest, tmp_path / "file" / "below")


def test_something_else_that_answers_is_not_taken_for_a_bridge(served: Served) -> None:
    odd = Bridge(f"{served.url}/elsewhere", served.token, tries=1)
    with pytest.raises((UnreachableError, NotFoundError)):
        odd.get("/work/pictures")
    odd.close()
