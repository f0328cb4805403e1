"""Recipe + DatasetVersion → a Run and its due job; and what a person may ask of a run later."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from bridge import picture
from bridge.errors import ConflictError, InputError, MissingPartError, NotFoundError, RefusedError
from bridge.listeners import tell
from bridge.loop.anchors import fit_version
from bridge.loop.cut import CutOptions, cut
from bridge.loop.fitting import FitWish
from bridge.model.anchors import Anchors, Fit
from bridge.model.dataset import DatasetVersion
from bridge.model.finding import Finding, Severity
from bridge.model.job import ENDED, JobState, Node
from bridge.model.training import Recipe, Run
from bridge.plugin import Engine, EngineInfo, Outlook, RecipeWish
from bridge.store import datasets, images, jobs, nodes, projects, runs, tokens
from bridge.store.database import now
from bridge.workspace import Workspace

ENGINE = "darknet"
# A node that has not spoken for this many heartbeats is taken for dead.
_SILENT_BEATS = 6
# Keys of a cfg with which an iteration takes as long as without them.
_SAME_WORK = frozenset({"max_batches", "steps", "scales", "burn_in", "anchors"})


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the person asked; weights is none, best, last or a file. version None = the newest cut (made if missing).

    template "" = the built-in network that suits the node's trainer.
    """

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
class Plan:
    """A training as it would start: every rule it breaks, and what it will take. hours is None until measured here."""

    project: str
    recipe: Recipe
    version: DatasetVersion
    findings: tuple[Finding, ...]
    outlook: Outlook
    picture_bytes: int
    hours: float | None
    node: str | None
    anchors: Anchors | None = None
    weights_file: Path | None = field(default=None, compare=False)
    fit: Fit | None = None

    @property
    def disk_bytes(self) -> int:
        """Bytes that pictures and checkpoints will take on the node."""
        return self.picture_bytes + self.outlook.weights_bytes * self.outlook.checkpoints


def plan(ws: Workspace, project: str, options: PlanOptions, who: str = "local") -> Plan:
    """Decide everything and start nothing (but cut a first dataset version, when there is none)."""
    version = _version(ws, project, options, who)
    engine = ws.registry.engine(ENGINE)
    node = _node(ws, options.node)
    info = engine_info(node)
    weights, weights_file = _weights(ws, version.project, options.weights)
    wish = RecipeWish(
        version.labels,
        len(version.part("train")),
        options.template or engine.template(info),
        options.cfg.read_text("utf-8", "replace") if options.cfg else None,
        options.adapt,
        None,
        options.network,
        options.batch,
        options.subdivisions,
        options.max_batches,
        options.gpus,
        weights,
    )
    keeps_own = not engine.anchors_wanted(wish)[0]
    fit = _fit(ws, engine, version, wish, options)
    anchors = fit.anchors if fit and not keeps_own else None
    recipe = engine.draft(replace(wish, anchors=anchors))
    found = engine.preflight(recipe, info, len(version.part("train"))) + _notes(fit, keeps_own)
    if weights is not None:
        wrong = engine.check_weights(weights_file or ws.blobs.path(weights), recipe, info)
        # The node gets the file under a name of ours, so that its own name does no harm; and where the server keeps
        # its blobs is nobody's business.
        wrong = [f for f in wrong if f.rule != "weights-name"]
        found += [replace(f, fields={**f.fields, "path": Path(options.weights).name}) for f in wrong]
    outlook = engine.outlook(recipe, info)
    with ws.db.read() as tx:
        size = _picture_bytes(tx, version)
        hours = _hours(tx, recipe, version.project, node)
    chosen = options.node
    return Plan(
        version.project, recipe, version, tuple(found), outlook, size, hours, chosen, anchors, weights_file, fit
    )


def start(ws: Workspace, plan: Plan, who: str) -> Run:
    """Write the run and its job; raises RefusedError plan-broken, or MissingPartError when no worker is alive."""
    broken = [f for f in plan.findings if f.severity is Severity.ERROR]
    if broken:
        raise RefusedError("plan-broken", rules=", ".join(f.rule for f in broken), findings=broken)
    queue = f"train.{plan.node}" if plan.node else "train"
    _require_engine(require_worker(ws, queue))
    if plan.weights_file is not None:
        ws.blobs.put_file(plan.weights_file)
    run_id = jobs.new_id()
    with ws.db.write() as tx:
        job_id = jobs.put(tx, "train", queue, {"run": run_id}, plan.project, f"train:{run_id}")
        run = Run(run_id, plan.project, plan.version.id, plan.recipe, job_id, now())
        runs.put(tx, run)
        tokens.record(tx, who, "train", plan.project, {"run": run_id, "version": plan.version.id})
    tell(ws.registry, "run_changed", run_id=run.id, state=run.state.value)
    return run


def cancel(ws: Workspace, run_id: str, who: str) -> Run:
    """Ask a run to stop; what it saved stays."""
    with ws.db.write() as tx:
        before = runs.find(tx, run_id)
        jobs.cancel(tx, before.job_id)
        tokens.record(tx, who, "cancel", before.project, {"run": before.id})
        run = runs.find(tx, run_id)
    if run.state is not before.state:  # One that runs is only asked; its worker tells when it has stopped.
        tell(ws.registry, "run_changed", run_id=run.id, state=run.state.value)
    return run


def resume(ws: Workspace, run_id: str, who: str) -> Run:
    """Go on with an ended run from its last good checkpoint; raises ConflictError for one that has not ended."""
    with ws.db.write() as tx:
        run = runs.find(tx, run_id)
        if run.state not in ENDED or run.state is JobState.DONE:
            raise ConflictError("run-not-resumable", run=run.id, state=run.state.value)
        jobs.requeue(tx, run.job_id)
        tokens.record(tx, who, "resume", run.project, {"run": run.id})
        run = runs.find(tx, run.id)
    tell(ws.registry, "run_changed", run_id=run.id, state=run.state.value)
    return run


def require_worker(ws: Workspace, queue: str) -> list[Node]:
    """The living nodes that take this queue; raises MissingPartError worker-missing when there is none."""
    found = [node for node in living_nodes(ws) if queue in node.queues]
    if not found:
        raise MissingPartError("worker-missing", queue=queue)
    return found


def _require_engine(nodes_: Sequence[Node]) -> None:
    """Raises MissingPartError engine-missing when no node of these has a trainer."""
    if not any(node.engine for node in nodes_):
        raise MissingPartError("engine-missing", engine=ENGINE, program=ENGINE, node=", ".join(n.name for n in nodes_))


def living_nodes(ws: Workspace) -> list[Node]:
    """Nodes that have spoken lately."""
    since = time.time() - max(ws.settings.heartbeat_seconds * _SILENT_BEATS, 10.0)
    with ws.db.read() as tx:
        return [node for node in nodes.listing(tx) if node.seen >= since]


def engine_info(node: Node | None) -> EngineInfo | None:
    """The engine that a node says it has."""
    if node is None or not node.engine:
        return None
    return msgspec.convert(node.engine, EngineInfo)


def _fit(ws: Workspace, engine: Engine, version: DatasetVersion, wish: RecipeWish, options: PlanOptions) -> Fit | None:
    """Anchors beside those that the network has; None for a cfg that keeps its own, where nothing can be said of it."""
    count, network = engine.anchors_wanted(wish)
    name = options.cfg.name if options.cfg else wish.template
    own = engine.anchors_of(engine.draft(wish).cfg, name)
    if count:
        return fit_version(ws, version, FitWish(network, count, options.seed, own))
    try:
        return fit_version(ws, version, FitWish(seed=options.seed, given=own)) if own else None
    except InputError:
        return None  # Too few boxes: that is no reason not to train on a cfg as it is.


def _notes(fit: Fit | None, keeps_own: bool) -> list[Finding]:
    """What a plan should say of anchors: whether others are worth it only where the cfg keeps its own."""
    moot = {"anchors-keep"} if keeps_own else {"anchors-keep", "anchors-either", "anchors-refit"}
    return [finding for finding in (fit.findings if fit else ()) if finding.rule not in moot]


def _version(ws: Workspace, project: str, options: PlanOptions, who: str) -> DatasetVersion:
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        if options.version is not None:
            version = datasets.find(tx, options.version)
            if version.project != found.id:
                raise ConflictError("version-of-other-project", version=version.id[:12], project=found.name)
            return version
        newest = datasets.newest(tx, found.id)
    return newest or cut(ws, found.id, CutOptions(seed=options.seed, who=who)).version


def _weights(ws: Workspace, project: str, wanted: str) -> tuple[str | None, Path | None]:
    if wanted == "none":
        return None, None
    if wanted in ("best", "last"):
        with ws.db.read() as tx:
            found = runs.best_checkpoint(tx, project) if wanted == "best" else runs.last_checkpoint(tx, project)
        if found is None:
            raise NotFoundError("weights-no-checkpoint", wanted=wanted, project=project)
        return found.blob, None
    path = Path(wanted)
    if not path.is_file():
        raise InputError("weights-file-missing", path=wanted)
    return picture.sha256(path), path


def _node(ws: Workspace, wanted: str | None) -> Node | None:
    living = living_nodes(ws)
    if wanted is None:
        return next((n for n in living if "train" in n.queues and not n.draining), None)
    with ws.db.read() as tx:
        return nodes.find(tx, wanted)


def _picture_bytes(tx: Connection, version: DatasetVersion) -> int:
    found = images.find_many(tx, [m.image_id for m in version.members])
    return sum(image.file.size for image in found.values() if image.file)


def _hours(tx: Connection, recipe: Recipe, project: str, node: Node | None) -> float | None:
    """From the pace of an earlier run of the same network, rather one on this node; None when there was none."""
    alike = [run for run in runs.listing(tx, project) if _work(run.recipe) == _work(recipe)]
    for run in sorted(alike, key=lambda run: node is None or run.node != node.name):
        pace = _pace([e.at for e in runs.events(tx, run.id, ["iteration"])])
        if pace is not None:
            return pace * recipe.max_batches / 3600
    return None


def _work(recipe: Recipe) -> tuple[tuple[int, ...], list[str]]:
    """What decides how long one iteration takes: the GPUs and the cfg, but for when its rate changes and its end."""
    lines = ("".join(line.split()) for line in recipe.cfg.splitlines())
    return recipe.gpus, [line for line in lines if line and line.partition("=")[0] not in _SAME_WORK]


def _pace(times: Sequence[float]) -> float | None:
    """Median seconds between iteration lines, without the slow first ones."""
    gaps = sorted(b - a for a, b in pairwise(times[10:]))
    return gaps[len(gaps) // 2] if len(gaps) >= 20 else None
