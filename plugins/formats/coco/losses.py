"""What a COCO file cannot hold of a dataset: what was painted or broken elsewhere, for nothing of ours says how."""

from __future__ import annotations

from bridge.model.dataset import Dataset
from bridge.model.finding import Finding
from plugins.formats.coco.shape import EXTRA, again_of
from plugins.formats.loss import finding, is_plain, region_loss

_RULES = {"brush": "brush", "damaged": "bad-number"}


def losses(dataset: Dataset) -> list[Finding]:
    """Paintings and broken numbers of other tools; what else COCO has no word for stands beside it, as labelbridge."""
    found: list[Finding] = []
    for document in dataset.documents:
        for index, region in enumerate(document.regions or ()):
            rule = _RULES.get(region.kind)
            if rule and EXTRA not in region.extra:  # That it is there comes back; the tool's own record of it does not.
                found.append(finding(rule, document.image.name, index, region, case="record"))
            elif not is_plain(region):
                found += region_loss(document.image.name, index, region, again_of(region))
    return found
