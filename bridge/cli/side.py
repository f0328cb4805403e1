"""What commands ask of a bridge, whichever side of it they stand on: its data folder (local) or a URL (remote)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bridge.errors import BridgeError
from bridge.model.delivery import Delivery, Order
from bridge.model.finding import Finding
from bridge.model.job import Job, JobState, Node
from bridge.model.prediction import Fared
from bridge.model.project import Project
from bridge.model.scores import Scores
from bridge.model.training import Checkpoint, Recipe, Run

if TYPE_CHECKING:
    from bridge.loop.validate import Checked
    from bridge.plugin import Progress, PushOutcome

OPEN = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class Tally:
    """Pictures of a project by state, and their boxes."""

    images: int
    labelled: int
    reviewed_empty: int
    unknown: int
    boxes: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What one set of labels says otherwise of one region; boxes are corners in pixels, was_… what stood there before.

    kind is added, removed, moved, relabelled, or changed (moved and relabelled).
    """

    kind: str
    labels: tuple[str, ...]
    box: tuple[float, ...] | None = None
    was_labels: tuple[str, ...] | None = None
    was_box: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """One of the sets of labels that a picture in conflict has; number is what --keep takes.

    changes are against what all sets were made from, or another set where they have nothing in common.
    """

    number: int
    source: str
    author: str
    at: str
    boxes: int
    changes: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Clash:
    """A picture whose labels clash, with the sets that are open, oldest first."""

    image: str
    heads: tuple[Head, ...]


@dataclass(frozen=True, slots=True)
class Frozen:
    """A dataset version that was cut, with how many pictures it trains on and holds out."""

    version: str
    new: bool
    labels: tuple[str, ...]
    train: int
    valid: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class CutWish:
    """How to cut; held_out names the pictures to hold out (None: our choice)."""

    fraction: float = 0.9
    seed: int = 0
    held_out: frozenset[str] | None = None
    keep_pictures: bool = False


@dataclass(frozen=True, slots=True)
class TrainWish:
    """What a person asks of a training; weights is none, best, last or a file, version None the newest cut."""

    template: str = ""
    cfg: Path | None = None
    adapt: bool = False
    network: tuple[int, int] | None = None
    batch: int | None = None
    subdivisions: int | None = None
    max_batches: int | None = None
    weights: str = "none"
    node: str | None = None
    gpus: tuple[int, ...] = ()
    seed: int = 0
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """A training as it would start; hours is None until a run of the same network was measured there."""

    project: str
    version: str
    train: int
    valid: int
    recipe: Recipe
    findings: tuple[Finding, ...]
    hours: float | None
    disk_bytes: int
    checkpoints: int


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came in from a connected tool."""

    images: int
    boxes: int
    revisions: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class TokenSeen:
    """A key to the bridge, without its secret; expires is in seconds since 1970."""

    id: str
    name: str
    role: str
    created: str
    expires: float | None
    revoked: bool


class Side(Protocol):
    """Everything that works here and from afar; raises what the loop raises, and UnreachableError from afar."""

    def projects(self) -> list[tuple[Project, Tally]]:
        """All projects by name."""

    def project_names(self) -> dict[str, str]:
        """The names of all projects by id."""

    def project(self, wanted: str) -> Project:
        """A project by id or name."""

    def create_project(self, name: str) -> Project:
        """A new project."""

    def remove_project(self, wanted: str) -> None:
        """Forget a project."""

    def check(self, project: str, fix: bool, network: tuple[int, int], progress: Progress) -> Checked:
        """Run every validator; with fix, mend what is safe."""

    def conflicts(self, project: str) -> list[Clash]:
        """The pictures whose labels clash."""

    def resolve(self, project: str, image: str, keep: int | None) -> int:
        """Let one of a picture's clashing sets of labels hold, or all together; gives the new revision's number."""

    def cut(self, project: str, wish: CutWish, progress: Progress) -> Frozen:
        """Freeze the present labels."""

    def plan(self, project: str, wish: TrainWish) -> Outline:
        """A training as it would start."""

    def start(self, project: str, wish: TrainWish) -> Run:
        """Start it."""

    def runs(self, project: str | None) -> list[Run]:
        """Runs, newest first."""

    def run(self, wanted: str) -> Run:
        """A run by its id or the beginning of it, with the iteration it is at now."""

    def checkpoints(self, run_id: str) -> list[tuple[Checkpoint, Scores | None]]:
        """A run's checkpoints by iteration, with their scores under darknet's rule."""

    def judged(self, project: str) -> list[Fared]:
        """How a project's checkpoints fared with the people who judged their boxes."""

    def cancel(self, wanted: str) -> Run:
        """Ask a run to stop."""

    def resume(self, wanted: str) -> Run:
        """Go on with a run that has stopped."""

    def log(self, wanted: str, lines: int) -> list[str]:
        """The last lines that a run's program wrote."""

    def promote(self, checkpoint: str | None, project: str | None) -> tuple[str, str]:
        """Let a checkpoint (None: the best of the project) pre-label; gives project id and checkpoint id."""

    def report(self, wanted: str) -> dict[str, Any]:
        """The figures of a run's report."""

    def report_page(self, wanted: str, language: str) -> str:
        """A run's report as one HTML file."""

    def predict(self, project: str, checkpoint: str | None, only_unlabelled: bool) -> str:
        """Make a job that lets a checkpoint look at the pictures; gives its id."""

    def job(self, job_id: str) -> Job:
        """One job."""

    def jobs(self, project: str, kind: str, states: Sequence[JobState] = OPEN) -> list[Job]:
        """Jobs of a kind in these states: those that are due or running, if nothing is said."""

    def sync(self, project: str, source: str | None) -> tuple[list[Pulled], list[PushOutcome]]:
        """Pull from the connected tools and push to them."""

    def push(self, project: str, source: str | None) -> list[PushOutcome]:
        """Push predictions to the connected tools."""

    def deliveries(self, project: str | None, settled: bool) -> list[Delivery]:
        """What waits for a person (of a project), newest first; with settled, also what is done."""

    def delivery(self, number: int) -> Delivery:
        """One delivery."""

    def resume_delivery(self, number: int, order: Order | None, leave_newer: bool) -> Delivery:
        """Read again what was refused, in this order."""

    def dismiss_delivery(self, number: int) -> Delivery:
        """Put a delivery aside."""

    def nodes(self) -> list[Node]:
        """The machines that work for the bridge."""

    def drain(self, node: str, draining: bool) -> None:
        """Let a node take no new training, or take it again."""

    def tokens(self) -> list[TokenSeen]:
        """All tokens."""

    def create_token(self, name: str, role: str) -> tuple[TokenSeen, str]:
        """A new token and its secret."""

    def revoke_token(self, token: str) -> None:
        """Make a token useless."""


def unless_unscored(push: Callable[[], list[PushOutcome]]) -> list[PushOutcome]:
    """What a push did; nothing, while there is no model yet that could have drawn a box."""
    try:
        return push()
    except BridgeError as error:
        if error.rule != "checkpoint-none":
            raise
        return []
