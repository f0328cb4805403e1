"""How many acts a person needs who corrects a model's boxes, beside one who draws all of them.

The model is trained on the sample here and now, with a real darknet, as the demo does. It looks at 50 pictures that it
has never seen; its boxes are pushed into a VoTT 2 project, and a scripted annotator edits that project's files as VoTT
would (bench/hands.py says what each act costs). He knows the true boxes, and wants each of them marked under the right
label and overlapping by at least GOOD (shared area by joint area); what is so already he leaves alone. What he leaves
is accepted at the end, and the store must then hold exactly what he wanted. The same pictures drawn from nothing are
what it is compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bench.hands import COSTS, Hand2, Record, box_of
from bench.measure import Row, labelbridge
from bridge.cli.console import Console
from bridge.cli.demo_steps import PROJECT, TRAIN, VALID, Demo
from bridge.loop.tally import tally
from bridge.model.annotation import Box, Document, Region
from bridge.model.dataset import Dataset
from bridge.model.prediction import Fared
from bridge.plugin import WriteOptions
from bridge.registry import Registry
from bridge.sample import LABELS, draw_sample
from bridge.settings import Settings
from bridge.store import projects, revisions
from bridge.workspace import Workspace

PICTURES = 50
# Twice the pixels of the demo's network and almost three times its iterations: a quarter of an hour on an idle core.
NETWORK, ITERATIONS = (192, 144), 2400
# A box that overlaps the true one by so much is left as it is.
GOOD = 0.7
# Less than this is no answer to a true box: it is deleted, and the true one drawn.
_ANSWER = 0.4
# A side further off than this part of the box has to be dragged.
_OFF = 0.08
# Opening the page and pressing "accept", once for all pictures.
_ACCEPTING = 2

Kind = Literal["draw", "delete", "drag", "drag-twice", "retag"]


@dataclass(frozen=True, slots=True)
class Act:
    """One act: on the region of that id, or (drawing) for that true box."""

    kind: Kind
    region_id: str = ""
    truth: Region | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the annotator wanted, the acts that correcting and drawing took, and what became of the model's boxes.

    others are the acts of correcting by other measures of good enough, map is the model's on pictures held out.
    """

    truth: tuple[Document, ...]
    correcting: int
    drawing: int
    others: dict[float, int]
    fared: Fared
    map: float

    @property
    def boxes(self) -> int:
        """How many boxes there are to mark."""
        return sum(len(document.regions or ()) for document in self.truth)


def measure(folder: Path, quick: bool) -> list[Row]:
    """Both numbers, with how good the model is and what was done with its boxes."""
    found = experiment(folder, (128, 96) if quick else NETWORK, 60 if quick else ITERATIONS)
    what = f"acts of an annotator: {len(found.truth)} pictures, {found.boxes} boxes"
    ours, peer = f"{found.correcting} correcting (mAP {100 * found.map:.0f} %)", f"{found.drawing} drawing all"
    met = None if quick else found.correcting <= found.drawing / 2
    rows = [Row(what, ours, peer, f"{found.correcting / found.drawing:.2f}×", "≤ 0.50×", met)]
    for good, acts in found.others.items():
        told = f"… if an overlap of {good} is good enough"
        rows.append(Row(told, str(acts), str(found.drawing), f"{acts / found.drawing:.2f}×", "-"))
    n = found.fared.total
    done = f"kept {n.kept}, moved {n.moved}, relabelled {n.relabelled}, deleted {n.deleted}"
    return [*rows, Row("… what became of the model's boxes", done, f"added {n.added}", "", "-")]


def experiment(folder: Path, network: tuple[int, int], iterations: int) -> Outcome:
    """Train, let the model draw, correct what it drew and accept the rest; raises RuntimeError if labels are wrong."""
    folder.mkdir(parents=True)
    settings = Settings(data=folder / "data", port=0, listen="127.0.0.1")
    demo = Demo(Console(True, "en"), settings, folder, 3600, iterations, network)
    drawn = draw_sample(folder / "pictures", TRAIN, VALID + PICTURES)
    known, truth = drawn[: TRAIN + VALID], drawn[TRAIN + VALID :]
    demo.write_vott([*known, *(replace(d, regions=None, held_out=None) for d in truth)])
    with demo.started() as running:
        demo.take_labels(running.ws)
        demo.check(running.ws)
        demo.cut(running.ws, known)
        demo.train(running.ws)
        demo.report(running.ws)
        demo.predict(running.ws)
        demo.settle(running.ws)
        hand, others = _correct(Hand2(folder=folder / "vott"), truth)
        labelbridge("accept", PROJECT, "--visited", "--yes", data=settings.data)
        _require(running.ws, truth)
        [fared] = tally(running.ws, PROJECT)
    drawing = _draw_all(Hand2(folder=folder / "empty"), truth)
    return Outcome(tuple(truth), hand.actions + _ACCEPTING, drawing.actions, others, fared, float(demo.told["map"]))


# ---------------------------------------------------------------- what the annotator does


def plan(shown: Sequence[Record], truth: Sequence[Region], good: float = GOOD) -> list[Act]:
    """What it takes until every true box is marked well enough and nothing else is."""
    boxes = [box_of(region) for region in shown]
    pairs = sorted(
        ((_overlap(box, t.box), i, j) for i, box in enumerate(boxes) for j, t in enumerate(truth) if t.box),
        reverse=True,
    )
    answers: dict[int, int] = {}
    for how, i, j in pairs:
        if how >= _ANSWER and i not in answers and j not in answers.values():
            answers[i] = j
    acts = [act for i, j in answers.items() for act in _mending(shown[i], boxes[i], truth[j], good)]
    acts += [Act("delete", str(region["id"])) for i, region in enumerate(shown) if i not in answers]
    return acts + [Act("draw", truth=t) for j, t in enumerate(truth) if j not in answers.values()]


def _mending(region: Record, box: Box, truth: Region, good: float) -> list[Act]:
    """What is wrong with one box: its place, its label, or both (then it is drawn anew)."""
    own, want = str(region["id"]), truth.box
    assert want is not None
    placed, named = _overlap(box, want) >= good, tuple(region["tags"]) == truth.labels
    if placed:
        return [] if named else [Act("retag", own, truth)]
    if not named:
        return [Act("delete", own), Act("draw", truth=truth)]
    first = abs(box.left - want.left) > _OFF * want.width or abs(box.top - want.top) > _OFF * want.height
    second = abs(box.right - want.right) > _OFF * want.width or abs(box.bottom - want.bottom) > _OFF * want.height
    return [Act("drag-twice" if first and second else "drag", own, truth)]


def _overlap(a: Box, b: Box | None) -> float:
    if b is None:
        return 0.0
    width, height = min(a.right, b.right) - max(a.left, b.left), min(a.bottom, b.bottom) - max(a.top, b.top)
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (a.width * a.height + b.width * b.height - shared)


def perform(hand: Hand2, name: str, act: Act) -> None:
    """Let a hand do one act."""
    if act.kind == "delete":
        hand.delete(name, act.region_id)
        return
    assert act.truth is not None
    assert act.truth.box is not None
    if act.kind == "draw":
        hand.draw(name, act.truth.box, act.truth.labels[0])
    elif act.kind == "retag":
        hand.retag(name, act.region_id, act.truth.labels[0])
    else:
        hand.move(name, act.region_id, act.truth.box, act.kind == "drag-twice")


def _correct(hand: Hand2, truth: Sequence[Document]) -> tuple[Hand2, dict[float, int]]:
    """Go through the pictures; also what it would have cost by other measures of good enough."""
    others = dict.fromkeys((0.5, 0.8), _ACCEPTING)
    for document in truth:
        name, regions = document.image.name, document.regions or ()
        shown = hand.look(name)
        for good in others:
            others[good] += COSTS["next"] + sum(COSTS[act.kind] for act in plan(shown, regions, good))
        for act in plan(shown, regions):
            perform(hand, name, act)
    return hand, others


def _draw_all(hand: Hand2, truth: Sequence[Document]) -> Hand2:
    """The same pictures in a project of their own, without a model."""
    bare = [Document(document.image) for document in truth]
    Registry().format("vott-v2").write(Dataset("empty", tuple(LABELS), bare), hand.folder, WriteOptions("none"))
    for document in truth:
        hand.look(document.image.name)
        for region in document.regions or ():
            perform(hand, document.image.name, Act("draw", truth=region))
    return hand


# ---------------------------------------------------------------- what came of it


def _require(ws: Workspace, truth: Sequence[Document]) -> None:
    """The store holds what the annotator wanted; raises RuntimeError for a picture of which it does not."""
    with ws.db.read() as tx:
        found = projects.find(tx, PROJECT)
        present = {c.document.image.name: c.document for c in revisions.current(tx, found.id, found.labels)}
    for document in truth:
        regions = present[document.image.name].regions
        shown = [{**_record(r), "id": r.region_id} for r in regions or () if r.box is not None]
        if regions is None or plan(shown, document.regions or ()):
            raise RuntimeError(f"{document.image.name} is not labelled as the annotator wanted")


def _record(region: Region) -> Record:
    box = region.box
    assert box is not None
    sides = {"left": box.left, "top": box.top, "width": box.width, "height": box.height}
    return {"boundingBox": sides, "tags": list(region.labels)}
