"""Box sizes → anchors, and what they are worth beside the anchors that the network has; no store is needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bridge.document import decode_text, read_bytes
from bridge.errors import InputError
from bridge.loop.sizes import read_sizes
from bridge.model.anchors import Anchors, Fit, GivenAnchors, Head, Overlap, Pairs
from bridge.model.finding import Finding, Severity
from bridge.overlap import nearest
from bridge.plugin import AnchorFitter, BoxSizes, ReadOptions
from bridge.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FITTER, LONG = "median", "long"
ENGINE = "darknet"
NETWORK, COUNT = (416, 416), 9
_CFG_MEGABYTES = 10
# Points of average IoU. Two runs of darknet's own calculation on the same boxes end up to 3 points apart, and their
# median falls short of the best by more than 1.
_LITTLE, _MUCH = 1.0, 3.0
# A box is thin when one side is so many times the other; told when so many of all, or of a label's, are.
_THIN, _THIN_SHARE, _THIN_OF_LABEL, _THIN_LEAST = 5.0, 0.02, 0.25, 3
_NAMED = 3


@dataclass(frozen=True, slots=True)
class FitWish:
    """What anchors are wanted; what is None is as the given anchors have it, else 416 x 416 and nine.

    given are the network's own; without, those that most networks with as many come with. long: search for the best,
    however long it takes.
    """

    network: tuple[int, int] | None = None
    n: int | None = None
    seed: int = 0
    given: GivenAnchors | None = None
    long: bool = False


def fit_path(registry: Registry, path: Path, options: ReadOptions, wish: FitWish) -> Fit:
    """Anchors for the labels of a bare file or folder (its training part, where it says which that is)."""
    return fit_boxes(registry, read_sizes(registry, path, options), wish)


def given_by(registry: Registry, cfg: Path) -> GivenAnchors:
    """The anchors of a cfg file; raises NotFoundError file-missing, InputError file-unreadable or cfg-no-anchors."""
    found = registry.engine(ENGINE).anchors_of(decode_text(read_bytes(cfg, _CFG_MEGABYTES)), cfg.name)
    if found is None:
        raise InputError("cfg-no-anchors", path=str(cfg))
    return found


def fit_boxes(registry: Registry, boxes: BoxSizes, wish: FitWish) -> Fit:
    """Anchors for boxes; raises InputError when there are none, or fewer different ones than anchors."""
    n = wish.n or (len(wish.given.pairs) if wish.given else COUNT)
    if not len(boxes.sizes):
        raise InputError("anchors-no-boxes", wanted=n)
    given = wish.given or registry.engine(ENGINE).published_anchors(n)
    network = wish.network or ((wish.given.width, wish.given.height) if wish.given else NETWORK)
    anchors = _fitted(registry, boxes.sizes * network, n, wish, network)
    overlap, iou = _measure(boxes.sizes, anchors.pairs, network)
    anchors = replace(anchors, average_iou=overlap.average_iou)
    own = _measure(boxes.sizes, given.pairs, (given.width, given.height))[0] if given else None
    reached = (anchors.average_iou, anchors.darknet_average_iou, own.average_iou if own else 0.0)
    heads = _heads(registry, n, wish.given)
    notes = (*_advice(overlap, own, given, network), *_thin(boxes, iou, network), *_left_out(boxes, anchors))
    return Fit(anchors, overlap, given, own, max(reached), wish.long, heads, notes)


def _fitted(registry: Registry, sizes: NDArray[np.float64], n: int, wish: FitWish, network: tuple[int, int]) -> Anchors:
    """The best that the fitters find, the long one only where it is wished for."""
    names = (FITTER, LONG) if wish.long else (FITTER,)
    fitters = [cast(AnchorFitter, registry.find("anchors", name)) for name in names]
    return max((fitter.fit(sizes, n, wish.seed, network) for fitter in fitters), key=lambda found: found.average_iou)


def _measure(
    sizes: NDArray[np.float64], pairs: Pairs, network: tuple[int, int]
) -> tuple[Overlap, NDArray[np.floating[Any]]]:
    """How well anchors fit, and the best IoU of each box."""
    import numpy as np

    iou = nearest(sizes, np.array(pairs, np.float64) / network)[1]
    return Overlap(float(iou.mean()), float((iou < 0.5).mean())), iou


def _heads(registry: Registry, n: int, given: GivenAnchors | None) -> tuple[Head, ...]:
    """Masks for the heads of the network, finest grid first; of an unknown one for heads of three anchors each."""
    cells = [head.cell for head in given.heads] if given else []
    count = len(cells) or (n // 3 if n % 3 == 0 else 1)
    masks = cast(AnchorFitter, registry.find("anchors", FITTER)).masks(n, count)
    return tuple(Head(cell, mask) for cell, mask in zip(cells or [0] * count, masks, strict=True))


def _advice(
    fitted: Overlap, own: Overlap | None, given: GivenAnchors | None, network: tuple[int, int]
) -> Iterator[Finding]:
    """Whether recalculating is worth it."""
    if own is None or given is None:
        return
    gain = 100 * (fitted.average_iou - own.average_iou)
    rule = "anchors-keep" if gain < _LITTLE else "anchors-either" if gain < _MUCH else "anchors-refit"
    fields = {
        "name": given.name,
        "own": f"{100 * own.average_iou:.1f}",
        "fitted": f"{100 * fitted.average_iou:.1f}",
        "gain": f"{max(gain, 0.0):.1f}",
        "own_below": f"{100 * own.below_half:.0f}",
        "fitted_below": f"{100 * fitted.below_half:.0f}",
        "size": f"{network[0]}x{network[1]}",
    }
    yield Finding(rule, Severity.INFO, fields=fields)


def _thin(boxes: BoxSizes, iou: NDArray[np.floating[Any]], network: tuple[int, int]) -> Iterator[Finding]:
    """Long thin objects, as the network sees them: every picture is stretched to its shape."""
    import numpy as np

    ratio = boxes.sizes[:, 0] * network[0] / (boxes.sizes[:, 1] * network[1])
    thin = np.maximum(ratio, 1 / ratio) >= _THIN
    count, every = np.bincount(boxes.label[thin], minlength=len(boxes.labels)), np.bincount(boxes.label)
    mostly = (count >= _THIN_LEAST) & (count >= _THIN_OF_LABEL * every)
    if not (mostly.any() or (thin.sum() >= _THIN_LEAST and thin.mean() >= _THIN_SHARE)):
        return
    named = np.where(mostly, count, 0) if mostly.any() else count
    worst = [i for i in np.argsort(-named, kind="stable").tolist() if named[i]][:_NAMED]
    fields = {
        "count": int(thin.sum()),
        "boxes": len(thin),
        "percent": f"{100 * thin.mean():.1f}",
        "ratio": f"{_THIN:g}",
        "labels": ", ".join(f"{boxes.labels[i]} {count[i]}/{every[i]}" for i in worst),
        "iou": f"{100 * iou[thin].mean():.1f}",
        "all": f"{100 * iou.mean():.1f}",
        "size": f"{network[0]}x{network[1]}",
    }
    yield Finding("anchors-thin", Severity.WARNING, fields=fields)


def _left_out(boxes: BoxSizes, anchors: Anchors) -> Iterator[Finding]:
    """Boxes that have no size, or none inside their picture."""
    count = boxes.left_out + anchors.left_out
    if count:
        yield Finding("anchors-left-out", Severity.WARNING, fields={"count": count, "boxes": anchors.boxes})
