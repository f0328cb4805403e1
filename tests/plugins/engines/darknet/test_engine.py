"""darknet is found by name and keeps the contract."""

from __future__ import annotations

from pathlib import Path

from bridge.plugin import AnchorFitter, Engine, LogParser
from bridge.registry import Registry
from plugins.anchors.median import MedianFitter
from plugins.engines.darknet.engine import Darknet


def test_the_contract() -> None:
    engine: Engine = Darknet()
    fitter: AnchorFitter = MedianFitter()
    parser: LogParser = engine.parser()
    assert (engine.name, fitter.name, parser.end()) == ("darknet", "median", [])
    assert parser is not engine.parser(), "each run has a reader of its own"


def test_they_are_built_in() -> None:
    registry = Registry()
    assert isinstance(registry.find("engine", "darknet"), Darknet)
    assert isinstance(registry.find("anchors", "median"), MedianFitter)


def test_a_log_is_explained_by_name(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("CUDA Error: out of memory\n")
    assert Registry().engine("darknet").explain(log)["failure"]["class"] == "out-of-memory"
