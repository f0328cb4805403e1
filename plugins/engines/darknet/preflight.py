"""What would stop or spoil a training, found before it starts: in recipe, GPUs and classes, and by the cfg's rules."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.errors import InputError
from bridge.model.finding import Finding, Severity
from bridge.model.training import Recipe
from bridge.plugin import EngineInfo
from plugins.engines.darknet import cfg_rules
from plugins.engines.darknet.cfg import Section, read
from plugins.engines.darknet.cfg_rules import Check
from plugins.engines.darknet.dialect import HANK_AI
from plugins.engines.darknet.recipe import schedule

# darknet's tables of streams and handles have this many places.
_GPU_LIMIT = 16
_GPU_ADVISED = 4


def preflight(recipe: Recipe, info: EngineInfo | None, pictures: int) -> list[Finding]:
    """Every rule that this recipe breaks on this fork (the strictest fork when it is not known yet)."""
    found = [*_pictures(recipe, pictures), *_names(recipe), *_gpus(recipe, info)]
    try:
        cfg = read(recipe.cfg)
        net = cfg.net
    except InputError as error:
        return [*found, Finding(error.rule, Severity.ERROR, fields=error.fields)]
    check = Check(cfg, recipe, info)
    return [*found, *_recipe(net, recipe, pictures), *(f for rule in cfg_rules.RULES for f in rule(check))]


def _finding(rule: str, severity: Severity, **fields: object) -> Finding:
    return Finding(rule, severity, fields=dict(fields))


def _pictures(recipe: Recipe, pictures: int) -> Iterator[Finding]:
    if pictures < 1:
        yield _finding("no-train-pictures", Severity.ERROR)
    elif pictures < recipe.batch:
        yield _finding("few-train-pictures", Severity.INFO, pictures=pictures, batch=recipe.batch)


def _names(recipe: Recipe) -> Iterator[Finding]:
    if not recipe.classes:
        yield _finding("names-none", Severity.ERROR)
    for name in recipe.classes:
        if not name.strip() or "\n" in name or "\r" in name:
            yield _finding("names-blank", Severity.ERROR, name=name)
    for name in sorted({n for n in recipe.classes if recipe.classes.count(n) > 1}):
        yield _finding("names-twice", Severity.WARNING, name=name)


def _recipe(net: Section, recipe: Recipe, pictures: int) -> Iterator[Finding]:
    """The recipe's numbers are what progress is measured with, so the cfg must say the same."""
    wanted = {
        "width": recipe.width,
        "height": recipe.height,
        "batch": recipe.batch,
        "subdivisions": recipe.subdivisions,
        "max_batches": recipe.max_batches,
    }
    for key, value in wanted.items():
        found = net.integer(key, 1 if key in ("batch", "subdivisions") else 0)
        if found != value:
            yield _finding("cfg-recipe", Severity.ERROR, key=key, found=found, wanted=value)
    advised = schedule(len(recipe.classes), pictures)
    if recipe.max_batches < advised:
        yield _finding("cfg-max-batches", Severity.INFO, max_batches=recipe.max_batches, advised=advised)


def _gpus(recipe: Recipe, info: EngineInfo | None) -> Iterator[Finding]:
    gpus = recipe.gpus
    if len(set(gpus)) < len(gpus):
        yield _finding("gpus-twice", Severity.ERROR, gpus=_listed(gpus))
    if any(not 0 <= gpu < _GPU_LIMIT for gpu in gpus):
        yield _finding("gpus-index", Severity.ERROR, gpus=_listed(gpus), limit=_GPU_LIMIT)
    if len(gpus) > _GPU_ADVISED:
        yield _finding("gpus-many", Severity.WARNING, count=len(gpus), advised=_GPU_ADVISED)
    if info is None or not gpus:
        return
    if "gpu" not in info.capabilities:
        # A CPU build takes -gpus and then trains wrongly: the rate is multiplied, the steps are not.
        yield _finding("gpus-without-gpu", Severity.ERROR, gpus=_listed(gpus), binary=info.binary)
        return
    missing = [gpu for gpu in gpus if gpu >= info.gpu_count > 0]
    if missing:
        yield _finding("gpus-missing", Severity.ERROR, gpus=_listed(missing), count=info.gpu_count)
    if len(gpus) > 1 and info.fork != HANK_AI:
        yield _finding("gpus-learning-rate", Severity.INFO, count=len(gpus))


def _listed(gpus: tuple[int, ...] | list[int]) -> str:
    return ",".join(map(str, gpus))
