"""What is there on this machine, what is missing, and what to do about it."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from bridge.errors import BridgeError
from bridge.settings import Settings

_ROOM = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """One part: whether it is fine, whether `labelbridge up` needs it, and a few words."""

    part: str
    fine: bool
    needed: bool
    detail: str


def examine(settings: Settings) -> list[Part]:
    """Look at every part; never raises."""
    looks: list[Callable[[Settings], Part]] = [
        _python,
        _store,
        _broker,
        _darknet,
        _gpus,
        _disk,
        _label_studio,
        _browser,
    ]
    return [look(settings) for look in looks]


def _python(_: Settings) -> Part:
    return Part("python", True, True, f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _store(settings: Settings) -> Part:
    from bridge.store import migrations
    from bridge.workspace import open_workspace

    try:
        ws = open_workspace(settings)
        found = f"{ws.db.engine.dialect.name}, step {migrations.present(ws.db)}"
        ws.close()
    except BridgeError as error:
        return Part("store", error.rule == "data-missing", True, _sentence(error, settings))
    return Part("store", True, True, found)


def _broker(settings: Settings) -> Part:
    if settings.redis_url:
        return Part("broker", True, True, "LABELBRIDGE_REDIS_URL")
    from bridge.embedded import broker

    try:
        return Part("broker", True, True, str(broker.binary()))
    except BridgeError as error:
        return Part("broker", False, True, _sentence(error, settings))


def _darknet(settings: Settings) -> Part:
    from bridge.registry import Registry
    from workers.node import run_briefly

    found = shutil.which(settings.darknet or "darknet")
    if found is None:
        return Part("darknet", False, False, "apt-get install darknet, or LABELBRIDGE_DARKNET=/path/to/darknet")
    engine = Registry().engine("darknet")
    try:
        info = engine.recognise(found, [run_briefly(command) for command in engine.probes(found)])
    except BridgeError as error:
        return Part("darknet", False, False, _sentence(error, settings))
    return Part("darknet", True, False, f"{found}: {info.fork} {info.version} ({', '.join(sorted(info.capabilities))})")


def _gpus(_: Settings) -> Part:
    from workers import gpus

    found = gpus.probe().sample()
    return Part(
        "gpus", bool(found), False, ", ".join(g.name for g in found) or "no NVIDIA driver: training runs on the CPU"
    )


def _disk(settings: Settings) -> Part:
    folder = settings.data if settings.data.exists() else settings.data.absolute().parent
    free = shutil.disk_usage(folder).free
    return Part("disk", free > _ROOM, True, f"{free / 1e9:.1f} GB free at {folder}")


def _label_studio(_: Settings) -> Part:
    from bridge import label_studio

    found = label_studio.installed(label_studio.cache_folder())
    return Part("label-studio", found is not None, False, str(found or "installed on first `demo --label-studio`"))


def _browser(_: Settings) -> Part:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    return Part("browser", found is not None, False, found or "only the tests need one (apt-get install chromium)")


def _sentence(error: BridgeError, settings: Settings) -> str:
    from bridge import texts

    return texts.render("errors", error.rule, error.fields, texts.language_of(settings.lang))
