"""The side of a server elsewhere: commands act through its admin API; what answers is the same nouns."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from bridge.cli.answers import checkpoint_of, clash_of, delivery_of, node_of, run_of
from bridge.cli.side import OPEN, Clash, CutWish, Frozen, Outline, Pulled, Tally, TokenSeen, TrainWish, unless_unscored
from bridge.cli.unbegun import Begin
from bridge.client import Bridge
from bridge.errors import BridgeError, NotFoundError, UnreachableError
from bridge.model.annotation import fold_name
from bridge.model.delivery import OPEN as OPEN_DELIVERIES
from bridge.model.delivery import Delivery, Order
from bridge.model.finding import Finding
from bridge.model.job import ENDED, Job, JobState, Node
from bridge.model.prediction import Fared
from bridge.model.project import Project
from bridge.model.scores import Scores
from bridge.model.training import Checkpoint, Run

if TYPE_CHECKING:
    from bridge.loop.validate import Checked
    from bridge.plugin import Progress, PushOutcome

T = TypeVar("T")

# A check of a large project is answered when it is done.
_TIMEOUT = 900.0
_PAGE = 500
_LOOK_SECONDS = 0.2


class _Page(msgspec.Struct, Generic[T]):
    items: list[T]
    next: str | None


class Remote:
    """A bridge by its URL and a token of role admin."""

    def __init__(self, url: str, token: str) -> None:
        self._api = Bridge(url, token, timeout=_TIMEOUT, tries=3)

    def close(self) -> None:
        """Let go of all connections."""
        self._api.close()

    def _all(self, path: str, noun: Any = dict[str, Any], **params: Any) -> list[Any]:
        """Every item of a list as a noun, page by page."""
        found: list[Any] = []
        cursor: str | None = None
        while True:
            page = self._api.get(path, _Page[noun], cursor=cursor, limit=_PAGE, **params)
            found += page.items
            cursor = page.next
            if cursor is None:
                return found

    # ------------------------------------------------------------ projects

    def projects(self) -> list[tuple[Project, Tally]]:
        """All projects by name."""
        wholes = [self._api.get(f"/projects/{name}") for name in self.project_names()]
        return [(msgspec.convert(w, Project), msgspec.convert(w["counts"], Tally)) for w in wholes]

    def project_names(self) -> dict[str, str]:
        """The names of all projects by id."""
        return {one["id"]: one["name"] for one in self._all("/projects")}

    def project(self, wanted: str) -> Project:
        """A project by id or name; raises NotFoundError."""
        found: Project = self._api.get(self._place(wanted), Project)
        return found

    def _place(self, wanted: str) -> str:
        """Where a project lies; a name with a slash in it fits no path, so its id is looked up."""
        if "/" in wanted:
            ids = {name: project_id for project_id, name in self.project_names().items()}
            if wanted not in ids:
                raise NotFoundError("project-missing", project=wanted, known=", ".join(ids) or "-")
            wanted = ids[wanted]
        return f"/projects/{quote(wanted, safe='')}"

    def create_project(self, name: str) -> Project:
        """A new project; raises ConflictError when there is one of that name."""
        made: Project = self._api.post("/projects", {"name": name}, Project)
        return made

    def remove_project(self, wanted: str) -> None:
        """Forget a project with its labels, versions and runs."""
        self._api.delete(self._place(wanted))

    # ------------------------------------------------------------ labels

    def check(self, project: str, fix: bool, network: tuple[int, int], progress: Progress) -> Checked:
        """Run every validator; with fix, mend what is safe."""
        from bridge.loop.validate import STANDING, Checked, with_standing

        place = self._place(project)
        done = self._api.post(f"{place}/check", {"fix": fix, "network": network})
        kept = (f for rule in STANDING for f in self._all(f"{place}/findings", Finding, rule=rule))
        found = with_standing(self._all(f"{place}/findings", Finding, origin="check"), kept)
        return Checked(tuple(found), done["fixed"])

    def conflicts(self, project: str) -> list[Clash]:
        """The pictures whose labels clash."""
        return [clash_of(body) for body in self._api.get(f"{self._place(project)}/conflicts")["conflicts"]]

    def resolve(self, project: str, image: str, keep: int | None) -> int:
        """Let one set of labels hold, or all; raises ConflictError resolve-nothing, NotFoundError."""
        wish = {"keep": keep, "both": keep is None}
        whole = self._api.post(f"/images/{self._image_id(project, image)}/resolve", wish)
        return int(whole["heads"][0]["id"])

    def _image_id(self, project: str, image: str) -> int:
        wanted = fold_name(image)
        for one in self._all(f"{self._place(project)}/images", search=image):
            if fold_name(one["name"]) == wanted:
                return int(one["id"])
        raise NotFoundError("image-missing", image=image, project=self.project(project).id)

    def cut(self, project: str, wish: CutWish, progress: Progress) -> Frozen:
        """Freeze the present labels."""
        body = {name: getattr(wish, name) for name in CutWish.__dataclass_fields__}
        done = self._api.post(f"{self._place(project)}/versions", body)
        version = done["version"]
        told = {**version, **done, "version": version["id"]}
        return msgspec.convert(told, Frozen)

    # ------------------------------------------------------------ training

    def plan(self, project: str, wish: TrainWish) -> Outline:
        """A training as it would start."""
        made = self._api.post(f"{self._place(project)}/plan", self._wish(wish))
        version = self._api.get(f"/versions/{made['version']}")
        return msgspec.convert({**made, "train": version["train"], "valid": version["valid"]}, Outline)

    def start(self, project: str, wish: TrainWish) -> Run:
        """Start a training; raises ConflictError plan-broken, UnreachableError worker-missing."""
        return run_of(self._api.post(f"{self._place(project)}/runs", self._wish(wish)))

    def _wish(self, wish: TrainWish) -> dict[str, Any]:
        """The wish as the API takes it: cfg as text, and a weights file by its hash, once its bytes are there."""
        from bridge.cli.files import cfg_text, weights_file

        body = {name: getattr(wish, name) for name in TrainWish.__dataclass_fields__}
        body["cfg"] = cfg_text(wish.cfg) if wish.cfg else None
        if wish.weights not in ("none", "best", "last"):
            path, body["weights"] = weights_file(wish.weights)
            self._api.upload(path, body["weights"])
        return body

    def runs(self, project: str | None) -> list[Run]:
        """Runs, newest first."""
        wanted = {"project": self.project(project).id} if project else {}
        return [run_of(body) for body in self._all("/runs", **wanted)]

    def run(self, wanted: str) -> Run:
        """A run as it is now."""
        return run_of(self._api.get(_run_place(wanted)))

    def checkpoints(self, run_id: str) -> list[tuple[Checkpoint, Scores | None]]:
        """A run's checkpoints with their scores."""
        return [checkpoint_of(run_id, body) for body in self._all(f"{_run_place(run_id)}/checkpoints")]

    def judged(self, project: str) -> list[Fared]:
        """How a project's checkpoints fared with the people who judged their boxes."""
        return msgspec.convert(self._api.get(f"{self._place(project)}/judged")["judged"], list[Fared])

    def cancel(self, wanted: str) -> Run:
        """Ask a run to stop."""
        return run_of(self._api.post(f"{_run_place(wanted)}/cancel"))

    def resume(self, wanted: str) -> Run:
        """Go on with a run that has stopped; raises ConflictError run-not-resumable, and when no worker is there."""
        return run_of(self._api.post(f"{_run_place(wanted)}/resume"))

    def log(self, wanted: str, lines: int) -> list[str]:
        """The last lines that a run's program wrote."""
        return self._api.text(f"{_run_place(wanted)}/log", lines=lines).splitlines()

    # ------------------------------------------------------------ results

    def promote(self, checkpoint: str | None, project: str | None) -> tuple[str, str]:
        """Let a checkpoint pre-label the project of its run, or the one that is named."""
        if project is None:
            place = _place_of("checkpoint", str(checkpoint), least=4)
            project = str(self._api.get(place)["project"])
        whole = self._api.post(f"{self._place(project)}/promote", {"checkpoint": checkpoint})
        return whole["id"], whole["published"]

    def report(self, wanted: str) -> dict[str, Any]:
        """The figures of a run's report."""
        found: dict[str, Any] = self._api.get(f"{_run_place(wanted)}/report")
        return found

    def report_page(self, wanted: str, language: str) -> str:
        """A run's report as one HTML file."""
        return self._api.text(f"{_run_place(wanted)}/report", format="html", lang=language)

    def predict(self, project: str, checkpoint: str | None, only_unlabelled: bool) -> str:
        """Make a job that lets a checkpoint look at the pictures."""
        body = {"checkpoint": checkpoint, "only_unlabelled": only_unlabelled}
        return str(self._api.post(f"{self._place(project)}/predict", body)["jobs"][0])

    def job(self, job_id: str) -> Job:
        """One job."""
        found: Job = self._api.get(f"/jobs/{job_id}", Job)
        return found

    def jobs(self, project: str, kind: str, states: Sequence[JobState] = OPEN) -> list[Job]:
        """Jobs of a kind in these states."""
        place = f"/jobs?kind={kind}"
        return [job for state in states for job in self._all(place, Job, project=project, state=state.value)]

    # ------------------------------------------------------------ tools

    def sync(self, project: str, source: str | None) -> tuple[list[Pulled], list[PushOutcome]]:
        """Pull from the connected tools and push to them; waits until the server has done both."""
        from bridge.plugin import PushOutcome

        first, second = self._api.post(f"{self._place(project)}/sync", {"source": source})["jobs"]
        pulled = msgspec.convert(self._outcome(first), list[Pulled])
        return pulled, unless_unscored(lambda: msgspec.convert(self._outcome(second), list[PushOutcome]))

    def push(self, project: str, source: str | None) -> list[PushOutcome]:
        """Push predictions to the connected tools; waits until the server has done it."""
        from bridge.plugin import PushOutcome

        jobs = self._api.post(f"{self._place(project)}/push", {"source": source})["jobs"]
        return msgspec.convert(self._outcome(jobs[0]), list[PushOutcome])

    def _outcome(self, job_id: str) -> Any:
        """What a job of the server came to; raises the error that ended it, UnreachableError job-unbegun."""
        begin = Begin()
        while True:
            job = self.job(job_id)
            begin.check(self, job)
            if job.state is JobState.QUEUED and job.attempts:
                raise UnreachableError("job-retried", job=job_id)
            if job.state in ENDED:
                break
            time.sleep(_LOOK_SECONDS)
        if job.state is JobState.DONE:
            return job.progress["outcome"]
        failure = job.failure or {"rule": "job-ended", "fields": {"job": job_id, "state": job.state.value}}
        raise BridgeError(str(failure["rule"]), **failure["fields"])

    # ------------------------------------------------------------ the server

    def deliveries(self, project: str | None, settled: bool) -> list[Delivery]:
        """What waits for a person, newest first."""
        states = [None] if settled else [state.value for state in OPEN_DELIVERIES]
        found = [delivery_of(body) for state in states for body in self._all("/deliveries", state=state)]
        if project is None:
            return found
        names = {project} | {word for pair in self.project_names().items() if project in pair for word in pair}
        return [delivery for delivery in found if delivery.concerns(names)]

    def delivery(self, number: int) -> Delivery:
        """One delivery; raises NotFoundError."""
        return delivery_of(self._api.get(f"/deliveries/{number}"))

    def resume_delivery(self, number: int, order: Order | None, leave_newer: bool) -> Delivery:
        """Read again what was refused; raises RefusedError, ConflictError delivery-settled."""
        wish = {"order": order, "leave_newer": leave_newer}
        return delivery_of(self._api.post(f"/deliveries/{number}/resume", wish))

    def dismiss_delivery(self, number: int) -> Delivery:
        """Put a delivery aside; raises ConflictError delivery-settled."""
        return delivery_of(self._api.post(f"/deliveries/{number}/dismiss"))

    def nodes(self) -> list[Node]:
        """The machines that work for the bridge."""
        return [node_of(body) for body in self._all("/nodes")]

    def drain(self, node: str, draining: bool) -> None:
        """Let a node take no new training, or take it again."""
        self._api.post(f"{_place_of('node', node)}/{'drain' if draining else 'undrain'}")

    def tokens(self) -> list[TokenSeen]:
        """All tokens."""
        return self._all("/tokens", TokenSeen)

    def create_token(self, name: str, role: str) -> tuple[TokenSeen, str]:
        """A new token and its secret."""
        made = self._api.post("/tokens", {"name": name, "role": role})
        return msgspec.convert(made, TokenSeen), made["secret"]

    def revoke_token(self, token: str) -> None:
        """Make a token useless; raises NotFoundError."""
        self._api.delete(_place_of("token", token))


def _run_place(wanted: str) -> str:
    return _place_of("run", wanted, least=4)


def _place_of(noun: str, wanted: str, least: int = 1) -> str:
    """Where a thing lies; what no id can be lies nowhere. Raises NotFoundError."""
    if "/" in wanted or len(wanted) < least:
        raise NotFoundError(f"{noun}-missing", **{noun: wanted}, known="-")
    return f"/{noun}s/{quote(wanted, safe='')}"
