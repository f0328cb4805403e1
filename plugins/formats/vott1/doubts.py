"""Names that may have been given to the wrong pictures.

From 1.6.0 on VoTT turns the positions of an older project into names when it opens it, by the folder as it is then:
a picture that was added or removed in between shifts all labels by one, without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.model.finding import Severity
from plugins.formats.pictures import PictureFolder
from plugins.formats.vott1.fingerprint import Fit, Stages, noted
from plugins.formats.vott1.project import last_part

_SEVERITY = {Fit.MISFIT: Severity.ERROR, Fit.UNCLEAR: Severity.WARNING}


def doubts(frames: Mapping[str, Any], pictures: PictureFolder) -> dict[str, Severity]:
    """The pictures that have not the shape on which their labels were drawn; only canvas sizes can tell."""
    sizes = {last_part(key): noted(frame) for key, frame in frames.items()}
    drawn = {name: found for name, found in sizes.items() if any(not size.exact for size in found)}
    stages = Stages(size for found in drawn.values() for size in found)
    fits = {name: stages.fit(found, pictures.image(name)[0]) for name, found in drawn.items()}
    return {name: _SEVERITY[fit.worst] for name, fit in fits.items() if fit is not None and fit.worst in _SEVERITY}
