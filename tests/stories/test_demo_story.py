"""The whole loop, as `make demo` shows it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import psutil
import pytest

from bridge.model.job import JobState
from bridge.plugin import ReadOptions
from bridge.registry import Registry
from bridge.settings import Settings
from bridge.store import jobs, predictions, projects, runs
from bridge.workspace import open_workspace
from tests.parts import DemoRun

pytestmark = pytest.mark.story


def test_it_ends_well_and_leaves_nothing_running(demo: DemoRun) -> None:
    assert demo.exit_code == 0, demo.told
    left = [p for p in psutil.process_iter(["cmdline"]) if str(demo.folder) in " ".join(p.info["cmdline"] or [])]
    assert left == []


def test_the_detector_is_good(demo: DemoRun) -> None:
    assert demo.told["state"] == "done"
    assert demo.told["map"] >= 0.40


def test_the_planted_mistakes_are_found(demo: DemoRun) -> None:
    planted = {(one["image"], one["rule"]) for one in demo.told["planted"]}
    found = {(one["image"], one["rule"]) for one in demo.told["findings"]}
    told = {(i, r) for i, r in planted if r not in ("undeclared-label", "unreviewed")}
    assert told <= found
    assert demo.told["fixed"] == 2


def test_every_checkpoint_is_scored_and_the_best_is_said(demo: DemoRun) -> None:
    ws = open_workspace(Settings(data=demo.folder / "data"))
    with ws.db.read() as tx:
        scores = runs.scores(tx, demo.told["run"])
        found = runs.checkpoints(tx, demo.told["run"])
        coco = runs.scores(tx, demo.told["run"], "coco")
        states = (JobState.QUEUED, JobState.RUNNING, JobState.FAILED)
        # A connected folder is looked into as long as the server runs; everything else has ended.
        open_jobs = [j for s in states for j in jobs.listing(tx, state=s) if j.kind != "pull"]
    ws.close()
    assert [c.iteration for c in found] == list(range(100, 1000, 100))
    assert set(scores) == set(coco) == {c.id for c in found}
    assert demo.told["map"] == max(s.map for s in scores.values())
    assert [(j.kind, j.failure) for j in open_jobs] == []


def test_the_report_is_one_file_that_needs_nothing_else(demo: DemoRun) -> None:
    html = Path(demo.told["report"]).read_text("utf-8")
    assert f"{100 * demo.told['map']:.1f}" in html
    assert "ハードウェア" in html
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", html)
    assert len(html) < 1_500_000 + 12 * 100_000


def test_the_models_boxes_are_in_the_vott_project_and_stay_the_models(demo: DemoRun) -> None:
    assert demo.told["pushed"] == demo.told["predicted"] == 21
    marked = [
        region["id"]
        for path in (demo.folder / "vott").glob("*-asset.json")
        for region in json.loads(path.read_text("utf-8"))["regions"]
        if region["id"].startswith(f"lb-{demo.told['checkpoint']}-")
    ]
    reading = Registry().format("vott-v2").read(demo.folder / "vott", ReadOptions())
    documents = list(reading.documents)
    predicted = [d for d in documents if d.predictions]
    assert len(marked) == sum(len(d.predictions) for d in predicted) > 10
    assert all(d.regions is None for d in predicted)


def test_a_person_who_moves_a_models_box_makes_it_his(demo: DemoRun, tmp_path: Path) -> None:
    import shutil

    from bridge.loop.intake import IntakeOptions, import_path

    folder = tmp_path / "vott"
    shutil.copytree(demo.folder / "vott", folder)
    asset = next(p for p in sorted(folder.glob("*-asset.json")) if f"lb-{demo.told['checkpoint']}-" in p.read_text())
    content = json.loads(asset.read_text("utf-8"))
    region = content["regions"][0]
    region["boundingBox"]["left"] += 5
    for point in region["points"]:
        point["x"] += 5
    asset.write_text(json.dumps(content, indent=4), "utf-8")
    ws = open_workspace(Settings(data=tmp_path / "data"), create=True)
    import_path(ws, "p", folder, IntakeOptions("vott-v2"))
    with ws.db.read() as tx:
        found = projects.find(tx, "p")
        from bridge.store import revisions

        present = {c.document.image.name: c.document for c in revisions.current(tx, found.id, found.labels)}
    ws.close()
    touched = present[content["asset"]["name"]]
    assert touched.regions is not None
    assert [r.author for r in touched.regions] == [None]
    others = [d for name, d in present.items() if name != content["asset"]["name"] and d.state.value == "unknown"]
    assert len(others) == 20


def test_the_ml_backend_answers_from_the_same_predictions(demo: DemoRun) -> None:
    ws = open_workspace(Settings(data=demo.folder / "data"))
    with ws.db.read() as tx:
        project = next(p for p in projects.listing(tx))
        counted = predictions.counts(tx, project.id)
        published = projects.published(tx, project.id)
    ws.close()
    assert published == demo.told["checkpoint"]
    assert counted == {demo.told["checkpoint"]: 21}
