"""An annotator corrects a real model's boxes in VoTT: what he wanted is in the store, and what he did is counted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.annotator import experiment
from tests.parts import absent

pytestmark = pytest.mark.story


def test_a_models_boxes_are_corrected_accepted_and_counted(tmp_path: Path) -> None:
    if shutil.which("darknet") is None:
        absent("darknet")
    found = experiment(tmp_path / "work", (128, 96), 300)
    done = found.fared.total
    # Given a model that draws something, and an annotator who puts all of it right (experiment looks that he did) …
    assert done.offered > 0
    assert found.fared.pictures == len(found.truth)
    # … every box that he wanted is one that was offered and not deleted, or one that he added.
    assert done.offered - done.deleted + done.added == found.boxes
    assert sum(counts.offered for counts in found.fared.labels.values()) == done.offered
    assert found.drawing == len(found.truth) + 2 * found.boxes
