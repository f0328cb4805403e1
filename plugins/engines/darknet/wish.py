"""From what a person asks of a training to the complete recipe, and what that will leave behind."""

from __future__ import annotations

from bridge.errors import InputError, NotFoundError
from bridge.model.training import Recipe
from bridge.plugin import EngineInfo, Outlook, RecipeWish
from plugins.engines.darknet import recipe as recipes
from plugins.engines.darknet.cfg import read
from plugins.engines.darknet.dialect import PJREDDIE
from plugins.engines.darknet.network import walk
from plugins.engines.darknet.templates import TEMPLATES
from plugins.engines.darknet.weights import save_every

# darknet's header before the floats: major, minor, revision, and 64 bits of pictures seen.
_HEADER = 20


def template(info: EngineInfo | None) -> str:
    """yolov4-tiny; pjreddie's darknet cannot split layers into groups, so there the older network."""
    return "yolov3-tiny" if info is not None and info.fork == "pjreddie" else "yolov4-tiny"


def anchors_wanted(wish: RecipeWish) -> tuple[int, tuple[int, int]]:
    """How many anchors the network takes and its size; 0 when a given cfg is used as it is."""
    if wish.cfg is None:
        template = TEMPLATES.get(wish.template)
        if template is None:
            raise NotFoundError("recipe-template", template=wish.template, known=", ".join(TEMPLATES))
        return len(template.anchors), wish.network or (template.width, template.height)
    cfg = read(wish.cfg)
    size = (cfg.net.integer("width", 416), cfg.net.integer("height", 416))
    heads = cfg.heads()
    count = len(cfg.layers[heads[0]].numbers("anchors")) // 2 if wish.adapt and heads else 0
    return count, wish.network or size


def draft(wish: RecipeWish) -> Recipe:
    """The complete recipe of a wish; raises InputError, NotFoundError recipe-template."""
    text = _cfg(wish)
    net = read(text).net
    return Recipe(
        "darknet",
        text,
        net.integer("width"),
        net.integer("height"),
        net.integer("batch", 1),
        net.integer("subdivisions", 1),
        net.integer("max_batches"),
        wish.classes,
        wish.gpus,
        wish.weights,
        clear=True,
    )


def _cfg(wish: RecipeWish) -> str:
    if wish.cfg is not None and not wish.adapt:
        # As it is, but for numbers that the person asked for by name.
        return recipes.edit(wish.cfg, wish.network, wish.batch, wish.subdivisions, wish.max_batches)
    _, size = anchors_wanted(wish)
    pairs = wish.anchors.scaled(*size).pairs if wish.anchors else None
    schedule = {
        "batch": wish.batch,
        "subdivisions": wish.subdivisions,
        "max_batches": wish.max_batches,
        "pictures": wish.pictures,
    }
    given = {key: value for key, value in schedule.items() if value is not None}
    if wish.cfg is not None:
        return recipes.adapt(wish.cfg, len(wish.classes), pairs, wish.network, **given)
    return recipes.generate(wish.template, len(wish.classes), pairs, wish.network, **given)


def outlook(recipe: Recipe, info: EngineInfo | None) -> Outlook:
    """Bytes of a weights file and how many the fork keeps; a network we cannot follow counts as 250 MB."""
    try:
        size = _HEADER + 4 * walk(read(recipe.cfg)).floats
    except InputError:
        size = 250_000_000
    return Outlook(size, checkpoints(info, recipe.max_batches))


def checkpoints(info: EngineInfo | None, max_batches: int) -> int:
    """Numbered files, and the last, best and final ones beside them.

    pjreddie's saves every 100 iterations below 1000, then every 10000; AlexeyAB's of 2018 every 100; the newer ones
    as often as the data file asks (those of 2020 to 2023 pass over that, and save more seldom).
    """
    if info is not None and info.fork == PJREDDIE:
        return min(max_batches, 999) // 100 + max_batches // 10_000 + 2
    every = 100 if info is not None and info.version == "2018-2019" else save_every(max_batches)
    return max_batches // every + 3
