"""darknet as an engine: what to run and how to read it, for pjreddie's, AlexeyAB's and hank-ai's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridge.model.anchors import GivenAnchors
from bridge.model.finding import Finding
from bridge.model.training import Failure, Recipe, RunEvent
from bridge.plugin import Command, EngineInfo, LogParser, Outlook, Output, RecipeWish, RunFiles, SavedWeights
from plugins.engines.darknet import anchors, command, explain, failures, files, preflight, probe, weights
from plugins.engines.darknet import wish as wishes
from plugins.engines.darknet.log import DarknetLog
from plugins.engines.darknet.templates import TEMPLATES


class Darknet:
    """The Engine of darknet; besides the contract it checks weights to start from."""

    name = "darknet"
    templates = tuple(TEMPLATES)

    def probes(self, binary: str) -> tuple[Command, ...]:
        """Three calls that change nothing."""
        return probe.probes(binary)

    def recognise(self, binary: str, outputs: Sequence[Output]) -> EngineInfo:
        """Fork, age and capabilities; raises MissingPartError."""
        return probe.recognise(binary, outputs)

    def template(self, info: EngineInfo | None) -> str:
        """A small network that trains on one GPU."""
        return wishes.template(info)

    def anchors_wanted(self, wish: RecipeWish) -> tuple[int, tuple[int, int]]:
        """How many anchors the network of a wish takes, and its size."""
        return wishes.anchors_wanted(wish)

    def anchors_of(self, cfg: str, name: str) -> GivenAnchors | None:
        """The anchors of a cfg's heads, in pixels of its size."""
        return anchors.anchors_of(cfg, name)

    def published_anchors(self, n: int) -> GivenAnchors | None:
        """Those of yolov3 and the tiny networks, fitted to COCO."""
        return anchors.published(n)

    def draft(self, wish: RecipeWish) -> Recipe:
        """The complete recipe of a wish; raises InputError."""
        return wishes.draft(wish)

    def outlook(self, recipe: Recipe, info: EngineInfo | None) -> Outlook:
        """What a recipe will leave behind."""
        return wishes.outlook(recipe, info)

    def preflight(self, recipe: Recipe, info: EngineInfo | None, pictures: int) -> list[Finding]:
        """Every rule that the recipe breaks on this fork."""
        return preflight.preflight(recipe, info, pictures)

    def prepare(self, folder: Path, recipe: Recipe, train: Sequence[Path], valid: Sequence[Path]) -> RunFiles:
        """Write the files of a training into a fresh folder; raises InputError."""
        return files.prepare(folder, recipe, train, valid)

    def command(self, files: RunFiles, recipe: Recipe, info: EngineInfo, resume: bool) -> Command:
        """The command that trains, to be started in files.folder."""
        return command.train(files, recipe, info, resume)

    def parser(self) -> LogParser:
        """A fresh reader of darknet's output."""
        return DarknetLog()

    def saved(self, files: RunFiles, recipe: Recipe) -> list[SavedWeights]:
        """The weights in the backup folder, oldest first."""
        return weights.saved(files, recipe)

    def classify(self, events: Sequence[RunEvent], output: Output, max_batches: int) -> Failure | None:
        """Why it ended, or None if it trained to the end."""
        return failures.classify(events, output, max_batches)

    def check_weights(self, path: Path, recipe: Recipe, info: EngineInfo | None) -> list[Finding]:
        """What is wrong with weights to start this recipe from."""
        return weights.check_weights(path, recipe, info)

    def iteration_of(self, path: Path, recipe: Recipe) -> int:
        """How far weights were trained, in iterations of this recipe's batch."""
        return weights.iteration_of(path, recipe.batch, recipe.subdivisions)

    def explain(self, log: Path, language: str = "en") -> dict[str, Any]:
        """What happened in a run, from its saved output."""
        return explain.explain(log, language)
