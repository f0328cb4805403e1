"""How a model's boxes fared with the people who judged them: by checkpoint and class, over a whole project.

A picture counts once a person has judged all that he was shown on it: he looked at it, his labels hold now, and no
box of the model is left there that is neither taken nor removed. It counts to the checkpoint that made what he began
with: the one whose ids his regions carry, else the last one that was shown before his labels came. What is counted is
what holds now, so that an undo or a correction changes the numbers; each picture is counted anew only when something
about it has changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from bridge.loop.claims import accepted
from bridge.loop.judging import counts, judge, named
from bridge.model.annotation import Revision
from bridge.model.prediction import Counts, Fared
from bridge.model.project import Project
from bridge.store import offers, projects, revisions, standing
from bridge.store.offers import Judgement, Offer
from bridge.workspace import Workspace

# Counting holds the store, and a webhook must be answered meanwhile.
_SLICE = 200


def tally(ws: Workspace, project: str) -> list[Fared]:
    """How each checkpoint that was judged fared, most pictures first; brings the counts up to date."""
    with ws.db.read() as tx:
        found = projects.find(tx, project)
    refresh(ws, found)
    with ws.db.read() as tx:
        return fared(tx, projects.find(tx, found.id))


def fared(tx: Connection, project: Project) -> list[Fared]:
    """The counts as they were brought up to date last."""
    sums, pictures = offers.sums(tx, project.id), offers.pictures(tx, project.id)
    classes = {label.id: label.name for label in project.classes}
    return [
        Fared(
            checkpoint,
            n,
            sum(sums.get(checkpoint, {}).values(), Counts()),
            {name: of_label for i, name in classes.items() if (of_label := sums.get(checkpoint, {}).get(i))},
        )
        for checkpoint, n in sorted(pictures.items(), key=lambda one: (-one[1], one[0]))
    ]


def refresh(ws: Workspace, project: Project) -> int:
    """Judge the pictures on which something has changed; gives how many."""
    with ws.db.read() as tx:
        stale = offers.stale(tx, project.id)
    for start in range(0, len(stale), _SLICE):
        with ws.db.write() as tx:
            offers.keep(tx, judgements(tx, project, stale[start : start + _SLICE]))
    return len(stale)


def judgements(tx: Connection, project: Project, ids: Sequence[int]) -> list[Judgement]:
    """What the present labels of these pictures make of the boxes that were shown on them."""
    shown = offers.of_images(tx, ids, project.labels)
    heads = revisions.head_hashes(tx, ids)
    stored = revisions.find_many(tx, [r for of_image in heads.values() for r, _ in of_image], project.labels)
    waiting: dict[int, set[str | None]] = {}
    for one in standing.of_project(tx, project.id, ids):
        waiting.setdefault(one.image_id, set()).update(accepted(region).region_id for region in one.regions)
    numbers = {label.name: label.id for label in project.classes}
    return [
        _judgement(i, [stored[r] for r, _ in heads.get(i, ())], shown.get(i, ()), waiting.get(i, set()), numbers)
        for i in ids
    ]


def _judgement(
    image_id: int,
    heads: Sequence[Revision],
    shown: Sequence[Offer],
    waiting: set[str | None],
    numbers: Mapping[str, int],
) -> Judgement:
    present = max((head.id for head in heads), default=0)
    if len(heads) != 1 or waiting - {region.region_id for region in heads[0].regions}:
        return Judgement(image_id, present)
    began = _began_with(heads[0], shown)
    if began is None:
        return Judgement(image_id, present)
    verdicts = counts(judge(began.checkpoint_id, began.regions, heads[0].regions))
    return Judgement(
        image_id,
        present,
        began.checkpoint_id,
        {numbers[label]: n for label, n in verdicts.items() if label in numbers},
    )


def _began_with(head: Revision, shown: Sequence[Offer]) -> Offer | None:
    """The offer whose boxes a person began with; None where all were made after his labels."""
    carried = [(len(named(offer.checkpoint_id, offer.regions, head.regions)), offer) for offer in shown]
    possible = [(n, offer) for n, offer in carried if n or offer.at < head.at]
    return max(possible, key=lambda one: (one[0], one[1].at))[1] if possible else None
