"""From what a person asks of a training to the complete recipe, and what that will leave behind."""

from __future__ import annotations

from bridge.errors import InputError, NotFoundError
from bridge.model.training import Recipe
from bridge.plugin import EngineInfo, Outlook, RecipeWish
from plugins.engines.darknet import recipe as recipes
from plugins.engines.darknet.cfg import read
from plugins.engines.darknet.network import walk
from plugins.engines.darknet.templates import TEMPLATES

# darknet's header before the floats: major, minor, revision, and 64 bits of pictures seen.
_HEADER = 20


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
    if not wish.adapt or not heads:
        return 0, size
    return len(cfg.layers[heads[0]].numbers("anchors")) // 2, wish.network or size


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
        return wish.cfg
    pairs = wish.anchors.pairs if wish.anchors else None
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
    return Outlook(size, checkpoints(info.fork if info else "alexeyab", recipe.max_batches))


def checkpoints(fork: str, max_batches: int) -> int:
    """Numbered files, and the last, best and final ones beside them.

    pjreddie's saves every 100 iterations below 1000, then every 10000; the others every 1000, or every 10000 from
    10000 iterations on.
    """
    if fork == "pjreddie":
        return min(max_batches, 999) // 100 + max_batches // 10_000 + 2
    return max_batches // (1000 if max_batches < 10_000 else 10_000) + 3
