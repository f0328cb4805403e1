"""The work protocol as a node speaks it: each message is one verb."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bridge.client import Bridge
from bridge.errors import BridgeError, MissingPartError, UnreachableError
from bridge.model.job import Node
from bridge.model.work import Beat, End, Events, Found, Grant, Manifest, NewCheckpoint, Orders

# A list of ids travels in the address of a request.
_IDS_AT_ONCE = 400


class Desk:
    """Where a node gets its work and hands it in."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge

    def register(self, node: Node) -> Orders:
        """Say that this node is there."""
        said = {
            "name": node.name,
            "gpus": node.gpus,
            "engine": node.engine,
            "queues": node.queues,
            "disk_free": node.disk_free,
        }
        answer: Orders = self.bridge.post("/work/node", said, Orders)
        return answer

    def lease(self, job_id: str, holder: str) -> Grant:
        """Take a job; raises StaleLeaseError when somebody holds it or it has ended."""
        answer: Grant = self.bridge.post(f"/work/jobs/{job_id}/lease", {"holder": holder}, Grant)
        return answer

    def beat(self, job_id: str, beat: Beat) -> bool:
        """Prolong a lease; whether the job should be cancelled."""
        return bool(self.bridge.post(f"/work/jobs/{job_id}/heartbeat", beat)["cancel"])

    def events(self, job_id: str, said: Events) -> int:
        """Hand in events; how many were new."""
        return int(self.bridge.post(f"/work/jobs/{job_id}/events", said)["new"])

    def checkpoint(self, job_id: str, said: NewCheckpoint) -> str:
        """Hand in weights whose bytes were uploaded; gives the checkpoint's id."""
        return str(self.bridge.post(f"/work/jobs/{job_id}/checkpoints", said)["checkpoint"])

    def found(self, job_id: str, said: Found) -> None:
        """Hand in detections; a part that comes twice counts once."""
        self.bridge.post(f"/work/jobs/{job_id}/detections", said, again=True)

    def finish(self, job_id: str, end: End) -> None:
        """End a job, or give it back."""
        self.bridge.post(f"/work/jobs/{job_id}/finish", end)

    def dataset(self, version: str) -> Manifest:
        """A frozen dataset version."""
        answer: Manifest = self.bridge.get(f"/work/datasets/{version}", Manifest)
        return answer

    def pictures(self, project: str, ids: Sequence[int] | None) -> Manifest:
        """Pictures to predict on."""
        if ids is None:
            answer: Manifest = self.bridge.get("/work/pictures", Manifest, project=project)
            return answer
        parts: list[Manifest] = [
            self.bridge.get(
                "/work/pictures", Manifest, project=project, ids=",".join(map(str, ids[n : n + _IDS_AT_ONCE]))
            )
            for n in range(0, max(len(ids), 1), _IDS_AT_ONCE)
        ]
        return Manifest("", parts[0].labels, tuple(member for part in parts for member in part.members))

    def upload(self, path: Path, sha256: str) -> None:
        """Give the bridge a file's bytes unless it has them."""
        self.bridge.upload(path, sha256)


def passes(error: BridgeError) -> bool:
    """Whether trying again later can help: no answer, or a bridge without disk or store for the moment."""
    return isinstance(error, UnreachableError | MissingPartError)
